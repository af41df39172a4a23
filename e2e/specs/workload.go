package specs

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/etcd"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

// someWrites is how many writes are acknowledged before something happens to the database, and after.
const someWrites = 100

// database is what specs do with a database of any kind and its clients.
type database interface {
	StartLoad(ctx context.Context)
	StopLoad()
	AwaitWrites(ctx context.Context, n int)
	AwaitBack(ctx context.Context)
	List(ctx context.Context)
}

// runDatabase records a spec that runs a database, whose clients are at work.
func runDatabase(ctx SpecContext, options ...statefulset.Option) *etcd.Database {
	GinkgoHelper()
	return underLoad(ctx, etcd.Create(ctx, Record(ctx), options...))
}

// underLoad has the clients of a database go to work, and returns it.
func underLoad[D database](ctx SpecContext, db D) D {
	GinkgoHelper()
	db.StartLoad(ctx)
	db.AwaitWrites(ctx, someWrites)
	return db
}

// settle waits until the database serves again, has the clients rest, and lists what is there.
func settle(ctx SpecContext, db database) {
	GinkgoHelper()
	db.AwaitBack(ctx)
	db.AwaitWrites(ctx, someWrites)
	db.StopLoad()
	db.List(ctx)
}

var _ = Describe("A database in a StatefulSet", func() {
	It("loses nothing when its members are deleted one by one, the last of them by force", longest, Proves(
		contract.WorkloadLinearizable, contract.WorkloadNoLostWrite, contract.WorkloadAvailable, contract.WorkloadMemberReturns,
	), func(ctx SpecContext) {
		db := runDatabase(ctx)
		leader := db.Leader(ctx)
		for n := range 3 {
			if n == leader {
				continue
			}
			By("deleting " + db.Pod(n))
			db.AwaitReplaced(ctx, n, db.NS.DeletePod(ctx, db.Pod(n)))
			db.AwaitBack(ctx)
			db.AwaitWrites(ctx, someWrites)
		}

		By("deleting the leader by force")
		leader = db.Leader(ctx)
		db.AwaitReplaced(ctx, leader, db.ForceDelete(ctx, leader))
		settle(ctx, db)
	})

	It("has what it had acknowledged when all its members are deleted at once, and one of them again and again", Proves(
		contract.WorkloadLinearizable, contract.WorkloadNoLostWrite, contract.WorkloadMemberReturns,
	), func(ctx SpecContext) {
		db := runDatabase(ctx)
		for n := range 3 {
			db.NS.DeletePod(ctx, db.Pod(n))
		}
		for n, pod := range db.Pods(0, 1, 2) {
			db.AwaitReplaced(ctx, n, pod.UID)
		}
		for range 2 {
			db.AwaitBack(ctx)
			db.AwaitWrites(ctx, someWrites)
			By("deleting " + db.Pod(2) + " again")
			db.AwaitReplaced(ctx, 2, db.NS.DeletePod(ctx, db.Pod(2)))
		}
		settle(ctx, db)
	})

	It("is updated member by member, its leader last, and goes on to serve", longest, Proves(
		contract.WorkloadLinearizable, contract.WorkloadNoLostWrite, contract.WorkloadAvailable, contract.WorkloadMemberReturns,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		db := underLoad(ctx, etcd.Create(ctx, ns, etcd.Earlier(ns)))

		By("updating all but the leader")
		db.Lead(ctx, 0)
		db.Roll(ctx, 1, "next")
		db.AwaitUpdatedFrom(ctx, 1)
		db.AwaitBack(ctx)
		db.AwaitWrites(ctx, someWrites)

		By("updating the leader")
		db.Roll(ctx, 0, "next")
		db.AwaitUpdated(ctx)
		settle(ctx, db)
	})

	It("serves while a rollout to a version that does not start is stuck, and after it is taken back", Proves(
		contract.WorkloadNoLostWrite, contract.WorkloadAvailable,
	), func(ctx SpecContext) {
		db := runDatabase(ctx)

		db.NS.AwaitLag(ctx) // else its deletion might be that of a pod which was not available yet, and shows no reaction
		By("updating to a version that does not start")
		last, stay := db.Pods(2)[0], db.NotTerminating(0, 1)
		db.Break(ctx)
		db.AwaitCrashLoop(ctx, db.AwaitReplaced(ctx, 2, last.UID))
		db.AwaitWrites(ctx, someWrites)
		db.ExpectUnchanged(ctx, stay)

		By("taking the update back")
		db.Unbreak(ctx)
		settle(ctx, db)
	})

	It("keeps its data while it grows from three members to five and shrinks again", longest, Proves(
		contract.WorkloadLinearizable, contract.WorkloadNoLostWrite,
	), func(ctx SpecContext) {
		// The claim of a member that left must not outlast it: a later one of its name would begin with its past.
		db := runDatabase(ctx, statefulset.Retention(appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType))
		db.Grow(ctx)
		db.Grow(ctx)
		db.AwaitWrites(ctx, someWrites)
		By("shrinking")
		db.Shrink(ctx)
		db.Shrink(ctx)
		settle(ctx, db)
	})

	It("goes on to serve when its members are evicted under their budget, as drains of their nodes do", Proves(
		contract.WorkloadNoLostWrite, contract.WorkloadAvailable, contract.WorkloadMemberReturns,
	), func(ctx SpecContext) {
		db := runDatabase(ctx)
		for n := range 3 {
			By("evicting " + db.Pod(n))
			db.Budget.AwaitEvictionAllowed(ctx)
			uid, err := db.Evict(ctx, n)
			Expect(err).NotTo(HaveOccurred(), "the budget allows to evict %s", db.Pod(n))
			_, err = db.Evict(ctx, (n+1)%3)
			db.NS.VerifySet(db.Name, contract.WorkloadAvailable, rejected(err, http.StatusTooManyRequests), "an eviction of %s while %s is away, of which the budget allows no more", db.Pod((n+1)%3), db.Pod(n))
			db.AwaitReplaced(ctx, n, uid)
			db.AwaitBack(ctx)
			db.AwaitWrites(ctx, someWrites)
		}
		settle(ctx, db)
	})

	It("has what its claims kept when its set is deleted and made again", Proves(
		contract.WorkloadDataKept, contract.WorkloadMemberReturns,
	), func(ctx SpecContext) {
		db := runDatabase(ctx)
		db.StopLoad()
		db.Delete(ctx, metav1.DeletePropagationBackground)
		db.AwaitNoPods(ctx)
		db.CreateAgain(ctx)
		db.List(ctx)
		db.StartLoad(ctx)
		settle(ctx, db)
	})

	It("begins empty when its set is deleted with its claims and made again", Proves(contract.WorkloadDataGone), func(ctx SpecContext) {
		gone := statefulset.Retention(appsv1.DeletePersistentVolumeClaimRetentionPolicyType, appsv1.RetainPersistentVolumeClaimRetentionPolicyType)
		db := runDatabase(ctx, gone)
		db.StopLoad()
		db.Delete(ctx, metav1.DeletePropagationBackground)
		db.AwaitNoPods(ctx)
		db.VerifyClaimsGone(ctx, contract.StorageWhenDeletedDelete, "data", 0, 1, 2)
		db.CreateAgain(ctx, gone)
		db.List(ctx)
		db.StartLoad(ctx)
		settle(ctx, db)
	})
})
