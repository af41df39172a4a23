package specs

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// hurt records a spec that hurts the cluster, which is brought back into order when the spec ends.
func hurt(ctx SpecContext) (*framework.Namespace, *framework.Outage) {
	GinkgoHelper()
	if reason := target.BeyondHurt(); reason != "" {
		Skip(reason)
	}
	ns := Record(ctx)
	return ns, framework.Hurt(ctx, ns)
}

// restart kills a component while one set is scaled up, one scaled down and one rolled out, each held in the middle.
func restart(ctx SpecContext, component string, id contract.ID) {
	GinkgoHelper()
	ns, nodes := hurt(ctx)

	By("holding a scale up, a scale down and a rollout in the middle")
	growing := framework.Create(ctx, ns, framework.Named("growing"), framework.Replicas(1), framework.HoldReadiness())
	shrinking := framework.Create(ctx, ns, framework.Named("shrinking"), framework.Replicas(3))
	rolling := framework.Create(ctx, ns, framework.Named("rolling"), framework.Replicas(2), framework.HoldReadiness())
	growing.ReleaseInTurn(ctx)
	rolling.ReleaseInTurn(ctx)
	for _, set := range []*framework.Set{growing, shrinking, rolling} {
		set.AwaitReady(ctx)
	}
	growing.Scale(ctx, 3)
	growing.Running(ctx, 1)
	letGo := shrinking.Keep(ctx, 2)
	// Clean-ups run last first, and nothing is let go of while the API server is away.
	DeferCleanup(target.AwaitAPI)
	shrinking.Scale(ctx, 1)
	shrinking.AwaitTerminating(ctx, 2)
	old := rolling.UIDs(0, 1)
	rolling.NewTemplate(ctx, "new")
	rolling.Replaced(ctx, 1, old[1])
	rolling.Running(ctx, 1)

	By("killing " + component)
	early := func(s *history.State) string { return growing.Exists(s, 2) }
	still := framework.AnyOf(early, shrinking.Stay(0, 1), rolling.Stay(0))
	nodes.Restart(ctx, component)
	growing.HoldStill(ctx, still)

	By("letting each go on to its end")
	owed := framework.Owed(ctx, id)
	growing.Release(owed, 1, 2)
	growing.AwaitReplicas(owed, 3)
	letGo(ctx)
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
		contract.DisruptionControllerRestart,
	), func(ctx SpecContext) {
		restart(ctx, nodefault.ControllerManager, contract.DisruptionControllerRestart)
	})

	It("keeps to its order when the API server is killed in the middle of a scale up, a scale down and a rollout", Proves(
		contract.DisruptionAPIServerRestart,
	), func(ctx SpecContext) {
		restart(ctx, nodefault.APIServer, contract.DisruptionAPIServerRestart)
	})

	It("does not replace a pod of a node that stopped answering until somebody deletes it by force or the node is back", Proves(
		contract.DisruptionNodeLost, contract.DisruptionNodeReturns,
	), func(ctx SpecContext) {
		ns, nodes := hurt(ctx)
		lift := nodes.Only(ctx, nodes.Node)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.LeaveLostNodes())
		set.AwaitReady(ctx)
		set.OnNode(nodes.Node, 0, 1)
		lift(ctx)

		By("letting the node stop answering, with its containers where they were")
		nodes.Pause(ctx)
		set.AwaitDeletionOnLostNode(ctx, 0, 1)
		set.HoldLong(ctx, framework.PodGC, set.Remain(0, 1))

		By("deleting one of its pods by force")
		first := set.ForceDelete(ctx, 0)
		Expect(set.Replaced(ctx, 0, first)).NotTo(BeNil())
		set.AwaitPodReady(ctx, 0)
		set.OnNode(nodes.Other, 0)
		set.HoldStill(ctx, set.Remain(1))

		By("letting the node answer again")
		second := set.UIDs(1)[0]
		nodes.Resume(ctx)
		set.Replaced(framework.Owed(ctx, contract.DisruptionNodeReturns), 1, second)
		set.AwaitReady(framework.Owed(ctx, contract.DisruptionNodeReturns))
		nodes.AwaitNode(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.DisruptionNodeLost, contract.DisruptionNodeReturns))
	})

	It("keeps its pods when their node is killed and comes back before anybody gives it up", Proves(
		contract.DisruptionNodeReturns,
	), func(ctx SpecContext) {
		ns, nodes := hurt(ctx)
		lift := nodes.Only(ctx, nodes.Node)
		set := framework.Create(ctx, ns, framework.Replicas(2))
		set.AwaitReady(ctx)
		set.OnNode(nodes.Node, 0, 1)
		lift(ctx)

		pods := set.Pods(0, 1)
		nodes.Kill(ctx)
		nodes.Start(ctx)
		for _, pod := range pods {
			set.AwaitRestarted(framework.Owed(ctx, contract.DisruptionNodeReturns), pod)
		}
		set.AwaitReady(framework.Owed(ctx, contract.DisruptionNodeReturns))
		ns.Claimf(contract.DisruptionNodeReturns, "the pods of node %s run again after it was killed and started", nodes.Node)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.DisruptionNodeReturns))
	})

	It("replaces the pods of a lost node that is declared out of service", Proves(contract.DisruptionOutOfService), func(ctx SpecContext) {
		ns, nodes := hurt(ctx)
		lift := nodes.Only(ctx, nodes.Node)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.LeaveLostNodes())
		set.AwaitReady(ctx)
		set.OnNode(nodes.Node, 0, 1)
		lift(ctx)

		By("losing the node, which alone moves no pod")
		pods := set.Pods(0, 1)
		nodes.Kill(ctx)
		set.AwaitDeletionOnLostNode(ctx, 0, 1)
		set.HoldStill(ctx, set.Remain(0, 1))

		By("declaring it out of service")
		nodes.DeclareOutOfService(ctx)
		set.VerifyMoved(ctx, contract.DisruptionOutOfService, "they were on a lost node that is out of service", pods)

		By("bringing it back")
		nodes.Start(ctx)
		nodes.BackInService(ctx)
		nodes.AwaitNode(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.DisruptionOutOfService))
	})

	It("replaces the pods of a lost node whose object is deleted", Proves(contract.DisruptionNodeDeleted), func(ctx SpecContext) {
		ns, nodes := hurt(ctx)
		lift := nodes.Only(ctx, nodes.Node)
		set := framework.Create(ctx, ns, framework.Replicas(2))
		set.AwaitReady(ctx)
		set.OnNode(nodes.Node, 0, 1)
		lift(ctx)

		By("losing the node and deleting its object")
		pods := set.Pods(0, 1)
		nodes.Kill(ctx)
		nodes.DeleteNode(ctx)
		set.VerifyMoved(ctx, contract.DisruptionNodeDeleted, "they were on a lost node whose object is deleted", pods)

		By("letting it register again")
		nodes.Start(ctx)
		nodes.AwaitNode(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.DisruptionNodeDeleted))
	})

	It("moves under its budget, one by one, when a node is drained, and leaves its other pods alone", Proves(contract.DisruptionDrain), func(ctx SpecContext) {
		ns, nodes := hurt(ctx)
		lift := nodes.Only(ctx, nodes.Node)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.HoldReadiness())
		set.ReleaseInTurn(ctx)
		lift(ctx)
		nodes.Cordon(ctx, nodes.Node, true)
		set.Scale(ctx, 3)
		set.Release(ctx, 2)
		set.AwaitReplicas(ctx, 3)
		set.OnNode(nodes.Node, 0, 1)
		set.OnNode(nodes.Other, 2)

		By("draining the node, under a budget that lets one pod be down")
		pods, kept := set.Pods(0, 1), set.Stay(2)
		others := framework.AnyOf(kept, set.Stay(0))
		set.LimitDisruption(ctx, 1)
		first, err := set.Evict(ctx, 1)
		Expect(err).NotTo(HaveOccurred(), "the budget allows to evict %s", set.Pod(1))
		_, err = set.Evict(ctx, 0)
		ns.Verify(contract.DisruptionDrain, rejected(err, http.StatusTooManyRequests), "an eviction of %s while %s is down, of which the budget allows no more", set.Pod(0), set.Pod(1))
		set.Replaced(ctx, 1, first)
		set.Running(ctx, 1)
		set.HoldStill(ctx, others)
		set.VerifyHolds(contract.DisruptionDrain, others, "the pods that nobody has evicted yet")

		By("going on when the pod that was moved is Ready")
		set.Release(ctx, 1)
		set.AwaitBudget(ctx)
		second, err := set.Evict(ctx, 0)
		Expect(err).NotTo(HaveOccurred(), "the budget allows to evict %s now", set.Pod(0))
		set.Replaced(ctx, 0, second)
		set.Release(ctx, 0)
		set.AwaitReady(ctx)
		set.VerifyMoved(ctx, contract.DisruptionDrain, "their node was drained", pods)
		set.VerifyHolds(contract.DisruptionDrain, kept, "the pod on the other node")
		nodes.Cordon(ctx, nodes.Node, false)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.DisruptionDrain))
	})
})
