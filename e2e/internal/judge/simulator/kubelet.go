package simulator

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// brokenImage begins the names of images whose pods never become Ready.
const brokenImage = "broken:"

// kubelet lets scheduler and kubelets take note of a change of a pod.
func (w *world) kubelet(e *history.Event) {
	name, uid := e.Name, e.UID
	switch {
	case e.Gone():
	case e.Terminating():
		if old := w.controller.terminating; !old[uid] {
			old[uid] = true
			w.after(w.grace(e), func() { w.stopped(name, uid) })
		}
	case e.Change == history.Added && e.Pod.Node == "":
		w.after(w.between(5*time.Millisecond, 100*time.Millisecond), func() { w.schedule(name, uid) })
	}
}

// grace returns how long a pod takes to stop, within what it is given.
func (w *world) grace(e *history.Event) time.Duration {
	most := 30 * time.Second
	if e.DeletionGrace != nil {
		most = time.Duration(*e.DeletionGrace) * time.Second
	}
	return min(most, w.about(w.custom.stop))
}

// pod returns the living pod of that UID that is to stay, or nil.
func (w *world) pod(name string, uid types.UID) *history.Event {
	if e := w.get(history.Pods, name, uid); e != nil && !e.Terminating() && !e.Pod.Finished() {
		return e
	}
	return nil
}

func (w *world) schedule(name string, uid types.UID) {
	e := w.pod(name, uid)
	if e == nil {
		return
	}
	for _, claim := range e.Pod.Claims {
		if c := w.get(history.Claims, claim, ""); c == nil || c.Claim.Phase != corev1.ClaimBound || c.Terminating() {
			w.after(300*time.Millisecond, func() { w.schedule(name, uid) })
			return
		}
	}
	w.s.Change(history.Pods, name, func(e *history.Event) {
		e.Pod.Node = fmt.Sprintf("node-%d", w.rng.IntN(3))
		w.condition(e.Pod, corev1.PodScheduled, true)
	})
	w.after(w.about(w.custom.start), func() { w.start(name, uid) })
}

func (w *world) start(name string, uid types.UID) {
	e := w.pod(name, uid)
	if e == nil {
		return
	}
	broken := strings.HasPrefix(e.Pod.Template.Images["main"], brokenImage)
	atOnce := !broken && w.chance(0.3)
	w.s.Change(history.Pods, name, func(e *history.Event) {
		e.Pod.Phase = corev1.PodRunning
		e.Pod.IPs = []string{fmt.Sprintf("10.0.%d.%d", w.rng.IntN(250), w.rng.IntN(250))}
		e.Pod.Containers = []history.Container{{Name: "main", State: history.ContainerRunning, Started: w.s.Timestamp()}}
		w.ready(e.Pod, atOnce)
	})
	switch {
	case atOnce:
		w.mishap(name, uid)
	case !broken:
		w.after(w.about(w.custom.start), func() { w.becomeReady(name, uid) })
	}
}

func (w *world) becomeReady(name string, uid types.UID) {
	e := w.pod(name, uid)
	if e == nil || e.Pod.Stopped() {
		return
	}
	w.s.Change(history.Pods, name, func(e *history.Event) { w.ready(e.Pod, true) })
	w.mishap(name, uid)
}

// mishap now and then lets something happen to a pod that has become Ready.
func (w *world) mishap(name string, uid types.UID) {
	if !w.chance(w.custom.frail) {
		return
	}
	what := pick(w.rng, w.unready, w.unready, w.crash, w.crash, w.fail, w.succeed, w.pressed, w.tainted)
	w.after(w.between(100*time.Millisecond, 15*time.Second), func() {
		if e := w.pod(name, uid); e != nil && e.Pod.RunningAndReady() {
			what(name, uid)
		}
	})
}

func (w *world) unready(name string, uid types.UID) {
	w.s.Unready(name)
	w.after(w.about(w.custom.start), func() { w.becomeReady(name, uid) })
}

