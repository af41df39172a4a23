package framework

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// TestWhatSettles: what happens to a revision is a change as well, which its own watch may show after all others have been quiet for long.
func TestWhatSettles(t *testing.T) {
	for resource, want := range map[history.Resource]bool{history.Sets: true, history.Pods: true, history.Revisions: true, history.Claims: false} {
		s := history.NewState()
		before := state(s)
		s.Apply(&history.Event{Resource: resource, Change: history.Added, Meta: history.Meta{Name: "a", UID: "a", ResourceVersion: "1"}})
		if changed := state(s) != before; changed != want {
			t.Errorf("%s: expected it to be a change %t, found %t", resource, want, changed)
		}
	}
}
