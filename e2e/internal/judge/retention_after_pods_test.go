package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestClaimsGoAfterPods(t *testing.T) {
	const id = contract.StorageDeletedAfterPods
	// deleted deletes the set and requests the deletion of its pod and of its claim.
	deleted := func(b *historytest.Builder) {
		b.Wait(5 * time.Second)
		b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
		b.Operation(history.VerbDelete, history.Sets, "web")
		b.DeleteSet("web")
		b.Terminate("web-0")
		b.Change(history.Claims, "data-web-0", func(e *history.Event) { e.DeletionTimestamp = new(b.Timestamp()) })
	}
	ending := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
			deleted(b)
			then(b)
		}
	}
	removeClaim := func(b *historytest.Builder) { b.Remove(history.Claims, "data-web-0") }
	podEnds := func(b *historytest.Builder) { b.FinishDeletion("web-0") }
	runCases(t, []testCase{
		{
			name: "held until its pod is gone", exercised: ids(id), build: ending(func(b *historytest.Builder) {
				b.Wait(5 * time.Second)
				podEnds(b)
				removeClaim(b)
			}),
		},
		{
			name: "the pod's containers have stopped and it stays", exercised: ids(id), build: ending(func(b *historytest.Builder) {
				b.Wait(5 * time.Second)
				b.Fail("web-0")
				removeClaim(b)
				b.Wait(10 * time.Second)
				podEnds(b)
			}),
		},
		{
			name: "deleted long after the pod", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
				b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.DeleteSet("web")
				b.DeletePod("web-0")
				b.Wait(5 * time.Second)
				b.DeleteClaim("data-web-0")
			},
		},
		{
			name: "the pod ends at once", notExercised: ids(id), build: ending(func(b *historytest.Builder) {
				podEnds(b)
				removeClaim(b)
			}),
		},
		{
			name: "gone before its pod", broken: ids(id), notExercised: ids(id),
			texts: []string{"claim data-web-0 of the deleted set web was gone at rv", "before its pod web-0 had terminated (rv"},
			build: ending(func(b *historytest.Builder) {
				removeClaim(b)
				b.Wait(5 * time.Second)
				podEnds(b)
			}),
		},
		{
			name: "gone and its pod stays", broken: ids(id), texts: []string{"before its pod web-0 had terminated, which it had not by the end of the recording"},
			build: ending(func(b *historytest.Builder) {
				removeClaim(b)
				b.Wait(5 * time.Second)
			}),
		},
		{
			name: "one of two gone before its pod", broken: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Claims("data", "log"), historytest.WhenDeletedDelete)
				deleted(b)
				removeClaim(b)
				b.Wait(5 * time.Second)
				podEnds(b)
			},
		},
		{
			name: "gone a little before its pod", inconclusive: ids(id), build: ending(func(b *historytest.Builder) {
				removeClaim(b)
				b.Wait(time.Second)
				podEnds(b)
			}),
		},
		{
			name: "its pod may have ended in a gap", inconclusive: ids(id), build: ending(func(b *historytest.Builder) {
				from := b.Now()
				removeClaim(b)
				b.Wait(5 * time.Second)
				b.Gap(history.Pods, from)
				podEnds(b)
			}),
		},
		{
			name: "the pod was never scheduled", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Claims("data"), historytest.WhenDeletedDelete)
				b.Claim("data", "web-0")
				b.Pod("web-0")
				deleted(b)
				removeClaim(b)
				b.Wait(5 * time.Second)
				b.Remove(history.Pods, "web-0")
			},
		},
		{
			name: "the pod was scheduled only just before", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Claims("data"), historytest.WhenDeletedDelete)
				b.Claim("data", "web-0")
				b.Pod("web-0")
				deleted(b)
				b.Change(history.Pods, "web-0", func(e *history.Event) { e.Pod.Node = "node" })
				removeClaim(b)
				b.Wait(5 * time.Second)
				b.Remove(history.Pods, "web-0")
			},
		},
		{
			name: "the test deletes it", broken: ids(contract.StorageInUseProtection), notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				deleted(b)
				removeClaim(b)
				b.Wait(5 * time.Second)
				podEnds(b)
			},
		},
		{
			name: "a pod that another set had adopted", broken: ids(contract.IdentityNotMine), notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
				b.Orphan("web-0")
				b.Set("db")
				b.Adopt("web-0", "db")
				b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.DeleteSet("web")
				b.DeleteClaim("data-web-0")
				b.Wait(5 * time.Second)
			},
		},
	})
}
