// Package deploy holds the manifests that users of the suite apply to a cluster, for the command that prints them: whoever has the program alone
// has no checkout. It holds no other code, and stands on nothing.
package deploy

import (
	"embed"
	"fmt"
	"path"
	"slices"
	"strings"
)

//go:embed *.yaml record/*.yaml
var manifests embed.FS

const ending = ".yaml"

// Names returns the names of the manifests, sorted.
func Names() []string {
	files, err := manifests.ReadDir(".")
	if err != nil {
		return nil // the folder itself is always there
	}
	var names []string
	for _, f := range files {
		// A kustomization is of no use without the others beside it.
		if name := strings.TrimSuffix(f.Name(), ending); name != "kustomization" {
			names = append(names, name) // a folder holds the manifest of its name, with a kustomization
		}
	}
	slices.Sort(names)
	return names
}

// Manifest returns the text of a manifest.
func Manifest(name string) (string, error) {
	text, err := manifests.ReadFile(name + ending)
	if err != nil {
		text, err = manifests.ReadFile(path.Join(name, name+ending))
	}
	if err != nil {
		return "", fmt.Errorf("no manifest is named %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return string(text), nil
}
