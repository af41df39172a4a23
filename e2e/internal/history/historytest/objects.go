package historytest

import (
	"fmt"
	"maps"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Grace is the grace period, in seconds, of every pod.
const Grace = 30

// Option changes a set before it is created.
type Option func(*history.Set)

// Replicas sets how many pods are wanted.
func Replicas(n int32) Option { return func(s *history.Set) { s.Replicas = n } }

// Parallel makes the policy Parallel instead of OrderedReady.
func Parallel(s *history.Set) { s.Policy = appsv1.ParallelPodManagement }

// Claims gives the set claim templates of these names.
func Claims(names ...string) Option { return func(s *history.Set) { s.ClaimTemplates = names } }

// Set creates a StatefulSet: OrderedReady, RollingUpdate, one replica, revision "<name>-1", claims retained.
func (s *Builder) Set(name string, options ...Option) *history.Event {
	limit, grace := int32(10), int64(Grace)
	set := &history.Set{
		Replicas: 1, Policy: appsv1.OrderedReadyPodManagement, Strategy: appsv1.RollingUpdateStatefulSetStrategyType,
		ServiceName: name, Selector: map[string]string{"app": name}, RevisionHistoryLimit: &limit, PodGrace: &grace,
		WhenScaled: appsv1.RetainPersistentVolumeClaimRetentionPolicyType, WhenDeleted: appsv1.RetainPersistentVolumeClaimRetentionPolicyType,
		Template: history.Template{Images: map[string]string{"main": "image:1"}},
		Status:   history.Status{CurrentRevision: name + "-1", UpdateRevision: name + "-1"},
	}
	for _, o := range options {
		o(set)
	}
	return s.Add(&history.Event{Resource: history.Sets, Meta: history.Meta{Name: name, Generation: 1}, Set: set})
}

// Update changes a set's spec, which makes a new generation.
func (s *Builder) Update(set string, f func(*history.Set)) *history.Event {
	return s.Change(history.Sets, set, func(e *history.Event) {
		e.Generation++
		f(e.Set)
	})
}

// Scale changes a set's replicas.
func (s *Builder) Scale(set string, replicas int32) *history.Event {
	return s.Update(set, func(t *history.Set) { t.Replicas = replicas })
}

// NewTemplate gives the set a new template, and with it the update revision "<set>-<n>".
func (s *Builder) NewTemplate(set string, n int) *history.Event {
	s.Update(set, func(t *history.Set) { t.Template.Images = map[string]string{"main": fmt.Sprintf("image:%d", n)} })
	return s.Status(set, func(st *history.Status) { st.UpdateRevision = fmt.Sprintf("%s-%d", set, n) })
}

// Status writes the set's status, changed by f, if any, then counts its pods as they are now, as the controller does.
func (s *Builder) Status(set string, f ...func(*history.Status)) *history.Event {
	return s.Change(history.Sets, set, func(e *history.Event) {
		st := &e.Set.Status
		st.ObservedGeneration = e.Generation
		for _, change := range f {
			change(st)
		}
		st.Replicas, st.Ready, st.Available, st.Current, st.Updated = 0, 0, 0, 0, 0
		for _, p := range s.live {
			c := p.Controller()
			if p.Resource != history.Pods || c == nil || c.UID != e.UID {
				continue
			}
			st.Replicas++
			if p.Pod.RunningAndReady() {
				st.Ready++
				if need := time.Duration(e.Set.MinReadySeconds) * time.Second; s.Timestamp().Sub(p.Pod.Condition(corev1.PodReady).Transition.Time) >= need {
					st.Available++
				}
			}
			if p.Terminating() {
				continue
			}
			switch p.Labels[appsv1.ControllerRevisionHashLabelKey] {
			case st.UpdateRevision:
				st.Updated++
				if st.CurrentRevision == st.UpdateRevision {
					st.Current++
				}
			case st.CurrentRevision:
				st.Current++
			}
		}
		if n := e.Set.Replicas; e.Set.Strategy == appsv1.RollingUpdateStatefulSetStrategyType && st.Updated == n && st.Ready == n && st.Replicas == n {
			st.Current, st.CurrentRevision = st.Updated, st.UpdateRevision
		}
	})
}

// Pod creates a Pending pod of a set as its controller does, of the set's update revision and template.
func (s *Builder) Pod(name string) *history.Event {
	set := s.Get(history.Sets, setOf(name))
	grace := int64(Grace)
	pod := &history.Pod{Phase: corev1.PodPending, Hostname: name, Subdomain: set.Set.ServiceName, Grace: &grace, Template: templateCopy(set.Set.Template)}
	for _, t := range set.Set.ClaimTemplates {
		if pod.Claims == nil {
			pod.Claims = map[string]string{}
		}
		pod.Claims[t] = t + "-" + name
	}
	return s.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{
		Name: name, Owners: s.owner(set.Name),
		Labels: map[string]string{
			"app":                                 set.Name,
			appsv1.StatefulSetPodNameLabel:        name,
			appsv1.PodIndexLabel:                  fmt.Sprint(history.Ordinal(name)),
			appsv1.ControllerRevisionHashLabelKey: set.Set.Status.UpdateRevision,
		},
	}, Pod: pod})
}