func (w *world) crash(name string, uid types.UID) {
	w.s.Crash(name)
	w.after(w.about(w.custom.start), func() {
		if w.pod(name, uid) == nil {
			return
		}
		w.s.Change(history.Pods, name, func(e *history.Event) {
			for i := range e.Pod.Containers {
				c := &e.Pod.Containers[i]
				*c = history.Container{Name: c.Name, State: history.ContainerRunning, Restarts: c.Restarts + 1, Started: w.s.Timestamp()}
			}
		})
		w.after(w.about(w.custom.start), func() { w.becomeReady(name, uid) })
	})
}

func (w *world) fail(name string, _ types.UID)    { w.s.Fail(name) }
func (w *world) succeed(name string, _ types.UID) { w.s.Succeed(name) }

// pressed is a pod that its kubelet gives up for want of memory.
func (w *world) pressed(name string, _ types.UID) {
	w.s.Disrupt(name, "TerminationByKubelet")
	w.s.Fail(name)
}

// tainted is a pod that a taint drives away.
func (w *world) tainted(name string, uid types.UID) {
	w.s.Disrupt(name, "DeletionByTaintManager")
	w.deletePod(name, uid, nil)
}

// stopped ends a terminating pod whose containers have stopped.
func (w *world) stopped(name string, uid types.UID) {
	if w.get(history.Pods, name, uid) == nil {
		return
	}
	w.s.Change(history.Pods, name, func(e *history.Event) {
		w.ready(e.Pod, false)
		for i := range e.Pod.Containers {
			c := &e.Pod.Containers[i]
			c.State, c.Finished = history.ContainerTerminated, w.s.Timestamp()
		}
		// From 1.27 on a kubelet writes how the containers ended before it lets the pod go.
		if !e.Pod.Finished() && w.chance(0.7) {
			e.Pod.Phase = pick(w.rng, corev1.PodSucceeded, corev1.PodFailed)
		}
	})
	w.after(w.between(time.Millisecond, 50*time.Millisecond), func() { w.remove(history.Pods, name, uid) })
}

// deletePod is the API server's answer to a request to delete a pod.
func (w *world) deletePod(name string, uid types.UID, grace *int64) {
	e := w.get(history.Pods, name, uid)
	if e == nil {
		return
	}
	if grace == nil {
		grace = e.Pod.Grace
	}
	switch {
	case *grace == 0 || e.Pod.Node == "" || e.Pod.Finished():
		w.remove(history.Pods, name, uid)
	case !e.Terminating():
		w.s.Change(history.Pods, name, func(e *history.Event) {
			end := metav1.NewTime(w.s.Timestamp().Add(time.Duration(*grace) * time.Second))
			e.DeletionTimestamp, e.DeletionGrace = &end, grace
		})
	}
}

// remove takes an object away for good.
func (w *world) remove(r history.Resource, name string, uid types.UID) {
	if w.get(r, name, uid) == nil {
		return
	}
	e := w.s.Remove(r, name)
	if e.DeletionTimestamp == nil {
		now := w.s.Timestamp()
		e.DeletionTimestamp = &now
	}
	if r == history.Pods {
		zero := int64(0)
		e.DeletionGrace = &zero
	}
}

// ready sets the conditions that tell whether a pod is Ready.
func (w *world) ready(p *history.Pod, ready bool) {
	w.condition(p, corev1.ContainersReady, ready)
	w.condition(p, corev1.PodReady, ready)
}

func (w *world) condition(p *history.Pod, t corev1.PodConditionType, holds bool) {
	status := corev1.ConditionFalse
	if holds {
		status = corev1.ConditionTrue
	}
	c := p.Condition(t)
	if c == nil {
		p.Conditions = append(p.Conditions, history.Condition{Type: t})
		c = &p.Conditions[len(p.Conditions)-1]
	}
	if c.Status != status {
		c.Status, c.Transition = status, w.s.Timestamp()
	}
}
