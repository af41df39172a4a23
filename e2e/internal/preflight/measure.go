package preflight

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/exec"
	"k8s.io/klog/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// step is what happens to the second pod of the probe's set, and to its claim.
type step string

// The steps, in the order in which they are waited for; that the claim was bound is not.
const (
	created step = "was created"
	bound   step = "had its claim Bound"
	started step = "ran"
	isReady step = "was Ready"
	settled step = "was counted in the set's status"
	gone    step = "was gone"
)

// steps are the times at which steps were first seen, by watches of the set's namespace.
type steps struct {
	set, claim string
	mu         sync.Mutex
	at         map[step]time.Time
	changed    chan struct{}
}

// pod is the name of the pod that is watched.
func (s *steps) pod() string { return s.set + "-1" }

// see notes which steps an object shows.
func (s *steps) see(o any, deleted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	note := func(step step, is bool) {
		if is && s.at[step].IsZero() {
			s.at[step] = time.Now()
		}
	}
	switch o := o.(type) {
	case *corev1.Pod:
		if o.Name == s.pod() {
			note(created, true)
			note(started, o.Status.Phase == corev1.PodRunning)
			for _, c := range o.Status.Conditions {
				note(isReady, c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue)
			}
			note(gone, deleted)
		}
	case *corev1.PersistentVolumeClaim:
		note(bound, o.Name == s.claim && o.Status.Phase == corev1.ClaimBound)
	case *appsv1.StatefulSet:
		note(settled, o.Name == s.set && o.Status.ReadyReplicas == 2 && o.Status.ObservedGeneration >= o.Generation)
	}
	select {
	case s.changed <- struct{}{}:
	default: // somebody has yet to look
	}
}

// seen returns when a step was seen first, the zero time if it was not.
func (s *steps) seen(one step) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at[one]
}

// await returns when a step was seen. That it was not before ctx ended is an error.
func (s *steps) await(ctx context.Context, wanted step) (time.Time, error) {
	for {
		if at := s.seen(wanted); !at.IsZero() {
			return at, nil
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("it was not seen within the limits (probe, claim-bound) that pod %s %s", s.pod(), wanted)
		case <-s.changed:
		}
	}
}

// measure scales the probe's set to two pods, has the first ask for the second by name, and scales it back. run runs a command in the first. It returns how long
// the cluster took, and notes of what did not happen within the limits: whether the cluster has to do it is for the run to judge. That a pod cannot write to its
// volume is a problem.
func (p *prober) measure(ctx context.Context, namespace, set string, run nslookup.Exec) (m runconfig.Measured, notes []string, problem *Problem) {
	_, err := run(ctx, "sh", "-c", ": > "+probeMount+"/written")
	if _, ended := errors.AsType[exec.CodeExitError](err); ended {
		return m, nil, &Problem{Text: oneLine(fmt.Sprintf("volumes: expected pod %s-0 to write to its volume of class %q, found: %v; name a class with STORAGE_CLASS= whose volumes the user of pods may "+
			"write to, or give pods the user and the fsGroup that this one wants with POD_PATCH=", set, p.settings.Facts.StorageClass, err))}
	}
	ctx, cancel := context.WithTimeout(ctx, p.settings.Limits.Probe+p.settings.Limits.ClaimBound)
	defer cancel()
	s := &steps{set: set, claim: probeClaim + "-" + set + "-1", at: map[step]time.Time{}, changed: make(chan struct{}, 1)}
	if err == nil {
		err = p.watch(ctx, namespace, s)
	}
	if err == nil {
		err = p.timed(ctx, namespace, s, run, &m)
	}
	if err != nil {
		notes = append(notes, oneLine(fmt.Sprintf("what the cluster takes was not measured to the end, as the set %s was scaled from one pod to two and back: %v", set, err)))
	}
	return m, notes, nil
}

