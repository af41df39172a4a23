package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// Stories put every pod on the node of that name.
const storyNode = "node"

// lost runs a set, loses its node and has its pods marked for deletion.
func lost(s *historytest.Builder) {
	s.Running("web", 2)
	s.Operation(history.VerbStopNode, "nodes", storyNode)
	s.Wait(time.Minute)
	for _, pod := range []string{"web-0", "web-1"} {
		s.Disrupt(pod, "DeletionByTaintManager")
		s.Unready(pod)
		s.Terminate(pod)
	}
	s.Status("web")
	s.Wait(time.Minute)
}

func TestNodeLost(t *testing.T) {
	const id = contract.DisruptionNodeLost
	tales(t, []tale{
		{name: "the pods stay", exercised: ids(id), tell: lost},
		{
			name: "the pods go once the node is back", exercised: ids(id),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Operation(history.VerbStartNode, "nodes", storyNode)
				s.FinishDeletion("web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "the pods go once the node is declared gone", exercised: ids(id),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Operation(history.VerbFenceNode, "nodes", storyNode)
				s.FinishDeletion("web-0")
			},
		},
		{
			name: "the spec deletes one by force", exercised: ids(id),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Operation(history.VerbDelete, history.Pods, "web-0")
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "somebody else deletes one by force", broken: ids(id),
			texts: []string{"web-0 (UID uid-2) was removed at", "its node node had stopped answering at", "a second web-0 (UID uid-4) was created at"},
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "the spec deletes another by force", broken: ids(id),
			texts: []string{"web-1 (UID uid-3) was removed at"},
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Operation(history.VerbDelete, history.Pods, "web-0")
				s.Remove(history.Pods, "web-1")
			},
		},
		{
			name: "removed before anything wanted it gone", broken: ids(id, contract.IdentityAtMostOne, contract.UpdateNoSpurious),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Operation(history.VerbStopNode, "nodes", storyNode)
				s.Wait(time.Minute)
				s.Remove(history.Pods, "web-0")
			},
		},
		{
			name: "the kubelet had confirmed just before", idle: ids(id),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.DeleteByTest("web-1")
				s.Operation(history.VerbStopNode, "nodes", storyNode)
				s.FinishDeletion("web-1")
			},
		},
		{
			name: "another node is lost", idle: ids(id),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Operation(history.VerbStopNode, "nodes", "elsewhere")
				s.Wait(time.Minute)
				s.DeleteByTest("web-1")
				s.FinishDeletion("web-1")
			},
		},
		{
			name: "the history has a gap", doubted: ids(id),
			tell: func(s *historytest.Builder) {
				lost(s)
				from := s.Now()
				s.Wait(time.Second)
				s.Gap(history.Pods, from)
				s.Operation(history.VerbOther, history.Pods, "web-1")
				s.Change(history.Pods, "web-1", func(e *history.Event) { e.Pod.Containers[0].State = history.ContainerTerminated })
				s.Remove(history.Pods, "web-1")
			},
		},
	})
}

func TestOrderAcrossDisruptions(t *testing.T) {
	for mark, id := range map[string]contract.ID{
		"kube-controller-manager": contract.DisruptionControllerRestart, "kube-apiserver": contract.DisruptionAPIServerRestart,
	} {
		growing := func(s *historytest.Builder) {
			s.Running("web", 1)
			s.Scale("web", 3)
			s.Pod("web-1")
			s.Status("web")
			s.Operation(history.VerbRestart, "", mark)
			s.Wait(20 * time.Second)
		}
		tales(t, []tale{
			{
				name: "brought to its end", exercised: ids(id),
				tell: func(s *historytest.Builder) {
					growing(s)
					s.Ready("web-1")
					s.CreateReady("web-2")
					s.Status("web")
				},
			},
			{
				name: "left where it was", idle: ids(id),
				tell: growing,
			},
			{
				name: "not at work", idle: ids(id),
				tell: func(s *historytest.Builder) {
					s.Running("web", 1)
					s.Operation(history.VerbRestart, "", mark)
				},
			},
			{
				name: "out of order", broken: ids(id, contract.OrderingScaleUp, contract.OrderingCreateHalts), texts: []string{string(id) + `: after "restart ` + mark + `" at`, "web-2 was created at"},
				tell: func(s *historytest.Builder) {
					growing(s)
					s.Pod("web-2")
				},
			},
			{
				name: "out of order before", broken: ids(contract.OrderingScaleUp), idle: ids(id),
				tell: func(s *historytest.Builder) {
					s.Running("web", 1)
					s.Scale("web", 3)
					s.Pod("web-1")
					s.Pod("web-2")
					s.Status("web")
					s.Operation(history.VerbRestart, "", mark)
				},
			},
			{
				name: "a rollout that goes on", exercised: ids(id),
				tell: func(s *historytest.Builder) {
					s.Running("web", 2)
					s.NewTemplate("web", 2)
					s.DeletePod("web-1")
					s.CreateReady("web-1")
					s.Status("web")
					s.Operation(history.VerbRestart, "", mark)
					s.Wait(20 * time.Second)
					s.DeletePod("web-0")
					s.CreateReady("web-0")
					s.Status("web")
				},
			},
			{
				name: "a rollout that does not wait any more", broken: ids(id, contract.UpdateOneAtATime, contract.UpdateHalts), texts: []string{string(id)},
				tell: func(s *historytest.Builder) {
					s.Running("web", 2)
					s.NewTemplate("web", 2)
					s.DeletePod("web-1")
					s.Pod("web-1")
					s.Status("web")
					s.Operation(history.VerbRestart, "", mark)
					s.Wait(20 * time.Second)
					s.Terminate("web-0")
				},
			},
		})
	}
}

func TestNodeReturns(t *testing.T) {
	const id = contract.DisruptionNodeReturns
	back := func(s *historytest.Builder) {
		lost(s)
		s.Operation(history.VerbStartNode, "nodes", storyNode)
		s.FinishDeletion("web-0")
		s.FinishDeletion("web-1")
		s.Status("web")
	}
	tales(t, []tale{
		{
			name: "in order", exercised: ids(id, contract.DisruptionNodeLost),
			tell: func(s *historytest.Builder) {
				back(s)
				s.CreateReady("web-0")
				s.CreateReady("web-1")
				s.Status("web")
			},
		},
		{
			name: "not whole at the end", idle: ids(id),
			tell: func(s *historytest.Builder) {
				back(s)
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{
			name: "highest first", broken: ids(id, contract.OrderingHeals), texts: []string{"disruption/node-returns: after"},
			tell: func(s *historytest.Builder) {
				back(s)
				s.Wait(5 * time.Second)
				s.Pod("web-1")
			},
		},
		{
			name: "restarted in place", exercised: ids(id), idle: ids(contract.DisruptionNodeLost),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Operation(history.VerbStopNode, "nodes", storyNode)
				s.Unready("web-0")
				s.Operation(history.VerbStartNode, "nodes", storyNode)
				s.Change(history.Pods, "web-0", func(e *history.Event) {
					e.Pod.Condition(corev1.PodReady).Status, e.Pod.Condition(corev1.ContainersReady).Status = corev1.ConditionTrue, corev1.ConditionTrue
				})
				s.Status("web")
			},
		},
	})
}
