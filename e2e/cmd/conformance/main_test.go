package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestPluginIsCalledAsKubectlCallsIt: the help of the plugin names commands that a person can type.
func TestPluginIsCalledAsKubectlCallsIt(t *testing.T) {
	for program, want := range map[string]string{"/home/a/.krew/bin/kubectl-sts": "kubectl sts", "kubectl-sts.exe": "kubectl sts", ".bin/conformance": "", "kubectl-a_b": "kubectl a-b"} {
		if got := pluginName(program); got != want {
			t.Errorf("%s: expected %q, found %q", program, want, got)
		}
	}
	root := newCommand()
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl sts"}
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs([]string{"record", "--help"})
	if err := root.Execute(); err != nil || !strings.Contains(out.String(), "kubectl sts record -n NAMESPACE") {
		t.Errorf("expected the help to say how it is called, found %v and\n%s", err, out.String())
	}
	for _, name := range []string{"diagnose", "record", "certify", "compare"} {
		if c, _, err := root.Find([]string{name}); err != nil || c.Name() != name {
			t.Errorf("expected the command %s, found %v", name, err)
		}
	}
}
