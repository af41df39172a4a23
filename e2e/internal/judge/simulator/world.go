package simulator

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// world is a cluster in the making: its objects live in a story, and what its parts are going to do waits in a queue.
type world struct {
	rng        *rand.Rand
	s          *historytest.Builder
	custom     customs
	queue      queue
	tasks      int
	heard      int // events that all parts were told of
	alive      map[types.UID]bool
	controller *controller
	begin      time.Time
	templates  []history.Template // those used so far; the digest of one is its number
	selector   map[string]string
}

// task is something that a part of the cluster is going to do.
type task struct {
	at time.Duration
	n  int // among tasks of one moment the older comes first
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

// at lets something be done at that moment, or now if it has passed.
func (w *world) at(t time.Duration, do func()) {
	w.tasks++
	heap.Push(&w.queue, task{at: t, n: w.tasks, do: do})
}

func (w *world) after(d time.Duration, do func()) { w.at(w.s.Now()+d, do) }

// run lets the cluster work for that long.
func (w *world) run(d time.Duration) {
	until := w.s.Now() + d
	w.absorb()
	for len(w.queue) > 0 && w.queue[0].at <= until {
		t := heap.Pop(&w.queue).(task)
		w.wait(t.at)
		t.do()
		w.absorb()
	}
	w.wait(until)
}

func (w *world) wait(until time.Duration) {
	if d := until - w.s.Now(); d > 0 {
		w.s.Wait(d)
	}
}

// settle lets the cluster work until nothing has happened for that long; patience bounds it.
func (w *world) settle(quiet, patience time.Duration) {
	for end := w.s.Now() + patience; w.s.Now() < end; {
		before := len(w.s.Events())
		w.run(quiet)
		if len(w.s.Events()) == before {
			return
		}
	}
}

// absorb tells every part of the cluster of what has happened.
func (w *world) absorb() {
	for ; w.heard < len(w.s.Events()); w.heard++ {
		e := w.s.Events()[w.heard]
		if e.Gone() {
			delete(w.alive, e.UID)
		} else {
			w.alive[e.UID] = true
		}
		w.controller.hear(e)
		w.collect(e)
		switch e.Resource {
		case history.Pods:
			w.kubelet(e)
		case history.Claims:
			w.volumes(e)
		}
	}
}

// get returns the newest version of a living object, or nil; with a UID only if it is that one.
func (w *world) get(r history.Resource, name string, uid types.UID) *history.Event {
	if !w.s.Exists(r, name) {
		return nil
	}
	if e := w.s.Get(r, name); uid == "" || e.UID == uid {
		return e
	}
	return nil
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

// about returns a time around d, now and then, where this cluster has it, a much longer one.
func (w *world) about(d time.Duration) time.Duration {
	if w.chance(w.custom.slow) {
		return d + time.Duration(w.rng.Int64N(int64(40*time.Second)))
	}
	return d/2 + time.Duration(w.rng.Int64N(int64(d)+1))
}

// between returns a time between the two.
func (w *world) between(a, b time.Duration) time.Duration {
	return a + time.Duration(w.rng.Int64N(int64(b-a)+1))
}
