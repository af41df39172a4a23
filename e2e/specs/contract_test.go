package specs

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

//nolint:gochecknoglobals // A flag of the test.
var update = flag.Bool("update", false, "write CATALOGUE.md anew (make catalogue)")

func TestContract(t *testing.T) {
	for _, p := range contract.Problems(contract.All(), listedSpecs(t)) {
		t.Error(p)
	}
}

func TestCatalogue(t *testing.T) {
	const file = "../CATALOGUE.md"
	want := contract.Catalogue(contract.All(), listedSpecs(t))
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	found, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(found, want) {
		t.Errorf("%s is stale (error: %v): run make catalogue", file, err)
	}
}

// listedSpecs lists the suite's specs without running them.
func listedSpecs(t *testing.T) []contract.Spec {
	t.Helper()
	var listed []contract.Spec
	for _, r := range PreviewSpecs("StatefulSet conformance").SpecReports {
		if r.LeafNodeType == types.NodeTypeIt {
			listed = append(listed, contract.Spec{
				Text: r.FullText(), File: filepath.Base(r.FileName()), Proves: proven(r.Labels()), UnknownLabels: unknownLabels(r.Labels()),
				History: historyFile(r.FullText()),
			})
		}
	}
	return listed
}

// serial is the label that Ginkgo gives to a spec which runs alone.
const serial = "Serial"

// Any spec that runs beside a disruption would be disrupted too.
func TestDisruptiveSpecsRunAlone(t *testing.T) {
	for _, r := range PreviewSpecs("StatefulSet conformance").SpecReports {
		disruptive, alone := slices.Contains(r.Labels(), string(contract.Disruptive)), slices.Contains(r.Labels(), serial)
		if disruptive != alone {
			t.Errorf("%q is of the level disruptive: %t, and runs alone: %t; expected both or neither", r.FullText(), disruptive, alone)
		}
	}
}

// unknownLabels returns the labels that Proves would not give to a spec which proves what the others say.
func unknownLabels(labels []string) []string {
	expected := append(Proves(proven(labels)...), serial)
	return slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(expected, l) })
}

// Gomega's words for an error are taken apart to tell it in one line, and may change with Gomega.
func TestErrorsThatGomegaMeetsAreToldInOneLine(t *testing.T) {
	var failure string
	g := NewGomega(func(message string, _ ...int) { failure = message })
	err := errors.New("connection refused")
	for matcher, expect := range map[string]func(){
		"HaveOccurred": func() { g.Expect(err).NotTo(HaveOccurred(), "the API server must answer") },
		"Succeed":      func() { g.Expect(err).To(Succeed(), "the API server must answer") },
	} {
		expect()
		run := verdict.Decide(contract.Core, []verdict.Spec{{Text: "spec", State: "failed", Selected: true, Message: failure}}, nil)
		if got, want := run.Troubles[0], "spec (failed): the API server must answer: connection refused"; got != want {
			t.Errorf("%s: expected %q, found %q", matcher, want, got)
		}
	}
}
