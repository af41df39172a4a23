package judge_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// reportDeletions writes the Event objects of a mutated history anew: the controller reports every deletion of a set's pod that neither the
// test nor the control plane requested, nor, for a mutation, the garbage collector, and every removal of one whose containers ran.
func (h *mutableHistory) reportDeletions() {
	h.dropEvents(func(e *history.Event) bool { return e.DeletionReport() != "" })
	events := slices.Clone(h.Events)
	slices.SortStableFunc(events, func(a, b *history.Event) int { return int(a.At - b.At) })
	ended := map[types.UID]bool{}
	for _, e := range events {
		if e.Resource != history.Pods || e.Change == history.Listed || (!e.Terminating() && !e.Gone()) {
			continue
		}
		running := e.Gone() && !e.Pod.Stopped()
		first := !ended[e.UID] && !h.collected[e.UID] && !e.Pod.Finished() && !e.Pod.Is(corev1.DisruptionTarget) && !h.deletedByTest(&object{uid: e.UID})
		if ended[e.UID] = true; first || running {
			h.reportDeletion(e)
		}
	}
}

func (h *mutableHistory) reportDeletion(deletion *history.Event) {
	n, last := fmt.Sprint(len(h.Events)), h.timestamp(deletion.At)
	if d := deletion.DeletionTimestamp; d != nil && deletion.DeletionGrace != nil && !deletion.Gone() {
		last = metav1.NewTime(d.Add(-time.Duration(*deletion.DeletionGrace) * time.Second))
	}
	h.Events = append(h.Events, &history.Event{
		At: deletion.At + time.Millisecond, Change: history.Added, Resource: history.Events,
		Meta: history.Meta{Name: "report-" + n, UID: types.UID("report-" + n), ResourceVersion: n},
		Report: &history.Report{
			Reason: history.SuccessfulDelete, Reporter: history.StatefulSetController, Kind: "StatefulSet",
			Object: deletion.Name[:max(strings.LastIndexByte(deletion.Name, '-'), 0)], Pod: deletion.Name, Count: 1, Last: last,
		},
	})
}
