package framework

import (
	"errors"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
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
