package explorer

import (
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestUncollected(t *testing.T) {
	stateOf := func(b *historytest.Builder) *history.State {
		s := history.NewState()
		for _, e := range b.History().Events {
			s.Apply(e)
		}
		return s
	}
	b := historytest.New()
	b.Running("one", 2)
	b.Revision("one", 1, 1)
	if got := uncollected(stateOf(b), "one"); got != "" {
		t.Errorf("expected nothing to be said of a set that is there, found %q", got)
	}
	b.DeleteSet("one")
	b.Orphan("one-0")
	b.Set("one")
	if got := uncollected(stateOf(b), "one"); !strings.Contains(got, "pods one-1 is still there") {
		t.Errorf("expected the pod of the set that was deleted, found %q", got)
	}
	b.DeletePod("one-1")
	if got := uncollected(stateOf(b), "one"); !strings.Contains(got, "controllerrevisions one-1 is still there") {
		t.Errorf("expected the revision of the set that was deleted, found %q", got)
	}
	b.Remove(history.Revisions, "one-1")
	if got := uncollected(stateOf(b), "one"); got != "" {
		t.Errorf("expected nothing more beside the orphan, found %q", got)
	}
}
