package runner

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// An error that says nothing about the cluster must not end the process as a broken guarantee does.
func TestExitCodeOfARun(t *testing.T) {
	broken := Conclude(io.Discard, &verdict.Run{Overall: verdict.NotConformant}, 0, 0)
	undecided := Conclude(io.Discard, &verdict.Run{Overall: verdict.OverallInconclusive}, 0, 0)
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"conformant":           {nil, verdict.ExitConformant},
		"not conformant":       {broken, verdict.ExitNotConformant},
		"and not tidied up":    {errors.Join(broken, errors.New("no space")), verdict.ExitNotConformant},
		"undecided":            {undecided, verdict.ExitInconclusive},
		"wrong use":            {cli.UsageError{Err: errors.New("no such level")}, verdict.ExitUsage},
		"no verdict was found": {errors.New("the specs did not run to their end"), verdict.ExitInconclusive},
	} {
		err := OrInconclusive(c.err)
		switch {
		case c.err == nil || err == nil:
			if !errors.Is(err, c.err) {
				t.Errorf("%s: expected %v, found %v", name, c.err, err)
			}
		case cli.ExitCode(err) != c.want || err.Error() != c.err.Error():
			t.Errorf("%s: expected exit code %d and %q, found %d and %q", name, c.want, c.err, cli.ExitCode(err), err)
		}
	}
}

// Whatever keeps a run from its verdict, a kill among it, leaves a JUnit report that is red and says why, without paths of the machine.
func TestJUnitOfARunWithoutAVerdict(t *testing.T) {
	dir := t.TempDir()
	o := Options{ReportDir: dir, Level: contract.Core}
	s := testSettings(dir)
	s.Kubeconfig, s.Level, s.Suite.Version = "/etc/kubernetes/mine.conf", contract.Core, "v1"
	says := func(want string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, report.JUnitFile))
		if err != nil || !strings.Contains(string(text), "<error message=") || !strings.Contains(string(text), want) || strings.Contains(string(text), s.Kubeconfig) {
			t.Errorf("expected it to be red and to say %q, found %v and %s", want, err, text)
		}
	}
	if _, err := o.savePartial(s, time.Now()); err != nil {
		t.Fatal(err)
	}
	says(notEnded)
	why := PreflightError([]preflight.Problem{{Text: "KUBECONFIG: expected " + s.Kubeconfig + " to be complete", Usage: true}})
	err := o.NotJudged(s, time.Now(), why)
	if cli.ExitCode(err) != verdict.ExitUsage || err.Error() != why.Error() {
		t.Errorf("expected the error itself, found %v", err)
	}
	says("inconclusive, exit code 2: KUBECONFIG: expected (kubeconfig) to be complete")
	_ = o.NotJudged(s, time.Now(), errors.New("interrupted"))
	says("inconclusive, exit code 3: interrupted")
}
