package simulator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// otherController is the UID of an object that is no set and has pods and claims.
const otherController = "uid-controller"

// carryOut does an act of package explore to the simulated cluster. The error says why it was refused.
func (cl *cluster) carryOut(a *explore.Act) error {
	switch a.Kind {
	case explore.CreateSet:
		return cl.createRequested(a)
	case explore.DeleteSet:
		cl.builder.Operation(history.VerbDelete, history.Sets, a.Set)
		cl.deleteSetWith(a.Set, a.Propagation)
	case explore.TouchSet, explore.LabelSet:
		cl.builder.Operation(history.VerbTouch, history.Sets, a.Set)
		cl.builder.Change(history.Sets, a.Set, func(e *history.Event) {
			if a.Kind == explore.LabelSet {
				e.Labels = withLabel(e.Labels, history.Prefix+"touched", a.Value)
			}
		})
	case explore.DeleteClaim:
		cl.builder.Operation(history.VerbDelete, history.Claims, a.Object)
		cl.deleteClaim(a.Object, cl.builder.Get(history.Claims, a.Object).UID)
	case explore.MakeClaim:
		cl.builder.Operation(history.VerbCreate, history.Claims, a.Object)
		cl.builder.Add(&history.Event{
			Resource: history.Claims, Meta: history.Meta{Name: a.Object, Labels: map[string]string{"app": a.Set}, Owners: cl.ownersOf(a)},
			Claim: &history.Claim{Phase: corev1.ClaimPending, Class: "standard"},
		})
	case explore.MakeBudget:
		cl.budgets[a.Set] = a.Value
	case explore.RemoveBudget:
		delete(cl.budgets, a.Set)
	case explore.MakeOutsider:
		cl.makeOutsider(a)
	case explore.LookUp: // no name is served here
	case explore.KillComponent, explore.CordonNode, explore.UncordonNode, explore.StopNode, explore.StartNode:
		return errors.New("the simulated nodes and control plane never fail")
	default:
		if a.Changes() {
			return cl.changeRequested(a)
		}
		return cl.actOnPod(a, cl.builder.Get(history.Pods, a.Object))
	}
	return nil
}

// actOnPod does an act on a pod.
func (cl *cluster) actOnPod(a *explore.Act, pod *history.Event) error {
	name, uid := pod.Name, pod.UID
	change := func(verb history.Verb, f func(*history.Event)) {
		cl.builder.Operation(verb, history.Pods, name)
		cl.builder.Change(history.Pods, name, f)
	}
	switch a.Kind {
	case explore.ReleasePod:
		change(history.VerbUnblockReadiness, func(e *history.Event) { cl.setCondition(e.Pod, explore.Gate, true) })
		cl.after(cl.kubeletDelay(), func() { cl.updateReady(name, uid) })
	case explore.HoldPod:
		change(history.VerbBlockReadiness, func(e *history.Event) { cl.setCondition(e.Pod, explore.Gate, false) })
		cl.after(cl.kubeletDelay(), func() { cl.updateReady(name, uid) })
	case explore.DeletePod, explore.ForceDeletePod:
		var grace *int64
		if a.Kind == explore.ForceDeletePod {
			grace = new(int64)
		}
		cl.builder.Begin(history.Operation{Verb: history.VerbDelete, Resource: history.Pods, Name: name, Grace: grace})
		cl.deletePod(name, uid, grace)
	case explore.EvictPod:
		return cl.evictUnderBudget(a.Set, pod)
	case explore.FailPod:
		change(history.VerbOther, func(*history.Event) {})
		cl.after(cl.durationBetween(0, 1500*time.Millisecond), func() {
			if cl.activePod(name, uid) != nil {
				cl.fail(name, uid)
			}
		})
	case explore.StopContainer:
		cl.builder.Operation(history.VerbOther, history.Pods, name)
		cl.exit(name, uid, 0)
	case explore.RelabelPod:
		change(history.VerbOther, func(e *history.Event) {
			e.Labels = maps.Clone(e.Labels)
			delete(e.Labels, "app")
			if a.Value != "" {
				e.Labels["app"] = a.Value
			}
		})
	case explore.OrphanPod:
		change(history.VerbOther, func(e *history.Event) { e.Owners = nil })
	case explore.AddFinalizer:
		change(history.VerbOther, func(e *history.Event) { e.Finalizers = []string{explore.Finalizer} })
	case explore.RemoveFinalizer:
		change(history.VerbOther, func(e *history.Event) { e.Finalizers = nil })
		if e := cl.builder.Get(history.Pods, name); e.DeletionGrace != nil && *e.DeletionGrace == 0 {
			cl.removeObject(history.Pods, name, uid)
		}
	default:
		return fmt.Errorf("no user of the simulated cluster can %s", a.Words())
	}
	return nil
}

