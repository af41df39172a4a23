package specs

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

const (
	retain   = appsv1.RetainPersistentVolumeClaimRetentionPolicyType
	discard  = appsv1.DeletePersistentVolumeClaimRetentionPolicyType
	ownedSet = "StatefulSet/set"
)

var _ = Describe("The claim retention policy Delete", func() {
	It("removes claims with their ordinals and with their set, never with a pod that is replaced", Proves(
		contract.StorageRetentionFailure, contract.StorageWhenScaledDelete, contract.StorageWhenDeletedDelete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireRetention(ctx, ns)
		set := framework.Create(ctx, ns, framework.Replicas(3), framework.Parallel(), framework.Claims("data"), framework.Retention(discard, discard))
		set.AwaitReady(ctx)
		before := set.Claims(ctx, "data", 0, 1, 2)

		By("letting one pod fail and deleting another")
		failed, deleted := set.Fail(ctx, 1), ns.DeletePod(ctx, set.Pod(0))
		set.Replaced(framework.Owed(ctx, contract.LifecycleFailed), 1, failed)
		set.Replaced(ctx, 0, deleted)
		set.AwaitReady(ctx)
		set.VerifyKept(ctx, contract.StorageRetentionFailure, before)

		By("scaling down, first under both policies, then under that for scaling alone")
		set.Scale(ctx, 2)
		set.AwaitReplicas(ctx, 2)
		set.VerifyClaimsGone(ctx, contract.StorageWhenScaledDelete, "data", 2)
		set.Update(ctx, "whenScaled: Delete alone", framework.All(framework.Retention(retain, discard), framework.Replicas(1)))
		set.AwaitReplicas(ctx, 1)
		set.VerifyClaimsGone(ctx, contract.StorageWhenScaledDelete, "data", 1)
		set.VerifyKept(ctx, contract.StorageWhenScaledDelete, before[:1])
		set.Update(ctx, "whenDeleted: Delete too", framework.Retention(discard, discard))
		set.VerifyClaimOwners(ctx, contract.StorageWhenDeletedDelete, "data", 0, ownedSet)

		By("deleting the set")
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.AwaitNoPods(ctx)
		set.VerifyClaimsGone(ctx, contract.StorageWhenDeletedDelete, "data", 0)

		Expect(ns.Recorded(ctx)).To(Uphold(
			contract.StorageRetentionFailure, contract.StorageWhenScaledDelete, contract.StorageWhenDeletedDelete,
		))
	})

	It("can be given and taken back, and leaves a claim alone that another controller owns or whose pod is left an orphan", Proves(
		contract.StorageRetentionChange, contract.StorageWhenDeletedDelete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireRetention(ctx, ns)
		options := []framework.Option{framework.Replicas(1), framework.Claims("other", "data")}
		ns.MakeClaim(ctx, framework.Manifest(ctx, ns, options...), 0, framework.ClaimOwnedBy(ns.OtherController(ctx)))
		set := framework.Create(ctx, ns, options...)
		parent := framework.Create(ctx, ns, framework.Named("parent"), framework.Claims("data"), framework.Retention(discard, retain))
		set.AwaitReady(ctx)
		other := set.Claims(ctx, "other", 0)

		for _, change := range []struct {
			what   string
			policy framework.Option
			owners []string
		}{
			{"whenDeleted: Delete", framework.Retention(discard, retain), []string{ownedSet}},
			{"whenScaled: Delete instead", framework.Retention(retain, discard), nil},
			{"both Delete", framework.Retention(discard, discard), []string{ownedSet}},
			{"Retain again", framework.Retention(retain, retain), nil},
			{"whenDeleted: Delete once more", framework.Retention(discard, retain), []string{ownedSet}},
		} {
			By(change.what)
			set.Update(ctx, change.what, change.policy)
			set.VerifyClaimOwners(ctx, contract.StorageRetentionChange, "data", 0, change.owners...)
		}

		By("deleting one set, and another without its pods")
		parent.AwaitReady(ctx)
		orphaned := parent.Claims(ctx, "data", 0)
		parent.Orphan(ctx)
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.VerifyClaimsGone(ctx, contract.StorageRetentionChange, "data", 0)
		set.HoldStill(ctx, func(s *history.State) string { return set.ClaimGoes(s, "other", 0) })
		set.VerifyKept(ctx, contract.StorageRetentionChange, other)
		parent.VerifyKept(ctx, contract.StorageWhenDeletedDelete, orphaned)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StorageRetentionChange))
	})
})

func requireRetention(ctx SpecContext, ns *framework.Namespace) {
	GinkgoHelper()
	ns.RequireField(ctx, "spec.persistentVolumeClaimRetentionPolicy", framework.Retention(discard, discard), func(s *appsv1.StatefulSet) bool {
		return s.Spec.PersistentVolumeClaimRetentionPolicy != nil && s.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled == discard
	})
}
