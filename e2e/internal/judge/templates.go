package judge

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// templates maps the versions of one set and its revisions to the distinct pod templates. Pods are compared by template, not by revision
// name: a controller that makes a new revision of the same template restarts pods without need.
type templates struct {
	templateOf []int              // the template of each version in specs
	distinct   []history.Template // what is known of each template, in the order of appearance
	// templateByRevision maps a revision to its template: the status that names it as update revision says which generation it is of.
	templateByRevision map[string]int
	revisionOf         map[int]string // the first revision of each template
	// phase is, for each version in specs, the version that last changed what a rollout has to do.
	phase        []int
	nextTemplate []int // for each version the next one with another template, or how many there are
}

func templatesOf(s *setLife) templates {
	t := templates{templateByRevision: map[string]int{}, revisionOf: map[int]string{}}
	known := map[string]int{}
	for i, v := range s.specs {
		if i > 0 && v.Set.SameTemplate(s.specs[i-1].Set) {
			t.templateOf = append(t.templateOf, t.templateOf[i-1])
		} else {
			key := v.Set.TemplateDigest + " " + fmt.Sprint(v.Set.Template)
			id, ok := known[key]
			if !ok {
				id = len(t.distinct)
				known[key] = id
				t.distinct = append(t.distinct, v.Set.Template)
			}
			t.templateOf = append(t.templateOf, id)
		}
		if i > 0 && t.templateOf[i] == t.templateOf[i-1] && sameStrategy(v.Set, s.specs[i-1].Set) {
			t.phase = append(t.phase, t.phase[i-1])
		} else {
			t.phase = append(t.phase, i)
		}
	}
	t.nextTemplate = make([]int, len(s.specs))
	for i := len(s.specs) - 1; i >= 0; i-- {
		t.nextTemplate[i] = i + 1
		if i+1 < len(s.specs) && t.templateOf[i+1] == t.templateOf[i] {
			t.nextTemplate[i] = t.nextTemplate[i+1]
		}
	}
	for _, e := range s.events {
		name := e.Set.Status.UpdateRevision
		if _, ok := t.templateByRevision[name]; ok || name == "" {
			continue
		}
		i := s.generation(e.Set.Status.ObservedGeneration)
		if i < 0 {
			continue
		}
		if _, named := t.revisionOf[t.templateOf[i]]; named && s.templateChanged(&t, i, e) {
			continue
		}
		t.templateByRevision[name] = t.templateOf[i]
		if _, named := t.revisionOf[t.templateOf[i]]; !named {
			t.revisionOf[t.templateOf[i]] = name
		}
	}
	return t
}

// templateChanged reports whether the set got another template after that of a version, and before a status. A controller that writes its status in
// several steps may then name the revision of the new template before it says that it has observed it: no document has it write both at once.
func (s *setLife) templateChanged(t *templates, version int, status *history.Event) bool {
	next := t.nextTemplate[version]
	return next < len(s.specs) && s.specs[next].Seq < status.Seq
}

func sameStrategy(a, b *history.Set) bool {
	return a.Strategy == b.Strategy && a.Partition == b.Partition && a.MaxUnavailable == b.MaxUnavailable
}

// podTemplate returns the template that a pod was made of although its label names a revision of another one, or -1. Only a template
// that is told from the labelled one by what pods show can be found, and fields that others add or rewrite prove nothing.
func (t *templates) podTemplate(p *podLife, among ...int) int {
	if len(t.distinct) < 2 {
		return -1
	}
	label, ok := t.templateByRevision[p.revision]
	if !ok {
		return -1
	}
	for _, id := range slices.Concat(among, []int{label - 1, label + 1}) {
		if id >= 0 && id < len(t.distinct) && id != label && createdFrom(p.first().Pod.Template, t.distinct[id], t.distinct[label]) {
			return id
		}
	}
	return -1
}

// lacks returns what a new pod lacks of the template that its label names, "" if nothing. Only the suite's own annotations and variable are
// compared: others may be added or rewritten on the way, and policies take labels away.
func (t *templates) lacks(p *podLife) string {
	id, ok := t.templateByRevision[p.revision]
	if !ok || p.created == nil {
		return ""
	}
	have, want := p.created.Pod.Template, t.distinct[id]
	for _, f := range []struct {
		what       string
		have, want map[string]string
	}{{"annotation", have.Annotations, want.Annotations}, {"variable", have.Env, want.Env}} {
		for _, k := range slices.Sorted(maps.Keys(f.want)) {
			if f.have[k] != f.want[k] {
				return fmt.Sprintf("%s %s %q, expected %q", f.what, k, f.have[k], f.want[k])
			}
		}
	}
	return ""
}

// createdFrom reports whether pod was made of one template and not of another: it agrees with it wherever the two differ, or has a value of it
// in a place for which the other has another value.
func createdFrom(pod, one, other history.Template) bool {
	told, agrees := false, true
	ones, others := one.Fields(), other.Fields()
	for i, have := range pod.Fields() {
		for _, keys := range []map[string]string{ones[i], others[i]} {
			for k := range keys {
				want, wanted := ones[i][k]
				unlike, differs := others[i][k]
				if want == unlike && wanted == differs {
					continue
				}
				if got, there := have[k]; got != want || there != wanted {
					agrees = false
					continue
				}
				if wanted && differs {
					return true
				}
				told = true
			}
		}
	}
	return told && agrees
}

// generation returns the index in specs of the version with that generation, or -1.
func (s *setLife) generation(g int64) int {
	i := sort.Search(len(s.specs), func(i int) bool { return s.specs[i].Generation >= g })
	if i < len(s.specs) && s.specs[i].Generation == g {
		return i
	}
	return -1
}

// current returns the index in specs of the version that was current at that moment, the first one before that.
func (s *setLife) current(at time.Duration) int {
	return max(sort.Search(len(s.specs), func(i int) bool { return s.specs[i].At > at })-1, 0)
}

// limit returns how many pods a rolling update may have down at a time at most, or 0 where that cannot be told. A percentage of the replicas is rounded
// up, as the documentation of the field maxUnavailable has it; the controller rounds it down, which keeps to that too, to 1 at least.
func limit(s *history.Set) int {
	if s.MaxUnavailable == "" {
		return 1
	}
	value := intstr.Parse(s.MaxUnavailable)
	n, err := intstr.GetScaledValueFromIntOrPercent(&value, int(s.Replicas), true)
	if err != nil || n < 1 {
		return 0
	}
	return n
}
