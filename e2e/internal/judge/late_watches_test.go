package judge

import (
	"fmt"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestLateWatches(t *testing.T) {
	seen := func(r history.Resource, rv int, at time.Duration) *history.Event {
		return &history.Event{Resource: r, Change: history.Modified, At: at, Meta: history.Meta{ResourceVersion: fmt.Sprint(rv)}}
	}
	listed := seen(history.Pods, 1, 9*time.Second)
	listed.Change = history.Listed
	for name, c := range map[string]struct {
		events []*history.Event
		want   string
	}{
		"in order":             {[]*history.Event{seen(history.Pods, 1, 1*time.Second), seen(history.Sets, 2, 2*time.Second)}, "[]"},
		"crossed a little":     {[]*history.Event{seen(history.Sets, 2, time.Second), seen(history.Pods, 1, 1300*time.Millisecond)}, "[]"},
		"listed again":         {[]*history.Event{seen(history.Sets, 2, time.Second), listed}, "[]"},
		"late in its resource": {[]*history.Event{seen(history.Pods, 1, time.Second), seen(history.Pods, 2, 9*time.Second)}, "[]"},
		"cut off and resumed":  {[]*history.Event{seen(history.Sets, 5, time.Second), seen(history.Pods, 4, 9*time.Second)}, "[]"},
		"held back": {
			[]*history.Event{seen(history.Sets, 5, time.Second), seen(history.Pods, 2, 15*time.Second), seen(history.Pods, 4, 15100*time.Millisecond), seen(history.Pods, 7, 16*time.Second)},
			"[pods 1s-15.1s]",
		},
		"held back twice": {
			[]*history.Event{
				seen(history.Sets, 5, time.Second), seen(history.Pods, 4, 15*time.Second),
				seen(history.Sets, 9, 20*time.Second), seen(history.Pods, 8, 35*time.Second),
			},
			"[pods 1s-15s pods 20s-35s]",
		},
		"events, which may be stored apart": {[]*history.Event{seen(history.Events, 5, time.Second), seen(history.Pods, 4, 15*time.Second)}, "[]"},
	} {
		var got []string
		for _, g := range lateWatches(c.events) {
			got = append(got, fmt.Sprintf("%s %v-%v", g.Resource, g.From, g.To))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: expected %s, found %v", name, c.want, got)
		}
	}
}
