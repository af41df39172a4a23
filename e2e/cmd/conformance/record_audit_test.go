package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/deploy"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// auditLine is a line of an audit log, of a request to namespace shop so many seconds after three.
func auditLine(second int, user, verb, group, path, name, answer string) string {
	resource, sub, _ := strings.Cut(path, "/")
	return fmt.Sprintf(`{"kind":"Event","apiVersion":"audit.k8s.io/v1","auditID":"%d-%s-%s","stage":"ResponseComplete","requestURI":"/","verb":%q,"user":{"username":%q},"userAgent":"kubectl/v1.37",`+
		`"objectRef":{"resource":%q,"subresource":%q,"apiGroup":%q,"namespace":"shop","name":%q},"responseStatus":{"code":200},"stageTimestamp":"2026-01-02T03:00:%02d.000000Z"%s}`+"\n",
		second, name, verb, verb, user, resource, sub, group, name, second, answer)
}

func auditSet(rv, generation, replicas int) string {
	return fmt.Sprintf(`,"responseObject":{"kind":"StatefulSet","apiVersion":"apps/v1","metadata":{"name":"web","namespace":"shop","uid":"s","resourceVersion":"%d","generation":%d},"spec":{"replicas":%d}}`,
		rv, generation, replicas)
}

func auditPod(name, uid string, rv int, deletion, ready string) string {
	return fmt.Sprintf(`,"responseObject":{"kind":"Pod","apiVersion":"v1","metadata":{"name":%q,"namespace":"shop","uid":%q,"resourceVersion":"%d"%s,"ownerReferences":[{"kind":"StatefulSet","name":"web","uid":"s",`+
		`"controller":true}]},"spec":{"nodeName":"n1","terminationGracePeriodSeconds":30},"status":{"phase":"Running","conditions":[{"type":"Ready","status":%q}]}}`, name, uid, rv, deletion, ready)
}

// TestRecordOfAnAuditLog: who did what is told by name, with the downtime that the log shows, and nothing is judged.
func TestRecordOfAnAuditLog(t *testing.T) {
	const deletion = `,"deletionTimestamp":"2026-01-02T03:00:20Z","deletionGracePeriodSeconds":`
	const sets, kubelet = "system:serviceaccount:kube-system:statefulset-controller", "system:node:n1"
	text := auditLine(1, sets, "update", "apps", "statefulsets/status", "web", auditSet(10, 1, 3)) +
		auditLine(2, kubelet, "patch", "", "pods/status", "web-1", auditPod("web-1", "p1", 11, "", "True")) +
		auditLine(10, "alice", "patch", "apps", "statefulsets", "web", auditSet(12, 2, 4)) +
		auditLine(20, "bob", "delete", "", "pods", "web-1", auditPod("web-1", "p1", 13, deletion+"30", "True")) +
		auditLine(22, kubelet, "delete", "", "pods", "web-1", auditPod("web-1", "p1", 14, deletion+"0", "False")) +
		auditLine(23, sets, "create", "", "pods", "", auditPod("web-1", "p2", 15, "", "False")) +
		auditLine(30, kubelet, "patch", "", "pods/status", "web-1", auditPod("web-1", "p2", 16, "", "True")) +
		auditLine(40, "carol", "delete", "", "pods", "web-2", auditPod("web-2", "p3", 17, deletion+"30", "True")) +
		auditLine(45, kubelet, "patch", "", "pods/status", "web-1", auditPod("web-1", "p2", 18, "", "True"))
	file := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	out, err := printed(t, "record", "--audit-log", file, "-o", folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"alice (kubectl): changed replicas from 3 to 4\n", "bob (kubectl): deleted pod web-1\n", "StatefulSet controller: created pod web-1\n", "carol (kubectl): deleted pod web-2\n",
		"pod web-1: 1 time, 10.0 s in all, 10.0 s the longest; deleted by bob (kubectl)\n", "pod web-2: 1 time, 5.0 s in all", "What an audit log tells. Nothing was judged: ",
		"not recorded: shop: whatever the policy of the audit log keeps out of it",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("expected %q in\n%s", want, out)
		}
	}
	if strings.Contains(out, "was not Ready when the recording began") || strings.Contains(out, "web-0") {
		t.Errorf("expected nothing of what the log does not hold, found\n%s", out)
	}
	pages, err := filepath.Glob(filepath.Join(folder, "*", "index.html"))
	if err != nil || len(pages) != 1 {
		t.Errorf("expected a page, found %v and %v", pages, err)
	}
}

// TestRecordRefusesAuditLogsThatTellNothing: in one line, with what it takes.
func TestRecordRefusesAuditLogsThatTellNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "audit.log")
	if err := os.WriteFile(file, []byte(auditLine(1, "alice", "delete", "", "pods", "web-0", "")), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--audit-log", file}, {"--audit-log", filepath.Join(dir, "nothing")}, {"--audit-log", file, "--for", "1h"}, {"--audit-log", file, "--metrics", ":0"}} {
		_, err := printed(t, append([]string{"record", "-o", filepath.Join(dir, "recordings")}, args...)...)
		if cli.ExitCode(err) != verdict.ExitUsage || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "--audit-log") {
			t.Errorf("%q: expected wrong use in one line, found %v", args, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "recordings")); err == nil {
			t.Errorf("%q: expected no folder", args)
		}
	}
}

// TestAuditPolicy: the policy that is printed keeps the objects of all that an audit log is read for.
func TestAuditPolicy(t *testing.T) {
	text, err := deploy.Manifest("audit-policy")
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		APIVersion, Kind string
		OmitStages       []string
		Rules            []struct {
			Level     string
			Verbs     []string
			Resources []struct {
				Group     string
				Resources []string
			}
		}
	}
	if err := yaml.UnmarshalStrict([]byte(text), &policy); err != nil {
		t.Fatal(err)
	}
	kept := map[string]bool{}
	for _, rule := range policy.Rules {
		for _, of := range rule.Resources {
			for _, resource := range of.Resources {
				for _, verb := range rule.Verbs {
					kept[strings.Join([]string{rule.Level, verb, of.Group, resource}, " ")] = true
				}
			}
		}
	}
	for _, resource := range []string{" pods", " pods/status", " pods/eviction", " persistentvolumeclaims", " nodes", "apps statefulsets", "apps statefulsets/status", "apps statefulsets/scale", "policy poddisruptionbudgets"} {
		for _, verb := range []string{"create", "update", "patch", "delete"} {
			if !kept["RequestResponse "+verb+" "+resource] {
				t.Errorf("expected the objects of %s of %s to be kept", verb, resource)
			}
		}
	}
	if policy.APIVersion != "audit.k8s.io/v1" || policy.Kind != "Policy" || strings.Join(policy.OmitStages, "") != "RequestReceived" {
		t.Errorf("expected an audit policy, found %+v", policy)
	}
}
