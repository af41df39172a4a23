package judge

import (
	"fmt"
	"maps"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// changedWithoutGeneration reports versions of a set that have the generation of the one before and another spec: nobody can then tell from the status whether
// the change was observed.
func (res *results) changedWithoutGeneration(s *setLife) {
	for i, e := range s.events {
		was := s.events[max(i-1, 0)]
		if e.Gone() || e.Generation == 0 || e.Generation != was.Generation {
			continue
		}
		if changed := changedFields(was.Set, e.Set); len(changed) > 0 {
			res.broken(contract.StatusObservedGeneration, evidence{
				set: s, since: was.At, events: []*history.Event{was, e},
				text: fmt.Sprintf("the spec of %s changed at %s (%s), and its generation stayed %d as at %s, so that no observedGeneration can tell whether the controller has seen that",
					s.name, e.Ref(), strings.Join(changed, ", "), e.Generation, was.Ref()),
			})
		}
	}
}

// changedFields names the fields of a spec that differ in two versions of a set. Those that an API server fills in, or reads differently after an update, are
// not compared.
func changedFields(was, now *history.Set) (out []string) {
	differ := func(f history.Field) bool { return history.SetChanged(was, now, f) }
	theirs, sameTemplate := was.Template.Fields(), true
	for i, field := range now.Template.Fields() {
		sameTemplate = sameTemplate && maps.Equal(field, theirs[i])
	}
	for _, f := range []struct {
		name    string
		changed bool
	}{
		{"replicas", differ(history.FieldReplicas)},
		{"ordinals", differ(history.FieldStart)},
		{"template", !sameTemplate},
		{"updateStrategy", differ(history.FieldStrategy) || differ(history.FieldPartition)},
		{"minReadySeconds", differ(history.FieldMinReady)},
		{"revisionHistoryLimit", differ(history.FieldHistoryLimit)},
		{"persistentVolumeClaimRetentionPolicy", deletes(was.WhenScaled) != deletes(now.WhenScaled) || deletes(was.WhenDeleted) != deletes(now.WhenDeleted)},
	} {
		if f.changed {
			out = append(out, f.name)
		}
	}
	return out
}
