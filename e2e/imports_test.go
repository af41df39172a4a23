package e2e_test

import (
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/hero-academy/statefulset-conformance/"

// layers lists the packages from the lowest layer up, without e2e/internal/ before them: a package imports only packages of lower layers.
func layers() [][]string {
	return [][]string{
		{
			"contract", "rbac", "sanitize", "reportdir", "redact", "version", "imagelayer", "fixtures", "e2e/deploy", "framework/dns/nslookup", "linear",
			"podexec", "provision/container", "provision/host", "provision/ready", "provision/engine/ociruntime", "provision/nodeimage/pause",
			"provision/nodeimage/nodevolumes", "provision/nodeimage/noderuntime", "provision/nodeimage/podnet", "selftest/faults/planted",
		},
		{"history", "apiclient", "apiclient/apitest", "runconfig", "cli", "diagnose", "export", "provision/engine", "provision/nodefault", "provision/simulated", "framework/dns/egress"},
		{"judge", "figures", "auditlog", "explore", "history/recorder", "history/historytest", "framework/cleanup", "diagnose/capture", "diagnose/folder", "images"},
		{"verdict", "recording", "framework", "judge/simulator", "provision/nodeimage", "preflight", "packaging", "selftest/apiproxy"},
		{"report", "framework/statefulset", "framework/nodes", "framework/load", "provision/cluster", "selftest/faults", "selftest/disturbances", "selftest/matrix"},
		{"runner", "nightly", "comparison", "framework/dns", "framework/etcd", "framework/postgres"},
		{"framework/explorer"},
		{"e2e/specs"},
		{"e2e/cmd/conformance", "e2e/cmd/confdev"},
	}
}

// TestImportsPointDown keeps the arrows between packages one way.
func TestImportsPointDown(t *testing.T) {
	layer := map[string]int{}
	for i, names := range layers() {
		for _, name := range names {
			layer[name] = i
		}
	}
	for name, imports := range imported(t, "-f", "{{.ImportPath}} {{join .Imports \" \"}}") {
		if name == "e2e" || strings.HasPrefix(name, "hack") {
			continue
		}
		own, ok := layer[name]
		if !ok {
			t.Errorf("%s is in no layer: add it to the list above", name)
		}
		for _, path := range imports {
			used, ours := strings.CutPrefix(path, module)
			used = strings.TrimPrefix(used, "e2e/internal/")
			switch at, known := layer[used]; {
			case !ours:
			case strings.HasPrefix(used, "hack"):
				t.Errorf("%s imports %s: hack is for the project's own scripts", name, used)
			case known && at >= own:
				t.Errorf("%s imports %s, which is not of a lower layer", name, used)
			}
		}
	}
}

// TestJudgesReachNoCluster holds what judges, and what is judged, apart from clients and test frameworks, however indirectly.
func TestJudgesReachNoCluster(t *testing.T) {
	for _, judging := range []string{"contract", "history", "judge", "verdict"} {
		for name := range imported(t, "-deps", "-f", "{{.ImportPath}}", "./internal/"+judging) {
			for _, banned := range []string{"k8s.io/client-go/kubernetes", "k8s.io/client-go/rest", "github.com/onsi/", "sigs.k8s.io/e2e-framework"} {
				if strings.HasPrefix(name, banned) {
					t.Errorf("%s depends on %s", judging, name)
				}
			}
		}
	}
}

// imported runs go list and returns the first word of each line, without the project's prefixes, with the others.
func imported(t *testing.T, args ...string) map[string][]string {
	t.Helper()
	if args[0] != "-deps" {
		args = append(args, "../...")
	}
	out, err := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		all[strings.TrimPrefix(strings.TrimPrefix(words[0], module), "e2e/internal/")] = words[1:]
	}
	return all
}
