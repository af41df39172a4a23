package judge

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestLateWatches(t *testing.T) {
	seen := func(r history.Resource, rv int, at time.Duration) *history.Event {
		return &history.Event{Resource: r, Change: history.Modified, At: at, Meta: history.Meta{ResourceVersion: fmt.Sprint(rv)}}
	}
	listed := seen(history.Pods, 1, 9*time.Second)
	listed.Change = history.Listed
	answer := func(rv int, at time.Duration) history.Operation {
		return history.Operation{Outcome: history.Accepted, ReturnSeq: 1, ReturnAt: at, Result: &history.Result{ResourceVersion: fmt.Sprint(rv)}}
	}
	set := func(rv int, at time.Duration) *history.Event {
		e := seen(history.Sets, rv, at)
		e.Change, e.UID, e.Set = history.Added, "web", &history.Set{}
		return e
	}
	counted := func(rv int, at time.Duration) *history.Event {
		e := set(rv, at)
		e.Change, e.Set.Status.Replicas = history.Modified, 1
		return e
	}
	pod := func(rv int, at time.Duration) *history.Event {
		e := seen(history.Pods, rv, at)
		e.UID, e.Owners = types.UID(fmt.Sprint("pod-", rv)), []metav1.OwnerReference{{UID: "web", Controller: new(true)}}
		return e
	}
	for name, c := range map[string]struct {
		events  []*history.Event
		answers []history.Operation
		want    string
	}{
		"in order":             {events: []*history.Event{seen(history.Pods, 1, 1*time.Second), seen(history.Sets, 2, 2*time.Second)}, want: "[]"},
		"crossed a little":     {events: []*history.Event{seen(history.Sets, 2, time.Second), seen(history.Pods, 1, 1300*time.Millisecond)}, want: "[]"},
		"listed again":         {events: []*history.Event{seen(history.Sets, 2, time.Second), listed}, want: "[]"},
		"late in its resource": {events: []*history.Event{seen(history.Pods, 1, time.Second), seen(history.Pods, 2, 9*time.Second)}, want: "[]"},
		"cut off and resumed":  {events: []*history.Event{seen(history.Sets, 5, time.Second), seen(history.Pods, 4, 9*time.Second)}, want: "[]"},
		"held back": {
			events: []*history.Event{seen(history.Sets, 5, time.Second), seen(history.Pods, 2, 15*time.Second), seen(history.Pods, 4, 15100*time.Millisecond), seen(history.Pods, 7, 16*time.Second)},
			want:   "[pods 1s-15.1s]",
		},
		"held back twice": {
			events: []*history.Event{
				seen(history.Sets, 5, time.Second), seen(history.Pods, 4, 15*time.Second),
				seen(history.Sets, 9, 20*time.Second), seen(history.Pods, 8, 35*time.Second),
			},
			want: "[pods 1s-15s pods 20s-35s]",
		},
		"a request answered long before": {
			events: []*history.Event{seen(history.Pods, 4, 14*time.Second)}, answers: []history.Operation{answer(4, time.Second)}, want: "[pods 1s-14s]",
		},
		"a request answered with an older version": {
			events: []*history.Event{seen(history.Pods, 4, 14*time.Second)}, answers: []history.Operation{answer(3, time.Second)}, want: "[]",
		},
		"an answer that came late": {
			events: []*history.Event{seen(history.Pods, 5, time.Second)}, answers: []history.Operation{answer(4, 14*time.Second)}, want: "[]",
		},
		"events, which may be stored apart": {events: []*history.Event{seen(history.Events, 5, time.Second), seen(history.Pods, 4, 15*time.Second)}, want: "[]"},
		"pods stored apart from sets, with lower versions": {
			events: []*history.Event{set(500, time.Second), pod(100, 2*time.Second), pod(101, 14*time.Second), seen(history.Sets, 501, 14*time.Second)}, want: "[]",
		},
		"pods stored apart from sets, with higher versions": {
			events: []*history.Event{set(100, time.Second), pod(500, 2*time.Second), pod(501, 14*time.Second), counted(102, 15*time.Second)}, want: "[]",
		},
		"pods held back, of a set that is recorded": {
			events: []*history.Event{set(100, time.Second), counted(500, 2*time.Second), pod(101, 14*time.Second)}, want: "[pods 2s-14s]",
		},
	} {
		var got []string
		for _, g := range lateWatches(lateEvents(&history.History{Events: c.events, Operations: c.answers}), heldBack) {
			got = append(got, fmt.Sprintf("%s %v-%v", g.Resource, g.From, g.To))
		}
		if fmt.Sprint(got) != c.want {
			t.Errorf("%s: expected %s, found %v", name, c.want, got)
		}
	}
}
