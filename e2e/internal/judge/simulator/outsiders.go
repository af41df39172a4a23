package simulator

import (
	"math/rand/v2"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// nextOutsider schedules the next request of a client other than the test, and those after it, for some minutes.
func (cl *cluster) nextOutsider(rng *rand.Rand) {
	const longest = 5 * time.Minute
	if cl.builder.Now() > longest {
		return
	}
	cl.after(time.Duration(rng.Int64N(int64(20*time.Second))), func() {
		cl.actAsOutsider(rng)
		cl.nextOutsider(rng)
	})
}

// actAsOutsider deletes one object: a pod, with its own grace period, with a short one or at once; a claim; or a set.
func (cl *cluster) actAsOutsider(rng *rand.Rand) {
	resource, grace := history.Pods, []*int64{nil, nil, nil, new(int64), new(int64(1))}[rng.IntN(5)]
	switch rng.IntN(20) {
	case 0:
		resource = history.Sets
	case 1, 2, 3, 4:
		resource = history.Claims
	}
	objects := cl.builder.List(resource)
	if len(objects) == 0 {
		return
	}
	victim := objects[rng.IntN(len(objects))]
	if resource == history.Pods {
		cl.deletePod(victim.Name, victim.UID, grace)
		return
	}
	cl.deleteObject(victim)
}
