package report_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Reports of other versions have other fields, rows and words.
func TestReportsOfAnyVersionAreRead(t *testing.T) {
	const group = "statefulset-conformance.hero-academy.github.io"
	head := func(version string) string {
		return "apiVersion: " + group + "/" + version + "\nkind: ConformanceReport\n"
	}
	for name, c := range map[string]struct{ text, wrong string }{
		"the first version":  {text: head("v1") + "guarantees: [{id: dns/a, verdict: not asked}]"},
		"a later suite":      {text: head("v2") + "invented: {later: 1}\nguarantees: [{id: later/row, verdict: not selected, more: 2}]"},
		"a later format":     {text: head("v3") + "guarantees: [{id: dns/a, verdict: pass}]", wrong: "found \"v3\""},
		"another kind":       {text: "apiVersion: v1\nkind: Pod", wrong: "found apiVersion \"v1\" and kind \"Pod\""},
		"no YAML":            {text: "\t{", wrong: "yaml"},
		"no verdicts":        {text: head("v2"), wrong: "found none"},
		"an unknown verdict": {text: head("v2") + "guarantees: [{id: dns/a, verdict: splendid}]", wrong: "found \"splendid\""},
		"a row twice":        {text: head("v2") + "guarantees: [{id: dns/a, verdict: pass}, {id: dns/a, verdict: fail}]", wrong: "found \"dns/a\" again"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, report.File)
			if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, path := range []string{dir, file} {
				got, err := report.LoadAny(path)
				switch {
				case c.wrong != "":
					if err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), path) {
						t.Errorf("expected an error with %q and the path, found %v", c.wrong, err)
					}
				case err != nil:
					t.Error(err)
				case got.Guarantees[0].Verdict != verdict.NotSelected:
					t.Errorf("expected the verdict not selected, found %q", got.Guarantees[0].Verdict)
				}
			}
		})
	}
	if _, err := report.LoadAny(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("expected an error for a folder that is not there")
	}
}
