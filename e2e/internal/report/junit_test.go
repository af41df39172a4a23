package report_test

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onsi/ginkgo/v2/reporters"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// The spec of the recorded run "order-ignored" that breaks ordering/create and nothing else.
const brokenSpec = "A StatefulSet under OrderedReady creates each pod only after its predecessor is Ready, and nothing while it is not"

// ginkgoSays is a spec as Ginkgo reports it.
func ginkgoSays(text string, state types.SpecState, message string) types.SpecReport {
	container, leaf, _ := strings.Cut(text, " OrderedReady ")
	return types.SpecReport{
		ContainerHierarchyTexts: []string{container + " OrderedReady"}, ContainerHierarchyLabels: [][]string{{"core"}},
		LeafNodeType: types.NodeTypeIt, LeafNodeText: leaf, LeafNodeLabels: []string{"core", "ordering.create", "ordering.create-halts", "slow"},
		State: state, Failure: types.Failure{Message: message},
	}
}

// junit renders a report folder in which Ginkgo left a report on some specs, and reads the test cases of its JUnit report.
func junit(t *testing.T, specs ...types.SpecReport) []reporters.JUnitTestCase {
	t.Helper()
	return junitSuite(t, specs...).TestCases
}

func junitSuite(t *testing.T, specs ...types.SpecReport) reporters.JUnitTestSuite {
	t.Helper()
	dir := recordedRun(t, "order-ignored")
	data, err := json.Marshal([]types.Report{{SuiteDescription: "StatefulSet conformance", SpecReports: specs}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, report.GinkgoFile), data, 0o644); err != nil {
		t.Fatal(err)
	}
	render(t, dir)
	out, err := os.ReadFile(filepath.Join(dir, report.JUnitFile))
	if err != nil {
		t.Fatal(err)
	}
	var suites reporters.JUnitTestSuites
	if err := xml.Unmarshal(out, &suites); err != nil {
		t.Fatal(err)
	}
	return suites.TestSuites[0]
}

func render(t *testing.T, dir string) {
	t.Helper()
	c, err := report.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.SaveFiles(dir, c); err != nil {
		t.Fatal(err)
	}
}

func TestJUnitSaysWhatIsBroken(t *testing.T) {
	t.Parallel()
	for name, said := range map[string]struct {
		state   types.SpecState
		message string
	}{
		"the spec saw it":            {types.SpecStateFailed, "ordering/create broken: as the spec itself saw it"},
		"the spec gave up before":    {types.SpecStateFailed, "set-1 did not become Ready"},
		"a person interrupted it":    {types.SpecStateInterrupted, "Interrupted by User"},
		"its time was up":            {types.SpecStateTimedout, "A node timeout occurred"},
		"it panicked on what it saw": {types.SpecStatePanicked, "Test Panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			test := junit(t, ginkgoSays(brokenSpec, said.state, said.message))[0]
			if test.Failure == nil {
				t.Fatalf("expected a failure, found %+v", test)
			}
			lines := strings.Split(test.Failure.Message, "\n")
			if !strings.HasPrefix(lines[0], "ordering/create broken: set-1 was created at rv ") || len(lines) != 3 {
				t.Errorf("expected the three violations as the message, found %q", test.Failure.Message)
			}
			for _, line := range lines {
				if !strings.Contains(line, "; docs: https://") || !strings.Contains(line, "; history: histories/") {
					t.Errorf("expected each with its document and its history, found %q", line)
				}
			}
			if test.Status != "failed" {
				t.Errorf("expected the status failed, found %q", test.Status)
			}
		})
	}
}

func TestJUnitLeavesOtherFailuresAlone(t *testing.T) {
	t.Parallel()
	for state, message := range map[types.SpecState]string{
		types.SpecStateFailed:      "claim data-web-0 was not bound",
		types.SpecStateInterrupted: "Interrupted by User",
	} {
		test := junit(t, ginkgoSays("A StatefulSet under OrderedReady does something else", state, message))[0]
		var got string
		switch {
		case test.Failure != nil:
			got = test.Failure.Message
		case test.Error != nil:
			got = test.Error.Message
		}
		if got != message || test.Status != state.String() {
			t.Errorf("expected %s with %q, found %s with %q", state, message, test.Status, got)
		}
	}
}

func TestJUnitNamesTheGuarantees(t *testing.T) {
	t.Parallel()
	tests := junit(t, ginkgoSays(brokenSpec, types.SpecStateFailed, "x"),
		ginkgoSays("A StatefulSet under OrderedReady is fine", types.SpecStatePassed, ""),
		ginkgoSays("A StatefulSet under OrderedReady is left out", types.SpecStateSkipped, "not applicable: no such field"))
	if want := "[It] " + brokenSpec + " [ordering/create, ordering/create-halts, slow]"; tests[0].Name != want {
		t.Errorf("expected the name %q, found %q", want, tests[0].Name)
	}
	if tests[1].Failure != nil || tests[1].Status != "passed" {
		t.Errorf("expected a spec that passed, found %+v", tests[1])
	}
	if tests[2].Skipped == nil || !strings.Contains(tests[2].Skipped.Message, "no such field") {
		t.Errorf("expected the reason of a spec that was skipped, found %+v", tests[2].Skipped)
	}
}

func TestJUnitNamesTheVersion(t *testing.T) {
	t.Parallel()
	recorded, err := report.Load(recordedRun(t, "order-ignored"))
	if err != nil {
		t.Fatal(err)
	}
	suite := junitSuite(t, ginkgoSays(brokenSpec, types.SpecStatePassed, ""))
	if want, found := "[version:"+recorded.Suite.Version+"]", suite.Properties.WithName("SuiteLabels"); recorded.Suite.Version == "" || found != want {
		t.Errorf("expected the property SuiteLabels to be %q, found %q", want, found)
	}
}

// A run that was interrupted has no report of Ginkgo's, and a cluster that was refused has none at all: a CI system sees why, and red.
func TestJUnitWithoutGinkgosReport(t *testing.T) {
	t.Parallel()
	read := func(dir string) reporters.JUnitTestSuites {
		t.Helper()
		out, err := os.ReadFile(filepath.Join(dir, report.JUnitFile))
		if err != nil {
			t.Fatal(err)
		}
		var suites reporters.JUnitTestSuites
		if err := xml.Unmarshal(out, &suites); err != nil {
			t.Fatal(err)
		}
		return suites
	}
	refused := t.TempDir()
	if err := report.SaveNotJudged(refused, time.Now(), verdict.ExitInconclusive, "2 problems\nno class <disk>\nno rights"); err != nil {
		t.Fatal(err)
	}
	suites := read(refused)
	if suites.Tests != 1 || suites.Errors != 1 {
		t.Fatalf("expected one test, which is red, found %+v", suites)
	}
	if said := suites.TestSuites[0].TestCases[0].Error; said.Message != "inconclusive, exit code 3: 2 problems" || said.Description != "2 problems\nno class <disk>\nno rights" {
		t.Errorf("expected the reasons, found %+v", said)
	}
	dir := recordedRun(t, "order-ignored")
	render(t, dir)
	if suites := read(dir); suites.Failures == 0 || len(suites.TestSuites) != 1 {
		t.Errorf("expected the guarantees alone, the broken ones red, found %+v", suites)
	}
	if err := os.WriteFile(filepath.Join(dir, report.GinkgoFile), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := report.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.SaveFiles(dir, c); err == nil || !strings.Contains(err.Error(), report.GinkgoFile) {
		t.Errorf("expected an error that names %s, found %v", report.GinkgoFile, err)
	}
}
