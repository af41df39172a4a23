package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// A volume of a pod may hold the files of some settings: what the command line and the environment say comes before them, and a mistyped name is told.
func TestSettingsFolder(t *testing.T) {
	var patch, issues, secret string
	files := []SettingFile{{"pod-patch.yaml", "pod-patch"}, {"known-issues.yaml", "known-issues"}, {".dockerconfigjson", "pull-secret"}}
	flags := func() Flags {
		set := pflag.NewFlagSet("test", pflag.ContinueOnError)
		f := NewFlags(set, func(name string) string { return map[string]string{"KNOWN_ISSUES": "mine.yaml"}[name] })
		for value, name := range map[*string]string{&patch: "POD_PATCH", &issues: "KNOWN_ISSUES", &secret: "PULL_SECRET"} {
			f.String(value, name, "", "text")
		}
		return f
	}
	dir := t.TempDir()
	if taken, err := flags().ReadFolder(filepath.Join(dir, "none"), files); err != nil || len(taken) > 0 {
		t.Errorf("expected nothing of a folder that does not exist, found %q, %v", taken, err)
	}
	// As the kubelet lays out a volume.
	if err := os.MkdirAll(filepath.Join(dir, "..data"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.Symlink(filepath.Join("..data", file.Name), filepath.Join(dir, file.Name)); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := flags().ReadFolder(dir, files)
	if want := []string{"pull-secret=" + filepath.Join(dir, ".dockerconfigjson"), "pod-patch=" + filepath.Join(dir, "pod-patch.yaml")}; err != nil || !slices.Equal(taken, want) {
		t.Errorf("expected %q, found %q, %v", want, taken, err)
	}
	if patch != filepath.Join(dir, "pod-patch.yaml") || issues != "mine.yaml" {
		t.Errorf("expected the file of the folder, and the environment's before it, found %q and %q", patch, issues)
	}
	if err := os.WriteFile(filepath.Join(dir, "podpatch.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := flags().ReadFolder(dir, files); err == nil || !strings.Contains(err.Error(), "expected no files but pod-patch.yaml, known-issues.yaml, .dockerconfigjson, found podpatch.yaml") {
		t.Errorf("expected the mistyped name to be told, found %v", err)
	}
}
