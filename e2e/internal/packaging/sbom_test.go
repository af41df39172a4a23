package packaging

import (
	"runtime/debug"
	"slices"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
)

func TestSBOMNamesModulesAndImages(t *testing.T) {
	built := &debug.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{
		{Path: "k8s.io/api", Version: "v0.36.0"},
		{Path: "example.org/old", Version: "v1.0.0", Replace: &debug.Module{Path: "example.org/new", Version: "v2.0.0"}},
	}}
	bom := newSBOM(built, "v1", []images.Listed{{Setting: images.NginxSetting, Reference: "registry.example/nginx:1", Digest: "sha256:0"}})
	want := []component{
		{"library", "std", "go1.26.0", "pkg:golang/std@go1.26.0"},
		{"library", "k8s.io/api", "v0.36.0", "pkg:golang/k8s.io/api@v0.36.0"},
		{"library", "example.org/new", "v2.0.0", "pkg:golang/example.org/new@v2.0.0"},
		{"container", "registry.example/nginx:1", "sha256:0", ""},
	}
	if !slices.Equal(bom.Components, want) || bom.Metadata.Component.Version != "v1" || bom.Format != "CycloneDX" {
		t.Errorf("expected the version v1 and %v, found %+v", want, bom)
	}
}
