package packaging

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"sigs.k8s.io/yaml"
)

// krewPlugin is what krew reads of a manifest.
type krewPlugin struct {
	APIVersion, Kind string
	Metadata         struct{ Name string }
	Spec             struct {
		Version, Homepage, ShortDescription, Description string
		Platforms                                        []struct {
			Selector         struct{ MatchLabels map[string]string }
			URI, SHA256, Bin string
		}
	}
}

// TestPluginIsWhatItsManifestSays: for each platform the archive that it names, by its digest, has the program that it names, which may be run. The link that krew
// makes to it, kubectl-sts, is what kubectl runs.
func TestPluginIsWhatItsManifestSays(t *testing.T) {
	dir := t.TempDir()
	program, license := filepath.Join(dir, "conformance"), filepath.Join(dir, "terms")
	if err := errors.Join(os.WriteFile(program, []byte("#!/bin/sh\n"), 0o600), os.WriteFile(license, []byte("terms"), 0o600)); err != nil {
		t.Fatal(err)
	}
	var archives []PluginArchive
	for _, p := range PluginPlatforms() {
		a, err := PackPlugin(filepath.Join(dir, "dist"), p, program, license)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, a)
	}
	var text bytes.Buffer
	if err := WritePluginManifest(&text, "0123456789ab-dirty", "https://example.org/v1/", archives); err != nil {
		t.Fatal(err)
	}
	var m krewPlugin
	if err := yaml.UnmarshalStrict(text.Bytes(), &m); err != nil {
		t.Fatalf("%v in\n%s", err, text.String())
	}
	if m.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || m.Kind != "Plugin" || m.Metadata.Name != "sts" || "kubectl-"+m.Metadata.Name != Plugin {
		t.Errorf("expected the plugin sts of krew, found %+v", m)
	}
	if s := m.Spec; s.Version != "v0.0.0-g0123456789ab-dirty" || s.ShortDescription == "" || len(s.ShortDescription) > 60 || s.Description == "" || s.Homepage == "" {
		t.Errorf("expected a version and descriptions, found %+v", s)
	}
	if len(m.Spec.Platforms) != 4 {
		t.Fatalf("expected four platforms, found %+v", m.Spec.Platforms)
	}
	for i, p := range m.Spec.Platforms {
		if p.Selector.MatchLabels["os"] != archives[i].OS || p.Selector.MatchLabels["arch"] != archives[i].Arch || p.URI != "https://example.org/v1/"+filepath.Base(archives[i].File) {
			t.Errorf("expected the archive of %+v, found %+v", archives[i].Platform, p)
		}
		data, err := os.ReadFile(archives[i].File)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(data); p.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("expected the digest of %s, found %s", archives[i].File, p.SHA256)
		}
		modes := contents(t, data)
		if modes[p.Bin]&0o111 != 0o111 || modes["LICENSE"] == 0 || len(modes) != 2 {
			t.Errorf("expected %s, which may be run, and LICENSE, found %v", p.Bin, modes)
		}
	}
}

// contents returns the files of an archive with their modes.
func contents(t *testing.T, data []byte) map[string]os.FileMode {
	t.Helper()
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]os.FileMode{}
	for files := tar.NewReader(zip); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeReg {
			out[h.Name] = h.FileInfo().Mode()
		}
	}
}

func TestPluginVersionsAreSemantic(t *testing.T) {
	semantic := regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$`)
	for suite, want := range map[string]string{"v1.2.3": "v1.2.3", "v1.2.3-4-g0123456789ab": "v1.2.3-4-g0123456789ab", "012345678901": "v0.0.0-g012345678901", "unknown": "v0.0.0"} {
		if got := PluginVersion(suite); got != want || !semantic.MatchString(got) {
			t.Errorf("%s: expected %s, found %s", suite, want, got)
		}
	}
}