// timed does what measure is for.
func (p *prober) timed(ctx context.Context, namespace string, s *steps, run nslookup.Exec, m *runconfig.Measured) error {
	begin := time.Now()
	if err := p.scale(ctx, namespace, s.set, 2); err != nil {
		return err
	}
	since := begin
	for _, one := range []struct {
		step
		took *float64
	}{{created, &m.Created}, {started, &m.Started}, {isReady, &m.Ready}, {settled, &m.Settled}} {
		at, err := s.await(ctx, one.step)
		if err != nil {
			return err
		}
		// Watches of different kinds are not in step: the set's status may be seen before its pod's.
		*one.took = runconfig.MeasuredSeconds(at.Sub(since))
		switch one.step {
		case created:
			since = at
		case isReady:
			if claimed := s.seen(bound); !claimed.IsZero() {
				m.Bound = runconfig.MeasuredSeconds(claimed.Sub(since))
			}
			since = at
		}
	}
	if err := resolved(ctx, namespace, s, run); err != nil {
		return err
	}
	m.Resolved = runconfig.MeasuredSeconds(time.Since(since))
	begin = time.Now()
	if err := p.scale(ctx, namespace, s.set, 1); err != nil {
		return err
	}
	at, err := s.await(ctx, gone)
	if err == nil {
		m.Ended = runconfig.MeasuredSeconds(at.Sub(begin))
	}
	return err
}

// scale asks for a number of pods.
func (p *prober) scale(ctx context.Context, namespace, set string, replicas int) error {
	patch := fmt.Appendf(nil, `{"spec": {"replicas": %d}}`, replicas)
	_, err := p.client.AppsV1().StatefulSets(namespace).Patch(ctx, set, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// watch has the steps seen that the objects of a namespace show, until ctx ends.
func (p *prober) watch(ctx context.Context, namespace string, s *steps) error {
	factory := informers.NewSharedInformerFactoryWithOptions(p.client, 0, informers.WithNamespace(namespace))
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { s.see(o, false) },
		UpdateFunc: func(_, o any) { s.see(o, false) },
		DeleteFunc: func(o any) {
			if last, is := o.(cache.DeletedFinalStateUnknown); is {
				o = last.Obj
			}
			s.see(o, true)
		},
	}
	for _, informer := range []cache.SharedIndexInformer{
		factory.Core().V1().Pods().Informer(), factory.Core().V1().PersistentVolumeClaims().Informer(), factory.Apps().V1().StatefulSets().Informer(),
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	// A watch that fails shows in what is not seen, and not in a line of client-go's log as well.
	factory.StartWithContext(klog.NewContext(ctx, logr.Discard()))
	factory.WaitForCacheSyncWithContext(ctx)
	return context.Cause(ctx)
}

// askEvery is the pause between two questions for a name that is not answered yet.
const askEvery = time.Second / 5

// resolved returns once the first pod's DNS answers for the name of the second.
func resolved(ctx context.Context, namespace string, s *steps, run nslookup.Exec) error {
	conf, err := run(ctx, "cat", "/etc/resolv.conf")
	if err != nil {
		return err
	}
	zone, found := nslookup.Zone(conf, namespace)
	if !found {
		return fmt.Errorf("pod %s-0 has no search domain of the cluster", s.set)
	}
	name := fmt.Sprintf("%s.%s.%s.svc.%s.", s.pod(), s.set, namespace, zone)
	silent := 0
	for {
		// The family of its address does not matter, nor why an answer fails that is followed by another.
		for _, family := range []string{"a", "aaaa"} {
			answers, err := nslookup.Query(ctx, run, 1, family, name)
			if err == nil && answers[0].Status(name) == nslookup.NoError {
				return nil
			}
			// Each takes long. The pod's way to other nodes may be made after it runs, hence more than once.
			if errors.Is(err, nslookup.ErrNoServer) {
				if silent++; silent > 2 {
					return fmt.Errorf("nothing answered for its name %s", name)
				}
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("its name %s was not answered within the limits (probe, claim-bound)", name)
		case <-time.NewTimer(askEvery).C:
		}
	}
}
