package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestClaimsAfterRetentionChanged: a claim may go with its set, or with its pod, only under a policy that the controller may have known at
// the owner's deletion. An ownerReference of an earlier policy allows it only as long as nothing shows that the controller had to remove it.
func TestClaimsAfterRetentionChanged(t *testing.T) {
	data := historytest.Claims("data")
	const keep = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	owned := func(b *historytest.Builder, options ...historytest.Option) {
		b.Running("web", 2, append(options, data, historytest.WhenDeletedDelete)...)
		for _, pod := range []string{"web-0", "web-1"} {
			b.SetController("data-"+pod, "StatefulSet", "web", b.Get(history.Sets, "web").UID)
		}
		b.Wait(5 * time.Second)
	}
	retain := func(b *historytest.Builder) {
		b.Update("web", func(t *history.Set) { t.WhenDeleted = keep })
		b.Status("web")
	}
	deleteSet := func(b *historytest.Builder, claim string) {
		b.Operation(history.VerbDelete, history.Sets, "web")
		b.DeleteSet("web")
		b.DeletePod("web-0")
		b.DeletePod("web-1")
		b.DeleteClaim(claim)
	}
	replaced := func(b *historytest.Builder) {
		b.DeleteByTest("web-1")
		b.FinishDeletion("web-1")
		b.CreateReady("web-1")
		b.Status("web")
	}
	runCases(t, []testCase{
		{
			name: "the set is deleted long after whenDeleted became Retain", broken: ids(contract.StorageDeleteKeeps, contract.StorageRetentionChange),
			texts: []string{"claim data-web-0 was deleted at rv", "although the deleted set web keeps its claims"},
			build: func(b *historytest.Builder) {
				owned(b)
				retain(b)
				b.SetController("data-web-1", "", "", "")
				b.Wait(20 * time.Second)
				replaced(b)
				b.Wait(30 * time.Second)
				deleteSet(b, "data-web-0")
			},
		},
		{
			name: "the pod is not Ready when the set is deleted, and was long before", broken: ids(contract.StorageDeleteKeeps, contract.StorageRetentionChange),
			build: func(b *historytest.Builder) {
				owned(b)
				retain(b)
				b.SetController("data-web-1", "", "", "")
				b.Wait(20 * time.Second)
				replaced(b)
				b.Wait(30 * time.Second)
				b.Unready("web-0")
				b.Wait(time.Second)
				deleteSet(b, "data-web-0")
			},
		},
		{
			name: "the pod is Ready for too short a time", notExercised: ids(contract.StorageDeleteKeeps, contract.StorageRetentionChange), excused: ids(contract.StorageDeleteKeeps),
			build: func(b *historytest.Builder) {
				owned(b)
				b.Unready("web-0")
				retain(b)
				b.Wait(20 * time.Second)
				b.Ready("web-0")
				b.Wait(5 * time.Second)
				b.Unready("web-0")
				b.Wait(time.Minute)
				deleteSet(b, "data-web-0")
			},
		},
		{
			name: "nothing shows that the controller was at work", inconclusive: ids(contract.StorageDeleteKeeps, contract.StorageRetentionChange),
			build: func(b *historytest.Builder) {
				owned(b)
				retain(b)
				b.Wait(50 * time.Second)
				deleteSet(b, "data-web-1")
			},
		},
		{
			name: "the set is deleted before the controller can have known", notExercised: ids(contract.StorageDeleteKeeps),
			build: func(b *historytest.Builder) {
				owned(b)
				b.Update("web", func(t *history.Set) { t.WhenDeleted = keep })
				b.Wait(time.Second)
				deleteSet(b, "data-web-1")
			},
		},
		{
			name: "a lower pod kept the controller from getting so far", notExercised: ids(contract.StorageDeleteKeeps),
			build: func(b *historytest.Builder) {
				owned(b)
				b.Unready("web-0")
				retain(b)
				b.Wait(20 * time.Second)
				b.Running("elsewhere", 1)
				b.Wait(30 * time.Second)
				deleteSet(b, "data-web-1")
			},
		},
		{
			name: "a Parallel set does not wait for the lower pod", broken: ids(contract.StorageDeleteKeeps, contract.StorageRetentionChange),
			build: func(b *historytest.Builder) {
				owned(b, historytest.Parallel)
				b.Unready("web-0")
				retain(b)
				b.SetController("data-web-0", "", "", "")
				b.Wait(20 * time.Second)
				b.Change(history.Sets, "web", func(*history.Event) {})
				b.Wait(3 * time.Second)
				b.Running("elsewhere", 1)
				b.Wait(30 * time.Second)
				deleteSet(b, "data-web-1")
			},
		},
		{
			name: "the reference was written against the policy", broken: ids(contract.StorageDeleteKeeps),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, data)
				b.Wait(5 * time.Second)
				b.SetController("data-web-1", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
				b.Wait(5 * time.Second)
				b.Update("web", historytest.WhenDeletedDelete)
				b.Wait(time.Second)
				retain(b)
				b.Wait(5 * time.Second)
				deleteSet(b, "data-web-1")
			},
		},
	})
}

