package historytest

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// ByOthers lets other clients request the deletions of pods that f adds: the controller reports none of them.
func (s *Builder) ByOthers(f func()) {
	s.unreported = true
	f()
	s.unreported = false
}

// ReportDeletion adds the Event object by which the controller reports that it deleted a pod, at the same moment as the record before it. It
// adds none where no set controls the pod or has such a name.
func (s *Builder) ReportDeletion(pod string) { s.reportDeletion(s.Get(history.Pods, pod)) }

func (s *Builder) reportDeletion(pod *history.Event) {
	set := s.live[string(history.Sets)+"/"+setOf(pod.Name)]
	owner := pod.Controller()
	var uid types.UID
	switch {
	case s.unreported:
		return
	case owner != nil && owner.Kind == "StatefulSet":
		uid = owner.UID
	case set != nil:
		uid = set.UID
	default:
		return
	}
	s.Report(history.Report{
		Type: corev1.EventTypeNormal, Reason: history.SuccessfulDelete, Reporter: history.StatefulSetController,
		Kind: "StatefulSet", Object: setOf(pod.Name), UID: uid, Pod: pod.Name, Count: 1, Last: s.Timestamp(),
	})
}

// Report adds an Event object, at the same moment as the record before it.
func (s *Builder) Report(r history.Report) *history.Event {
	s.reports++
	name := fmt.Sprintf("%s.%d", r.Object, s.reports)
	return s.append(&history.Event{
		Change: history.Added, Resource: history.Events, Report: &r,
		Meta: history.Meta{Name: name, UID: types.UID("event-" + name), CreationTimestamp: s.Timestamp()},
	}, fmt.Sprint(s.reports))
}
