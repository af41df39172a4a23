package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What users get installs no container engine, builds no image and plants no fault. That the developers' command does shows that the names below are those
// of packages that there are.
func TestCommandLinksNothingForDevelopers(t *testing.T) {
	linked := func(command string) []string {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", command).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(out))
	}
	users, developers := linked("."), linked("../confdev")
	const internal = "github.com/hero-academy/statefulset-conformance/e2e/internal/"
	for _, forbidden := range []string{
		internal + "provision/cluster", internal + "provision/engine", internal + "provision/nodeimage", internal + "packaging",
		internal + "imagelayer", internal + "selftest", internal + "nightly", "sigs.k8s.io/kind",
	} {
		below := func(path string) bool { return path == forbidden || strings.HasPrefix(path, forbidden+"/") }
		if i := slices.IndexFunc(users, below); i >= 0 {
			t.Errorf("expected the users' command not to link %s", users[i])
		}
		if !slices.ContainsFunc(developers, below) {
			t.Errorf("expected the developers' command to link %s, or this list to name what takes its place", forbidden)
		}
	}
}
