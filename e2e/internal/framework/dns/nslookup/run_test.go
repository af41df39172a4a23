package nslookup

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

const right = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tweb-0\nAddress: 10.244.1.5\n\n"

func prints(out string, err error) Exec {
	return func(context.Context, ...string) (string, error) { return out, err }
}

func TestQuery(t *testing.T) {
	mark := separator + "\n"
	answers, err := Query(t.Context(), prints(right+mark+right+mark, nil), 2, "a", "web-0.")
	if err != nil || len(answers) != 2 || len(answers[1].Addrs()) != 1 {
		t.Errorf("Query returned %+v, %v, expected two answers with one address each", answers, err)
	}
	for _, c := range []struct {
		name, out string
		run       error
		want      string
	}{
		{"the command failed", "", errors.New("no such pod"), "no such pod"},
		{"cut off", right + mark, nil, "expected 2 answers, found 1"},
		{"damaged", right + mark + "Name:\n" + mark, nil, "a name after Name:"},
		{"no server", right + mark + ";; connection timed out; no servers could be reached\n\n" + mark, nil, ErrNoServer.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Query(t.Context(), prints(c.out, c.run), 2, "a", "web-0."); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Query returned %v, expected an error that says %q", err, c.want)
			}
		})
	}
}

func TestAnswered(t *testing.T) {
	mark := separator + "\n"
	for _, c := range []struct {
		name, out string
		run       error
		want      bool
		err       string
	}{
		{name: "an address", out: right + mark, want: true},
		{name: "no such name", out: "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n** server can't find kubernetes.default.svc.a: NXDOMAIN\n\n" + mark, want: true},
		{name: "no server", out: ";; connection timed out; no servers could be reached\n\n" + mark},
		{name: "the command failed", run: errors.New("no such pod"), err: "no such pod"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Answered(t.Context(), prints(c.out, c.run), "a")
			if got != c.want || (err == nil) != (c.err == "") {
				t.Errorf("found %t, %v", got, err)
			}
		})
	}
}

// TestScript runs the script with an nslookup that prints its arguments.
func TestScript(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "sh", "-c", `nslookup() { echo "$1|$2"; echo; return 1; }; `+script, "query", "2", "a", "it's.").CombinedOutput()
	if want := strings.Repeat("-type=a|it's.\n\n"+separator+"\n", 2); err != nil || string(out) != want {
		t.Errorf("the script printed %q, %v, expected %q", out, err, want)
	}
}
