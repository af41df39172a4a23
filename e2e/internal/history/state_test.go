package history_test

import (
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func pod(name, uid string, change history.Change) *history.Event {
	return &history.Event{Resource: history.Pods, Change: change, Meta: history.Meta{Name: name, UID: types.UID(uid)}, Pod: &history.Pod{}}
}

func names(events []*history.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Name)
	}
	return out
}

func TestStateHoldsTheNewestVersionOfExistingObjects(t *testing.T) {
	s := history.NewState()
	for _, e := range []*history.Event{
		pod("a", "1", history.Listed), pod("b", "2", history.Added), pod("a", "1", history.Modified),
		pod("c", "3", history.Added), pod("c", "3", history.Deleted), pod("d", "4", history.Added), pod("d", "4", history.Missing),
	} {
		s.Apply(e)
	}
	if got := names(s.List(history.Pods)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("expected a and b to exist, found %v", got)
	}
	if e := s.Get(history.Pods, "a"); e == nil || e.Change != history.Modified {
		t.Errorf("expected the newest version of a, found %+v", e)
	}
	for uid, gone := range map[types.UID]bool{"1": false, "2": false, "3": true, "4": true, "5": false} {
		if s.HasGone(uid) != gone {
			t.Errorf("expected the object %s to have gone: %t", uid, gone)
		}
	}
	if s.Get(history.Pods, "c") != nil || s.Get(history.Claims, "a") != nil || len(s.List(history.Claims)) > 0 {
		t.Error("expected no c, and no claim")
	}
}

func TestALateDeletionLeavesTheReplacement(t *testing.T) {
	s := history.NewState()
	s.Apply(pod("a", "1", history.Added))
	s.Apply(pod("a", "2", history.Added))
	s.Apply(pod("a", "1", history.Deleted))
	if e := s.Get(history.Pods, "a"); e == nil || e.UID != "2" {
		t.Errorf("expected the second a to exist, found %+v", e)
	}
	s.Apply(pod("z", "9", history.Deleted)) // of something never seen
}

func TestPodsOfASetAreOrderedByOrdinal(t *testing.T) {
	st := historytest.New()
	st.Running("web", 12)
	st.Running("other", 1)
	st.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{Name: "web-99"}, Pod: &history.Pod{}})
	s := history.NewState()
	for _, e := range st.History().Events {
		s.Apply(e)
	}
	want := []string{"web-0", "web-1", "web-2", "web-3", "web-4", "web-5", "web-6", "web-7", "web-8", "web-9", "web-10", "web-11"}
	if got := names(s.PodsOf(s.Get(history.Sets, "web").UID)); !slices.Equal(got, want) {
		t.Errorf("expected %v, found %v", want, got)
	}
}

func TestOrdinal(t *testing.T) {
	for name, want := range map[string]int{
		"web-0": 0, "web-12": 12, "data-web-3": 3, "a-b-2147483647": 2147483647, "web-007": 7,
		"web": -1, "": -1, "-": -1, "web-": -1, "web-x": -1, "web-1x": -1, "web-+1": -1, "web--1": 1, "web-2147483648": -1, "web-99999999999999999999": -1,
	} {
		if got := history.Ordinal(name); got != want {
			t.Errorf("Ordinal(%q): expected %d, found %d", name, want, got)
		}
	}
}

func TestReferencesToEvents(t *testing.T) {
	e := &history.Event{At: 4120 * time.Millisecond, Meta: history.Meta{ResourceVersion: "812"}}
	if e.Ref() != "rv 812 (+4.1 s)" || e.Aside() != "rv 812, +4.1 s" || e.RV() != 812 {
		t.Errorf("found %q, %q, %d", e.Ref(), e.Aside(), e.RV())
	}
	for _, rv := range []string{"", "abc", "-1", "99999999999999999999999"} {
		e.ResourceVersion = rv
		if e.RV() != 0 {
			t.Errorf("resource version %q: expected 0, found %d", rv, e.RV())
		}
	}
}

func TestDurationEndsWithTheLastRecord(t *testing.T) {
	for _, tt := range []struct {
		h    history.History
		want time.Duration
	}{
		{history.History{}, 0},
		{history.History{Events: []*history.Event{{At: 1}, {At: 3}}}, 3},
		{history.History{Events: []*history.Event{{At: 3}}, End: &history.End{At: 5}}, 5},
		{history.History{Events: []*history.Event{{At: 3}}, End: &history.End{At: 2}}, 3},
	} {
		if got := tt.h.Duration(); got != tt.want {
			t.Errorf("expected %d, found %d", tt.want, got)
		}
	}
}

func TestStatesOfAPod(t *testing.T) {
	for _, tt := range []struct {
		pod                      history.Pod
		ready, finished, stopped bool
		restarts                 int32
	}{
		{pod: history.Pod{Phase: "Pending"}, stopped: true},
		{pod: history.Pod{Phase: "Running", Conditions: []history.Condition{{Type: "Ready", Status: "True"}}, Containers: []history.Container{{State: "running", Restarts: 2}, {State: "waiting", Restarts: 1}}}, ready: true, restarts: 3},
		{pod: history.Pod{Phase: "Running", Conditions: []history.Condition{{Type: "Ready", Status: "Unknown"}}, Containers: []history.Container{{State: "terminated"}}}, stopped: true},
		{pod: history.Pod{Phase: "Pending", Conditions: []history.Condition{{Type: "Ready", Status: "True"}}}, stopped: true},
		{pod: history.Pod{Phase: "Failed"}, finished: true, stopped: true},
		{pod: history.Pod{Phase: "Succeeded"}, finished: true, stopped: true},
	} {
		p := tt.pod
		if p.RunningAndReady() != tt.ready || p.Finished() != tt.finished || p.Stopped() != tt.stopped || p.Restarts() != tt.restarts {
			t.Errorf("%+v: found ready %v, finished %v, stopped %v, restarts %d", p, p.RunningAndReady(), p.Finished(), p.Stopped(), p.Restarts())
		}
	}
}
