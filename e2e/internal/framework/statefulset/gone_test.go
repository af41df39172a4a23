package statefulset

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func TestNotGone(t *testing.T) {
	pod := func(uid string, finalizers ...string) *history.Event {
		e := &history.Event{}
		e.UID, e.Finalizers = types.UID(uid), finalizers
		return e
	}
	for name, c := range map[string]struct {
		now   *history.Event
		wrong bool
	}{
		"gone":                {nil, false},
		"another of the name": {pod("2"), false},
		"still there":         {pod("1"), true},
		"held by a finalizer": {pod("1", "example.com/drain"), false},
	} {
		if err := notGone(c.now, "1"); (err != nil) != c.wrong {
			t.Errorf("%s: expected wrong to be %t, found %v", name, c.wrong, err)
		}
	}
}
