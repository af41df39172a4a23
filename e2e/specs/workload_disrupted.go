package specs

import (
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/etcd"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

// controlPlaneAway is longer than a node may be silent before its pods count as not Ready (node-monitor-grace-period, 50 s).
const controlPlaneAway = time.Minute

// others returns the ordinals of a database's first members but one.
func others(ordinal int) []int {
	return slices.DeleteFunc([]int{0, 1, 2}, func(n int) bool { return n == ordinal })
}

var _ = Describe("A database in a StatefulSet on a cluster that is disrupted", Serial, func() {
	It("goes on to serve while the nodes of its members are drained one after another under its budget", Proves(
		contract.DisruptionDatabaseDrained,
	), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		db := underLoad(ctx, etcd.Create(ctx, ns))
		since := ns.Now()
		for n := range 3 {
			node, stay := ns.Pod(db.Pod(n)).Pod.Node, db.Pods(others(n)...)
			By("draining " + node + " of " + db.Pod(n))
			workers.Cordon(ctx, node, true)
			db.Budget.AwaitEvictionAllowed(ctx)
			uid, err := db.Evict(ctx, n)
			Expect(err).NotTo(HaveOccurred(), "the budget allows to evict %s", db.Pod(n))
			_, err = db.Evict(ctx, others(n)[0])
			ns.VerifySet(db.Name, contract.DisruptionDatabaseDrained, rejected(err, http.StatusTooManyRequests), "an eviction of %s while %s is away, of which the budget allows no more", stay[0].Name, db.Pod(n))
			db.AwaitReplaced(ctx, n, uid)
			db.AwaitWrites(ctx, someWrites)
			ns.VerifyKept(ctx, contract.DisruptionDatabaseDrained, stay...)
			// A volume that is of this node alone keeps the member away until the node takes pods again.
			workers.Cordon(ctx, node, false)
			db.AwaitBack(ctx)
			db.AwaitWrites(ctx, someWrites)
		}
		db.VerifyServed(contract.DisruptionDatabaseDrained, since, "the nodes of all members were drained")
		settle(ctx, db)
	})

	It("goes on to serve while the node of one of its members is lost, is declared out of service and comes back", Proves(
		contract.DisruptionDatabaseNodeLost,
	), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		db := etcd.Create(ctx, ns, statefulset.TolerateUnreachable())
		lost, node := db.Alone()
		workers.Choose(node)
		underLoad(ctx, db)

		By("losing " + node + " with " + db.Pod(lost))
		since, uid, stay := ns.Now(), db.UIDs(lost)[0], db.Pods(others(lost)...)
		workers.Kill(ctx)
		db.AwaitDeletionOnLostNode(ctx, lost)
		db.AwaitWrites(ctx, someWrites)

		By("declaring it out of service")
		workers.TaintOutOfService(ctx)
		db.AwaitReplaced(ctx, lost, uid)
		db.AwaitWrites(ctx, someWrites)
		ns.VerifyKept(ctx, contract.DisruptionDatabaseNodeLost, stay...)

		By("bringing it back")
		workers.Start(ctx)
		workers.UntaintOutOfService(ctx)
		workers.AwaitNodeReady(ctx)
		db.AwaitBack(ctx)
		db.VerifyServed(contract.DisruptionDatabaseNodeLost, since, "node "+node+" was lost, declared out of service and brought back")
		settle(ctx, db)
	})

	It("goes on to serve while the control plane does not answer, and keeps its members when it is back", Proves(
		contract.DisruptionDatabaseControlPlane,
	), func(ctx SpecContext) {
		ns, workers := disrupt(ctx)
		db := underLoad(ctx, etcd.CreateBehind(ctx, ns, workers.Dial))

		By("having the control plane not answer")
		since, all := ns.Now(), db.Pods(0, 1, 2)
		resume := workers.PauseControlPlane(ctx)
		db.ServeFor(ctx, controlPlaneAway)
		db.VerifyServed(contract.DisruptionDatabaseControlPlane, since, "the control plane did not answer")

		By("having it answer again")
		resume(ctx)
		ns.VerifyKept(ctx, contract.DisruptionDatabaseControlPlane, all...)
		settle(ctx, db)
		db.VerifyServed(contract.DisruptionDatabaseControlPlane, since, "the control plane did not answer, and did again")
	})
})
