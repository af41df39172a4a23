package simulator

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// deletionReport is one deletion that the controller reports.
type deletionReport struct {
	at  time.Duration
	set *history.Event
	pod string
}

// deletePod has the controller delete a pod and report that.
func (s *setSync) deletePod(r *replica) {
	s.c.cl.deletePod(r.name, r.uid(), nil)
	s.c.reports = append(s.c.reports, deletionReport{at: s.c.cl.builder.Now(), set: s.set, pod: r.name})
	s.noteOwnAct(r)
}

// eventCorrelator is how client-go's event recorder treats the reports of one object: it counts equal ones in one Event object, combines
// those that differ in their message alone once there are ten, and drops what exceeds a burst. Reports of creations, which are not
// simulated, use up the burst too.
type eventCorrelator struct {
	left    int
	refill  time.Duration
	names   map[string]bool // of pods
	objects map[string]*history.Event
}

const (
	reportBurst    = 25
	reportRefill   = 300 * time.Second
	combinedBeyond = 9
)

// withReports adds the Event objects in which the controller reports its deletions. They come from a random sequence of their own, so that a
// seed makes the same history with and without them, and have resource versions of their own, as in an API server with two stores.
func (cl *cluster) withReports(h *history.History, seed uint64) *history.History {
	rng := rand.New(rand.NewPCG(seed, 0xe7e))
	between := func(a, b time.Duration) time.Duration { return a + time.Duration(rng.Int64N(int64(b-a)+1)) }
	correlators := map[types.UID]*eventCorrelator{}
	skew := between(0, cl.options.watchSkew)
	var last time.Duration
	for i, r := range cl.controller.reports {
		c := correlators[r.set.UID]
		if c == nil {
			c = &eventCorrelator{left: 5 + rng.IntN(reportBurst-4), refill: r.at, names: map[string]bool{}, objects: map[string]*history.Event{}}
			correlators[r.set.UID] = c
		}
		latency := between(time.Millisecond, 60*time.Millisecond)
		if rng.IntN(50) == 0 {
			latency = between(time.Second, 12*time.Second) // the API server refused it at first
		}
		last = max(last, r.at+latency+skew)
		if e := c.observe(r, h, i); e != nil && rng.IntN(20) != 0 {
			e.At = last
			h.Events = append(h.Events, e)
		}
	}
	SortByTime(h)
	h.End.At = max(h.End.At, h.Duration())
	return h
}

// observe returns the version of an Event object that a report makes, nil if it is dropped.
func (c *eventCorrelator) observe(r deletionReport, h *history.History, n int) *history.Event {
	for ; c.refill+reportRefill <= r.at; c.refill += reportRefill {
		c.left = min(c.left+1, reportBurst)
	}
	c.names[r.pod] = true
	key := r.pod
	if len(c.names) > combinedBeyond {
		key = "combined"
	}
	now := metav1.NewTime(h.Header.Start.Add(r.at).Truncate(time.Second))
	e := &history.Event{
		Change: history.Modified, Resource: history.Events,
		Report: &history.Report{
			Type: corev1.EventTypeNormal, Reason: history.SuccessfulDelete, Reporter: history.StatefulSetController,
			Kind: "StatefulSet", Object: r.set.Name, UID: r.set.UID, Pod: r.pod, Count: 1, Last: now,
		},
	}
	if was := c.objects[key]; was == nil {
		e.Change = history.Added
		e.Meta = history.Meta{Name: fmt.Sprintf("%s.%x", r.set.Name, n), UID: types.UID(fmt.Sprintf("event-%d", n)), CreationTimestamp: now}
	} else {
		e.Meta = was.Meta
		e.Report.Count = was.Report.Count + 1
	}
	e.ResourceVersion = strconv.Itoa(n + 1)
	if c.left == 0 {
		return nil // the count goes on all the same
	}
	c.left--
	c.objects[key] = e
	return e
}
