package e2e

import (
	"cmp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

// note is a file on the claim "data".
const note = "/data/note"

var _ = Describe("The storage of a StatefulSet", func() {
	It("is a claim of its own for each pod, whose data only that pod sees, and sees again after it is replaced", Proves(
		guarantee.StorageClaimPerPod, guarantee.StorageClaimLabels, guarantee.StorageOwnData, guarantee.StorageDataSurvives,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.Parallel(), workload.Claims("data"))
		set.AwaitReady(ctx)
		set.VerifyClaimsByLabel(ctx, guarantee.StorageClaimLabels, "data", 0, 1)

		By("writing something else to each pod's volume")
		for n := range 2 {
			set.Write(ctx, n, note, "written by "+set.Pod(n))
		}
		for n := range 2 {
			set.VerifyReads(ctx, guarantee.StorageOwnData, n, note, "written by "+set.Pod(n))
		}

		By("deleting a pod")
		before := set.Claims(ctx, "data", 0, 1)
		set.Replaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		set.VerifyReads(ctx, guarantee.StorageDataSurvives, 1, note, "written by "+set.Pod(1))

		By("updating both")
		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(ctx)
		set.VerifyKept(ctx, guarantee.StorageDataSurvives, before)
		for n := range 2 {
			set.VerifyReads(ctx, guarantee.StorageDataSurvives, n, note, "written by "+set.Pod(n))
		}

		Expect(ns.Recorded(ctx)).To(Uphold(
			guarantee.StorageClaimPerPod, guarantee.StorageClaimLabels, guarantee.StorageOwnData, guarantee.StorageDataSurvives,
		))
	})

	It("is kept when the set is scaled down or deleted, and comes back with the pod", Proves(
		guarantee.StorageScaleKeeps, guarantee.StorageDeleteKeeps,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		options := []workload.Option{workload.Replicas(1), workload.Claims("data")}
		set := workload.Create(ctx, ns, options...)
		set.AwaitReady(ctx)
		before := set.Claims(ctx, "data", 0)
		set.Write(ctx, 0, note, "still here")

		By("scaling down and up again")
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
		set.VerifyKept(ctx, guarantee.StorageScaleKeeps, before)
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)
		set.VerifyKept(ctx, guarantee.StorageScaleKeeps, before)
		set.VerifyReads(ctx, guarantee.StorageScaleKeeps, 0, note, "still here")

		By("deleting the set, and making it again under the same name")
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.AwaitNoPods(ctx)
		set.VerifyKept(ctx, guarantee.StorageDeleteKeeps, before)
		again := workload.CreateSet(ctx, ns, options...)
		again.AwaitReady(ctx)
		again.VerifyKept(ctx, guarantee.StorageDeleteKeeps, before)
		again.VerifyReads(ctx, guarantee.StorageDeleteKeeps, 0, note, "still here")

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StorageScaleKeeps, guarantee.StorageDeleteKeeps))
	})

	It("holds up the set while a claim cannot be bound, and no longer", Proves(guarantee.StorageUnboundBlocks), func(ctx SpecContext) {
		ns := Record(ctx)
		options := []workload.Option{workload.Replicas(2), workload.Claims("data")}
		manifest := workload.Manifest(ctx, ns, options...)
		// A set takes a claim that is already there under the right name. So one that cannot be bound needs neither a storage class
		// nor a volume of the spec's making, and can give way to one that can. The second pod's claim is never bound, for speed.
		for n := range 2 {
			ns.MakeClaim(ctx, manifest, n, workload.OfClass(workload.NoClass))
		}
		set := workload.Create(ctx, ns, options...)
		set.Created(ctx, 0)
		set.HoldStill(ctx, func(s *history.State) string { return cmp.Or(set.NotPending(s, 0), set.Exists(s, 1)) })

		By("putting a claim that can be bound in the place of the other")
		set.DeleteClaims(ctx, "data", 0)
		ns.MakeClaim(ctx, manifest, 0)
		set.Claims(ctx, "data", 0)
		set.Running(ctx, 0)
		set.VerifyGoesOn(ctx, guarantee.StorageUnboundBlocks, 1)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StorageUnboundBlocks))
	})

	It("has a claim for each template, in place of any volume of the same name", Proves(
		guarantee.StorageTemplates, guarantee.StorageTemplateWins,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1), workload.Claims("data", "logs"), func(s *appsv1.StatefulSet) {
			s.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "logs", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}}
		})
		set.AwaitReady(ctx)
		set.Write(ctx, 0, note, "on data")
		set.Write(ctx, 0, "/logs/note", "on logs")

		By("replacing the pod, with which a volume that is no claim would go")
		set.Replaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)))
		set.AwaitReady(ctx)
		set.VerifyReads(ctx, guarantee.StorageTemplates, 0, note, "on data")
		set.VerifyReads(ctx, guarantee.StorageTemplateWins, 0, "/logs/note", "on logs")

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StorageTemplates, guarantee.StorageTemplateWins))
	})

	It("is made again when a claim is missing under a Pending pod", Proves(guarantee.StorageClaimRecreated), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1), workload.Claims("data"), workload.Unbindable())
		set.Created(ctx, 0)
		missing := set.DeleteClaims(ctx, "data", 0)

		By("touching the set, since the loss of a claim does not wake its controller")
		set.Update(ctx, "annotate "+set.Name, func(s *appsv1.StatefulSet) {
			metav1.SetMetaDataAnnotation(&s.ObjectMeta, history.Prefix+"touched", "true")
		})
		set.VerifyClaimMade(ctx, guarantee.StorageClaimRecreated, "data", 0, missing...)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StorageClaimRecreated))
	})
})
