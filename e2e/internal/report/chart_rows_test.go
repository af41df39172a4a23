package report

import (
	"fmt"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// A chart of more pods than it has room for shows those that a finding is about, wherever they are among them.
func TestRowsOfEvidenceAreShown(t *testing.T) {
	var rows []Row
	for n := range maxRowsShown + 300 {
		rows = append(rows, Row{Resource: history.Pods, Name: fmt.Sprintf("set-%d", n)})
	}
	last := rows[len(rows)-1]
	evidence := evidenceIndex{rows: map[rowKey][]time.Duration{{last.Resource, last.Name}: {time.Second}}}
	shown := shownRows(rows, evidence, maxBarsInAll)
	if len(shown) != maxRowsShown || shown[len(shown)-1].Name != last.Name || shown[len(shown)-2].Name != fmt.Sprintf("set-%d", maxRowsShown-2) {
		t.Errorf("expected the first %d rows and the last one, found %d that end with %s", maxRowsShown-1, len(shown), shown[len(shown)-1].Name)
	}
	for i := range rows {
		rows[i].Bars = make([]Bar, 100)
	}
	if shown := shownRows(rows, evidence, 2000); len(shown) != 20 || shown[len(shown)-1].Name != last.Name {
		t.Errorf("expected 20 rows of 100 bars, and the last row among them, found %d rows", len(shown))
	}
	if few := shownRows(rows[:3], evidence, 300); len(few) != 3 {
		t.Errorf("expected all of three rows, found %d", len(few))
	}
}
