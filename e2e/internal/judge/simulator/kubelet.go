package simulator

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// brokenImage is the prefix of images whose pods never become Ready.
const brokenImage = "broken:"

// handlePod schedules what scheduler and kubelet do after a change of a pod.
func (cl *cluster) handlePod(e *history.Event) {
	name, uid := e.Name, e.UID
	switch {
	case e.Gone():
	case e.Terminating():
		if !cl.stopping[uid] {
			cl.stopping[uid] = true
			cl.after(cl.shutdownTime(e), func() { cl.finishTermination(name, uid) })
		}
	case e.Change == history.Added && e.Pod.Node == "":
		cl.after(cl.durationBetween(5*time.Millisecond, 100*time.Millisecond), func() { cl.schedule(name, uid) })
	}
}

// startFaulty starts a pod whose container cannot start, or ends by itself again and again, and reports whether it is such a one.
func (cl *cluster) startFaulty(e *history.Event) bool {
	name, uid, fault := e.Name, e.UID, cl.faultOf(e.Pod)
	waits := func(reason string) {
		cl.builder.Change(history.Pods, name, func(e *history.Event) {
			restarts := e.Pod.Restarts()
			e.Pod.Containers = []history.Container{{Name: "main", State: history.ContainerWaiting, Reason: reason, Restarts: restarts}}
			cl.setReady(e.Pod, false)
		})
	}
	runs, code := 50*time.Millisecond, int32(1)
	switch fault {
	case explore.Unpullable:
		waits("ErrImageNeverPull")
		return true
	case explore.Ending:
		runs, code = 2*time.Second, 0
	case explore.Crashing:
	default:
		return false
	}
	var start func(restarts int32)
	start = func(restarts int32) {
		if cl.activePod(name, uid) == nil {
			return
		}
		cl.builder.Change(history.Pods, name, func(e *history.Event) {
			e.Pod.Phase = corev1.PodRunning
			if len(e.Pod.IPs) == 0 {
				e.Pod.IPs = []string{fmt.Sprintf("10.1.%d.%d", cl.rng.IntN(250), cl.rng.IntN(250))}
			}
			e.Pod.Containers = []history.Container{{Name: "main", State: history.ContainerRunning, Restarts: restarts, Started: cl.builder.Timestamp()}}
			cl.setReady(e.Pod, true)
		})
		cl.after(runs, func() {
			if cl.activePod(name, uid) == nil {
				return
			}
			cl.builder.Exit(name, code)
			backOff := min(10*time.Second<<restarts, 5*time.Minute)
			cl.after(cl.kubeletDelay(), func() {
				if restarts > 0 && cl.activePod(name, uid) != nil {
					waits("CrashLoopBackOff")
				}
			})
			cl.after(backOff, func() { start(restarts + 1) })
		})
	}
	start(0)
	return true
}

// shutdownTime returns how long a pod takes to stop within its grace period.
func (cl *cluster) shutdownTime(e *history.Event) time.Duration {
	grace := 30 * time.Second
	if e.DeletionGrace != nil {
		grace = time.Duration(*e.DeletionGrace) * time.Second
	}
	stops := cl.jitter(cl.options.stopTime)
	if t := cl.templateFor(e.Pod); t != nil && t.Stop > 0 {
		stops = time.Duration(t.Stop) * time.Second
	}
	return min(grace, stops)
}

// activePod returns the pod if it exists and is neither terminating nor finished, or nil.
func (cl *cluster) activePod(name string, uid types.UID) *history.Event {
	if e := cl.get(history.Pods, name, uid); e != nil && !e.Terminating() && !e.Pod.Finished() {
		return e
	}
	return nil
}

func (cl *cluster) schedule(name string, uid types.UID) {
	e := cl.activePod(name, uid)
	if e == nil || cl.faultOf(e.Pod) == explore.Unplaced {
		return
	}
	for _, claim := range e.Pod.Claims {
		if c := cl.get(history.Claims, claim, ""); c == nil || c.Claim.Phase != corev1.ClaimBound || c.Terminating() {
			cl.after(300*time.Millisecond, func() { cl.schedule(name, uid) })
			return
		}
	}
	cl.builder.Change(history.Pods, name, func(e *history.Event) {
		e.Pod.Node = fmt.Sprintf("node-%d", cl.rng.IntN(3))
		cl.setCondition(e.Pod, corev1.PodScheduled, true)
	})
	cl.after(cl.jitter(cl.options.startTime), func() { cl.startPod(name, uid) })
}

func (cl *cluster) startPod(name string, uid types.UID) {
	e := cl.activePod(name, uid)
	if e == nil {
		return
	}
	if cl.startFaulty(e) {
		return
	}
	broken := strings.HasPrefix(e.Pod.Template.Images["main"], brokenImage) || cl.faultOf(e.Pod) == explore.Unready
	atOnce := !broken && cl.chance(0.3)
	cl.builder.Change(history.Pods, name, func(e *history.Event) {
		e.Pod.Phase = corev1.PodRunning
		e.Pod.IPs = []string{fmt.Sprintf("10.0.%d.%d", cl.rng.IntN(250), cl.rng.IntN(250))}
		e.Pod.Containers = cl.withSidecar([]history.Container{{Name: "main", State: history.ContainerRunning, Started: cl.builder.Timestamp()}})
		cl.setReady(e.Pod, atOnce)
	})
	switch {
	case atOnce:
		cl.maybeFail(name, uid)
	case !broken:
		cl.after(cl.jitter(cl.options.startTime), func() { cl.becomeReady(name, uid) })
	}
}

