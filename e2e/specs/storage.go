package specs

import (
	"slices"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// note is a file on the claim "data".
const note = "/data/note"

var _ = Describe("The storage of a StatefulSet", func() {
	It("is a claim of its own for each pod, whose data only that pod sees, and sees again after it is replaced", Proves(
		contract.StorageClaimPerPod, contract.StorageClaimLabels, contract.StorageOwnData, contract.StorageDataSurvives, contract.UpdateComplete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Parallel(), statefulset.Claims("data"), statefulset.Command(crashable))
		set.AwaitReady(ctx)
		set.VerifyClaimsByLabel(ctx, contract.StorageClaimLabels, "data", 0, 1)
		set.VerifyTemplateLabels(ctx, contract.StorageClaimLabels, "data", 0, 1)

		By("writing something else to each pod's volume")
		for n := range 2 {
			set.WriteFile(ctx, n, note, "written by "+set.Pod(n))
		}
		for n := range 2 {
			set.VerifyFile(ctx, contract.StorageOwnData, n, note, "written by "+set.Pod(n))
		}

		By("deleting a pod")
		before := set.AwaitClaims(ctx, "data", 0, 1)
		set.AwaitReplaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		set.VerifyFile(ctx, contract.StorageDataSurvives, 1, note, "written by "+set.Pod(1))

		By("updating both, one of them after its container has crashed once")
		crashed := ns.Pod(set.Pod(0))
		ns.SendSignal(ctx, crashed, "USR1")
		set.AwaitRestarted(ctx, crashed)
		set.AwaitReady(ctx)
		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
		ns.VerifyKept(ctx, contract.StorageDataSurvives, before...)
		for n := range 2 {
			set.VerifyFile(ctx, contract.StorageDataSurvives, n, note, "written by "+set.Pod(n))
		}
	})

	It("is kept when the set is scaled down or deleted, and comes back with the pod", Proves(
		contract.StorageScaleKeeps, contract.StorageDeleteKeeps, contract.StorageUnused,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		options := []statefulset.Option{statefulset.Replicas(1), statefulset.Claims("data")}
		set := statefulset.Create(ctx, ns, options...)
		set.AwaitReady(ctx)
		before := set.AwaitClaims(ctx, "data", 0)
		set.WriteFile(ctx, 0, note, "still here")
		tellsUnused := !target.OlderThan(1, 37) && set.KeepsUnused(ctx, "data", 0)
		if !tellsUnused {
			ns.Check(contract.StorageUnused, history.NotApplicable, "a claim in use has no condition Unused: the feature gate is off, as before 1.37")
		}

		By("scaling down and up again")
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
		ns.VerifyKept(ctx, contract.StorageScaleKeeps, before...)
		if tellsUnused {
			set.VerifyUnused(ctx, contract.StorageUnused, "data", 0, corev1.ConditionTrue)
		}
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)
		if tellsUnused {
			set.VerifyUnused(ctx, contract.StorageUnused, "data", 0, corev1.ConditionFalse)
		}
		ns.VerifyKept(ctx, contract.StorageScaleKeeps, before...)
		set.VerifyFile(ctx, contract.StorageScaleKeeps, 0, note, "still here")

		By("deleting the set, and making it again under the same name")
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.AwaitNoPods(ctx)
		ns.VerifyKept(ctx, contract.StorageDeleteKeeps, before...)
		again := statefulset.CreateWithoutService(ctx, ns, append(options, statefulset.Template("again"))...)
		again.AwaitReady(ctx)
		ns.VerifyKept(ctx, contract.StorageDeleteKeeps, before...)
		again.VerifyFile(ctx, contract.StorageDeleteKeeps, 0, note, "still here")
	})

	It("holds up the set while a claim cannot be bound, and no longer", Proves(contract.StorageUnboundBlocks), func(ctx SpecContext) {
		ns := Record(ctx)
		options := []statefulset.Option{statefulset.Replicas(2), statefulset.Claims("data")}
		manifest := statefulset.Manifest(ctx, ns, options...)
		// A set takes a claim that is already there under the right name. So one that cannot be bound needs neither a storage class
		// nor a volume of the spec's making, and can give way to one that can. The second pod's claim is never bound, for speed.
		for n := range 2 {
			statefulset.CreateClaim(ctx, ns, manifest, n, statefulset.ClaimOfClass(framework.NoStorageClass))
		}
		set := statefulset.Create(ctx, ns, options...)
		set.AwaitCreated(ctx, 0)
		set.ExpectUnchangedFor(ctx, statefulset.LongUnchanged, framework.AllOf(set.Pending(0), set.NotCreated(1)))

		By("putting a claim that can be bound in the place of the other")
		set.DeleteClaims(ctx, "data", 0)
		statefulset.CreateClaim(ctx, ns, manifest, 0)
		set.AwaitClaims(ctx, "data", 0)
		set.AwaitRunning(ctx, 0)
		set.VerifyCreated(ctx, contract.StorageUnboundBlocks, 1)
	})

	It("has a claim for each template, in place of any volume of the same name", Proves(
		contract.StorageTemplates, contract.StorageTemplateWins,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.Claims("data", "logs"), statefulset.ClaimSize("logs", "32Mi"), func(s *appsv1.StatefulSet) {
			s.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "logs", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		})
		set.AwaitReady(ctx)
		set.WriteFile(ctx, 0, note, "on data")
		set.WriteFile(ctx, 0, "/logs/note", "on logs")

		By("replacing the pod, with which a volume that is no claim would go")
		set.AwaitReplaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)))
		set.AwaitReady(ctx)
		set.VerifyFile(ctx, contract.StorageTemplates, 0, note, "on data")
		set.VerifyFile(ctx, contract.StorageTemplateWins, 0, "/logs/note", "on logs")
	})

	It("is made again when a claim is missing under a Pending pod", Proves(contract.StorageClaimRecreated), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.Claims("data", "logs"), statefulset.Unbindable(), statefulset.FurtherClaimFields("logs"))
		parallel := statefulset.Create(ctx, ns, statefulset.Named("parallel"), statefulset.Parallel(), statefulset.Claims("data"), statefulset.Unbindable())
		set.AwaitCreated(ctx, 0)
		parallel.AwaitCreated(ctx, 0)
		missing := slices.Concat(set.DeleteClaims(ctx, "data", 0), set.DeleteClaims(ctx, "logs", 0))
		ofParallel := parallel.DeleteClaims(ctx, "data", 0)

		By("touching each set, since the loss of a claim does not make the controller sync it")
		set.TriggerSync(ctx)
		parallel.TriggerSync(ctx)
		parallel.VerifyClaimRecreated(ctx, contract.StorageClaimRecreated, "data", 0, ofParallel...)
		set.VerifyClaimRecreated(ctx, contract.StorageClaimRecreated, "data", 0, missing...)
		set.VerifyClaimRecreated(ctx, contract.StorageClaimRecreated, "logs", 0, missing...)
	})

	It("is of the default class, waits for its pod, holds it to the volume's nodes, belongs to a pod before that is scaled away, and is reclaimed", longest, Proves(
		contract.StorageDefaultClass, contract.StorageFirstConsumer, contract.StorageNodeAffinity, contract.StorageOwnerBeforeDelete, contract.StorageReclaim,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireRetention(ctx, ns)
		classes := statefulset.RequireClasses(ctx, ns)
		// Under OrderedReady the pod that is removed last waits for the other, long after its claim has got its owner.
		options := []statefulset.Option{
			statefulset.Replicas(2), statefulset.Claims("data"), statefulset.Retention(retain, discard), statefulset.OnDelete(), statefulset.HoldReadiness(),
		}
		statefulset.CreateClaim(ctx, ns, statefulset.Manifest(ctx, ns, options...), 1)
		set := statefulset.Create(ctx, ns, options...)
		set.VerifyNodeAffinity(ctx, contract.StorageNodeAffinity, set.Volume(ctx, "data", 0), 0) // elsewhere it would never run
		set.AwaitRunning(ctx, 0)
		set.VerifyDefaultClass(ctx, contract.StorageDefaultClass, classes, "data", 0)
		set.VerifyWaitsForPod(ctx, contract.StorageFirstConsumer, classes, "data", 1)
		set.Release(ctx, 0)
		set.Release(ctx, 1)
		set.AwaitReady(ctx)

		By("replacing a pod that would rather go to another node than that of its volume")
		volumes := []*corev1.PersistentVolume{set.Volume(ctx, "data", 0), set.Volume(ctx, "data", 1)}
		set.Update(ctx, "prefer other nodes", statefulset.RatherNotOn(ns.Pod(set.Pod(1)).Pod.Node))
		set.AwaitReplaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.VerifyNodeAffinity(ctx, contract.StorageNodeAffinity, volumes[1], 1)
		set.Release(ctx, 1)
		set.AwaitReady(ctx)

		By("scaling down")
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
		set.VerifyClaimsGone(ctx, contract.StorageWhenScaledDelete, "data", 0, 1)
		for _, volume := range volumes {
			set.VerifyReclaimed(ctx, contract.StorageReclaim, classes, volume)
		}
	})
})
