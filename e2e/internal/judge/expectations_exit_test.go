package judge_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// bothDeleted has web-0 killed four seconds after its deletion, and a second pod end then with that exit code.
func bothDeleted(other int32) func(*historytest.Builder) {
	return func(s *historytest.Builder) {
		s.Operation(history.VerbScale, history.Sets, "web")
		s.Scale("web", 2)
		s.CreateReady("web-1")
		scaleToZero(s)
		s.Terminate("web-1")
		s.Terminate("web-0")
		s.Wait(4 * time.Second)
		s.Exit("web-1", other)
		s.Remove(history.Pods, "web-1")
		end(s, 0, 137)
	}
}

func TestExpectedContainerExit(t *testing.T) {
	deleted := func(after time.Duration, code int32) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			scaleToZero(s)
			s.Terminate("web-0")
			end(s, after, code)
		}
	}
	runExpectations(t, history.ExpectContainerExit, []expectationCase{
		{name: "it exits by itself", outcome: history.Passed, happens: deleted(4*time.Second, 7)},
		{
			name: "it exits by itself, and events are missing", outcome: history.Passed, happens: func(s *historytest.Builder) {
				deleted(4*time.Second, 7)(s)
				s.Gap(history.Pods, s.Now()-5*time.Second)
			},
		},
		{
			name: "it ends early without its preStop hook", outcome: history.Failed, happens: deleted(4*time.Second, 8),
			text: "of a grace period of 30 s: expected exit code 7, found 8 ()",
		},
		{name: "it is killed early", outcome: history.Inconclusive, happens: deleted(4*time.Second, 137), text: "a signal ended it (exit code 137) and no other container of the set"},
		{
			name: "it is killed early, and another crashed long before", outcome: history.Inconclusive, text: "and no other container of the set",
			happens: func(s *historytest.Builder) {
				s.Operation(history.VerbScale, history.Sets, "web")
				s.Scale("web", 2)
				s.CreateReady("web-1")
				s.Exit("web-1", 137)
				s.Restart("web-1")
				scaleToZero(s)
				s.Terminate("web-1")
				s.Remove(history.Pods, "web-1")
				s.Terminate("web-0")
				end(s, 4*time.Second, 137)
			},
		},
		{name: "it is killed early, and another has all its time", outcome: history.Inconclusive, happens: bothDeleted(7), text: "and no other container of the set"},
		{name: "both are killed early", outcome: history.Failed, happens: bothDeleted(137), text: "of a grace period of 30 s: expected exit code 7, found 137 ()"},
		{
			name: "its deletion shortens its grace period", outcome: history.Failed, text: "deletion of web-0: expected the pod's own grace period of 30 s, found 2 s",
			happens: func(s *historytest.Builder) {
				scaleToZero(s)
				terminateWithGrace(s, 2)
				s.ReportDeletion("web-0")
				end(s, 2*time.Second, 137)
			},
		},
		{
			name: "somebody's deletion shortens its grace period", outcome: history.Inconclusive, text: "found 2 s at rv 108 (+0.6 s), but no Event of the StatefulSet controller names the pod as deleted",
			happens: func(s *historytest.Builder) {
				scaleToZero(s)
				terminateWithGrace(s, 2)
				end(s, 2*time.Second, 137)
			},
		},
		{
			name: "it has less than the template's grace period", outcome: history.Failed, text: "expected the template's grace period of 30 s in the pod, found 1 s",
			happens: func(s *historytest.Builder) {
				scaleToZero(s)
				s.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Grace = new(int64(1)) })
				terminateWithGrace(s, 1)
				end(s, time.Second, 137)
			},
		},
		{name: "it is killed when its time is over", outcome: history.Inconclusive, happens: deleted(30*time.Second, 137), text: "was too slow to tell"},
		{
			name: "it ends then, on a node whose clock is behind", outcome: history.Inconclusive, text: "was too slow to tell",
			happens: func(s *historytest.Builder) {
				scaleToZero(s)
				s.Terminate("web-0")
				s.Wait(30 * time.Second)
				s.Exit("web-0", 8).Pod.Main().Finished = metav1.NewTime(s.Timestamp().Add(-30 * time.Second))
				s.Remove(history.Pods, "web-0")
			},
		},
		{
			name: "it is evicted", outcome: history.Inconclusive, text: "web-0 was evicted or preempted", happens: func(s *historytest.Builder) {
				s.Disrupt("web-0", "EvictionByEvictionAPI")
				terminateWithGrace(s, 2)
				end(s, 2*time.Second, 137)
			},
		},
		{
			name: "the test deletes it with less", outcome: history.Inconclusive, text: "the test itself deleted it", happens: func(s *historytest.Builder) {
				s.Operation(history.VerbDelete, history.Pods, "web-0")
				terminateWithGrace(s, 2)
				end(s, 2*time.Second, 137)
			},
		},
		{
			name: "nobody saw its end", outcome: history.Inconclusive, text: "gone before its kubelet reported", happens: func(s *historytest.Builder) {
				scaleToZero(s)
				s.Terminate("web-0")
				s.Remove(history.Pods, "web-0")
			},
		},
		{name: "it was not deleted", outcome: history.Inconclusive, text: "expected the deletion of the pod", happens: scaleToZero},
		{
			name: "it is killed early, and events are missing", outcome: history.Inconclusive, text: "a gap from", happens: func(s *historytest.Builder) {
				deleted(4*time.Second, 8)(s)
				s.Gap(history.Pods, s.Now()-3*time.Second)
			},
		},
		{
			name: "another client scales the set", outcome: history.Inconclusive, text: "; but the set web had been changed to generation 2", happens: func(s *historytest.Builder) {
				s.Scale("web", 0)
				s.Terminate("web-0")
				end(s, 4*time.Second, 8)
			},
		},
	})
}
