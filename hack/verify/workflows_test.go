package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/hack/nodeimage"
)

func TestUnpinned(t *testing.T) {
	const digest = "11bd71901bbe5b1630ceea73d27597364c9af683"
	workflow := strings.Join([]string{
		"      - uses: actions/checkout@" + digest + " # v4.2.2",
		"      - uses: actions/checkout@v4",
		"        uses: actions/cache@" + digest,
		"      - uses: actions/cache@" + digest[:12] + " # v4.2.3",
		"      - uses: ./.github/actions/own",
		"      - run: echo uses of it",
	}, "\n")
	want := []string{"actions/checkout@v4", "actions/cache@" + digest, "actions/cache@" + digest[:12] + " # v4.2.3"}
	if got := unpinned(workflow); !slices.Equal(got, want) {
		t.Errorf("expected %q, found %q", want, got)
	}
}

// The workflows run every version of Kubernetes that the suite supports, and no other.
func TestWorkflowsRunEveryVersion(t *testing.T) {
	for _, name := range []string{"ci.yaml", "nightly.yaml"} {
		data, err := os.ReadFile(filepath.Join("..", "..", ".github", "workflows", name))
		if err != nil {
			t.Fatal(err)
		}
		matrix := regexp.MustCompile(`(?m)^\s+kubernetes: \[(.*)\]$`).FindSubmatch(data)
		if matrix == nil {
			t.Fatalf("%s: expected a matrix of versions", name)
		}
		got := strings.Split(string(matrix[1]), ", ")
		want := nodeimage.KubernetesVersions()
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: expected the versions %v, found %v", name, want, got)
		}
	}
}
