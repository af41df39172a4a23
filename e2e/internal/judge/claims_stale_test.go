package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestPodsOnStaleClaims: a pod whose ordinal is wanted again waits for the end of the claim that goes with the pod before it.
func TestPodsOnStaleClaims(t *testing.T) {
	const claim = "data-web-1"
	scaledDelete := func(s *history.Set) { s.WhenScaled = appsv1.DeletePersistentVolumeClaimRetentionPolicyType }
	request := func(b *historytest.Builder) {
		b.Change(history.Claims, claim, func(e *history.Event) {
			now := b.Timestamp()
			e.DeletionTimestamp = &now
		})
	}
	run := func(b *historytest.Builder) {
		b.Pod("web-1")
		b.Change(history.Pods, "web-1", func(e *history.Event) { e.Pod.Node = "node" })
	}
	// wantedAgain has a pod that leaves, and owns its claim for so long, wanted again before it is gone.
	wantedAgain := func(owned time.Duration, then func(*historytest.Builder), options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, append(options, historytest.Claims("data"))...)
			b.Wait(10 * time.Second)
			b.Scale("web", 1)
			b.SetController(claim, "Pod", "web-1", b.Get(history.Pods, "web-1").UID)
			b.Terminate("web-1")
			b.Status("web")
			b.Wait(owned)
			b.Scale("web", 2)
			b.Status("web")
			b.FinishDeletion("web-1")
			then(b)
			b.Wait(5 * time.Second)
		}
	}
	runCases(t, []testCase{
		{
			name: "made at once, and run on it", broken: ids(contract.IdentitySticky), texts: []string{"on the claim data-web-1, which went with the pod before it"},
			build: wantedAgain(10*time.Second, func(b *historytest.Builder) { run(b); request(b) }, scaledDelete),
		},
		{
			name: "made while its end was requested already", broken: ids(contract.IdentitySticky),
			build: wantedAgain(10*time.Second, func(b *historytest.Builder) { request(b); run(b) }, scaledDelete),
		},
		{
			name: "made at once, and not run on it", build: wantedAgain(10*time.Second, func(b *historytest.Builder) {
				b.Pod("web-1")
				request(b)
				b.Remove(history.Claims, claim)
				b.Claim("data", "web-1")
				b.Ready("web-1")
			}, scaledDelete),
		},
		{
			name: "made on a new claim", build: wantedAgain(10*time.Second, func(b *historytest.Builder) {
				request(b)
				b.Remove(history.Claims, claim)
				b.Wait(2 * time.Second)
				b.Claim("data", "web-1")
				run(b)
			}, scaledDelete),
		},
		{
			name: "made on a claim that was taken from the pod before it", build: wantedAgain(10*time.Second, func(b *historytest.Builder) {
				b.Change(history.Claims, claim, func(e *history.Event) { e.Owners = nil })
				run(b)
			}, scaledDelete),
		},
		{
			name: "owned so lately that the controller need not know it", build: wantedAgain(0, func(b *historytest.Builder) { run(b); request(b) }, scaledDelete),
		},
		{
			name: "of a set that keeps its claims by now", build: wantedAgain(10*time.Second, func(b *historytest.Builder) {
				b.Update("web", func(s *history.Set) { s.WhenScaled = appsv1.RetainPersistentVolumeClaimRetentionPolicyType })
				run(b)
				request(b)
			}, scaledDelete),
		},
	})
}