// evictUnderBudget evicts a pod if the budget of its set allows that. What has no node yet or has ended is deleted without asking the budget.
func (cl *cluster) evictUnderBudget(set string, pod *history.Event) error {
	done := cl.builder.Begin(history.Operation{Verb: history.VerbEvict, Resource: history.Pods, Name: pod.Name})
	placed := pod.Pod.Node != "" && !pod.Pod.Finished()
	if most, has := cl.budgets[set]; has && placed {
		down := slices.ContainsFunc(cl.builder.List(history.Pods), func(p *history.Event) bool {
			return p.Labels["app"] == set && (p.Terminating() || !p.Pod.Is(corev1.PodReady))
		})
		if most == "0" || down {
			done(history.Refused, nil)
			return errors.New("the budget allows no eviction")
		}
	}
	done(history.Accepted, nil)
	cl.builder.Disrupt(pod.Name, "EvictionByEvictionAPI")
	cl.deletePod(pod.Name, pod.UID, nil)
	return nil
}

// makeOutsider creates a pod with the labels of a set that the set has not made.
func (cl *cluster) makeOutsider(a *explore.Act) {
	cl.builder.Operation(history.VerbCreate, history.Pods, a.Object)
	e := cl.builder.Add(&history.Event{
		Resource: history.Pods, Meta: history.Meta{Name: a.Object, Labels: map[string]string{"app": a.Set}, Owners: cl.ownersOf(a)},
		Pod: &history.Pod{Phase: corev1.PodPending, Grace: new(int64(5)), Template: history.Template{Images: map[string]string{"main": "image:outsider"}}},
	})
	cl.startedOnce[e.UID] = a.Once
}

// ownersOf returns what an act gives an object as owners.
func (cl *cluster) ownersOf(a *explore.Act) []metav1.OwnerReference {
	if !a.Owned {
		return nil
	}
	cl.alive[otherController] = true
	return controllerRef("ConfigMap", "controller", otherController)
}

// createRequested creates a set as an act asks for it.
func (cl *cluster) createRequested(a *explore.Act) error {
	if err := cl.refusesStrategy(a.Spec); err != nil {
		return err
	}
	cl.builder.Operation(history.VerbCreate, history.Sets, a.Set)
	e := cl.builder.Set(a.Set, func(t *history.Set) {
		t.Status = history.Status{}
		if a.Spec.Policy != "" {
			t.Policy = a.Spec.Policy
		}
		t.ClaimTemplates = a.Spec.Claims
		t.ClaimRequests, t.ClaimLabels = map[string]history.ClaimRequest{}, map[string]map[string]string{}
		for i, name := range t.ClaimTemplates {
			t.ClaimRequests[name] = history.ClaimRequest{
				Size: fmt.Sprint(16+8*i, "Mi"), Modes: string(corev1.ReadWriteOnce), Mode: string(corev1.PersistentVolumeFilesystem), Parts: "accessModes\nvolumeMode",
			}
			t.ClaimLabels[name] = map[string]string{"template": name}
		}
		cl.apply(t, a)
		t.NoRollingUpdate = a.Spec.Strategy == rollingUpdate && a.Spec.Partition == nil && a.Spec.MaxUnavailable == nil
	})
	e.Labels = map[string]string{history.Prefix + "touched": ""}
	return nil
}

// changeRequested changes the spec of a set as an act asks for it.
func (cl *cluster) changeRequested(a *explore.Act) error {
	if err := cl.refusesStrategy(a.Spec); err != nil {
		return err
	}
	verb := history.VerbUpdate
	if a.Kind == explore.Scale {
		verb = history.VerbScale
	}
	cl.changeSpec(verb, a.Set, func(t *history.Set) { cl.apply(t, a) })
	return nil
}

// refusesStrategy returns an error where the version does not know the strategy that is asked for.
func (cl *cluster) refusesStrategy(s *explore.Spec) error {
	if s.Strategy == recreate && !cl.options.recreate {
		return errors.New("updateStrategy.type: Unsupported value")
	}
	return nil
}

