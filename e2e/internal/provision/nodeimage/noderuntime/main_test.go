//go:build linux

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

func TestBundle(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--root", "/run", "create", "--bundle", "/b", "--pid-file", "/p", "id"}, "/b"},
		{[]string{"create", "--bundle=/b", "id"}, "/b"},
		{[]string{"create", "--bundle"}, ""},
		{[]string{"kill", "id", "15"}, ""},
	} {
		if got := bundle(c.args); got != c.want {
			t.Errorf("%q: expected %q, found %q", c.args, c.want, got)
		}
	}
}

func TestLower(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(file, []byte(`{"ociVersion":"1.3.0","process":{"args":["sleep","\u003e"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := lower(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		OCIVersion string
		Process    struct{ Args []string }
	}
	if err := json.Unmarshal(text, &config); err != nil || config.OCIVersion != version || len(config.Process.Args) != 2 || config.Process.Args[1] != ">" {
		t.Errorf("expected another version and nothing else changed, found %s, %v", text, err)
	}
	for _, wrong := range []string{"", "{", "[]"} {
		if err := os.WriteFile(file, []byte(wrong), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := lower(file); err == nil {
			t.Errorf("%q: expected an error, found none", wrong)
		}
	}
	if err := lower(file + ".none"); err == nil {
		t.Error("expected an error where there is no configuration, found none")
	}
}

// The program ends with an error where it cannot become crun.
func TestRunWithoutCrun(t *testing.T) {
	if _, err := os.Stat(crun); err == nil {
		t.Skip("this machine has a crun, which the test would become")
	}
	if err := run([]string{"list"}); err == nil {
		t.Error("expected an error, found none")
	}
	if err := run([]string{"create", "--bundle", t.TempDir()}); err == nil {
		t.Error("expected an error of the missing configuration, found none")
	}
}
