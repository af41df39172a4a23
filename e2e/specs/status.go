package specs

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

var _ = Describe("The status of a StatefulSet", func() {
	It("counts what the pods show and follows every change of the spec", Proves(
		contract.StatusCounts, contract.StatusObservedGeneration,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Parallel(), framework.Partition(1), framework.HoldReadiness())
		for n := range 2 {
			set.Running(ctx, n)
		}
		set.AwaitObserved(framework.Owed(ctx, contract.StatusObservedGeneration))

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
		set.AwaitReplicas(framework.Owed(ctx, contract.StatusObservedGeneration), 0)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StatusCounts, contract.StatusObservedGeneration))
	})

	It("counts a pod as available only after minReadySeconds of readiness", Proves(contract.StatusAvailable), func(ctx SpecContext) {
		ns := Record(ctx)
		By("asking for more seconds than this spec will ever take")
		set := framework.Create(ctx, ns, framework.MinReadySeconds(600))
		set.Rest(ctx)

		By("asking for none")
		set.Update(ctx, "minReadySeconds 0", framework.MinReadySeconds(0))
		set.AwaitAvailable(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StatusAvailable))
	})
})

var _ = Describe("The subresources of a StatefulSet", func() {
	It("read, update and patch replicas, and the pods follow", Proves(contract.StatusScale), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(0))
		set.VerifyUpdateScale(ctx, contract.StatusScale, 2)
		set.VerifyScale(ctx, contract.StatusScale, 2)
		set.VerifyPatchScale(ctx, contract.StatusScale, 1)
		set.VerifyScale(ctx, contract.StatusScale, 1)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StatusScale))
	})

	It("read, update and patch the status", Proves(contract.StatusSubresource), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(0))
		set.AwaitObserved(ctx)
		set.VerifyStatus(ctx, contract.StatusSubresource)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.StatusSubresource))
	})
})
