package simulator

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// cluster is a simulated cluster: the builder holds its objects, the queue what its components do next.
type cluster struct {
	rng        *rand.Rand
	builder    *historytest.Builder
	options    options
	varied     variations
	queue      queue
	tasks      int
	delivered  int                // how many events all components have received
	alive      map[types.UID]bool // objects that exist
	stopping   map[types.UID]bool // pods whose containers their kubelet stops
	controller *controller
	begin      time.Time
	templates  []history.Template // all used so far; the digest of one is its index
	selector   map[string]string
	service    string // name of the service whose endpoints are recorded
	user       func()
	// What acts of package explore leave: the templates that they asked for by their image, and the number of each in templates by its name and restart;
	// what the budget of a set lets be unavailable; the pods whose containers are not started again.
	requested   map[string]*explore.Template
	numbers     map[string]int
	budgets     map[string]string
	startedOnce map[types.UID]bool
	// choosesStrategy decides which sets get the strategy Recreate.
	choosesStrategy *rand.Rand
}

// task is a future action of a component.
type task struct {
	at time.Duration
	n  int // orders tasks of the same moment
	do func()
}

type queue []task

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || (q[i].at == q[j].at && q[i].n < q[j].n)
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(task)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	*q = (*q)[:last]
	return t
}

// at schedules a task, for now if that moment has passed.
func (cl *cluster) at(t time.Duration, do func()) {
	cl.tasks++
	heap.Push(&cl.queue, task{at: t, n: cl.tasks, do: do})
}

func (cl *cluster) after(d time.Duration, do func()) { cl.at(cl.builder.Now()+d, do) }

// run runs the cluster for d.
func (cl *cluster) run(d time.Duration) {
	until := cl.builder.Now() + d
	cl.deliver()
	for len(cl.queue) > 0 && cl.queue[0].at <= until {
		t := heap.Pop(&cl.queue).(task)
		cl.advanceTo(t.at)
		t.do()
		cl.deliver()
	}
	cl.advanceTo(until)
}

func (cl *cluster) advanceTo(until time.Duration) {
	if d := until - cl.builder.Now(); d > 0 {
		cl.builder.Wait(d)
	}
}

// runUntilIdle runs the cluster until there was no event for quiet, at most until timeout.
func (cl *cluster) runUntilIdle(quiet, timeout time.Duration) {
	for end := cl.builder.Now() + timeout; cl.builder.Now() < end; {
		before := len(cl.builder.Events())
		cl.run(quiet)
		if len(cl.builder.Events()) == before {
			return
		}
	}
}

// deliver passes new events to every component of the cluster.
func (cl *cluster) deliver() {
	for ; cl.delivered < len(cl.builder.Events()); cl.delivered++ {
		e := cl.builder.Events()[cl.delivered]
		if e.Gone() {
			delete(cl.alive, e.UID)
		} else {
			cl.alive[e.UID] = true
		}
		cl.controller.watch(e)
		cl.handleOwners(e)
		switch e.Resource {
		case history.Pods:
			cl.handlePod(e)
		case history.Claims:
			cl.handleClaim(e)
		}
	}
}

// get returns the newest version of an existing object, or nil; with a UID only if it matches.
func (cl *cluster) get(r history.Resource, name string, uid types.UID) *history.Event {
	if !cl.builder.Exists(r, name) {
		return nil
	}
	if e := cl.builder.Get(r, name); uid == "" || e.UID == uid {
		return e
	}
	return nil
}

func (cl *cluster) chance(p float64) bool { return cl.rng.Float64() < p }

// jitter returns a time between d/2 and 3d/2, with probability slowRate up to 40 s more than d.
func (cl *cluster) jitter(d time.Duration) time.Duration {
	if cl.chance(cl.options.slowRate) {
		return d + time.Duration(cl.rng.Int64N(int64(40*time.Second)))
	}
	return d/2 + time.Duration(cl.rng.Int64N(int64(d)+1))
}

// durationBetween returns a random time from a to b.
func (cl *cluster) durationBetween(a, b time.Duration) time.Duration {
	return a + time.Duration(cl.rng.Int64N(int64(b-a)+1))
}
