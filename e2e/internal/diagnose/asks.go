package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"
)

// whoAsks says which container asks for most of what a pod asks for of a resource, where that is more than one would guess from the set's template: it is
// an init container, its limit stands for its request, or the template does not ask for it at all; "" if none of that is so.
func (v *view) whoAsks(p *corev1.Pod, name corev1.ResourceName) string {
	var most *corev1.Container
	kind := "container"
	larger := func(c *corev1.Container) bool {
		q := c.Resources.Requests[name]
		return !q.IsZero() && (most == nil || q.Cmp(most.Resources.Requests[name]) > 0)
	}
	for i := range p.Spec.Containers {
		if c := &p.Spec.Containers[i]; larger(c) {
			most = c
		}
	}
	for i := range p.Spec.InitContainers {
		c := &p.Spec.InitContainers[i]
		if !larger(c) {
			continue
		}
		if most, kind = c, initContainer; sidecar(c) {
			kind = sidecarWord
		}
	}
	if most == nil {
		return ""
	}
	asks, limit := most.Resources.Requests[name], most.Resources.Limits[name]
	template := v.set.Spec.Template.Spec
	own := specOf(slices.Concat(template.InitContainers, template.Containers), most.Name)
	_, requests := own.Resources.Requests[name]
	_, limits := own.Resources.Limits[name]
	switch {
	case own.Image == "":
		return "" // Somebody put the container into the pod, or the template has changed since.
	case !requests && !limits:
		return fmt.Sprintf("; %s %s asks for %s, which the set's template does not: a LimitRange of the namespace gives containers a default, or an admission webhook does", kind, most.Name, asks.String())
	case !requests && limit.Cmp(asks) == 0:
		return fmt.Sprintf("; %s %s asks for as much as its limit, %s, since the set's template gives it no request", kind, most.Name, limit.String())
	case len(p.Spec.Containers)+len(p.Spec.InitContainers) > 1:
		return fmt.Sprintf("; %s %s asks for %s of it", kind, most.Name, asks.String())
	}
	return ""
}

// ofUnit says what a quantity of a resource means that no node has, where it may have been meant otherwise; "" if it looks as meant.
func ofUnit(p *corev1.Pod, name corev1.ResourceName) string {
	const cores = 100 // More are asked for by mistake more often than on purpose.
	for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if q := c.Resources.Requests[name]; name == corev1.ResourceCPU && q.Value() >= cores && !strings.HasSuffix(q.String(), "m") {
			return fmt.Sprintf("; cpu: %s without a unit are %s whole processors, %sm would be thousandths of one", q.String(), q.String(), q.String())
		}
	}
	return ""
}

// scarce is the resource that keeps a pod from most nodes, "" if none does.
func scarce(p *corev1.Pod, nodes []nodeObstacles) corev1.ResourceName {
	asks := resourcehelper.PodRequests(p, resourcehelper.PodResourcesOptions{})
	best, count := corev1.ResourceName(""), 0
	for _, name := range slices.Sorted(maps.Keys(asks)) {
		n := 0
		for _, node := range nodes {
			if slices.ContainsFunc(node.all, func(o obstacle) bool { return o.short == fmt.Sprintf("with too little %s left", name) }) {
				n++
			}
		}
		if n > count {
			best, count = name, n
		}
	}
	return best
}

// nearlyTolerated says of a taint that keeps a pod away which toleration of the pod has its key and does not fit, "" if none has.
func nearlyTolerated(p *corev1.Pod, nodes []nodeObstacles, all []corev1.Node) string {
	nodes = ordinary(without(nodes, func(o obstacle) bool { return o.cause == byVolume || o.cause == byAffinity }))
	for i := range all {
		n := &all[i]
		if !slices.ContainsFunc(nodes, func(o nodeObstacles) bool { return o.node == n.Name }) {
			continue
		}
		keepsAway := func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }
		taint, bad := schedulinghelper.FindMatchingUntoleratedTaint(klog.Logger{}, n.Spec.Taints, p.Spec.Tolerations, keepsAway, false)
		if !bad {
			continue
		}
		for _, t := range p.Spec.Tolerations {
			if t.Key != taint.Key {
				continue
			}
			what := fmt.Sprintf("has the value %q, the taint %q", t.Value, taint.Value)
			if t.Effect != "" && t.Effect != taint.Effect {
				what = fmt.Sprintf("is for the effect %s, the taint's is %s", t.Effect, taint.Effect)
			}
			return fmt.Sprintf("; the pod's toleration of %s does not fit: it %s", t.Key, what)
		}
	}
	return ""
}
