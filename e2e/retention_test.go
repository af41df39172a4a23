package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

const (
	retain   = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	discard  = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	ownedSet = "StatefulSet/set"
)

var _ = Describe("The claim retention policy Delete", func() {
	It("removes claims with their ordinals and with their set, never with a pod that is replaced", Proves(
		guarantee.StorageRetentionFailure, guarantee.StorageWhenScaledDelete, guarantee.StorageWhenDeletedDelete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireRetention(ctx, ns)
		set := workload.Create(ctx, ns, workload.Replicas(3), workload.Parallel(), workload.Claims("data"), workload.Retention(discard, discard))
		set.AwaitReady(ctx)
		before := set.Claims(ctx, "data", 0, 1, 2)

		By("letting one pod fail and deleting another")
		failed, deleted := set.Fail(ctx, 1), ns.DeletePod(ctx, set.Pod(0))
		set.Replaced(workload.Owed(ctx, guarantee.LifecycleFailed), 1, failed)
		set.Replaced(ctx, 0, deleted)
		set.AwaitReady(ctx)
		set.VerifyKept(ctx, guarantee.StorageRetentionFailure, before)

		By("scaling down, first under both policies, then under that for scaling alone")
		set.Scale(ctx, 2)
		set.AwaitReplicas(ctx, 2)
		set.VerifyClaimsGone(ctx, guarantee.StorageWhenScaledDelete, "data", 2)
		set.Update(ctx, "whenScaled: Delete alone", workload.All(workload.Retention(retain, discard), workload.Replicas(1)))
		set.AwaitReplicas(ctx, 1)
		set.VerifyClaimsGone(ctx, guarantee.StorageWhenScaledDelete, "data", 1)
		set.VerifyKept(ctx, guarantee.StorageWhenScaledDelete, before[:1])
		set.Update(ctx, "whenDeleted: Delete too", workload.Retention(discard, discard))
		set.VerifyClaimOwners(ctx, guarantee.StorageWhenDeletedDelete, "data", 0, ownedSet)

		By("deleting the set")
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.AwaitNoPods(ctx)
		set.VerifyClaimsGone(ctx, guarantee.StorageWhenDeletedDelete, "data", 0)

		Expect(ns.Recorded(ctx)).To(Uphold(
			guarantee.StorageRetentionFailure, guarantee.StorageWhenScaledDelete, guarantee.StorageWhenDeletedDelete,
		))
	})

	It("can be given and taken back, and leaves a claim alone that another controller owns or whose pod is left an orphan", Proves(
		guarantee.StorageRetentionChange, guarantee.StorageWhenDeletedDelete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireRetention(ctx, ns)
		options := []workload.Option{workload.Replicas(1), workload.Claims("other", "data")}
		ns.MakeClaim(ctx, workload.Manifest(ctx, ns, options...), 0, workload.ClaimOwnedBy(ns.OtherController(ctx)))
		set := workload.Create(ctx, ns, options...)
		parent := workload.Create(ctx, ns, workload.Named("parent"), workload.Claims("data"), workload.Retention(discard, retain))
		set.AwaitReady(ctx)
		other := set.Claims(ctx, "other", 0)

		for _, change := range []struct {
			what   string
			policy workload.Option
			owners []string
		}{
			{"whenDeleted: Delete", workload.Retention(discard, retain), []string{ownedSet}},
			{"whenScaled: Delete instead", workload.Retention(retain, discard), nil},
			{"both Delete", workload.Retention(discard, discard), []string{ownedSet}},
			{"Retain again", workload.Retention(retain, retain), nil},
			{"whenDeleted: Delete once more", workload.Retention(discard, retain), []string{ownedSet}},
		} {
			By(change.what)
			set.Update(ctx, change.what, change.policy)
			set.VerifyClaimOwners(ctx, guarantee.StorageRetentionChange, "data", 0, change.owners...)
		}

		By("deleting one set, and another without its pods")
		parent.AwaitReady(ctx)
		orphaned := parent.Claims(ctx, "data", 0)
		parent.Orphan(ctx)
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.VerifyClaimsGone(ctx, guarantee.StorageRetentionChange, "data", 0)
		set.HoldStill(ctx, func(s *history.State) string { return set.ClaimGoes(s, "other", 0) })
		set.VerifyKept(ctx, guarantee.StorageRetentionChange, other)
		parent.VerifyKept(ctx, guarantee.StorageWhenDeletedDelete, orphaned)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StorageRetentionChange))
	})
})

func requireRetention(ctx SpecContext, ns *workload.Namespace) {
	GinkgoHelper()
	ns.RequireField(ctx, "spec.persistentVolumeClaimRetentionPolicy", workload.Retention(discard, discard), func(s *appsv1.StatefulSet) bool {
		return s.Spec.PersistentVolumeClaimRetentionPolicy != nil && s.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled == discard
	})
}
