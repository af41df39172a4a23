package explore

import (
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// maxReplicas bounds most sets of an episode: orders show with five pods, and small clusters bear no more. Under Parallel a controller goes about
// its pods in batches of one, two and four, of which all show with largeReplicas.
const maxReplicas, largeReplicas = 5, 8

// textStart is a start ordinal from which the order of names as texts is not that of their numbers.
const textStart = 9

// kind is a kind of acts and how one of it is proposed for a set, which is nil where there is none of the name. The act's kind and set are
// filled in by the caller.
type kind struct {
	name    Kind
	weight  float64 // how often it is chosen, among acts that were seen equally often
	propose func(c *Course, s *history.State, name string, set *history.Event) (Act, bool)
}

// Kinds lists the kinds of acts.
func Kinds() []Kind {
	var out []Kind
	for _, k := range kinds() {
		out = append(out, k.name)
	}
	return out
}

func kinds() []kind {
	return []kind{
		{CreateSet, 4, func(c *Course, _ *history.State, name string, set *history.Event) (Act, bool) {
			return c.newSet(name), set == nil
		}},
		{DeleteSet, 2, func(c *Course, _ *history.State, _ string, set *history.Event) (Act, bool) {
			return Act{Propagation: pick(c, metav1.DeletePropagationBackground, metav1.DeletePropagationForeground, metav1.DeletePropagationOrphan)}, live(set)
		}},
		{TouchSet, 1, func(c *Course, _ *history.State, _ string, set *history.Event) (Act, bool) {
			return Act{Value: strconv.Itoa(len(c.Episode.Steps))}, live(set)
		}},
		{LabelSet, 0.5, func(c *Course, _ *history.State, _ string, set *history.Event) (Act, bool) {
			return Act{Value: strconv.Itoa(len(c.Episode.Steps))}, live(set)
		}},
		{Scale, 4, func(c *Course, s *history.State, name string, set *history.Event) (Act, bool) {
			act, ok := changing(proposeReplicas)(c, s, name, set)
			act.Subresource = c.rng.IntN(3) == 0
			return act, ok
		}},
		{NewTemplate, 4, changing(proposeTemplate)},
		{OldTemplate, 2, changing(proposeOldTemplate)},
		{RestartTemplate, 1, changing(proposeRestart)},
		{ChangeSeveral, 2, changing(proposeSeveral)},
		{ScaleAndTemplate, 3, changing(proposeBoth)},
		{SetPartition, 3, changing(proposePartition)},
		{SetStrategy, 2, changing(proposeStrategy)},
		{SetMaxUnavail, 1, changing(proposeMaxUnavailable)},
		{SetMinReady, 1, changing(proposeMinReady)},
		{SetRetention, 2, changing(proposeRetention)},
		{SetStart, 2, changing(proposeStart)},
		{SetHistoryLimit, 1, changing(proposeHistoryLimit)},
		{ReleasePod, 8, onPod(held)},
		{HoldPod, 3, onPod(func(p *history.Event) bool { return gated(p) && p.Pod.Is(Gate) })},
		{DeletePod, 3, onPod(func(p *history.Event) bool { return !p.Terminating() })},
		{ForceDeletePod, 2, onPod(func(*history.Event) bool { return true })},
		{EvictPod, 2, onPod(func(p *history.Event) bool { return !p.Terminating() })},
		{FailPod, 2, onPod(func(p *history.Event) bool { return !p.Terminating() && p.Pod.Phase == corev1.PodRunning })},
		{StopContainer, 1, onPod(func(p *history.Event) bool { return !p.Terminating() && p.Pod.RunningAndReady() })},
		{RelabelPod, 1, proposeRelabel},
		{OrphanPod, 1, onPod(func(p *history.Event) bool { return !p.Terminating() })},
		{AddFinalizer, 1, onPod(func(p *history.Event) bool { return !p.Terminating() && len(p.Finalizers) == 0 })},
		{RemoveFinalizer, 4, onPod(func(p *history.Event) bool { return slices.Contains(p.Finalizers, Finalizer) })},
		{DeleteClaim, 2, proposeDeleteClaim},
		{MakeClaim, 1, proposeClaim},
		{MakeBudget, 1, func(c *Course, _ *history.State, name string, set *history.Event) (Act, bool) {
			return Act{Value: pick(c, "0", "1", "50%")}, live(set) && !c.budget(name)
		}},
		{RemoveBudget, 2, func(c *Course, _ *history.State, name string, _ *history.Event) (Act, bool) {
			return Act{}, c.budget(name)
		}},
		{MakeOutsider, 1, proposeOutsider},
		{LookUp, 2, func(c *Course, s *history.State, name string, set *history.Event) (Act, bool) {
			return onPod(func(p *history.Event) bool { return !c.outsider(p.Name) })(c, s, name, set)
		}},
		{KillComponent, 0.3, func(c *Course, _ *history.State, _ string, set *history.Event) (Act, bool) {
			return Act{Value: pick(c, Components()...)}, c.Disruptive && set != nil
		}},
		{CordonNode, 0.5, proposeNode},
		{UncordonNode, 1, func(c *Course, _ *history.State, _ string, _ *history.Event) (Act, bool) {
			return Act{}, c.disrupted() == CordonNode
		}},
		{StopNode, 0.5, proposeNode},
		{StartNode, 1, func(c *Course, _ *history.State, _ string, _ *history.Event) (Act, bool) {
			return Act{}, c.disrupted() == StopNode
		}},
	}
}

// Components are the components of the control plane that acts kill.
func Components() []string { return []string{"kube-controller-manager", "kube-apiserver"} }

func live(set *history.Event) bool { return set != nil && !set.Terminating() }

// changing proposes changes of the spec of a set that is there.
func changing(propose func(*Course, string, *history.Set) (Spec, bool)) func(*Course, *history.State, string, *history.Event) (Act, bool) {
	return func(c *Course, _ *history.State, name string, set *history.Event) (Act, bool) {
		if !live(set) {
			return Act{}, false
		}
		spec, ok := propose(c, name, set.Set)
		return Act{Spec: &spec}, ok
	}
}

// onPod proposes acts on one of the set's pods for which may is true.
func onPod(may func(*history.Event) bool) func(*Course, *history.State, string, *history.Event) (Act, bool) {
	return func(c *Course, s *history.State, _ string, set *history.Event) (Act, bool) {
		if set == nil {
			return Act{}, false
		}
		pods := slices.DeleteFunc(s.PodsOf(set.UID), func(p *history.Event) bool { return !may(p) })
		if len(pods) == 0 {
			return Act{}, false
		}
		return Act{Object: pick(c, pods...).Name}, true
	}
}

// gated reports whether a pod has the readiness gate, which its condition Ready shows once there is one.
func gated(p *history.Event) bool {
	c := p.Pod.Condition(corev1.PodReady)
	return p.Pod.Condition(Gate) != nil || c != nil && c.Reason == "ReadinessGatesNotReady"
}

// held reports whether a pod has the readiness gate, and that is not True.
func held(p *history.Event) bool { return gated(p) && !p.Pod.Is(Gate) }

func proposeReplicas(c *Course, _ string, s *history.Set) (Spec, bool) {
	n, ok := other(c, s.Replicas, 0, 1, 2, 3, 4, maxReplicas)
	return Spec{Replicas: &n}, ok
}

func proposeTemplate(c *Course, _ string, s *history.Set) (Spec, bool) {
	fault := pick(c, "", "", "", "", "", Unready, Crashing, Ending, Unpullable, Unplaced)
	return Spec{Template: c.newTemplate(fault, s.ClaimTemplates)}, true
}

func proposeOldTemplate(c *Course, name string, _ *history.Set) (Spec, bool) {
	now := c.template(name)
	var all []*Template
	created := c.created(name)
	for _, s := range c.Episode.Steps {
		if a := s.Act; a.Set == name && a.Spec != nil && a.Spec.Template != nil && now != nil && a.Spec.Template.Name != now.Name &&
			created != nil && slices.Equal(a.Spec.Template.Mounts, created.Claims) {
			all = append(all, a.Spec.Template)
		}
	}
	if len(all) == 0 {
		return Spec{}, false
	}
	return Spec{Template: pick(c, all...)}, true
}

func proposeBoth(c *Course, name string, s *history.Set) (Spec, bool) {
	spec, ok := proposeReplicas(c, name, s)
	spec.Template = c.newTemplate("", s.ClaimTemplates)
	return spec, ok
}

func proposeRestart(c *Course, name string, _ *history.Set) (Spec, bool) {
	now := c.template(name)
	if now == nil {
		return Spec{}, false
	}
	again := *now
	again.Restart = strconv.Itoa(len(c.Episode.Steps))
	return Spec{Template: &again}, true
}

// proposeSeveral proposes replicas, a template and some other fields.
func proposeSeveral(c *Course, name string, s *history.Set) (Spec, bool) {
	spec, ok := proposeBoth(c, name, s)
	if part, may := proposePartition(c, name, s); may && c.rng.IntN(2) == 0 {
		spec.Partition = part.Partition
	}
	if part, may := proposeMinReady(c, name, s); may && c.rng.IntN(2) == 0 {
		spec.MinReadySeconds = part.MinReadySeconds
	}
	if part, may := proposeStart(c, name, s); may && c.rng.IntN(2) == 0 {
		spec.Start = part.Start
	}
	if part, may := proposeRetention(c, name, s); may && c.rng.IntN(2) == 0 {
		spec.WhenScaled, spec.WhenDeleted = part.WhenScaled, part.WhenDeleted
	}
	return spec, ok
}

func rolls(s *history.Set) bool { return s.Strategy == appsv1.RollingUpdateStatefulSetStrategyType }

func proposePartition(c *Course, _ string, s *history.Set) (Spec, bool) {
	n, ok := other(c, s.Partition, 0, 0, 1, 2, 3)
	return Spec{Partition: &n}, ok && rolls(s)
}

func proposeStrategy(c *Course, _ string, s *history.Set) (Spec, bool) {
	if !rolls(s) {
		// Without a partition the field rollingUpdate stays unset.
		return Spec{Strategy: appsv1.RollingUpdateStatefulSetStrategyType, Partition: pick(c, nil, new(int32(0)), new(int32(1)))}, true
	}
	// Older clusters refuse it.
	if !c.refused(appsv1.RecreateStatefulSetStrategyType) && c.rng.IntN(2) == 0 {
		return Spec{Strategy: appsv1.RecreateStatefulSetStrategyType}, true
	}
	return Spec{Strategy: appsv1.OnDeleteStatefulSetStrategyType}, true
}

func proposeMaxUnavailable(c *Course, _ string, s *history.Set) (Spec, bool) {
	most, ok := other(c, s.MaxUnavailable, "", "1", "2", "50%", "10%")
	return Spec{MaxUnavailable: &most}, ok && rolls(s)
}

func proposeMinReady(c *Course, _ string, s *history.Set) (Spec, bool) {
	n, ok := other(c, s.MinReadySeconds, 0, 0, 1, 3)
	return Spec{MinReadySeconds: &n}, ok
}

func proposeRetention(c *Course, _ string, s *history.Set) (Spec, bool) {
	spec := Spec{WhenScaled: pick(c, retention()...), WhenDeleted: pick(c, retention()...)}
	return spec, len(s.ClaimTemplates) > 0 && (spec.WhenScaled != s.WhenScaled || spec.WhenDeleted != s.WhenDeleted)
}

func proposeStart(c *Course, _ string, s *history.Set) (Spec, bool) {
	n, ok := other(c, s.Start, 0, 1, 2, textStart)
	return Spec{Start: &n}, ok
}

func proposeHistoryLimit(c *Course, _ string, s *history.Set) (Spec, bool) {
	is := int32(-1)
	if s.RevisionHistoryLimit != nil {
		is = *s.RevisionHistoryLimit
	}
	n, ok := other(c, is, 0, 1, 2, 10)
	return Spec{HistoryLimit: &n}, ok
}

// proposeNode proposes the node of one of the set's pods, while no node is disrupted.
func proposeNode(c *Course, s *history.State, name string, set *history.Event) (Act, bool) {
	if !c.Disruptive || c.disrupted() != "" {
		return Act{}, false
	}
	return onPod(func(p *history.Event) bool { return p.Pod.Node != "" })(c, s, name, set)
}

// proposeRelabel takes a pod out of the selector, or back into it.
func proposeRelabel(c *Course, s *history.State, name string, set *history.Event) (Act, bool) {
	if set == nil {
		return Act{}, false
	}
	pods := slices.DeleteFunc(s.List(history.Pods), func(p *history.Event) bool { return !memberOf(name, p.Name) || p.Terminating() })
	if len(pods) == 0 {
		return Act{}, false
	}
	p := pick(c, pods...)
	value := pick(c, "none", "none", "")
	if p.Labels["app"] != name {
		value = name
	}
	return Act{Object: p.Name, Value: value}, true
}

func proposeDeleteClaim(c *Course, s *history.State, name string, _ *history.Event) (Act, bool) {
	claims := slices.DeleteFunc(s.List(history.Claims), func(e *history.Event) bool { return e.Terminating() || e.Labels["app"] != name })
	if len(claims) == 0 {
		return Act{}, false
	}
	return Act{Object: pick(c, claims...).Name}, true
}

// proposeClaim proposes a claim for a pod that may come, be it of a set that may come.
func proposeClaim(c *Course, s *history.State, name string, set *history.Event) (Act, bool) {
	templates, start := []string{dataClaim, logClaim}, 0
	if set != nil {
		templates, start = set.Set.ClaimTemplates, int(set.Set.Start)
	}
	if len(templates) == 0 {
		return Act{}, false
	}
	claim := ClaimOf(pick(c, templates...), podOf(name, start+c.rng.IntN(maxReplicas)))
	return Act{Object: claim, Owned: c.rng.IntN(2) == 0}, s.Get(history.Claims, claim) == nil
}

// proposeOutsider proposes a pod with the set's labels, of a name that the set may give or of another, also before there is the set.
func proposeOutsider(c *Course, s *history.State, name string, set *history.Event) (Act, bool) {
	start := 0
	if set != nil {
		start = int(set.Set.Start)
	}
	act := Act{Object: pick(c, name+"-other", podOf(name, start+c.rng.IntN(maxReplicas+1))), Owned: c.rng.IntN(2) == 0, Once: c.rng.IntN(2) == 0}
	return act, s.Get(history.Pods, act.Object) == nil
}
