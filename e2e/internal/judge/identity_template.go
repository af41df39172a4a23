package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkPodOfTemplate: a new pod has all that the template of its revision has, and its grace period. What policies add, and the values that they rewrite, are
// not compared.
func checkPodOfTemplate(m *model, res *results) {
	const id = contract.IdentityTemplate
	for _, r := range m.rollouts {
		for _, p := range r.set.pods {
			spec := r.specOfRevision(p.revision)
			if p.owners[0].set != r.set || p.created == nil || m.createdByTest(history.Pods, p.name) || spec == nil {
				continue
			}
			wrong := lostInPod(spec.Set, p.created.Pod)
			if wrong == "" {
				if spec.Set.Template.Parts != "" && p.created.Pod.Template.Parts != "" { // else of a recording that does not hold them
					res.exercised(id)
				}
				continue
			}
			res.broken(id, evidence{
				set: r.set, since: spec.At, events: []*history.Event{spec, p.created}, admitted: true,
				text: fmt.Sprintf("%s was created at %s %s, unlike the template of its revision %s (%s)", p.name, p.created.Ref(), wrong, p.revision, spec.Aside()),
			})
		}
	}
}

// specOfRevision returns the first version of the set with the template of that revision, or nil where no status told which that is.
func (r *rollout) specOfRevision(revision string) *history.Event {
	id, ok := r.templateByRevision[revision]
	if !ok {
		return nil
	}
	return r.set.specs[slices.Index(r.templateOf, id)]
}

// lostInPod returns how a new pod falls short of a set's template, "" if in nothing. The controller puts its own volumes in the place of those that are
// called like a claim template.
func lostInPod(set *history.Set, pod *history.Pod) string {
	lost := slices.Concat(lostKeys("labels", set.Template.Labels, pod.Template.Labels), lostKeys("annotations", set.Template.Annotations, pod.Template.Annotations))
	if set.Template.Parts != "" && pod.Template.Parts != "" {
		lost = append(lost, slices.DeleteFunc(history.Lost(set.Template.Parts, pod.Template.Parts), func(part string) bool {
			return slices.ContainsFunc(set.ClaimTemplates, func(t string) bool { return strings.HasPrefix(part, "volumes["+t+"]") })
		})...)
	}
	switch {
	case len(lost) > 0:
		return "without " + strings.Join(lost, ", ")
	case set.PodGrace != nil && pod.Grace != nil && *pod.Grace != *set.PodGrace:
		return fmt.Sprintf("with a grace period of %d s instead of %d s", *pod.Grace, *set.PodGrace)
	}
	return ""
}

// lostKeys returns the keys of a template's labels or annotations that a new object lacks, as paths.
func lostKeys(field string, template, object map[string]string) []string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(template)) {
		if _, there := object[key]; !there {
			out = append(out, field+"["+key+"]")
		}
	}
	return out
}
