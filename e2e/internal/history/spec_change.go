package history

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// Field is a part of a set that people change: a mutable field of its spec, or whether there is such a set at all.
type Field string

// The fields.
const (
	FieldReplicas       Field = "replicas"
	FieldTemplate       Field = "template"
	FieldStrategy       Field = "updateStrategy.type"
	FieldPartition      Field = "partition"
	FieldMaxUnavailable Field = "maxUnavailable"
	FieldMinReady       Field = "minReadySeconds"
	FieldStart          Field = "ordinals.start"
	FieldWhenDeleted    Field = "whenDeleted"
	FieldWhenScaled     Field = "whenScaled"
	FieldHistoryLimit   Field = "revisionHistoryLimit"
	FieldSeveral        Field = "several in one request"
	FieldDeleted        Field = "the set is deleted"
	FieldMadeAgain      Field = "a set of its name is made again"
)

// AllFields lists the fields.
func AllFields() []Field {
	return []Field{
		FieldReplicas, FieldTemplate, FieldStrategy, FieldPartition, FieldMaxUnavailable, FieldMinReady, FieldStart,
		FieldWhenDeleted, FieldWhenScaled, FieldHistoryLimit, FieldSeveral, FieldDeleted, FieldMadeAgain,
	}
}

// SetChanged reports whether two versions of a spec differ in that field, which is one of the spec.
func SetChanged(was, is *Set, f Field) bool {
	switch f {
	case FieldReplicas:
		return was.Replicas != is.Replicas
	case FieldTemplate:
		return !was.SameTemplate(is)
	case FieldStrategy:
		return was.Strategy != is.Strategy
	case FieldPartition:
		return was.Partition != is.Partition
	case FieldMaxUnavailable:
		return was.MaxUnavailable != is.MaxUnavailable
	case FieldMinReady:
		return was.MinReadySeconds != is.MinReadySeconds
	case FieldStart:
		return was.Start != is.Start
	case FieldWhenDeleted:
		return was.WhenDeleted != is.WhenDeleted
	case FieldWhenScaled:
		return was.WhenScaled != is.WhenScaled
	case FieldHistoryLimit:
		return !ptr.Equal(was.RevisionHistoryLimit, is.RevisionHistoryLimit)
	}
	return false
}

// SpecChange is one change of a set: what changed in it, and in which phases the set was just before.
type SpecChange struct {
	Set    string
	UID    types.UID
	Seq    int // of the event that shows it
	Fields []Field
	Phases []Phase
}

// SpecChanges returns all changes of sets that the history shows, by whomever, in order. Those of a set that is made again are in the phase
// Deleting, where something of the former one is left, and are left out otherwise.
func (h *History) SpecChanges() []SpecChange {
	var out []SpecChange
	phases := NewPhases()
	for _, e := range h.Events {
		if e.Resource == Sets {
			if c := phases.change(e); len(c.Fields) > 0 && len(c.Phases) > 0 {
				out = append(out, c)
			}
		}
		phases.Apply(e)
	}
	return out
}

// change returns what the next event changes of its set.
func (p *Phases) change(e *Event) SpecChange {
	out := SpecChange{Set: e.Name, UID: e.UID, Seq: e.Seq, Phases: p.Of(e.UID)}
	s := p.sets[e.UID]
	switch {
	case s == nil:
		for _, former := range p.sets {
			if former.set.Name == e.Name && len(out.Phases) == 0 {
				out.Fields, out.Phases = []Field{FieldMadeAgain}, p.Of(former.set.UID)
			}
		}
	case (e.Gone() || e.Terminating()) && !s.set.Terminating():
		out.Fields = []Field{FieldDeleted}
	case !e.Gone():
		out.Fields = slices.DeleteFunc(AllFields(), func(f Field) bool { return !SetChanged(s.set.Set, e.Set, f) })
		if len(out.Fields) > 1 {
			out.Fields = append(out.Fields, FieldSeveral)
		}
	}
	return out
}

// CanChange reports whether a field can be changed in a phase at all: a set whose deletion was asked for cannot be deleted again, and one is
// made again only where another is on its way out.
func CanChange(f Field, p Phase) bool {
	switch f {
	case FieldDeleted:
		return p != Deleting
	case FieldMadeAgain:
		return p == Deleting
	}
	return true
}
