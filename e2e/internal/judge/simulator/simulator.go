// Package simulator makes up histories that no judge may complain of: a small model of a correct cluster, with the StatefulSet
// controller of Kubernetes 1.36 at its heart, whose view of the world lags, kubelets that start and stop pods in their own time
// and lose some, a binder of claims, a garbage collector, and a person who changes her mind. The same seed makes the same
// history. What the judges say of ten thousand of them is held against the model, and broken copies of them against the judges.
package simulator

import (
	"math/rand/v2"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// History returns the legal history of that seed.
func History(seed uint64) *history.History {
	w := &world{
		rng: rand.New(rand.NewPCG(seed, 0x5e7)),
		s:   historytest.New().Pace(time.Millisecond),
	}
	w.begin = w.s.History().Header.Start
	w.custom = w.customs()
	w.controller = newController(w)
	w.play()
	h := w.s.History()
	h.Header.Spec = "a legal history"
	h.Header.Version = w.custom.version
	return w.seen(h)
}

// customs is how one cluster goes about its work.
type customs struct {
	version string
	// trail is the most by which the controller's view may lag; with skew it stays below the lag that judges allow for.
	trail time.Duration
	// skew is the most by which the recorder's watches are out of step with each other.
	skew time.Duration
	// start and stop are about how long pods take.
	start, stop time.Duration
	// frail is the chance that something happens to a pod that has become Ready.
	frail float64
	// slow is the chance that a pod or a claim takes much longer than usual.
	slow float64
	// consistent says that the controller waits until it sees its own writes.
	consistent bool
	// limits says that the controller goes by maxUnavailable.
	limits bool
}

func (w *world) customs() customs {
	version := pick(w.rng, "v1.36.3", "v1.36.3", "v1.36.3", "v1.34.4", "")
	return customs{
		consistent: version == "v1.36.3", version: version,
		trail:  pick[time.Duration](w.rng, 20, 20, 200, 200, 1400) * time.Millisecond,
		skew:   pick[time.Duration](w.rng, 0, 0, 50, 350) * time.Millisecond,
		start:  pick[time.Duration](w.rng, 100, 500, 2000) * time.Millisecond,
		stop:   pick[time.Duration](w.rng, 50, 300, 2000) * time.Millisecond,
		frail:  pick(w.rng, 0, 0, 0, 0.05, 0.3),
		slow:   pick(w.rng, 0, 0.05, 0.2),
		limits: w.chance(0.3),
	}
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }
