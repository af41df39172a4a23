package specs

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

var _ = Describe("The status of a StatefulSet", func() {
	It("counts what the pods show and follows every change of the spec", Proves(
		contract.StatusCounts, contract.StatusObservedGeneration, contract.StatusScaleStatus, contract.UpdatePartition,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Parallel(), statefulset.Partition(1), statefulset.HoldReadiness())
		for n := range 2 {
			set.AwaitRunning(ctx, n)
		}
		set.AwaitObserved(ctx, framework.MustHappen(contract.StatusObservedGeneration))

		By("resting while one of the pods is not Ready")
		set.Release(ctx, 0)
		ns.AwaitQuiescent(ctx)
		set.VerifyScaleStatus(ctx, contract.StatusScaleStatus)
		set.Release(ctx, 1)
		set.AwaitReady(ctx)

		By("updating half of the pods, so that the counts differ")
		old := set.UIDs(1)[0]
		set.NewTemplate(ctx, "new")
		set.AwaitReplaced(ctx, 1, old)
		set.Release(ctx, 1)
		set.AwaitUpdatedFrom(ctx, 1)
		set.AwaitReplaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)))
		set.Release(ctx, 0)
		ns.AwaitQuiescent(ctx)

		By("leaving nothing to count")
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0, framework.MustHappen(contract.StatusObservedGeneration))
		set.VerifyScaleStatus(ctx, contract.StatusScaleStatus)
	})

	It("counts a pod as available only after minReadySeconds of readiness", Proves(contract.StatusAvailable), func(ctx SpecContext) {
		ns := Record(ctx)
		By("asking for more seconds than this spec will ever take")
		set := statefulset.Create(ctx, ns, statefulset.MinReadySeconds(600))
		set.AwaitQuiescent(ctx)

		By("asking for none")
		set.Update(ctx, "minReadySeconds 0", statefulset.MinReadySeconds(0))
		set.AwaitAvailable(ctx)
	})
})

var _ = Describe("The subresources of a StatefulSet", func() {
	It("read, update and patch replicas, and the pods follow", Proves(contract.StatusScale), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(0))
		set.VerifyUpdateScale(ctx, contract.StatusScale, 2)
		set.VerifyScaleRead(ctx, contract.StatusScale, 2)
		set.VerifyPatchScale(ctx, contract.StatusScale, 1)
		set.VerifyScaleRead(ctx, contract.StatusScale, 1)
	})

	It("reject what was asked for an outdated version of it", Proves(contract.StatusScaleConflict), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1))
		set.VerifyVersionConflicts(ctx, contract.StatusScaleConflict, func(err error) error { return rejected(err, http.StatusConflict) })
	})

	It("read, update and patch the status", Proves(contract.StatusSubresource), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(0))
		set.AwaitObserved(ctx)
		set.VerifyStatusSubresource(ctx, contract.StatusSubresource)
	})

	It("keep conditions that somebody else wrote into the status", Proves(contract.StatusForeignConditions), func(ctx SpecContext) {
		if target.OlderThan(1, 37) {
			Skip("not applicable: before 1.37 the controller writes a status without conditions")
		}
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(0))
		set.AwaitObserved(ctx)
		ns.AwaitLag(ctx) // else the controller may be about to write the status a second time, from what it read before
		set.VerifyForeignCondition(ctx, contract.StatusForeignConditions)
	})
})
