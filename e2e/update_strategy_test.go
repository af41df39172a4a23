package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

var _ = Describe("A partitioned update", func() {
	It("moves only the ordinals at or above the partition, and each deleted pod comes back at the revision of its side", Proves(
		guarantee.UpdatePartition,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.Partition(1))
		set.AwaitReady(ctx)
		set.NewTemplate(ctx, "new")
		set.AwaitUpdatedFrom(workload.Owed(ctx, guarantee.UpdatePartition), 1)

		By("deleting the pod below the partition and the one above it")
		for n, old := range []types.UID{ns.DeletePod(ctx, set.Pod(0)), ns.DeletePod(ctx, set.Pod(1))} {
			set.Replaced(ctx, n, old)
		}

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.UpdatePartition))
	})

	It("moves nothing beyond replicas, then exactly the ordinals that a lower partition uncovers, in their order and to the last", Proves(
		guarantee.UpdatePartitionBeyond, guarantee.UpdatePhased, guarantee.UpdateOrder,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(3), workload.Partition(4))
		set.AwaitReady(ctx)

		stay := set.Stay(0, 1, 2)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.HoldStill(ctx, stay)

		By("lowering the partition to 1")
		set.Update(ctx, "partition 1", workload.Partition(1))
		set.AwaitUpdatedFrom(workload.Owed(ctx, guarantee.UpdatePhased), 1)

		By("lowering it to 0")
		set.Update(ctx, "partition 0", workload.Partition(0))
		set.AwaitUpdated(workload.Owed(ctx, guarantee.UpdatePhased))

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.UpdatePartitionBeyond, guarantee.UpdatePhased, guarantee.UpdateOrder))
	})
})

var _ = Describe("A StatefulSet under OnDelete", func() {
	It("gives a pod the new template only when somebody deletes it, and removes pods in reverse order all the same", Proves(
		guarantee.UpdateOnDelete, guarantee.TerminationReverse,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.OnDelete())
		set.AwaitReady(ctx)

		stay := set.Stay(0, 1)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.HoldStill(ctx, stay)

		set.Replaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.UpdateOnDelete, guarantee.TerminationReverse))
	})
})

var _ = Describe("The revisions of a StatefulSet", func() {
	It("are used again, under their name and a higher number, when the set goes back to their template, also by pods added on the way", Proves(
		guarantee.UpdateRollback, guarantee.UpdateScaleNew, guarantee.UpdateOrder, guarantee.UpdateOneAtATime,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.Template("old"))
		set.AwaitReady(ctx)
		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(ctx)

		By("going back, and adding a pod while the rollout is on its way, and so late that the controller must know of it")
		set.NewTemplate(ctx, "old")
		set.AwaitTerminating(ctx, 0)
		set.Scale(ctx, 3)
		set.AwaitUpdated(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.UpdateRollback, guarantee.UpdateScaleNew, guarantee.UpdateOrder, guarantee.UpdateOneAtATime))
	})

	It("are kept up to the history limit, beside those in use", Proves(guarantee.UpdateHistoryLimit), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1), workload.OnDelete(), workload.HistoryLimit(1), workload.Template("1"))
		set.AwaitReady(ctx)

		By("making more revisions than the limit allows, while the pod keeps the first in use")
		for _, version := range []string{"2", "3", "4", "5"} {
			set.NewTemplate(ctx, version)
			set.AwaitObserved(ctx)
		}
		set.AwaitRevisions(workload.Owed(ctx, guarantee.UpdateHistoryLimit), 3)
		ns.Still(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.UpdateHistoryLimit))
	})
})
