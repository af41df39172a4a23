package packaging

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
)

// sbomFile is the bundle's bill of materials.
const sbomFile = "sbom.cdx.json"

// sbom is what is written of CycloneDX (https://cyclonedx.org/docs/1.6/json/).
type sbom struct {
	Format      string `json:"bomFormat"`
	SpecVersion string `json:"specVersion"`
	Version     int    `json:"version"`
	Metadata    struct {
		Component component `json:"component"`
	} `json:"metadata"`
	Components []component `json:"components"`
}

type component struct {
	Type    string `json:"type"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
}

// SaveSBOM writes the bill of materials of the program in dir, which is of that version, into dir: the Go modules that it is built from, as
// the program itself has them, and the images, by digest.
func SaveSBOM(dir, version string, list []images.Listed) error {
	built, err := buildinfo.ReadFile(filepath.Join(dir, Command))
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(newSBOM(built, version, list), "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, sbomFile), append(data, '\n'), 0o644)
}

func newSBOM(built *debug.BuildInfo, version string, list []images.Listed) sbom {
	bom := sbom{Format: "CycloneDX", SpecVersion: "1.6", Version: 1}
	bom.Metadata.Component = component{Type: "application", Name: Command, Version: version}
	bom.Components = append(bom.Components, module(&debug.Module{Path: "std", Version: built.GoVersion}))
	for _, m := range built.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		bom.Components = append(bom.Components, module(m))
	}
	for _, i := range list {
		bom.Components = append(bom.Components, component{Type: "container", Name: i.Reference, Version: i.Digest})
	}
	return bom
}

func module(m *debug.Module) component {
	return component{Type: "library", Name: m.Path, Version: m.Version, PURL: "pkg:golang/" + m.Path + "@" + m.Version}
}
