package specs

import (
	. "github.com/onsi/ginkgo/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/postgres"
)

// runReplicated records a spec that runs a primary with a replica, whose clients are at work.
func runReplicated(ctx SpecContext) *postgres.Database {
	GinkgoHelper()
	return underLoad(ctx, postgres.Create(ctx, Record(ctx)))
}

var _ = Describe("A database with one replica in a StatefulSet", func() {
	It("loses nothing when its replica and then its primary are deleted, the last by force", longest, Proves(
		contract.WorkloadLinearizable, contract.WorkloadNoLostWrite, contract.WorkloadMemberReturns,
	), func(ctx SpecContext) {
		db := runReplicated(ctx)
		for _, n := range []int{1, 0} {
			By("deleting " + db.Pod(n))
			db.AwaitReplaced(ctx, n, db.NS.DeletePod(ctx, db.Pod(n)))
			db.AwaitBack(ctx)
			db.AwaitWrites(ctx, someWrites)
		}

		By("deleting the primary by force")
		db.AwaitReplaced(ctx, 0, db.ForceDelete(ctx, 0))
		settle(ctx, db)
	})

	It("is updated replica first and primary last, as PostgreSQL wants it, and loses nothing", longest, Proves(
		contract.WorkloadLinearizable, contract.WorkloadNoLostWrite, contract.WorkloadMemberReturns,
	), func(ctx SpecContext) {
		db := runReplicated(ctx)
		db.Roll(ctx)
		db.AwaitUpdated(ctx)
		settle(ctx, db)
	})

	It("has what its claims kept, at its primary and at its replica, when its set is deleted and made again", Proves(
		contract.WorkloadDataKept, contract.WorkloadMemberReturns,
	), func(ctx SpecContext) {
		db := runReplicated(ctx)
		db.StopLoad()
		db.Delete(ctx, metav1.DeletePropagationBackground)
		db.AwaitNoPods(ctx)
		db.CreateAgain(ctx)
		db.List(ctx)
		db.StartLoad(ctx)
		settle(ctx, db)
	})
})