func (cl *cluster) becomeReady(name string, uid types.UID) {
	e := cl.activePod(name, uid)
	if e == nil || e.Pod.Stopped() {
		return
	}
	cl.builder.Change(history.Pods, name, func(e *history.Event) { cl.setReady(e.Pod, true) })
	cl.maybeFail(name, uid)
}

// maybeFail schedules, with probability failureRate, a failure of a pod that became Ready.
func (cl *cluster) maybeFail(name string, uid types.UID) {
	if cl.flaps(name, uid) || !cl.chance(cl.options.failureRate) {
		return
	}
	failure := pick(cl.rng, cl.unready, cl.unready, cl.crash, cl.crash, cl.fail, cl.succeed, cl.nodePressure, cl.taintEviction)
	cl.after(cl.durationBetween(100*time.Millisecond, 15*time.Second), func() {
		if e := cl.activePod(name, uid); e != nil && e.Pod.RunningAndReady() {
			failure(name, uid)
		}
	})
}

func (cl *cluster) unready(name string, uid types.UID) {
	cl.builder.Unready(name)
	cl.after(cl.jitter(cl.options.startTime), func() { cl.becomeReady(name, uid) })
}

func (cl *cluster) crash(name string, uid types.UID) { cl.exit(name, uid, 1) }

// exit ends the containers of a pod, which their kubelet starts again.
func (cl *cluster) exit(name string, uid types.UID, code int32) {
	cl.builder.Exit(name, code)
	if cl.startedOnce[uid] {
		cl.after(cl.kubeletDelay(), func() {
			if cl.activePod(name, uid) != nil {
				cl.succeed(name, uid)
			}
		})
		return
	}
	cl.after(cl.jitter(cl.options.startTime), func() {
		if cl.activePod(name, uid) == nil {
			return
		}
		cl.builder.Change(history.Pods, name, func(e *history.Event) {
			for i := range e.Pod.Containers {
				c := &e.Pod.Containers[i]
				*c = history.Container{Name: c.Name, State: history.ContainerRunning, Restarts: c.Restarts + 1, Started: cl.builder.Timestamp()}
			}
		})
		cl.after(cl.jitter(cl.options.startTime), func() { cl.becomeReady(name, uid) })
	})
}

func (cl *cluster) fail(name string, _ types.UID)    { cl.builder.Fail(name) }
func (cl *cluster) succeed(name string, _ types.UID) { cl.builder.Succeed(name) }

// nodePressure evicts a pod as its kubelet does when memory runs out.
func (cl *cluster) nodePressure(name string, _ types.UID) {
	cl.builder.Disrupt(name, "TerminationByKubelet")
	cl.builder.Fail(name)
}

// taintEviction evicts a pod as the taint manager does.
func (cl *cluster) taintEviction(name string, uid types.UID) {
	cl.builder.Disrupt(name, "DeletionByTaintManager")
	cl.deletePod(name, uid, nil)
}

// finishTermination records that the containers stopped and then removes the pod.
func (cl *cluster) finishTermination(name string, uid types.UID) {
	e := cl.get(history.Pods, name, uid)
	if e == nil {
		return
	}
	if e.Pod.Node == "" { // which only a finalizer keeps
		cl.removeObject(history.Pods, name, uid)
		return
	}
	cl.builder.Change(history.Pods, name, func(e *history.Event) {
		cl.setReady(e.Pod, false)
		for i := range e.Pod.Containers {
			c := &e.Pod.Containers[i]
			c.State, c.Finished = history.ContainerTerminated, cl.builder.Timestamp()
		}
		// From 1.27 on the kubelet writes a terminal phase before the pod is removed.
		if !e.Pod.Finished() && cl.chance(0.7) {
			e.Pod.Phase = pick(cl.rng, corev1.PodSucceeded, corev1.PodFailed)
		}
	})
	cl.after(cl.durationBetween(time.Millisecond, 50*time.Millisecond), func() { cl.removeObject(history.Pods, name, uid) })
}

// setReady sets the conditions ContainersReady and Ready.
func (cl *cluster) setReady(p *history.Pod, ready bool) {
	cl.setCondition(p, corev1.ContainersReady, ready)
	cl.setCondition(p, corev1.PodReady, ready && !cl.held(p))
	if t := cl.templateFor(p); t != nil && t.Gate {
		reason := ""
		if ready && cl.held(p) {
			reason = "ReadinessGatesNotReady"
		}
		p.Condition(corev1.PodReady).Reason = reason
	}
}

func (cl *cluster) setCondition(p *history.Pod, t corev1.PodConditionType, holds bool) {
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
		c.Status, c.Transition = status, cl.transitionTime(p)
	}
}
