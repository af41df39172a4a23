package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

func TestOmissions(t *testing.T) {
	scaledDown := func(more func(b *historytest.Builder)) *history.History {
		b := historytest.New()
		b.Running("web", 2)
		b.Scale("web", 1)
		b.Status("web")
		more(b)
		return b.History()
	}
	for name, c := range map[string]struct {
		h   *history.History
		due bool
	}{
		"not done for long":     {scaledDown(func(b *historytest.Builder) { b.Wait(time.Minute) }), true},
		"not done for a moment": {scaledDown(func(b *historytest.Builder) { b.Wait(time.Second) }), false},
		"done":                  {scaledDown(func(b *historytest.Builder) { b.DeletePod("web-1"); b.Status("web"); b.Wait(time.Minute) }), false},
		"of somebody else's set": {scaledDown(func(b *historytest.Builder) {
			b.Unstimulated(false)
			b.Operation(history.VerbCreate, history.Sets, "other")
			b.Wait(time.Minute)
		}), false},
	} {
		all := judge.Omissions(c.h)
		if (len(all) == 1) != c.due || len(all) > 1 {
			t.Errorf("%s: expected that something is due: %t, found %+v", name, c.due, all)
			continue
		}
		if c.due && (all[0].Guarantee != contract.OrderingScaleDownCompletes || all[0].Set != "web" || all[0].ByOthers || c.h.Duration()-all[0].Since < time.Minute) {
			t.Errorf("%s: expected a removal of the set web, due since it was scaled, found %+v", name, all[0])
		}
	}
}
