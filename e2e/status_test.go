package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

var _ = Describe("The status of a StatefulSet", func() {
	It("counts what the pods show and follows every change of the spec", Proves(
		guarantee.StatusCounts, guarantee.StatusObservedGeneration,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.Parallel(), workload.Partition(1), workload.HoldReadiness())
		for n := range 2 {
			set.Running(ctx, n)
		}
		set.AwaitObserved(workload.Owed(ctx, guarantee.StatusObservedGeneration))

		By("resting while one of the pods is not Ready")
		set.Release(ctx, 0)
		ns.Still(ctx)
		set.Release(ctx, 1)
		set.AwaitReady(ctx)

		By("updating half of the pods, so that the counts differ")
		old := set.UIDs(1)[0]
		set.NewTemplate(ctx, "new")
		set.Replaced(ctx, 1, old)
		set.Release(ctx, 1)
		set.AwaitUpdatedFrom(ctx, 1)
		ns.Still(ctx)

		By("leaving nothing to count")
		set.Scale(ctx, 0)
		set.AwaitReplicas(workload.Owed(ctx, guarantee.StatusObservedGeneration), 0)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StatusCounts, guarantee.StatusObservedGeneration))
	})

	It("counts a pod as available only after minReadySeconds of readiness", Proves(guarantee.StatusAvailable), func(ctx SpecContext) {
		ns := Record(ctx)
		By("asking for more seconds than this spec will ever take")
		set := workload.Create(ctx, ns, workload.MinReadySeconds(600))
		set.Rest(ctx)

		By("asking for none")
		set.Update(ctx, "minReadySeconds 0", workload.MinReadySeconds(0))
		set.AwaitAvailable(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StatusAvailable))
	})
})

var _ = Describe("The subresources of a StatefulSet", func() {
	It("read, update and patch replicas, and the pods follow", Proves(guarantee.StatusScale), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(0))
		set.VerifyUpdateScale(ctx, guarantee.StatusScale, 2)
		set.VerifyScale(ctx, guarantee.StatusScale, 2)
		set.VerifyPatchScale(ctx, guarantee.StatusScale, 1)
		set.VerifyScale(ctx, guarantee.StatusScale, 1)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StatusScale))
	})

	It("read, update and patch the status", Proves(guarantee.StatusSubresource), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(0))
		set.AwaitObserved(ctx)
		set.VerifyStatus(ctx, guarantee.StatusSubresource)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StatusSubresource))
	})
})
