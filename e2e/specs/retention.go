package specs

import (
	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
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
		set := statefulset.Create(ctx, ns, statefulset.Replicas(5), statefulset.Parallel(), statefulset.Claims("data"), statefulset.Retention(discard, discard))
		set.AwaitReady(ctx)
		before := set.AwaitClaims(ctx, "data", 0, 1, 2)
		for n := range 5 {
			set.VerifyClaimOwners(ctx, contract.StorageWhenDeletedDelete, "data", n, ownedSet)
		}

		By("letting one pod fail and deleting another")
		failed, deleted := set.FailPod(ctx, 1), ns.DeletePod(ctx, set.Pod(0))
		set.AwaitReplaced(ctx, 1, failed, framework.MustHappen(contract.LifecycleFailed))
		set.AwaitReplaced(ctx, 0, deleted)
		set.AwaitReady(ctx)
		ns.VerifyKept(ctx, contract.StorageRetentionFailure, before...)

		By("scaling down, first under both policies, then under that for scaling alone")
		set.Scale(ctx, 2)
		set.AwaitReplicas(ctx, 2)
		set.VerifyClaimsGone(ctx, contract.StorageWhenScaledDelete, "data", 2, 3, 4)
		set.Update(ctx, "whenScaled: Delete alone", statefulset.Options(statefulset.Retention(retain, discard), statefulset.Replicas(1)))
		set.AwaitReplicas(ctx, 1)
		set.VerifyClaimsGone(ctx, contract.StorageWhenScaledDelete, "data", 1)
		ns.VerifyKept(ctx, contract.StorageWhenScaledDelete, before[:1]...)
		set.VerifyClaimOwners(ctx, contract.StorageRetentionChange, "data", 0)
		set.Update(ctx, "whenDeleted: Delete too", statefulset.Retention(discard, discard))
		set.VerifyClaimOwners(ctx, contract.StorageWhenDeletedDelete, "data", 0, ownedSet)

		By("deleting the set")
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.AwaitNoPods(ctx)
		set.VerifyClaimsGone(ctx, contract.StorageWhenDeletedDelete, "data", 0)
	})

	It("can be given and taken back, and leaves a claim alone that another controller owns or whose pod is left an orphan", Proves(
		contract.StorageRetentionChange, contract.StorageWhenDeletedDelete, contract.StorageDeletedAfterPods, contract.StorageInUseProtection,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireRetention(ctx, ns)
		// The pod ends only when the spec lets it, so that a claim which does not wait for that is seen to go first.
		options := []statefulset.Option{
			statefulset.Replicas(1), statefulset.Claims("other", "data", "deleted", "shared"), statefulset.Grace(47), statefulset.HoldShutdownOfFirst(),
		}
		another := ns.OtherController(ctx)
		statefulset.CreateClaim(ctx, ns, statefulset.Manifest(ctx, ns, options...), 0, statefulset.ClaimOwnedBy(another))
		// It belongs to what controls nothing and has the name of the set, but is of another kind.
		revision := ns.CreateRevision(ctx, "set", another)
		statefulset.CreateClaim(ctx, ns, statefulset.Manifest(ctx, ns, options...), 0, statefulset.ClaimOwnedBy(revision), statefulset.ClaimOf("shared", "set", 0))
		set := statefulset.Create(ctx, ns, options...)
		parent := statefulset.Create(ctx, ns, statefulset.Named("parent"), statefulset.Claims("data"), statefulset.Retention(discard, retain))
		set.AwaitReady(ctx)
		other := append(set.AwaitClaims(ctx, "other", 0), set.AwaitClaims(ctx, "shared", 0)...)

		// From here on a claim of the pod is being deleted, which must keep the set from nothing.
		set.RequestClaimDeletion(ctx, "deleted", 0)
		for _, change := range []struct {
			what   string
			policy statefulset.Option
			owners []string
		}{
			{"whenDeleted: Delete", statefulset.Retention(discard, retain), []string{ownedSet}},
			{"whenScaled: Delete instead", statefulset.Retention(retain, discard), nil},
			{"both Delete", statefulset.Retention(discard, discard), []string{ownedSet}},
			{"Retain again", statefulset.Retention(retain, retain), nil},
			{"whenDeleted: Delete once more", statefulset.Retention(discard, retain), []string{ownedSet}},
		} {
			By(change.what)
			set.Update(ctx, change.what, change.policy)
			set.VerifyClaimOwners(ctx, contract.StorageRetentionChange, "data", 0, change.owners...)
		}
		set.VerifyClaimOwners(ctx, contract.StorageRetentionChange, "shared", 0, revision.Kind+"/"+revision.Name, ownedSet)

		By("deleting one set, and another one without its pods")
		parent.AwaitReady(ctx)
		orphaned := parent.AwaitClaims(ctx, "data", 0)
		parent.Orphan(ctx)
		again := statefulset.CreateWithoutService(ctx, ns, statefulset.Named("parent"), statefulset.Claims("data"), statefulset.Retention(discard, retain))
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.AwaitClaimTerminating(ctx, "data", 0)
		again.VerifyClaimOwners(ctx, contract.StorageWhenDeletedDelete, "data", 0, "StatefulSet/parent") // the claim of an adopted pod
		set.LetEnd(ctx)
		set.VerifyClaimsGone(ctx, contract.StorageRetentionChange, "data", 0)
		set.VerifyClaimsGone(ctx, contract.StorageInUseProtection, "deleted", 0)
		set.ExpectUnchanged(ctx, set.ClaimNotTerminating("other", 0))
		ns.VerifyKept(ctx, contract.StorageRetentionChange, other...)
		ns.VerifyKept(ctx, contract.StorageWhenDeletedDelete, orphaned...)
	})

	It("follows a change of mind while a pod leaves, and takes a claim along with the set whose pod left before", Proves(
		contract.StorageRetentionFailure, contract.StorageRetentionChange, contract.StorageWhenDeletedDelete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireRetention(ctx, ns)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Claims("data"), statefulset.Retention(retain, discard))
		set.AwaitReady(ctx)
		claims := set.AwaitClaims(ctx, "data", 0, 1)
		back := statefulset.Create(ctx, ns, statefulset.Named("back"), statefulset.Claims("data"), statefulset.Retention(retain, discard))
		back.AwaitReady(ctx)

		By("scaling to zero while the highest pod cannot go, and wanting the other one again, which would have gone after it")
		removeFinalizer := set.AddFinalizer(ctx, 1)
		set.Scale(ctx, 0)
		set.AwaitTerminating(ctx, 1)
		ns.AwaitLag(ctx) // else the controller may not know yet that it made the pod its claim's owner
		set.Scale(ctx, 1)
		set.AwaitObserved(ctx)
		ns.AwaitLag(ctx)

		By("deleting that one, with which a claim that it still owned would go")
		deleted := ns.DeletePod(ctx, set.Pod(0))
		set.AwaitGone(ctx, 0, deleted)
		ns.AwaitLag(ctx)
		ns.VerifyKept(ctx, contract.StorageRetentionFailure, claims[:1]...)
		set.AwaitReplaced(ctx, 0, deleted)
		set.AwaitPodReady(ctx, 0)

		By("wanting to keep the data of the one that leaves")
		set.Update(ctx, "whenDeleted: Delete instead", statefulset.Retention(discard, retain))
		set.VerifyClaimOwners(ctx, contract.StorageRetentionChange, "data", 1, ownedSet)
		removeFinalizer(ctx)
		set.AwaitReplicas(ctx, 1)
		ns.VerifyKept(ctx, contract.StorageRetentionChange, claims[1:]...)

		By("wanting a pod of another set again while it leaves with its claim, for whose end the next one has to wait")
		leaving, goes := back.UIDs(0)[0], back.AwaitClaims(ctx, "data", 0)[0].UID
		letGo := back.AddFinalizer(ctx, 0)
		back.Scale(ctx, 0)
		back.AwaitTerminating(ctx, 0)
		ns.AwaitLag(ctx) // else the controller may not know yet that it made the pod its claim's owner
		back.Scale(ctx, 1)
		back.AwaitObserved(ctx)
		letGo(ctx)
		back.AwaitGone(ctx, 0, leaving)
		back.AwaitClaimGone(ctx, "data", 0, goes)
		ns.AwaitLag(ctx) // the controller has to know of the claim's end, which has no set synced
		back.TriggerSync(ctx)
		back.AwaitReady(ctx)

		By("deleting the set, which waits for what goes with it")
		set.Delete(ctx, metav1.DeletePropagationForeground)
		set.VerifyClaimsGone(ctx, contract.StorageWhenDeletedDelete, "data", 0, 1)
	})
})

func requireRetention(ctx SpecContext, ns *framework.Namespace) {
	GinkgoHelper()
	statefulset.RequireField(ctx, ns, retention(discard).known())
}
