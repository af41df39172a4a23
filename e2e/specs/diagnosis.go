package specs

import (
	"fmt"
	"path/filepath"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

// diagnosisEntry is the name of the report entry that holds a failed spec's diagnosis.
const diagnosisEntry = "diagnosis"

// A spec that failed is diagnosed before anything is cleaned up: what cleans up may take the cause away. An episode that only looks for some guarantees
// is carried out again and again, and what ends it is no news.
var _ = JustAfterEach(func(ctx SpecContext) {
	if progress == nil || !CurrentSpecReport().Failed() || settings.Explore.Wants() {
		return
	}
	for _, ns := range progress.usedNamespaces() {
		diagnoseSpec(ctx, ns)
	}
})

// diagnoseSpec adds to the running spec what is wrong with its sets.
func diagnoseSpec(ctx SpecContext, ns *framework.Namespace) {
	spec := CurrentSpecReport()
	brief, err := ns.Diagnose(ctx, filepath.Join(ns.Settings.ReportDir, "failures", slug(textOf(spec))))
	if err != nil {
		brief = strings.TrimSpace(brief + fmt.Sprintf("\nthe diagnosis is not whole: %v", err))
	}
	if brief != "" {
		AddReportEntry(diagnosisEntry, ReportEntryVisibilityFailureOrVerbose, brief)
	}
}

// diagnosisOf is what was found wrong with a spec's sets when it failed.
func diagnosisOf(r types.SpecReport) string {
	var all []string
	for _, e := range r.ReportEntries {
		if e.Name == diagnosisEntry {
			all = append(all, strings.TrimSpace(e.StringRepresentation()))
		}
	}
	return strings.Join(all, "\n")
}
