package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/deploy"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func printed(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	command := newCommand()
	command.SetArgs(args)
	command.SetOut(&out)
	command.SetErr(io.Discard)
	err := command.Execute()
	return out.String(), err
}

// The help of the command says once what each manifest is.
func TestManifestsAreListedOnce(t *testing.T) {
	help, err := printed(t, "manifests", "--help")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range deploy.Names() {
		if n := strings.Count(help, "\n  "+name+" "); n != 1 {
			t.Errorf("expected %s once in the help, found it %d times", name, n)
		}
	}
}

// Whoever has the program alone gets the files of the checkout, to the letter.
func TestManifestsAreThoseOfTheCheckout(t *testing.T) {
	files, err := filepath.Glob("../../deploy/*.yaml")
	files = append(files, "../../deploy/record/record.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("expected manifests, found %v, %v", files, err)
	}
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := printed(t, "manifests", strings.TrimSuffix(filepath.Base(file), ".yaml")); err != nil || got != string(want) {
			t.Errorf("%s: expected the file, found %v and:\n%s", file, err, got)
		}
	}
	for _, wrong := range [][]string{{"manifests", "nothing"}, {"manifests"}, {"manifests", "job", "rbac"}} {
		if _, err := printed(t, wrong...); cli.ExitCode(err) != verdict.ExitUsage {
			t.Errorf("%q: expected wrong use, found %v", wrong, err)
		}
	}
}

func TestManifestsRunTheImageThatIsNamed(t *testing.T) {
	const image = "registry.example/suite@sha256:1"
	for _, name := range []string{"job", "record", "sonobuoy"} {
		text, err := printed(t, "manifests", name, "--suite-image="+image)
		if err != nil || strings.Count(text, "image: "+image+"\n") != 1 || strings.Contains(text, "PullPolicy: Never") || strings.Contains(text, "image: statefulset-conformance.local") {
			t.Errorf("%s: expected %s, to be pulled where it is not there, found %v and:\n%s", name, image, err, text)
		}
	}
}

// Commands that messages name exist.
func TestRemovalNamesManifestsThatThereAre(t *testing.T) {
	for _, command := range append(rbac.Removal(nil), rbac.Removal([]string{"a"})...) {
		name, _, _ := strings.Cut(strings.TrimPrefix(command, "conformance "), " |")
		if text, err := printed(t, strings.Fields(name)...); err != nil || !strings.Contains(text, "kind: Role") && !strings.Contains(text, "kind: ClusterRole") {
			t.Errorf("%s: expected the roles to be printed, found %v", command, err)
		}
	}
}
