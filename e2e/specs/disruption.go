package specs

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/nodes"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
)

// disrupt records a spec that disrupts the cluster, which is restored when the spec ends.
func disrupt(ctx SpecContext) (*framework.Namespace, *nodes.Disruption) {
	GinkgoHelper()
	if reason := nodes.CannotDisrupt(target); reason != "" {
		Skip(reason)
	}
	ns := Record(ctx)
	return ns, nodes.Disrupt(ctx, ns)
}

// createOnNode creates a set of two pods, both on the worker that is to be disrupted; others may go to any worker.
func createOnNode(ctx SpecContext, ns *framework.Namespace, workers *nodes.Disruption, options ...statefulset.Option) *statefulset.Set {
	GinkgoHelper()
	uncordon := workers.CordonOthers(ctx, workers.Node)
	set := statefulset.Create(ctx, ns, append(options, statefulset.Replicas(2))...)
	set.AwaitReady(ctx)
	set.ExpectOnNode(workers.Node, 0, 1)
	uncordon(ctx)
	return set
}

// restartInTheMiddle kills a component while one set is scaled up, one scaled down and one rolled out, each held in the middle.
func restartInTheMiddle(ctx SpecContext, component string, id contract.ID) {
	GinkgoHelper()
	ns, workers := disrupt(ctx)

	By("holding a scale up, a scale down and a rollout in the middle")
	growing := statefulset.Create(ctx, ns, statefulset.Named("growing"), statefulset.Replicas(1), statefulset.HoldReadiness())
	shrinking := statefulset.Create(ctx, ns, statefulset.Named("shrinking"), statefulset.Replicas(3))
	rolling := statefulset.Create(ctx, ns, statefulset.Named("rolling"), statefulset.Replicas(2), statefulset.HoldReadiness())
	// These have a template that none of their pods is to get.
	staged := statefulset.Create(ctx, ns, statefulset.Named("staged"), statefulset.Partition(1))
	byHand := statefulset.Create(ctx, ns, statefulset.Named("by-hand"), statefulset.OnDelete())
	growing.ReleaseInTurn(ctx)
	rolling.ReleaseInTurn(ctx)
	for _, set := range []*statefulset.Set{growing, shrinking, rolling, staged, byHand} {
		set.AwaitReady(ctx)
	}
	for _, set := range []*statefulset.Set{staged, byHand} {
		set.NewTemplate(ctx, "new")
		set.AwaitObserved(ctx)
	}
	growing.Scale(ctx, 3)
	growing.AwaitRunning(ctx, 1)
	removeFinalizer := shrinking.AddFinalizer(ctx, 2)
	// Clean-ups run last first, and a finalizer cannot be removed while the API server is away.
	DeferCleanup(target.AwaitAPI)
	shrinking.Scale(ctx, 1)
	shrinking.AwaitTerminating(ctx, 2)
	old := rolling.UIDs(0, 1)
	rolling.NewTemplate(ctx, "new")
	rolling.AwaitReplaced(ctx, 1, old[1])
	rolling.AwaitRunning(ctx, 1)

	By("killing " + component)
	unchanged := framework.AllOf(growing.NotCreated(2), shrinking.NotTerminating(0, 1), rolling.NotTerminating(0), staged.NotTerminating(0), byHand.NotTerminating(0))
	workers.KillComponent(ctx, component)
	growing.ExpectUnchanged(ctx, unchanged)

	By("letting each continue to its end")
	must := framework.MustHappen(id)
	for _, n := range []int{1, 2} {
		growing.AwaitCreated(ctx, n, must)
		growing.Release(ctx, n)
	}
	growing.AwaitReplicas(ctx, 3, must)
	removeFinalizer(ctx)
	shrinking.AwaitReplicas(ctx, 1, must)
	rolling.Release(ctx, 1)
	rolling.AwaitReplaced(ctx, 0, old[0], must)
	rolling.Release(ctx, 0)
	rolling.AwaitUpdated(ctx, must)
}

