package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

func TestParseKnownIssues(t *testing.T) {
	const file = `
- guarantee: ordering/create
  reason: our controller is patched
  expires: 2027-03-01
- {guarantee: ordering/heals, reason: "no PTR", expires: "2026-12-31"}
`
	for day, want := range map[string][]bool{"2026-12-31T23:59:59Z": {false, false}, "2027-01-01T00:00:00Z": {false, true}, "2027-03-02T00:00:00Z": {true, true}} {
		now, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		issues, err := ParseKnownIssues([]byte(file), now)
		if err != nil || len(issues) != 2 || issues[0].Guarantee != contract.OrderingCreate || issues[0].Expires != "2027-03-01" {
			t.Fatalf("expected two issues, found %+v, %v", issues, err)
		}
		if issues[0].Expired != want[0] || issues[1].Expired != want[1] {
			t.Errorf("%s: expected expired %v, found %+v", day, want, issues)
		}
	}
	for name, text := range map[string]string{
		"no list": "guarantee: ordering/create", "no such guarantee": "[{guarantee: ordering/none, reason: r, expires: 2027-03-01}]", "no reason": "[{guarantee: ordering/create, expires: 2027-03-01}]",
		"no day": "[{guarantee: ordering/create, reason: r, expires: soon}]", "another field": "[{guarantee: ordering/create, reason: r, expires: 2027-03-01, skip: true}]",
		"twice": "[{guarantee: ordering/create, reason: r, expires: 2027-03-01}, {guarantee: ordering/create, reason: r, expires: 2027-03-01}]",
	} {
		if issues, err := ParseKnownIssues([]byte(text), time.Now()); err == nil {
			t.Errorf("%s: expected an error, found %+v", name, issues)
		}
	}
}

func TestAdvisoryIsReadFromFlagsAndEnvironment(t *testing.T) {
	file := filepath.Join(t.TempDir(), "known.yaml")
	if err := os.WriteFile(file, []byte("[{guarantee: ordering/create, reason: r, expires: 2027-03-01}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		env       map[string]string
		args      []string
		want      []string
		wrongWith string
	}{
		{args: []string{"--objective=pod-ready.p95=30s", "--objective=claim-bound.max=1m,pod-moved.median=2m"}, want: []string{"pod-ready.p95=30s", "claim-bound.max=1m", "pod-moved.median=2m"}},
		{env: map[string]string{"OBJECTIVE": "pod-ready.p95=30s,claim-bound.max=1m", "KNOWN_ISSUES": file}, want: []string{"pod-ready.p95=30s", "claim-bound.max=1m"}},
		{args: []string{"--objective=pod-ready=30s"}, want: []string{"pod-ready=30s"}, wrongWith: "OBJECTIVE"},
		{args: []string{"--known-issues=" + file + "x"}, wrongWith: "KNOWN_ISSUES"},
	} {
		var a Advisory
		set := pflag.NewFlagSet("", pflag.ContinueOnError)
		a.addFlags(cli.NewFlags(set, func(name string) string { return c.env[name] }))
		if err := set.Parse(c.args); err != nil {
			t.Fatal(err)
		}
		var wrong []string
		a.validate(time.Now(), func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) })
		if strings.Join(a.Objectives, " ") != strings.Join(c.want, " ") || len(a.KnownIssues) != len(c.env)/2 {
			t.Errorf("%v %v: found %+v", c.env, c.args, a)
		}
		if (len(wrong) > 0) != (c.wrongWith != "") || (len(wrong) > 0 && !strings.Contains(wrong[0], c.wrongWith)) {
			t.Errorf("%v: expected %q to be wrong, found %v", c.args, c.wrongWith, wrong)
		}
	}
}