// TestClaimsOfPodsInRangeAgain is the same for ownerReferences to pods.
func TestClaimsOfPodsInRangeAgain(t *testing.T) {
	condemned := func(b *historytest.Builder) {
		b.Running("web", 3, historytest.Claims("data"), historytest.WhenScaledDelete)
		b.Wait(5 * time.Second)
		b.Scale("web", 2)
		b.SetController("data-web-2", "Pod", "web-2", b.Get(history.Pods, "web-2").UID)
		b.Scale("web", 4)
		b.Status("web")
		b.Claim("data", "web-3")
		b.CreateReady("web-3")
		b.Status("web")
	}
	deleted := func(b *historytest.Builder) {
		b.DeleteByTest("web-2")
		b.FinishDeletion("web-2")
		b.DeleteClaim("data-web-2")
		b.Claim("data", "web-2")
		b.CreateReady("web-2")
		b.Status("web")
	}
	other := func(b *historytest.Builder) {
		b.Wait(20 * time.Second)
		b.DeleteByTest("web-3")
		b.FinishDeletion("web-3")
		b.CreateReady("web-3")
		b.Status("web")
	}
	runCases(t, []testCase{
		{
			name: "the pod is deleted long after it came back into range", broken: ids(contract.StorageRetentionFailure),
			texts: []string{"claim data-web-2 was deleted at rv", "although web-2 was still wanted"},
			build: func(b *historytest.Builder) {
				condemned(b)
				other(b)
				b.Wait(60 * time.Second)
				deleted(b)
			},
		},
		{
			name: "the pod is deleted at once", notExercised: ids(contract.StorageRetentionFailure), build: func(b *historytest.Builder) {
				condemned(b)
				deleted(b)
			},
		},
		{
			name: "a lower pod kept the controller from getting so far", notExercised: ids(contract.StorageRetentionFailure), build: func(b *historytest.Builder) {
				condemned(b)
				b.Unready("web-0")
				b.Wait(20 * time.Second)
				b.Running("elsewhere", 1)
				b.Wait(60 * time.Second)
				deletedPod(b)
			},
		},
		{
			name: "out of range while it stops", notExercised: ids(contract.StorageRetentionFailure), build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Claims("data"), historytest.WhenScaledDelete)
				b.Wait(5 * time.Second)
				b.DeleteByTest("web-2")
				b.Scale("web", 2)
				b.SetController("data-web-2", "Pod", "web-2", b.Get(history.Pods, "web-2").UID)
				b.Wait(10 * time.Second)
				b.Scale("web", 3)
				b.Wait(5 * time.Second)
				b.FinishDeletion("web-2")
				b.DeleteClaim("data-web-2")
				b.Claim("data", "web-2")
				b.CreateReady("web-2")
				b.Status("web")
			},
		},
	})
}

// deletedPod deletes web-2 by an operation of the test, and its claim with it; it is not created again.
func deletedPod(b *historytest.Builder) {
	b.DeleteByTest("web-2")
	b.FinishDeletion("web-2")
	b.DeleteClaim("data-web-2")
}
