package specs

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

var _ = Describe("A partitioned update", func() {
	It("moves only the ordinals at or above the partition, and each deleted pod comes back at the revision of its side", Proves(
		contract.UpdatePartition,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Partition(1))
		set.AwaitReady(ctx)
		set.NewTemplate(ctx, "new")
		set.AwaitUpdatedFrom(framework.Owed(ctx, contract.UpdatePartition), 1)

		By("deleting the pod below the partition and the one above it")
		for n, old := range []types.UID{ns.DeletePod(ctx, set.Pod(0)), ns.DeletePod(ctx, set.Pod(1))} {
			set.Replaced(ctx, n, old)
		}

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdatePartition))
	})

	It("moves nothing beyond replicas, then exactly the ordinals that a lower partition uncovers, in their order and to the last", Proves(
		contract.UpdatePartitionBeyond, contract.UpdatePhased, contract.UpdateOrder,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(3), framework.Partition(4))
		set.AwaitReady(ctx)

		stay := set.Stay(0, 1, 2)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.HoldStill(ctx, stay)

		By("lowering the partition to 1")
		set.Update(ctx, "partition 1", framework.Partition(1))
		set.AwaitUpdatedFrom(framework.Owed(ctx, contract.UpdatePhased), 1)

		By("lowering it to 0")
		set.Update(ctx, "partition 0", framework.Partition(0))
		set.AwaitUpdated(framework.Owed(ctx, contract.UpdatePhased))

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdatePartitionBeyond, contract.UpdatePhased, contract.UpdateOrder))
	})
})

var _ = Describe("A StatefulSet under OnDelete", func() {
	It("gives a pod the new template only when somebody deletes it, and removes pods in reverse order all the same", Proves(
		contract.UpdateOnDelete, contract.TerminationReverse,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.OnDelete())
		set.AwaitReady(ctx)

		stay := set.Stay(0, 1)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.HoldStill(ctx, stay)

		set.Replaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdateOnDelete, contract.TerminationReverse))
	})
})

var _ = Describe("The revisions of a StatefulSet", func() {
	It("are used again, under their name and a higher number, when the set goes back to their template, also by pods added on the way", Proves(
		contract.UpdateRollback, contract.UpdateScaleNew, contract.UpdateOrder, contract.UpdateOneAtATime,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Template("old"))
		set.AwaitReady(ctx)
		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(ctx)

		By("going back, and adding a pod while the rollout is on its way, and so late that the controller must know of it")
		set.NewTemplate(ctx, "old")
		set.AwaitTerminating(ctx, 0)
		set.Scale(ctx, 3)
		set.AwaitUpdated(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdateRollback, contract.UpdateScaleNew, contract.UpdateOrder, contract.UpdateOneAtATime))
	})

	It("are kept up to the history limit, beside those in use", Proves(contract.UpdateHistoryLimit), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.OnDelete(), framework.HistoryLimit(1), framework.Template("1"))
		set.AwaitReady(ctx)

		By("making more revisions than the limit allows, while the pod keeps the first in use")
		for _, version := range []string{"2", "3", "4", "5"} {
			set.NewTemplate(ctx, version)
			set.AwaitObserved(ctx)
		}
		set.AwaitRevisions(framework.Owed(ctx, contract.UpdateHistoryLimit), 3)
		ns.Still(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdateHistoryLimit))
	})
})
