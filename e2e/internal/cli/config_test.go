package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func settingsFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// The command line comes before the environment, and that before the file.
func TestSettingsFile(t *testing.T) {
	file := settingsFile(t, "level: core\nlabels: dns\nseed: 20261129\nlimits: {pod-ready: 5m, probe: 2m}\nnamespaces: [a, b]\nreport-in-log: true\nfocus: x\n")
	var level, labels, seed, limits, namespaces, focus string
	var inLog bool
	set := pflag.NewFlagSet("test", pflag.ContinueOnError)
	f := NewFlags(set, func(name string) string { return map[string]string{"LABELS": "identity", "SEED": ""}[name] })
	for value, name := range map[*string]string{&level: "LEVEL", &labels: "LABELS", &seed: "SEED", &limits: "LIMITS", &namespaces: "NAMESPACES", &focus: "FOCUS"} {
		f.String(value, name, "usual", "text")
	}
	f.Bool(&inLog, "REPORT_IN_LOG", "text")
	if err := set.Parse([]string{"--focus=y"}); err != nil {
		t.Fatal(err)
	}
	taken, err := f.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"level=core", "limits=pod-ready=5m,probe=2m", "namespaces=a,b", "report-in-log=true", "seed=20261129"}
	if !slices.Equal(taken, want) || labels != "identity" || focus != "y" || level != "core" || seed != "20261129" || !inLog || limits != "pod-ready=5m,probe=2m" || namespaces != "a,b" {
		t.Errorf("expected %q to be taken, and labels and focus to stay, found %q, %q and %q", want, taken, labels, focus)
	}
}

func TestSettingsFileRejects(t *testing.T) {
	for text, want := range map[string]string{
		"levels: core\n":              `no setting is named "levels"`,
		"kubeconfig: a\n":             `no setting is named "kubeconfig"`,
		"level: core\nlevel: extra\n": "already set",
		"- level\n":                   "expected names of settings",
		"level: [\n":                  "settings.yaml",
	} {
		set := pflag.NewFlagSet("test", pflag.ContinueOnError)
		f := NewFlags(set, func(string) string { return "" })
		var level, kubeconfig string
		f.String(&level, "LEVEL", "", "text")
		f.String(&kubeconfig, "KUBECONFIG", "", "text")
		if _, err := f.ReadFile(settingsFile(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: expected %q, found %v", text, want, err)
		}
	}
	if _, err := (Flags{}).ReadFile("/does/not/exist"); err == nil {
		t.Error("expected a missing file to be an error")
	}
}