// Ready makes a pod Running and Ready.
func (s *Builder) Ready(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		e.Pod.Phase = corev1.PodRunning
		e.Pod.Node = "node"
		e.Pod.IPs = []string{fmt.Sprintf("10.0.0.%d", s.place()%250+1)}
		e.Pod.Containers = []history.Container{{Name: "main", State: history.ContainerRunning, Started: s.Timestamp()}}
		readiness(s, e.Pod, true)
	})
}

// Unready makes a running pod not Ready.
func (s *Builder) Unready(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) { readiness(s, e.Pod, false) })
}

// Fail sets a pod's phase to Failed.
func (s *Builder) Fail(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		e.Pod.Phase = corev1.PodFailed
		readiness(s, e.Pod, false)
		stop(s, e.Pod)
	})
}

// Terminate requests a pod's deletion, with its own grace period, and has the controller report that it did so.
func (s *Builder) Terminate(pod string) *history.Event {
	e := s.terminate(pod)
	s.ReportDeletion(pod)
	return e
}

// terminate requests a pod's deletion, with its own grace period.
func (s *Builder) terminate(pod string) *history.Event {
	return s.Change(history.Pods, pod, func(e *history.Event) {
		// The API writes when the grace period will be over, not when deletion was requested.
		end := metav1.NewTime(s.Timestamp().Add(Grace * time.Second))
		e.DeletionTimestamp = &end
		e.DeletionGrace = e.Pod.Grace
	})
}

// FinishDeletion stops the containers of a terminating pod and removes it, as a kubelet does.
func (s *Builder) FinishDeletion(pod string) *history.Event {
	s.Change(history.Pods, pod, func(e *history.Event) {
		readiness(s, e.Pod, false)
		stop(s, e.Pod)
	})
	s.Change(history.Pods, pod, func(e *history.Event) {
		zero := int64(0)
		e.DeletionGrace = &zero
	})
	return s.Remove(history.Pods, pod)
}

func stop(s *Builder, p *history.Pod) {
	for i := range p.Containers {
		p.Containers[i].State = history.ContainerTerminated
		p.Containers[i].Finished = s.Timestamp()
	}
}

// DeletePod requests a pod's deletion and completes it.
func (s *Builder) DeletePod(pod string) {
	s.Terminate(pod)
	s.FinishDeletion(pod)
}

// DeleteByTest requests a pod's deletion by an operation of the test.
func (s *Builder) DeleteByTest(pod string) {
	s.Operation(history.VerbDelete, history.Pods, pod)
	s.terminate(pod)
}

// CreateReady creates a pod and makes it Ready.
func (s *Builder) CreateReady(pod string) {
	s.Pod(pod)
	s.Ready(pod)
}

// Claim creates a claim bound to a volume of its own, labelled as the set of the pod that it is for and its claim template say.
func (s *Builder) Claim(template, pod string) *history.Event {
	name := template + "-" + pod
	set := s.Get(history.Sets, setOf(pod))
	labels := map[string]string{}
	maps.Copy(labels, set.Set.ClaimLabels[template])
	maps.Copy(labels, set.Set.Selector)
	e := s.Add(&history.Event{Resource: history.Claims, Meta: history.Meta{Name: name, Labels: labels}, Claim: &history.Claim{
		Phase: corev1.ClaimPending, Class: "standard", Request: requestOf(set, template),
	}})
	uid := e.UID
	return s.Change(history.Claims, name, func(e *history.Event) {
		e.Claim.Phase, e.Claim.Volume = corev1.ClaimBound, "pv-"+string(uid)
	})
}

// requestOf returns the request of a claim that is made of a set's claim template.
func requestOf(set *history.Event, template string) history.ClaimRequest {
	r := set.Set.ClaimRequests[template]
	r.Class = ""
	return r
}

// Request makes a claim template ask for a volume of that size.
func Request(template, size string) Option {
	return func(s *history.Set) {
		s.ClaimRequests = map[string]history.ClaimRequest{template: {Size: size, Modes: string(corev1.ReadWriteOnce)}}
	}
}

// Running creates a set and that many pods, each Ready before the next is created, and writes the status after each.
func (s *Builder) Running(set string, replicas int, options ...Option) {
	s.Set(set, append([]Option{Replicas(int32(replicas))}, options...)...)
	for n := range replicas {
		pod := fmt.Sprintf("%s-%d", set, n)
		for _, t := range s.Get(history.Sets, set).Set.ClaimTemplates {
			s.Claim(t, pod)
		}
		s.CreateReady(pod)
		s.Status(set)
	}
}

// DeleteSet removes a set and leaves its pods to the garbage collector.
func (s *Builder) DeleteSet(set string) types.UID { return s.Remove(history.Sets, set).UID }
