package historytest

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Partition sets the partition of the rolling update.
func Partition(n int32) Option { return func(s *history.Set) { s.Partition = n } }

// MaxUnavailable sets maxUnavailable of the rolling update, as written.
func MaxUnavailable(n string) Option { return func(s *history.Set) { s.MaxUnavailable = n } }

// MinReady sets minReadySeconds.
func MinReady(seconds int32) Option { return func(s *history.Set) { s.MinReadySeconds = seconds } }

// HistoryLimit sets revisionHistoryLimit.
func HistoryLimit(n int32) Option { return func(s *history.Set) { s.RevisionHistoryLimit = &n } }

// OnDelete makes the update strategy OnDelete.
func OnDelete(s *history.Set) { s.Strategy = appsv1.OnDeleteStatefulSetStrategyType }

// ChangeTemplate changes a set's template to version n, before its controller observes it.
func (s *Builder) ChangeTemplate(set string, n int) *history.Event {
	return s.Update(set, func(t *history.Set) { t.Template.Images = map[string]string{"main": fmt.Sprintf("image:%d", n)} })
}

// Roll replaces pods by pods of the update revision, one after another, as a rolling update does.
func (s *Builder) Roll(set string, ordinals ...int) {
	for _, n := range ordinals {
		pod := fmt.Sprintf("%s-%d", set, n)
		s.DeletePod(pod)
		s.CreateReady(pod)
		s.Status(set)
	}
}

// PodAt creates a pod of revision n of its set, created from template n.
func (s *Builder) PodAt(name string, n int) *history.Event {
	s.Pod(name)
	e := s.Get(history.Pods, name)
	e.Labels[appsv1.ControllerRevisionHashLabelKey] = fmt.Sprintf("%s-%d", setOf(name), n)
	e.Pod.Template.Images = map[string]string{"main": fmt.Sprintf("image:%d", n)}
	return e
}

// Revision creates the controller revision of a set's template n, with that number.
func (s *Builder) Revision(set string, n int, number int64) *history.Event {
	return s.Add(&history.Event{
		Resource: history.Revisions, Meta: history.Meta{Name: fmt.Sprintf("%s-%d", set, n), Owners: s.owner(set)},
		Revision: &history.Revision{Number: number, Data: fmt.Sprintf("template %d", n)},
	})
}

// Renumber gives a controller revision another number.
func (s *Builder) Renumber(set string, n int, number int64) *history.Event {
	return s.Change(history.Revisions, fmt.Sprintf("%s-%d", set, n), func(e *history.Event) { e.Revision.Number = number })
}
