package hack

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// makeWithStub runs make on a copy of the Makefile whose commands print their arguments and environment, and returns what they printed.
func makeWithStub(t *testing.T, env []string, args ...string) (printed []string, dir string) {
	t.Helper()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not installed")
	}
	dir = t.TempDir()
	text, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	// go, which builds the commands in truth, writes a script in their place.
	const stub = "#!/bin/sh\nprintf '%s\\n' \"$@\"\nenv\n"
	const builder = "#!/bin/sh\nwhile [ $# -gt 0 ]; do [ \"$1\" != -o ] || { mkdir -p .bin; cp stub \"$2\"; }; shift; done\n"
	for name, content := range map[string]string{"Makefile": string(text), "stub": stub, "bin/go": builder, "go.mod": "go 1.26.0\n"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "make", append([]string{"-s", "GO=" + filepath.Join(dir, "bin", "go")}, args...)...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("make %v: %v\n%s", args, err, out)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), dir
}

// hostile is a value that writes the file "ran" if make or a shell evaluates it.
const hostile = "a\"; touch ran; echo \"`touch ran`$(shell touch ran)$$(touch ran)'$HOME|b$"

func TestVariablesReachTheCommandsToTheLetter(t *testing.T) {
	targets := map[string][]string{
		"judge": {"REPORT"}, "report": {"REPORT"}, "compare": {"BEFORE", "AFTER"}, "e2e": {"FOCUS", "LABELS", "REPORT_DIR", "UNHEARD_OF"},
		"nightly": {"TREND", "RUNS", "FAULTS"}, "faults": {"FAULT"}, "matrix": {"MATRIX"}, "certify": {"KUBECONFIG", "CONTEXT", "TIME_LIMIT"},
		"diagnose": {"SET", "STATE", "SAVE"}, "bundle": {"SUITE_IMAGE"}, "clean-cluster": {"KUBECONFIG", "RUN", "REPORT_DIR"},
	}
	for target, variables := range targets {
		for _, variable := range variables {
			for how, input := range map[string][2][]string{
				"typed": {nil, {target, variable + "=" + hostile}}, "exported": {{variable + "=" + hostile}, {target}},
			} {
				printed, dir := makeWithStub(t, input[0], input[1]...)
				if !slices.Contains(printed, variable+"="+hostile) {
					t.Errorf("make %s: expected %s, %s, to reach the command to the letter, found:\n%s", target, variable, how, strings.Join(printed, "\n"))
				}
				if _, err := os.Stat(filepath.Join(dir, "ran")); err == nil {
					t.Errorf("make %s: expected nothing to evaluate %s, %s", target, variable, how)
				}
				if slices.Contains([]string{"REPORT", "BEFORE", "AFTER"}, variable) && !slices.Contains(printed, hostile) {
					t.Errorf("make %s: expected the report folder as the argument, found:\n%s", target, strings.Join(printed, "\n"))
				}
			}
		}
	}
}

func TestUnsetVariablesAreNotExported(t *testing.T) {
	printed, _ := makeWithStub(t, nil, "e2e")
	for _, line := range printed {
		if name, value, ok := strings.Cut(line, "="); ok && value == "" && name != "MAKEOVERRIDES" {
			t.Errorf("expected no variable that nobody set, found %q", line)
		}
	}
}

// Cleaning a cluster takes the cluster and the run from the command line alone, and cleaning the machine touches no cluster.
func TestCleaningAClusterIsAnActOfItsOwn(t *testing.T) {
	exported := []string{"KUBECONFIG=/exported", "CONTEXT=exported", "RUN=exported", "ALL=1"}
	printed, _ := makeWithStub(t, exported, "clean-cluster")
	if slices.ContainsFunc(printed, func(line string) bool { return strings.HasPrefix(line, "--") }) {
		t.Errorf("expected no flag of what the environment has, found:\n%s", strings.Join(printed, "\n"))
	}
	printed, _ = makeWithStub(t, exported, "clean-cluster", "KUBECONFIG=/typed here", "RUN=r")
	if !slices.Contains(printed, "--kubeconfig=/typed here") || !slices.Contains(printed, "--run=r") || slices.Contains(printed, "--all=1") {
		t.Errorf("expected the flags of what was typed, found:\n%s", strings.Join(printed, "\n"))
	}
	printed, _ = makeWithStub(t, exported, "clean", "KUBECONFIG=/typed")
	if !slices.Contains(printed, "clean") || slices.ContainsFunc(printed, func(line string) bool { return strings.HasPrefix(line, "conformance: ") }) {
		t.Errorf("expected make clean to run the developers' command alone, found:\n%s", strings.Join(printed, "\n"))
	}
}
