package specs

import (
	"cmp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// note is a file on the claim "data".
const note = "/data/note"

var _ = Describe("The storage of a StatefulSet", func() {
	It("is a claim of its own for each pod, whose data only that pod sees, and sees again after it is replaced", Proves(
		contract.StorageClaimPerPod, contract.StorageClaimLabels, contract.StorageOwnData, contract.StorageDataSurvives,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Parallel(), framework.Claims("data"))
		set.AwaitReady(ctx)
		set.VerifyClaimsByLabel(ctx, contract.StorageClaimLabels, "data", 0, 1)

		By("writing something else to each pod's volume")
		for n := range 2 {
			set.Write(ctx, n, note, "written by "+set.Pod(n))
		}
		for n := range 2 {
			set.VerifyReads(ctx, contract.StorageOwnData, n, note, "written by "+set.Pod(n))
		}

		By("deleting a pod")
		before := set.Claims(ctx, "data", 0, 1)
		set.Replaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		set.VerifyReads(ctx, contract.StorageDataSurvives, 1, note, "written by "+set.Pod(1))

		By("updating both")
		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(ctx)
		set.VerifyKept(ctx, contract.StorageDataSurvives, before)
		for n := range 2 {
			set.VerifyReads(ctx, contract.StorageDataSurvives, n, note, "written by "+set.Pod(n))
		}

		Expect(ns.Recorded(ctx)).To(Uphold(
			contract.StorageClaimPerPod, contract.StorageClaimLabels, contract.StorageOwnData, contract.StorageDataSurvives,
		))
	})

	It("is kept when the set is scaled down or deleted, and comes back with the pod", Proves(
		contract.StorageScaleKeeps, contract.StorageDeleteKeeps,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		options := []framework.Option{framework.Replicas(1), framework.Claims("data")}
		set := framework.Create(ctx, ns, options...)
		set.AwaitReady(ctx)
		before := set.Claims(ctx, "data", 0)
		set.Write(ctx, 0, note, "still here")

		By("scaling down and up again")
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
		set.VerifyKept(ctx, contract.StorageScaleKeeps, before)
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)
		set.VerifyKept(ctx, contract.StorageScaleKeeps, before)
		set.VerifyReads(ctx, contract.StorageScaleKeeps, 0, note, "still here")

		By("deleting the set, and making it again under the same name")
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.AwaitNoPods(ctx)
		set.VerifyKept(ctx, contract.StorageDeleteKeeps, before)
		again := framework.CreateSet(ctx, ns, options...)
		again.AwaitReady(ctx)
		again.VerifyKept(ctx, contract.StorageDeleteKeeps, before)
		again.VerifyReads(ctx, contract.StorageDeleteKeeps, 0, note, "still here")

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StorageScaleKeeps, contract.StorageDeleteKeeps))
	})

	It("holds up the set while a claim cannot be bound, and no longer", Proves(contract.StorageUnboundBlocks), func(ctx SpecContext) {
		ns := Record(ctx)
		options := []framework.Option{framework.Replicas(2), framework.Claims("data")}
		manifest := framework.Manifest(ctx, ns, options...)
		// A set takes a claim that is already there under the right name. So one that cannot be bound needs neither a storage class
		// nor a volume of the spec's making, and can give way to one that can. The second pod's claim is never bound, for speed.
		for n := range 2 {
			ns.MakeClaim(ctx, manifest, n, framework.OfClass(framework.NoClass))
		}
		set := framework.Create(ctx, ns, options...)
		set.Created(ctx, 0)
		set.HoldStill(ctx, func(s *history.State) string { return cmp.Or(set.NotPending(s, 0), set.Exists(s, 1)) })

		By("putting a claim that can be bound in the place of the other")
		set.DeleteClaims(ctx, "data", 0)
		ns.MakeClaim(ctx, manifest, 0)
		set.Claims(ctx, "data", 0)
		set.Running(ctx, 0)
		set.VerifyGoesOn(ctx, contract.StorageUnboundBlocks, 1)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StorageUnboundBlocks))
	})

	It("has a claim for each template, in place of any volume of the same name", Proves(
		contract.StorageTemplates, contract.StorageTemplateWins,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.Claims("data", "logs"), func(s *appsv1.StatefulSet) {
			s.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "logs", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		})
		set.AwaitReady(ctx)
		set.Write(ctx, 0, note, "on data")
		set.Write(ctx, 0, "/logs/note", "on logs")

		By("replacing the pod, with which a volume that is no claim would go")
		set.Replaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)))
		set.AwaitReady(ctx)
		set.VerifyReads(ctx, contract.StorageTemplates, 0, note, "on data")
		set.VerifyReads(ctx, contract.StorageTemplateWins, 0, "/logs/note", "on logs")

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StorageTemplates, contract.StorageTemplateWins))
	})

	It("is made again when a claim is missing under a Pending pod", Proves(contract.StorageClaimRecreated), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.Claims("data"), framework.Unbindable())
		set.Created(ctx, 0)
		missing := set.DeleteClaims(ctx, "data", 0)

		By("touching the set, since the loss of a claim does not wake its controller")
		set.Update(ctx, "annotate "+set.Name, func(s *appsv1.StatefulSet) {
			metav1.SetMetaDataAnnotation(&s.ObjectMeta, history.Prefix+"touched", "true")
		})
		set.VerifyClaimMade(ctx, contract.StorageClaimRecreated, "data", 0, missing...)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StorageClaimRecreated))
	})
})
