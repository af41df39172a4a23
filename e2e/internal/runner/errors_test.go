package runner

import (
	"errors"
	"io"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
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
