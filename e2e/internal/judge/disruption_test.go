package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// testNode is the node of every pod.
const testNode = "node"

// lost runs a set, stops its node and marks its pods for deletion.
func lost(b *historytest.Builder) {
	b.Running("web", 2)
	b.Operation(history.VerbStopNode, "nodes", testNode)
	b.Wait(time.Minute)
	for _, pod := range []string{"web-0", "web-1"} {
		b.Disrupt(pod, "DeletionByTaintManager")
		b.Unready(pod)
		b.Terminate(pod)
	}
	b.Status("web")
	b.Wait(time.Minute)
}

func TestNodeLost(t *testing.T) {
	const id = contract.DisruptionNodeLost
	runCases(t, []testCase{
		{name: "the pods stay", exercised: ids(id), build: lost},
		{
			name: "the pods are removed once the node answers again", exercised: ids(id),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Operation(history.VerbStartNode, "nodes", testNode)
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "the pods are removed once the node is fenced", exercised: ids(id),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Operation(history.VerbFenceNode, "nodes", testNode)
				b.FinishDeletion("web-0")
			},
		},
		{
			name: "the test force-deletes a pod", exercised: ids(id),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Operation(history.VerbDelete, history.Pods, "web-0")
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "another client force-deletes a pod", broken: ids(id, contract.IdentityAtMostOne),
			texts: []string{"web-0 (UID uid-2) was removed at", "its node node had stopped answering at", "a second web-0 (UID uid-4) was created at"},
			build: func(b *historytest.Builder) {
				lost(b)
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "the test force-deletes another pod", broken: ids(id),
			texts: []string{"web-1 (UID uid-3) was removed at"},
			build: func(b *historytest.Builder) {
				lost(b)
				b.Operation(history.VerbDelete, history.Pods, "web-0")
				b.Remove(history.Pods, "web-1")
			},
		},
		{
			name: "removed before its deletion was requested", broken: ids(id),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Operation(history.VerbStopNode, "nodes", testNode)
				b.Wait(time.Minute)
				b.Remove(history.Pods, "web-0")
			},
		},
		{
			name: "the kubelet had confirmed just before", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.DeleteByTest("web-1")
				b.Operation(history.VerbStopNode, "nodes", testNode)
				b.FinishDeletion("web-1")
			},
		},
		{
			name: "another node is lost", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Operation(history.VerbStopNode, "nodes", "elsewhere")
				b.Wait(time.Minute)
				b.DeleteByTest("web-1")
				b.FinishDeletion("web-1")
			},
		},
		{
			name: "the history has a gap", inconclusive: ids(id),
			build: func(b *historytest.Builder) {
				lost(b)
				from := b.Now()
				b.Wait(time.Second)
				b.Gap(history.Pods, from)
				b.Operation(history.VerbOther, history.Pods, "web-1")
				b.Change(history.Pods, "web-1", func(e *history.Event) { e.Pod.Containers[0].State = history.ContainerTerminated })
				b.Remove(history.Pods, "web-1")
			},
		},
	})
}

func TestOrderAcrossDisruptions(t *testing.T) {
	for mark, id := range map[string]contract.ID{
		"kube-controller-manager": contract.DisruptionControllerRestart, "kube-apiserver": contract.DisruptionAPIServerRestart,
	} {
		growing := func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Scale("web", 3)
			b.Pod("web-1")
			b.Status("web")
			b.Operation(history.VerbRestart, "", mark)
			b.Wait(20 * time.Second)
		}
		runCases(t, []testCase{
			{
				name: "completed", exercised: ids(id),
				build: func(b *historytest.Builder) {
					growing(b)
					b.Ready("web-1")
					b.CreateReady("web-2")
					b.Status("web")
				},
			},
			{
				name: "left where it was", notExercised: ids(id),
				build: growing,
			},
			{
				name: "not in a rollout", notExercised: ids(id),
				build: func(b *historytest.Builder) {
					b.Running("web", 1)
					b.Operation(history.VerbRestart, "", mark)
				},
			},
			{
				name: "out of order", broken: ids(id, contract.OrderingScaleUp, contract.OrderingCreateHalts), texts: []string{string(id) + `: after "restart ` + mark + `" at`, "web-2 was created at"},
				build: func(b *historytest.Builder) {
					growing(b)
					b.Pod("web-2")
				},
			},
			{
				name: "out of order before", broken: ids(contract.OrderingScaleUp), notExercised: ids(id),
				build: func(b *historytest.Builder) {
					b.Running("web", 1)
					b.Scale("web", 3)
					b.Pod("web-1")
					b.Pod("web-2")
					b.Status("web")
					b.Operation(history.VerbRestart, "", mark)
				},
			},
			{
				name: "a rollout that goes on", exercised: ids(id),
				build: func(b *historytest.Builder) {
					b.Running("web", 2)
					b.NewTemplate("web", 2)
					b.DeletePod("web-1")
					b.CreateReady("web-1")
					b.Status("web")
					b.Operation(history.VerbRestart, "", mark)
					b.Wait(20 * time.Second)
					b.DeletePod("web-0")
					b.CreateReady("web-0")
					b.Status("web")
				},
			},
			{
				name: "a rollout that does not wait any more", broken: ids(id, contract.UpdateOneAtATime, contract.UpdateHalts), texts: []string{string(id)},
				build: func(b *historytest.Builder) {
					b.Running("web", 2)
					b.NewTemplate("web", 2)
					b.DeletePod("web-1")
					b.Pod("web-1")
					b.Status("web")
					b.Operation(history.VerbRestart, "", mark)
					b.Wait(20 * time.Second)
					b.Terminate("web-0")
				},
			},
		})
	}
}

func TestNodeReturns(t *testing.T) {
	const id = contract.DisruptionNodeReturns
	restarted := func(b *historytest.Builder) {
		lost(b)
		b.Operation(history.VerbStartNode, "nodes", testNode)
		b.FinishDeletion("web-0")
		b.FinishDeletion("web-1")
		b.Status("web")
	}
	runCases(t, []testCase{
		{
			name: "in order", exercised: ids(id, contract.DisruptionNodeLost),
			build: func(b *historytest.Builder) {
				restarted(b)
				b.CreateReady("web-0")
				b.CreateReady("web-1")
				b.Status("web")
			},
		},
		{
			name: "a pod missing at the end", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				restarted(b)
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "highest first", broken: ids(id, contract.OrderingHeals), texts: []string{"disruption/node-returns: after"},
			build: func(b *historytest.Builder) {
				restarted(b)
				b.Wait(5 * time.Second)
				b.Pod("web-1")
			},
		},
		{
			name: "restarted in place", notExercised: ids(id, contract.DisruptionNodeLost),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Operation(history.VerbStopNode, "nodes", testNode)
				b.Unready("web-0")
				b.Operation(history.VerbStartNode, "nodes", testNode)
				b.Change(history.Pods, "web-0", func(e *history.Event) {
					e.Pod.Condition(corev1.PodReady).Status, e.Pod.Condition(corev1.ContainersReady).Status = corev1.ConditionTrue, corev1.ConditionTrue
				})
				b.Status("web")
			},
		},
	})
}
