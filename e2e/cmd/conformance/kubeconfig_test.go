package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestContextsAreCompleted(t *testing.T) {
	file := kubeconfig(t, "http://127.0.0.1:1")
	for _, command := range []string{"certify", "diagnose", "clean"} {
		root := newCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs([]string{"__complete", command, "--kubeconfig", file, "--context", ""})
		if err := root.ExecuteContext(t.Context()); err != nil || !strings.HasPrefix(out.String(), "mine\n") {
			t.Errorf("%s: expected the kubeconfig's context, found %v and %q", command, err, out.String())
		}
	}
}

// Requests impersonate the user of --as; AS of the environment, which make and compilers know, does not count.
func TestAs(t *testing.T) {
	o := options(map[string]string{"KUBECONFIG": kubeconfig(t, "http://127.0.0.1:1"), "AS": "as"})
	if o.as != "" {
		t.Errorf("expected the environment's AS not to count, found %q", o.as)
	}
	o.as = "somebody"
	var s runconfig.Settings
	if _, wrong, err := o.choose(&s); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	config, err := s.RESTConfig()
	if err != nil || config.Impersonate.UserName != "somebody" {
		t.Errorf("expected requests as somebody, found %+v, %v", config, err)
	}
}

// A shell leaves the tilde behind make's equals sign as it is.
func TestKubeconfigOfHome(t *testing.T) {
	t.Setenv("HOME", "/home/somebody")
	got, err := kubeconfigPath("~/.kube/config:/elsewhere/~/config")
	if want := "/home/somebody/.kube/config:/elsewhere/~/config"; err != nil || got != want {
		t.Errorf("expected %q, found %q, %v", want, got, err)
	}
}
