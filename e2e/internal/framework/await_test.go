package framework

import (
	"errors"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// A limit is that of one pod: each that gets Ready begins it anew, and one that was Ready before does not.
func TestAwaitEach(t *testing.T) {
	late := errors.New("late")
	for name, c := range map[string]struct {
		ready []int // after each event, -1 for a limit that passes
		waits int
		err   error
	}{
		"one after another":   {[]int{0, 1, 1, 2, 3}, 3, nil},
		"at once":             {[]int{3}, 1, nil},
		"none":                {[]int{0, -1}, 1, late},
		"the second is late":  {[]int{0, 1, -1}, 2, late},
		"one again and again": {[]int{0, 1, 0, 1, 0, 1, -1}, 2, late},
	} {
		waits, at := 0, 0
		err := awaitEach(func(condition Condition) error {
			waits++
			for ; c.ready[at] >= 0; at++ {
				if condition(nil) == "" {
					return nil
				}
			}
			return late
		}, func(*history.State) string {
			if c.ready[at] == 3 {
				return ""
			}
			return "not all are Ready"
		}, func(*history.State) int { return c.ready[at] })
		if waits != c.waits || !errors.Is(err, c.err) {
			t.Errorf("%s: expected %d waits and %v, found %d and %v", name, c.waits, c.err, waits, err)
		}
	}
}

// What shows judges nothing new, whoever writes it how often, keeps no namespace from being quiescent.
func TestShown(t *testing.T) {
	b := historytest.New()
	set := b.Set("web")
	b.Pod("web-0")
	pod := b.Ready("web-0")
	if again := b.Change(history.Sets, "web", func(*history.Event) {}); shown(again) != shown(set) {
		t.Errorf("expected a version without anything new to show what the one before showed, found\n%s\nand\n%s", shown(set), shown(again))
	}
	if again := b.Change(history.Pods, "web-0", func(*history.Event) {}); shown(again) != shown(pod) {
		t.Errorf("expected a version without anything new to show what the one before showed, found\n%s\nand\n%s", shown(pod), shown(again))
	}
	for name, change := range map[string]struct{ was, now *history.Event }{
		"status":     {set, b.Status("web")},
		"spec":       {b.Get(history.Sets, "web"), b.Scale("web", 3)},
		"readiness":  {pod, b.Unready("web-0")},
		"label":      {b.Get(history.Pods, "web-0"), b.Relabel("web-0", "app", "other")},
		"controller": {b.Get(history.Pods, "web-0"), b.Orphan("web-0")},
		"removal":    {b.Get(history.Pods, "web-0"), b.Remove(history.Pods, "web-0")},
	} {
		if shown(change.was) == shown(change.now) {
			t.Errorf("%s: expected the change to show, found\n%s", name, shown(change.now))
		}
	}
}
