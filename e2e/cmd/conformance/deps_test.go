package main

import (
	"os/exec"
	"strings"
	"testing"
)

// What users get installs no container engine, builds no image and plants no fault.
func TestCommandLinksNothingForDevelopers(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	const internal = "github.com/hero-academy/statefulset-conformance/e2e/internal/"
	for path := range strings.Lines(string(out)) {
		path = strings.TrimSpace(path)
		for _, forbidden := range []string{
			internal + "provision/cluster", internal + "provision/engine", internal + "provision/nodeimage", internal + "packaging",
			internal + "imagelayer", internal + "selftest", internal + "nightly", "sigs.k8s.io/kind",
		} {
			if path == forbidden || strings.HasPrefix(path, forbidden+"/") {
				t.Errorf("expected the users' command not to link %s", path)
			}
		}
	}
}
