package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestClaimsOwnedUnasked: an ownerReference that no policy asks for breaks what it would break once its owner is deleted.
func TestClaimsOwnedUnasked(t *testing.T) {
	owned := func(kind, name string, options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 3, append(options, historytest.Claims("data"))...)
			b.Wait(5 * time.Second)
			r := history.Sets
			if kind == "Pod" {
				r = history.Pods
			}
			b.SetController("data-web-2", kind, name, b.Get(r, name).UID)
			b.Wait(5 * time.Second)
		}
	}
	runCases(t, []testCase{
		{
			name: "by the set under Retain", broken: ids(contract.StorageDeleteKeeps), build: owned("StatefulSet", "web"),
			texts: []string{"claim data-web-2 came to be owned at rv", "by the set web, with which it would be deleted although its whenDeleted is Retain"},
		},
		{name: "by the set under whenScaled: Delete alone", broken: ids(contract.StorageDeleteKeeps), build: owned("StatefulSet", "web", historytest.WhenScaledDelete)},
		{name: "by the set under whenDeleted: Delete", build: func(b *historytest.Builder) {
			b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
			b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
		}},
		{
			name: "by its pod under Retain", broken: ids(contract.StorageDataSurvives), build: owned("Pod", "web-2"),
			texts: []string{"by the pod web-2, with which it would be deleted although web-2 was still wanted"},
		},
		{name: "by its pod, which is in range", broken: ids(contract.StorageRetentionFailure), build: owned("Pod", "web-2", historytest.WhenScaledDelete)},
		{name: "by its pod, which is to go", build: func(b *historytest.Builder) {
			b.Running("web", 2, historytest.Claims("data"), historytest.WhenScaledDelete)
			b.Scale("web", 1)
			b.SetController("data-web-1", "Pod", "web-1", b.Get(history.Pods, "web-1").UID)
			b.DeletePod("web-1")
			b.Remove(history.Claims, "data-web-1")
			b.Status("web")
		}},
		{name: "by its pod, which may stay after all since a moment ago", build: func(b *historytest.Builder) {
			b.Running("web", 2, historytest.Claims("data"), historytest.WhenScaledDelete)
			b.Scale("web", 1)
			b.Scale("web", 2)
			b.SetController("data-web-1", "Pod", "web-1", b.Get(history.Pods, "web-1").UID)
			b.SetController("data-web-1", "", "", "")
			b.Status("web")
		}},
		{name: "by another pod", build: owned("Pod", "web-1")},
		{name: "by the set, since before the recording", build: func(b *historytest.Builder) {
			b.Running("web", 1, historytest.Claims("data"))
			b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
			first := true
			for _, e := range b.Events() {
				if e.Claim != nil {
					e.Owners = b.Get(history.Claims, "data-web-0").Owners
					if first {
						e.Change, first = history.Listed, false
					}
				}
			}
		}},
		{name: "by the set, of a sync that began before its policy changed, the claim's watch being behind the set's", build: func(b *historytest.Builder) {
			b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
			b.Update("web", func(s *history.Set) { s.WhenDeleted = appsv1.RetainPersistentVolumeClaimRetentionPolicyType })
			b.Wait(5 * time.Second)
			b.Status("web")
			b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
			b.SetController("data-web-0", "", "", "")
		}},
		{name: "as a policy may have written on the way", inconclusive: ids(contract.StorageDeleteKeeps), build: func(b *historytest.Builder) {
			b.Mutated(history.Claims, "the webhook owners")
			owned("StatefulSet", "web")(b)
		}},
		{name: "as somebody wrote", build: func(b *historytest.Builder) {
			owned("StatefulSet", "web")(b)
			for _, e := range b.Events() {
				if e.Claim != nil {
					e.Claim.OwnersWriter = "kubectl-edit"
				}
			}
		}},
	})
}
