package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2/reporters"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// The files for CI systems, below the report folder: Ginkgo's own report, and the JUnit report made from it.
const (
	GinkgoFile = "ginkgo.json"
	JUnitFile  = "junit.xml"
)

// SaveJUnit writes the JUnit report of a folder. A run that is under way or was interrupted has no report of Ginkgo's: its JUnit report has the guarantees and
// the result alone, so that a run which is killed leaves one that is red.
func SaveJUnit(dir string, c *Conformance) error {
	data, err := reportdir.Read(dir, GinkgoFile, 4*reportdir.MaxText)
	if errors.Is(err, os.ErrNotExist) {
		return saveGuarantees(dir, []byte("<testsuites></testsuites>"), c)
	}
	if err != nil {
		return err
	}
	var suites []types.Report
	if err := json.Unmarshal(data, &suites); err != nil {
		return fmt.Errorf("%s is no report of Ginkgo's: %w", filepath.Join(dir, GinkgoFile), err)
	}
	if len(suites) != 1 {
		return fmt.Errorf("%s: expected one suite, found %d", filepath.Join(dir, GinkgoFile), len(suites))
	}
	if suites[0].SpecReports, err = withAttempts(dir, suites[0].SpecReports); err != nil {
		return err
	}
	// Ginkgo writes to a path alone, and would follow a link in the report folder.
	own, err := os.MkdirTemp("", "junit-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(own)
	file := filepath.Join(own, JUnitFile)
	err = reporters.GenerateJUnitReportWithConfig(forCI(suites[0], c), file, reporters.JunitReportConfig{
		OmitTimelinesForSpecState: types.SpecStatePassed | types.SpecStateSkipped | types.SpecStatePending,
	})
	if err != nil {
		return err
	}
	junit, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return saveGuarantees(dir, junit, c)
}

// SaveNotJudged writes the JUnit report of a run that came to no verdict, into a folder that is its own: why, and with which exit code it ends.
func SaveNotJudged(dir string, began time.Time, exitCode int, why string) error {
	return saveGuarantees(dir, []byte("<testsuites></testsuites>"), &Conformance{
		Result: verdict.OverallInconclusive, ExitCode: exitCode, Start: began.UTC(), Seconds: seconds(time.Since(began)), Troubles: strings.Split(why, "\n"),
	})
}

// saveGuarantees writes a JUnit report with the guarantees and the result added.
func saveGuarantees(dir string, junit []byte, c *Conformance) error {
	junit, err := withGuarantees(junit, c)
	if err != nil {
		return err
	}
	return reportdir.Write(dir, JUnitFile, func(w io.Writer) error { _, err := w.Write(junit); return err })
}

// forCI adds to Ginkgo's report what CI systems show: the guarantees in the names of tests, and violations as failures, also where the
// spec failed over something else first. The suite's version is added to the suite's labels, which become a property of the test suite.
func forCI(r types.Report, c *Conformance) types.Report {
	specs := make(types.SpecReports, 0, len(r.SpecReports))
	broken := c.violationsBySpec()
	superseded := map[string]string{}
	for _, s := range c.Specs {
		if s.Superseded {
			superseded[s.Text] = s.Disturbance
		}
	}
	for _, s := range r.SpecReports {
		if why, is := superseded[s.FullText()]; is && broken[s.FullText()] == "" {
			s.State, s.Failure, s.AdditionalFailures = types.SpecStateSkipped, types.Failure{Message: "disturbed, and passed when it was repeated: " + why}, nil
		}
		s.ContainerHierarchyLabels, s.LeafNodeLabels = nil, ids(s.Labels())
		if said := broken[s.FullText()]; s.Failed() && said != "" && s.Failure.Message != said {
			first := s.Failure
			s.Failure.Message = said
			s.AdditionalFailures = append([]types.AdditionalFailure{{State: s.State, Failure: first}}, s.AdditionalFailures...)
			s.State = types.SpecStateFailed
		}
		specs = append(specs, s)
	}
	r.SpecReports = specs
	r.SuiteLabels = append(slices.Clone(r.SuiteLabels), "version:"+c.Suite.Version)
	return r
}

// ids replaces labels of guarantees by their IDs and leaves out the levels.
func ids(labels []string) []string {
	var out []string
	for _, l := range labels {
		switch g, is := contract.Get(contract.ID(strings.Replace(l, ".", "/", 1))); {
		case is:
			out = append(out, string(g.ID))
		case !slices.Contains(contract.Levels(), contract.Level(l)):
			out = append(out, l)
		}
	}
	return out
}

// violationsBySpec returns, for each spec by its text, what its history shows to be broken, each with where it is promised and recorded.
func (c *Conformance) violationsBySpec() map[string]string {
	out := map[string]string{}
	for _, g := range c.Guarantees {
		if g.Verdict != verdict.Fail {
			continue
		}
		for _, f := range g.Findings {
			line := fmt.Sprintf("%s broken: %s; docs: %s; history: %s", g.ID, f.Text, g.Link, f.History)
			out[f.Spec] = strings.TrimPrefix(out[f.Spec]+"\n"+line, "\n")
		}
	}
	return out
}
