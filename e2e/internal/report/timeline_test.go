package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

func TestTimelineMatchesTheHistory(t *testing.T) {
	t.Parallel()
	s := historytest.New()
	s.Set("web", historytest.Claims("data")) // 100 ms
	s.Claim("data", "web-0")                 // pending at 200, bound at 300
	s.CreateReady("web-0")                   // pending at 400, ready at 500
	s.Wait(time.Second)
	s.Terminate("web-0")      // 1600
	s.FinishDeletion("web-0") // two events, then gone at 1900
	s.Pod("web-0")            // 2000
	var got []string
	for _, row := range report.Timeline(s.History()) {
		var bars []string
		for _, b := range row.Bars {
			bars = append(bars, fmt.Sprintf("%s %d-%d", b.State, b.From.Milliseconds(), b.To.Milliseconds()))
		}
		got = append(got, row.Name+": "+strings.Join(bars, ", "))
	}
	want := []string{
		"web-0: pending 400-500, ready 500-1600, terminating 1600-1900, pending 2000-2000",
		"data-web-0: pending 200-300, bound 300-2000",
	}
	if !slices.Equal(got, want) {
		t.Errorf("expected\n%s\nfound\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

func TestTimelineSortsByOrdinal(t *testing.T) {
	t.Parallel()
	s := historytest.New()
	s.Running("web", 11)
	s.Running("api", 1)
	var got []string
	for _, row := range report.Timeline(s.History()) {
		got = append(got, row.Name)
	}
	if i, j := slices.Index(got, "web-9"), slices.Index(got, "web-10"); got[0] != "api-0" || i < 0 || j != i+1 {
		t.Errorf("expected sets by name and pods by ordinal, found %v", got)
	}
}
