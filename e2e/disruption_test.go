package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cluster/outage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

// hurt records a spec that hurts the cluster, which is brought back into order when the spec ends.
func hurt(ctx SpecContext) (*workload.Namespace, *workload.Outage) {
	GinkgoHelper()
	if reason := under.BeyondHurt(); reason != "" {
		Skip(reason)
	}
	ns := Record(ctx)
	return ns, workload.Hurt(ctx, ns)
}

// restart kills a component while one set is scaled up, one scaled down and one rolled out, each held in the middle.
func restart(ctx SpecContext, component string, id guarantee.ID) {
	GinkgoHelper()
	ns, nodes := hurt(ctx)

	By("holding a scale up, a scale down and a rollout in the middle")
	growing := workload.Create(ctx, ns, workload.Named("growing"), workload.Replicas(1), workload.HoldReadiness())
	shrinking := workload.Create(ctx, ns, workload.Named("shrinking"), workload.Replicas(3))
	rolling := workload.Create(ctx, ns, workload.Named("rolling"), workload.Replicas(2), workload.HoldReadiness())
	growing.ReleaseInTurn(ctx)
	rolling.ReleaseInTurn(ctx)
	for _, set := range []*workload.Set{growing, shrinking, rolling} {
		set.AwaitReady(ctx)
	}
	growing.Scale(ctx, 3)
	growing.Running(ctx, 1)
	shrinking.HoldEnd(ctx, 2)
	shrinking.Scale(ctx, 1)
	shrinking.AwaitTerminating(ctx, 2)
	old := rolling.UIDs(0, 1)
	rolling.NewTemplate(ctx, "new")
	rolling.Replaced(ctx, 1, old[1])
	rolling.Running(ctx, 1)

	By("killing " + component)
	early := func(s *history.State) string { return growing.Exists(s, 2) }
	still := workload.AnyOf(early, shrinking.Stay(0, 1), rolling.Stay(0))
	nodes.Restart(ctx, component)
	growing.HoldStill(ctx, still)

	By("letting each go on to its end")
	owed := workload.Owed(ctx, id)
	growing.Release(owed, 1, 2)
	growing.AwaitReplicas(owed, 3)
	shrinking.LetEnd(ctx, 2)
	shrinking.AwaitReplicas(owed, 1)
	rolling.Release(owed, 1)
	rolling.Replaced(owed, 0, old[0])
	rolling.Release(owed, 0)
	rolling.AwaitUpdated(owed)

	Expect(ns.Recorded(ctx)).To(Uphold(id))
}

// What these specs do, the whole cluster feels, so each has it to itself.
var _ = Describe("A StatefulSet on a cluster that is hurt", Serial, func() {
	It("keeps to its order when its controller is killed in the middle of a scale up, a scale down and a rollout", Proves(
		guarantee.DisruptionControllerRestart,
	), func(ctx SpecContext) {
		restart(ctx, outage.ControllerManager, guarantee.DisruptionControllerRestart)
	})

	It("keeps to its order when the API server is killed in the middle of a scale up, a scale down and a rollout", Proves(
		guarantee.DisruptionAPIServerRestart,
	), func(ctx SpecContext) {
		restart(ctx, outage.APIServer, guarantee.DisruptionAPIServerRestart)
	})

	It("does not replace a pod of a node that stopped answering until somebody deletes it by force or the node is back", Proves(
		guarantee.DisruptionNodeLost, guarantee.DisruptionNodeReturns,
	), func(ctx SpecContext) {
		ns, nodes := hurt(ctx)
		lift := nodes.Only(ctx, nodes.Node)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.LeaveLostNodes())
		set.AwaitReady(ctx)
		set.OnNode(nodes.Node, 0, 1)
		lift(ctx)

		By("letting the node stop answering, with its containers where they were")
		nodes.Pause(ctx)
		set.AwaitDeletionOnLostNode(ctx, 0, 1)
		set.HoldStill(ctx, set.Remain(0, 1))

		By("deleting one of its pods by force")
		first := set.ForceDelete(ctx, 0)
		Expect(set.Replaced(ctx, 0, first)).NotTo(BeNil())
		set.AwaitPodReady(ctx, 0)
		set.OnNode(nodes.Other, 0)
		set.HoldStill(ctx, set.Remain(1))

		By("letting the node answer again")
		second := set.UIDs(1)[0]
		nodes.Resume(ctx)
		set.Replaced(workload.Owed(ctx, guarantee.DisruptionNodeReturns), 1, second)
		set.AwaitReady(workload.Owed(ctx, guarantee.DisruptionNodeReturns))
		nodes.AwaitNode(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.DisruptionNodeLost, guarantee.DisruptionNodeReturns))
	})
})
