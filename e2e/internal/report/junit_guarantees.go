package report

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/onsi/ginkgo/v2/reporters"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// The class names of the cases that JUnit has beside those of the specs.
const (
	guaranteeClass = "guarantee"
	resultClass    = "result"
)

// withGuarantees adds to a JUnit report a case for each guarantee and one for the result, so that it is red exactly if the exit code is not 0:
// a failure for what is broken, an error for what is inconclusive.
func withGuarantees(junit []byte, c *Conformance) ([]byte, error) {
	var suites reporters.JUnitTestSuites
	if err := xml.Unmarshal(junit, &suites); err != nil {
		return nil, fmt.Errorf("reading what was just written: %w", err)
	}
	own := reporters.JUnitTestSuite{Name: "guarantees", Timestamp: c.Start.Format("2006-01-02T15:04:05")}
	for _, g := range c.Guarantees {
		own.TestCases = append(own.TestCases, guaranteeCase(g))
	}
	own.TestCases = append(own.TestCases, resultCase(c))
	for _, t := range own.TestCases {
		own.Tests++
		switch {
		case t.Failure != nil:
			own.Failures++
		case t.Error != nil:
			own.Errors++
		case t.Skipped != nil:
			own.Skipped++
		}
	}
	suites.Tests += own.Tests
	suites.Failures += own.Failures
	suites.Errors += own.Errors
	suites.Disabled += own.Skipped
	suites.TestSuites = append(suites.TestSuites, own)
	out, err := xml.MarshalIndent(suites, "  ", "    ")
	return append([]byte(xml.Header), out...), err
}

// guaranteeCase is the case of one guarantee. A deviation passes: only the implementation promises it.
func guaranteeCase(g Guarantee) reporters.JUnitTestCase {
	t := reporters.JUnitTestCase{Name: string(g.ID), Classname: guaranteeClass, Status: string(g.Verdict)}
	said := append([]string{}, g.Reasons...)
	for _, f := range g.Findings {
		said = append(said, fmt.Sprintf("%s; history: %s", f.Text, f.History))
	}
	message, all := g.Must, strings.Join(said, "\n")
	if len(said) > 0 {
		message = said[0]
	}
	switch g.Verdict {
	case verdict.Fail:
		t.Failure = &reporters.JUnitFailure{Message: message, Type: string(g.Verdict), Description: all}
	case verdict.Inconclusive:
		t.Error = &reporters.JUnitError{Message: message, Type: string(g.Verdict), Description: all}
	case verdict.NotApplicable, verdict.NotSelected:
		t.Skipped = &reporters.JUnitSkipped{Message: fmt.Sprintf("%s: %s", g.Verdict, all)}
	default:
		t.SystemOut = all
	}
	return t
}

// resultCase is the case of the verdict on the cluster.
func resultCase(c *Conformance) reporters.JUnitTestCase {
	t := reporters.JUnitTestCase{Name: "the cluster is conformant", Classname: resultClass, Status: string(c.Result), Time: c.Seconds}
	message := fmt.Sprintf("%s, exit code %d", c.Result, c.ExitCode)
	if len(c.Troubles) > 0 {
		message += ": " + c.Troubles[0]
	}
	switch all := strings.Join(c.Troubles, "\n"); {
	case c.Result == verdict.NotConformant:
		t.Failure = &reporters.JUnitFailure{Message: message, Type: string(c.Result), Description: all}
	case c.ExitCode != verdict.ExitConformant:
		t.Error = &reporters.JUnitError{Message: message, Type: string(c.Result), Description: all}
	}
	return t
}
