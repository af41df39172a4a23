package framework

import (
	"errors"
	"testing"

	"k8s.io/client-go/util/exec"
)

// TestExecOutput: what came of a command without the mark behind it is not what the command printed.
func TestExecOutput(t *testing.T) {
	exit := func(code int) error { return exec.CodeExitError{Err: errors.New("exit"), Code: code} }
	for name, c := range map[string]struct {
		stdout string
		err    error
		want   string
		lost   bool
	}{
		"all of it":                      {"set-0\n" + endOfOutput, nil, "set-0\nwarning", false},
		"nothing printed":                {endOfOutput, nil, "warning", false},
		"nothing came":                   {"", nil, "warning", true},
		"a part came":                    {"set", nil, "setwarning", true},
		"it failed":                      {"no such name\n" + endOfOutput, exit(1), "no such name\nwarning", false},
		"it failed and a part came":      {"no", exit(1), "nowarning", true},
		"a signal ended it":              {"", exit(137), "warning", false},
		"the API server was not reached": {"", errors.New("connection refused"), "warning", false},
	} {
		if out, lost := execOutput(c.stdout, "warning", c.err); out != c.want || lost != c.lost {
			t.Errorf("%s: expected %q and lost %t, found %q and %t", name, c.want, c.lost, out, lost)
		}
	}
}
