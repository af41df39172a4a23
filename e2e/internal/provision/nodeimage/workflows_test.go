package nodeimage

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The workflows run every minor version of Kubernetes that the suite supports, and no other.
func TestWorkflowsRunEveryVersion(t *testing.T) {
	for _, name := range []string{"ci.yaml", "nightly.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "..", "..", ".github", "workflows", name))
		if err != nil {
			t.Fatal(err)
		}
		matrix := regexp.MustCompile(`(?m)^\s+kubernetes: \[(.*)\]$`).FindSubmatch(data)
		if matrix == nil {
			t.Fatalf("%s: expected a matrix of versions", name)
		}
		got := strings.Split(string(matrix[1]), ", ")
		want := MinorVersions()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: expected the versions %v, found %v", name, want, got)
		}
	}
}
