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

	It("moves nothing beyond replicas, then exactly the ordinals that a lower partition uncovers", Proves(
		guarantee.UpdatePartitionBeyond, guarantee.UpdatePhased,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.Partition(3))
		set.AwaitReady(ctx)

		stay := set.Stay(0, 1)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.HoldStill(ctx, stay)

		By("lowering the partition to 1")
		set.Update(ctx, "partition 1", workload.Partition(1))
		set.AwaitUpdatedFrom(workload.Owed(ctx, guarantee.UpdatePhased), 1)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.UpdatePartitionBeyond, guarantee.UpdatePhased))
	})
})

var _ = Describe("A StatefulSet under OnDelete", func() {
	It("gives a pod the new template only when somebody deletes it", Proves(guarantee.UpdateOnDelete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.OnDelete())
		set.AwaitReady(ctx)

		stay := set.Stay(0, 1)
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
		set.HoldStill(ctx, stay)

		set.Replaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.UpdateOnDelete))
	})
})

var _ = Describe("The revisions of a StatefulSet", func() {
	It("are used again, under their name and a higher number, when the set goes back to their template", Proves(guarantee.UpdateRollback), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Template("old"))
		set.AwaitReady(ctx)
		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(ctx)
		set.NewTemplate(ctx, "old")
		set.AwaitUpdated(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.UpdateRollback))
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