// apply gives a set what the spec of an act says, as its merge patch does.
func (cl *cluster) apply(t *history.Set, a *explore.Act) {
	s := a.Spec
	for _, field := range []struct{ to, from *int32 }{
		{&t.Replicas, s.Replicas},
		{&t.Start, s.Start},
		{&t.MinReadySeconds, s.MinReadySeconds},
		{&t.Partition, s.Partition},
	} {
		if field.from != nil {
			*field.to = *field.from
		}
	}
	if s.HistoryLimit != nil {
		t.RevisionHistoryLimit = s.HistoryLimit
	}
	if s.WhenScaled != "" {
		t.WhenScaled = s.WhenScaled
	}
	if s.WhenDeleted != "" {
		t.WhenDeleted = s.WhenDeleted
	}
	if s.MaxUnavailable != nil {
		t.MaxUnavailable = *s.MaxUnavailable
	}
	if s.Partition != nil || s.MaxUnavailable != nil {
		t.NoRollingUpdate = false
	}
	switch s.Strategy {
	case "":
	case rollingUpdate:
		t.NoRollingUpdate = t.Strategy != rollingUpdate && s.Partition == nil && s.MaxUnavailable == nil
		t.Strategy = s.Strategy
	default:
		t.Strategy, t.Partition, t.MaxUnavailable, t.NoRollingUpdate = s.Strategy, 0, "", false
	}
	if s.Template != nil {
		cl.applyTemplate(t, s.Template)
	}
}

// applyTemplate gives a set a template.
func (cl *cluster) applyTemplate(t *history.Set, template *explore.Template) {
	image := "image:" + template.Name
	cl.requested[image] = template
	key := template.Name + "/" + template.Restart
	n, known := cl.numbers[key]
	if !known {
		n = len(cl.templates)
		cl.numbers[key] = n
		now := history.Template{
			Images:      map[string]string{"main": image},
			Annotations: map[string]string{history.Prefix + "template": template.Name},
			Labels:      map[string]string{history.Prefix + "template": template.Name},
			Env:         map[string]string{"main/" + history.TemplateEnv: template.Name},
			Parts:       "containers[main].command\ncontainers[main].image",
		}
		if template.Restart != "" {
			now.Annotations[history.Prefix+"restarted"] = template.Restart
		}
		cl.templates = append(cl.templates, now)
	}
	t.Template, t.TemplateDigest = cl.templates[n], "t"+strconv.Itoa(n)
	t.PodGrace = graceOf(template)
	t.PodHostname, t.PodSubdomain, t.PodVolumes = "", "", nil
	switch template.Extra {
	case explore.Named:
		t.PodHostname, t.PodSubdomain = "own", "own"
	case explore.Shadowing:
		t.PodVolumes = template.Mounts
	}
}

// graceOf returns the grace period of a template's pods.
func graceOf(t *explore.Template) *int64 { return new(int64(5 + t.Stop)) }

// templateFor returns the template that an act gave the set of a pod, nil for any other pod.
func (cl *cluster) templateFor(p *history.Pod) *explore.Template {
	return cl.requested[p.Template.Images["main"]]
}

// faultOf returns what is wrong with the template of a pod.
func (cl *cluster) faultOf(p *history.Pod) explore.Fault {
	if t := cl.templateFor(p); t != nil {
		return t.Fault
	}
	return ""
}

// held reports whether a pod has a readiness gate that is not released.
func (cl *cluster) held(p *history.Pod) bool {
	t := cl.templateFor(p)
	return t != nil && t.Gate && !p.Is(explore.Gate)
}

// updateReady has the kubelet look again whether a pod is Ready.
func (cl *cluster) updateReady(name string, uid types.UID) {
	e := cl.activePod(name, uid)
	if e == nil || e.Pod.Is(corev1.PodReady) == (e.Pod.Is(corev1.ContainersReady) && !cl.held(e.Pod)) {
		return
	}
	cl.builder.Change(history.Pods, name, func(e *history.Event) { cl.setReady(e.Pod, e.Pod.Is(corev1.ContainersReady)) })
}

func (cl *cluster) kubeletDelay() time.Duration {
	return cl.durationBetween(5*time.Millisecond, 200*time.Millisecond)
}

// deleteSetWith deletes a set.
func (cl *cluster) deleteSetWith(name string, propagation metav1.DeletionPropagation) {
	finalizer := map[metav1.DeletionPropagation]string{
		metav1.DeletePropagationForeground: metav1.FinalizerDeleteDependents, metav1.DeletePropagationOrphan: metav1.FinalizerOrphanDependents,
	}[propagation]
	if finalizer == "" {
		cl.removeObject(history.Sets, name, cl.builder.Get(history.Sets, name).UID)
		return
	}
	cl.builder.Change(history.Sets, name, func(e *history.Event) {
		now := cl.builder.Timestamp()
		e.Generation++
		e.DeletionTimestamp, e.Finalizers = &now, []string{finalizer}
	})
}
