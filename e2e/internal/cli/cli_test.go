package cli

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestExitCode(t *testing.T) {
	program := exec.CommandContext(t.Context(), "sh", "-c", "exit 3").Run()
	for name, c := range map[string]struct {
		err  error
		want int
	}{
		"no error":              {nil, 0},
		"an error":              {errors.New("no space"), ExitFailed},
		"wrong use":             {fmt.Errorf("e2e: %w", UsageError{errors.New("no such level")}), ExitUsage},
		"a code of its own":     {errors.Join(ExitError{errors.New("not found"), 4}, errors.New("no space")), 4},
		"both":                  {ExitError{UsageError{errors.New("no such level")}, 4}, ExitUsage},
		"a child process fails": {fmt.Errorf("compiling: %w", program), ExitFailed},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%s: expected exit code %d, found %d", name, c.want, got)
		}
	}
}

// What a command prints may quote a cluster: it must not reach the terminal as commands to it.
func TestExecutePrintsNoControlCharacters(t *testing.T) {
	const hostile = "\x1b]52;c;eA==\a\x1b[2J\u202e"
	var out, failed strings.Builder
	root := &cobra.Command{Use: "x", SilenceUsage: true, SilenceErrors: true, RunE: func(cmd *cobra.Command, _ []string) error {
		fmt.Fprintln(cmd.OutOrStdout(), "said "+hostile)
		fmt.Fprintln(cmd.ErrOrStderr(), "told "+hostile)
		return errors.New("found " + hostile)
	}}
	root.SetOut(&out)
	root.SetArgs(nil)
	if code := Execute(t.Context(), root, &failed); code != ExitFailed {
		t.Errorf("expected exit code %d, found %d", ExitFailed, code)
	}
	for _, text := range []string{out.String(), failed.String()} {
		if strings.ContainsAny(text, "\x1b\a\u202e") || text == "" {
			t.Errorf("expected no control characters, found %q", text)
		}
	}
}

func TestFlagsDefaultToTheEnvironment(t *testing.T) {
	env := map[string]string{"REPORT_DIR": "there", "KEEP_CLUSTER": "1", "SEED": "7", "LABELS": "of something else", Prefix + "LABELS": "dns.pod"}
	var dir, seed, focus, labels string
	var keep, other bool
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := NewFlags(set, func(k string) string { return env[k] })
	f.String(&dir, "REPORT_DIR", "report", "folder")
	f.String(&seed, "SEED", "", "seed")
	f.String(&focus, "FOCUS", "all", "specs")
	f.String(&labels, "LABELS", "", "specs")
	f.Bool(&keep, "KEEP_CLUSTER", "keep it")
	f.Bool(&other, "OTHER", "other")
	if err := set.Parse([]string{"--seed=8"}); err != nil {
		t.Fatal(err)
	}
	if dir != "there" || seed != "8" || focus != "all" || labels != "dns.pod" || !keep || other {
		t.Errorf("found %q, %q, %q, %q, %t, %t", dir, seed, focus, labels, keep, other)
	}
}