// Every spec of the cluster would be affected, so each of these runs alone.
var _ = Describe("A StatefulSet on a cluster that is disrupted", Serial, func() {
	It("keeps to its order when its controller is killed in the middle of a scale up, a scale down and a rollout", Proves(
		contract.DisruptionControllerRestart,
	), func(ctx SpecContext) {
		restartInTheMiddle(ctx, nodefault.ControllerManager, contract.DisruptionControllerRestart)
	})

	It("keeps to its order when the API server is killed in the middle of a scale up, a scale down and a rollout", Proves(
		contract.DisruptionAPIServerRestart,
	), func(ctx SpecContext) {
		restartInTheMiddle(ctx, nodefault.APIServer, contract.DisruptionAPIServerRestart)
	})

	It("does not replace a pod of a node that stopped answering until somebody deletes it by force or the node is back", Proves(
		contract.DisruptionNodeLost, contract.DisruptionNodeReturns,
	), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		set := createOnNode(ctx, ns, workers, statefulset.TolerateUnreachable())

		By("letting the node stop answering, with its containers where they were")
		workers.Pause(ctx)
		set.AwaitDeletionOnLostNode(ctx, 0, 1)
		set.ExpectUnchangedFor(ctx, statefulset.PodGCPeriod, set.PodsExist(0, 1))

		By("deleting one of its pods by force")
		first := set.ForceDelete(ctx, 0)
		set.AwaitReplaced(ctx, 0, first)
		set.AwaitPodReady(ctx, 0)
		set.ExpectOnNode(workers.Other, 0)
		set.ExpectUnchanged(ctx, set.PodsExist(1))

		By("letting the node answer again")
		second := set.UIDs(1)[0]
		workers.Resume(ctx)
		set.AwaitReplaced(ctx, 1, second, framework.MustHappen(contract.DisruptionNodeReturns))
		set.AwaitReady(ctx, framework.MustHappen(contract.DisruptionNodeReturns))
		workers.AwaitNodeReady(ctx)
	})

	It("keeps its pods when their node is killed and comes back before anybody gives it up", Proves(
		contract.DisruptionNodeReturns,
	), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		set := createOnNode(ctx, ns, workers)

		pods := set.Pods(0, 1)
		workers.Kill(ctx)
		workers.Start(ctx)
		for _, pod := range pods {
			set.AwaitRestarted(ctx, pod, framework.MustHappen(contract.DisruptionNodeReturns))
		}
		set.AwaitReady(ctx, framework.MustHappen(contract.DisruptionNodeReturns))
		ns.VerifySet(set.Name, contract.DisruptionNodeReturns, nil, "the pods of node %s run again after it was killed and started", workers.Node)
	})

	It("replaces the pods of a lost node that is declared out of service", Proves(contract.DisruptionOutOfService), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		set := createOnNode(ctx, ns, workers, statefulset.TolerateUnreachable())

		By("losing the node, which alone moves no pod")
		pods := set.Pods(0, 1)
		workers.Kill(ctx)
		set.AwaitDeletionOnLostNode(ctx, 0, 1)
		set.ExpectUnchanged(ctx, set.PodsExist(0, 1))

		By("declaring it out of service")
		workers.TaintOutOfService(ctx)
		set.VerifyMoved(ctx, contract.DisruptionOutOfService, "they were on a lost node that is out of service", pods, ns.PodGC())

		By("bringing it back")
		workers.Start(ctx)
		workers.UntaintOutOfService(ctx)
		workers.AwaitNodeReady(ctx)
	})

	It("replaces the pods of a lost node whose object is deleted", Proves(
		contract.DisruptionNodeDeleted, contract.DisruptionTargetCondition,
	), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		set := createOnNode(ctx, ns, workers)

		By("losing the node and deleting its object")
		pods := set.Pods(0, 1)
		workers.Kill(ctx)
		workers.DeleteNode(ctx)
		set.VerifyMoved(ctx, contract.DisruptionNodeDeleted, "they were on a lost node whose object is deleted", pods, ns.PodGC())
		set.VerifyDisruptionTarget(ctx, contract.DisruptionTargetCondition, "DeletionByPodGC", pods...)

		By("letting it register again")
		workers.Start(ctx)
		workers.AwaitNodeReady(ctx)
	})

	It("moves away from a node whose taint it does not tolerate, at once or after the time that it does, and stays if it tolerates it for ever", Proves(
		contract.DisruptionTaint, contract.DisruptionTargetCondition,
	), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		const seconds = 10
		uncordon := workers.CordonOthers(ctx, workers.Node)
		waiting := statefulset.Create(ctx, ns, statefulset.Named("waiting"), statefulset.TolerateTaint(seconds))
		staying := statefulset.Create(ctx, ns, statefulset.Named("staying"), statefulset.TolerateTaint())
		for _, set := range []*statefulset.Set{waiting, staying} {
			set.AwaitReady(ctx)
			set.ExpectOnNode(workers.Node, 0)
		}

		By("tainting the node for less time than the one pod tolerates")
		kept := waiting.Pods(0)
		tainted := workers.Taint(ctx)
		ns.AwaitLag(ctx) // so that the controller that evicts has seen it
		workers.Untaint(ctx)
		if ns.Now()-tainted < seconds*time.Second {
			waiting.ExpectUnchangedFor(ctx, seconds*time.Second, waiting.NotTerminating(0))
			ns.VerifyKept(ctx, contract.DisruptionTaint, kept...)
		}
		waiting.AwaitReady(ctx)

		moving := statefulset.Create(ctx, ns, statefulset.Named("moving"))
		moving.AwaitReady(ctx)
		moving.ExpectOnNode(workers.Node, 0)
		uncordon(ctx)

		By("tainting the node")
		first, second, tolerant := moving.Pods(0), waiting.Pods(0), staying.Pods(0)
		since := workers.Taint(ctx)
		moving.VerifyMoved(ctx, contract.DisruptionTaint, "they do not tolerate the taint of their node", first, ns.TaintEviction(first...))
		// The replacement tolerates the taint too, so that the scheduler may take the same node again.
		waiting.VerifyReplaced(ctx, contract.DisruptionTaint, "they tolerate the taint of their node for some seconds", second, ns.TaintEviction(second...))
		waiting.VerifyTolerated(contract.DisruptionTaint, second[0], since, seconds*time.Second)
		staying.ExpectUnchanged(ctx, staying.NotTerminating(0))
		ns.VerifyKept(ctx, contract.DisruptionTaint, tolerant...)
		moving.VerifyDisruptionTarget(ctx, contract.DisruptionTargetCondition, "DeletionByTaintManager", first[0], second[0])
		workers.Untaint(ctx)
	})

	It("moves under its budget, one by one, when a node is drained, and leaves its other pods alone", Proves(contract.DisruptionDrain), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		uncordon := workers.CordonOthers(ctx, workers.Node)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		uncordon(ctx)
		workers.Cordon(ctx, workers.Node, true)
		set.Scale(ctx, 3)
		set.Release(ctx, 2)
		set.AwaitReplicas(ctx, 3)
		set.ExpectOnNode(workers.Node, 0, 1)
		set.ExpectOnNode(workers.Other, 2)

		By("draining the node, under a budget that lets one pod be down")
		pods, others := set.Pods(0, 1), set.Pods(0, 2)
		stay := set.NotTerminating(0, 2)
		budget := set.CreateBudget(ctx, "budget", statefulset.MaxUnavailablePods(1))
		first, err := set.Evict(ctx, 1)
		Expect(err).NotTo(HaveOccurred(), "the budget allows to evict %s", set.Pod(1))
		_, err = set.Evict(ctx, 0)
		ns.VerifySet(set.Name, contract.DisruptionDrain, rejected(err, http.StatusTooManyRequests), "an eviction of %s while %s is down, of which the budget allows no more", set.Pod(0), set.Pod(1))
		set.AwaitReplaced(ctx, 1, first)
		set.AwaitRunning(ctx, 1)
		set.ExpectUnchanged(ctx, stay)
		ns.VerifyKept(ctx, contract.DisruptionDrain, others...)

		By("going on when the pod that was moved is Ready")
		set.Release(ctx, 1)
		budget.AwaitEvictionAllowed(ctx)
		second, err := set.Evict(ctx, 0)
		Expect(err).NotTo(HaveOccurred(), "the budget allows to evict %s now", set.Pod(0))
		set.AwaitReplaced(ctx, 0, second)
		set.Release(ctx, 0)
		set.AwaitReady(ctx)
		set.VerifyMoved(ctx, contract.DisruptionDrain, "their node was drained", pods)
		ns.VerifyKept(ctx, contract.DisruptionDrain, others[1])
		workers.Cordon(ctx, workers.Node, false)
	})
})
