package auditlog

import (
	"strconv"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// TestRepeats: what a kubelet writes again without a change is passed over, and a line that comes late is not taken for the newest.
func TestRepeats(t *testing.T) {
	seen := nodes{}
	for i, c := range []struct {
		rv       int
		cordoned bool
		repeats  bool
	}{
		{10, false, false},
		{11, false, true},
		{14, true, false},
		{15, true, true},
		{13, false, false}, // late
		{16, true, false},
		{17, true, true},
		{18, false, false},
	} {
		e := &history.Event{Meta: history.Meta{Name: "n1", UID: "u", ResourceVersion: strconv.Itoa(c.rv)}, Node: &history.Node{Unschedulable: c.cordoned}}
		if got := seen.repeats(e); got != c.repeats {
			t.Errorf("line %d, version %d: expected %t, found %t", i, c.rv, c.repeats, got)
		}
	}
}
