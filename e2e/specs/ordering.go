package specs

import (
	. "github.com/onsi/ginkgo/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

var _ = Describe("A StatefulSet under OrderedReady", func() {
	It("creates each pod only after its predecessor is Ready, and nothing while it is not", Proves(
		contract.OrderingCreate, contract.OrderingCreateHalts,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.HoldReadiness())

		By("releasing one pod, then holding the next")
		set.Release(ctx, 0)
		set.AwaitRunning(ctx, 1)
		third := set.NotCreated(2)
		set.ExpectUnchangedFor(ctx, statefulset.LongUnchanged, third)

		By("releasing it while the first, which was Ready, is not any more")
		set.HoldAndAwaitObserved(ctx, 0)
		set.Release(ctx, 1)
		set.ExpectUnchanged(ctx, third)

		By("releasing the others in turn")
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)
	})

	It("adds pods from the lowest ordinal and removes them from the highest, one at a time, and removes none while one that stays is not Ready", Proves(
		contract.OrderingScaleUp, contract.OrderingScaleDown, contract.OrderingScaleDownHalts, contract.OrderingCreateCompletes, contract.OrderingScaleDownCompletes,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)

		By("scaling up a running set")
		set.Scale(ctx, 3)
		set.AwaitCreated(ctx, 1)
		// A pod may start as fast as a busy controller reacts, which would not show that the next one waited.
		set.ExpectUnchanged(ctx, set.NotCreated(2))
		set.Release(ctx, 1, 2)
		set.AwaitReplicas(ctx, 3)

		By("scaling down while the pod that stays is not Ready")
		set.HoldAndAwaitObserved(ctx, 0)
		set.Scale(ctx, 1)
		set.ExpectUnchangedFor(ctx, statefulset.LongUnchanged, set.NotTerminating(1, 2))

		By("releasing the pod that stays")
		set.Release(ctx, 0)
		set.AwaitReplicas(ctx, 1, framework.MustHappen(contract.OrderingScaleDown))
	})

	It("removes of the pods that are to go and are not Ready none but the lowest", Proves(contract.OrderingScaleDownHalts), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Start(3), statefulset.Replicas(3), statefulset.HoldReadiness())
		first := startOf(ctx, set)
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		By("scaling down while a pod that stays, not the first, is not Ready")
		set.HoldAndAwaitObserved(ctx, first+1)
		stay := set.NotTerminating(first, first+1, first+2)
		set.Scale(ctx, 2)
		set.ExpectUnchanged(ctx, stay)

		By("scaling down further while both pods that are to go are not Ready")
		set.HoldAndAwaitObserved(ctx, first+2)
		set.Scale(ctx, 1)
		set.ExpectUnchanged(ctx, stay)

		By("releasing the higher one, which may go then; the other may stay, perhaps for ever")
		set.Release(ctx, first+2)
		set.AwaitTerminating(ctx, first+2)
	})

	It("makes the lower pod again first when several disappear", Proves(contract.OrderingHeals), func(ctx SpecContext) {
		ns := Record(ctx)
		// How many pods a rollout may have down says nothing of pods that are lost.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.MaxUnavailable(2), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		By("deleting both, so that the lower one is gone last and both are missing then")
		removeFinalizer := set.AddFinalizer(ctx, 0)
		lower := set.DeleteAndAwaitObserved(ctx, 0) // else the controller may not know of it when the higher one is gone
		higher := ns.DeletePod(ctx, set.Pod(1))
		set.AwaitGone(ctx, 1, higher)
		removeFinalizer(ctx)
		set.AwaitReplaced(ctx, 0, lower)
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		By("adding two, of which it says nothing either")
		set.Scale(ctx, 4)
		set.AwaitRunning(ctx, 2)
		set.ExpectUnchanged(ctx, set.NotCreated(3))
	})

	It("keeps to the order while replicas changes again and again, and the last value wins", Proves(contract.OrderingChangeOfMind), func(ctx SpecContext) {
		ns := Record(ctx)
		// How pods are updated says nothing of the order in which they come and go.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.OnDelete())
		set.AwaitReady(ctx)

		By("changing replicas to 4, back to 1 and to 3, each in the middle of the change before")
		set.Scale(ctx, 4)
		set.AwaitCreated(ctx, 2)
		set.Scale(ctx, 1)
		set.AwaitTerminating(ctx, 2)
		set.Scale(ctx, 3)
		set.AwaitReplicas(ctx, 3, framework.MustHappen(contract.OrderingChangeOfMind))
	})

	It("takes back at once a pod that is Ready and was not so for minReadySeconds yet", Proves(contract.OrderingChangeOfMind), func(ctx SpecContext) {
		if target.OlderThan(1, 34) {
			Skip("not applicable: before 1.34 the pod stays for ever (kubernetes issue 123918)")
		}
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.MinReadySeconds(4))
		set.AwaitReady(ctx)
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1, framework.MustHappen(contract.OrderingChangeOfMind))
		ns.VerifySet(set.Name, contract.OrderingChangeOfMind, nil, "scaled from 2 to 1 before %s was Ready for minReadySeconds: it went", set.Pod(1))
		set.AwaitAvailable(ctx, framework.MustHappen(contract.StatusCounts)) // the one that stays had been Ready for long
	})

	It("removes no pod before those that stay have been Ready for minReadySeconds", Proves(contract.OrderingScaleDownMinReady), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		By("taking its readiness from the pod that stays for a while, and scaling down: the time counts from when it has it again")
		set.HoldAndAwaitObserved(ctx, 0)
		// Timestamps leave two seconds open, and a busy controller that does not wait may be two seconds late.
		set.Update(ctx, "minReadySeconds 6 and one replica", statefulset.Options(statefulset.MinReadySeconds(6), statefulset.Replicas(1)))
		set.Release(ctx, 0)
		set.AwaitReplicas(ctx, 1)
	})

	It("creates the next pod only after minReadySeconds of readiness", Proves(contract.OrderingMinReady, contract.OrderingCreateCompletes), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(4), statefulset.MinReadySeconds(4), statefulset.HoldReadiness())
		// How pods are updated says nothing of the time that they are to warm up.
		from := statefulset.Create(ctx, ns, statefulset.Named("from"), statefulset.Start(3), statefulset.Replicas(2), statefulset.MinReadySeconds(4), statefulset.OnDelete())
		start := startOf(ctx, from)
		set.Release(ctx, 0)

		By("taking its readiness from the first pod for a while: the time counts from when it has it again")
		set.HoldAndAwaitObserved(ctx, 0)
		set.Release(ctx, 0)
		set.AwaitCreated(ctx, 1, framework.MustHappen(contract.OrderingCreateCompletes))

		By("adding two pods to the other set, which has been whole")
		from.AwaitReady(ctx)
		from.Scale(ctx, 4)

		By("taking it again while the second pod, now Ready, gets so far: the time counts for each lower pod")
		set.Release(ctx, 1)
		set.HoldAndAwaitObserved(ctx, 0)
		set.ExpectUnchanged(ctx, set.NotCreated(2))
		set.Release(ctx, 0)
		set.AwaitCreated(ctx, 2)

		By("leaving the third pod Ready: a kubelet that reports the hold late excuses the creations before, not this one")
		set.Release(ctx, 2)
		set.AwaitCreated(ctx, 3)
		from.AwaitCreated(ctx, start+3, framework.MustHappen(contract.OrderingCreateCompletes))
	})
})

var _ = Describe("A StatefulSet under Parallel", func() {
	It("waits neither for readiness to create pods nor for one to be gone to delete the next", Proves(
		contract.OrderingParallel, contract.LifecycleFailed,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Parallel(), statefulset.HoldReadiness())
		from := statefulset.Create(ctx, ns, statefulset.Named("from"), statefulset.Start(3), statefulset.Replicas(2), statefulset.Parallel(), statefulset.OnDelete(), statefulset.HoldReadiness())
		for n := range 2 {
			set.AwaitRunning(ctx, n, framework.MustHappen(contract.OrderingParallel))
		}
		from.AwaitRunning(ctx, startOf(ctx, from)+1, framework.MustHappen(contract.OrderingParallel))

		By("deleting a pod while the one before it is not Ready, and letting it fail")
		set.AwaitReplaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)), framework.MustHappen(contract.OrderingParallel))
		set.AwaitRunning(ctx, 1)
		set.AwaitReplaced(ctx, 1, set.FailPod(ctx, 1), framework.MustHappen(contract.LifecycleFailed))

		By("adding pods, more than a batch of requests holds at first, while none of the others is Ready and they have an older template")
		set.Update(ctx, "new template and partition 2", statefulset.Options(statefulset.Template("new"), statefulset.Partition(2)))
		set.AwaitObserved(ctx)
		set.Scale(ctx, 7)
		for n := 2; n < 7; n++ {
			set.AwaitRunning(ctx, n, framework.MustHappen(contract.OrderingParallel))
		}

		By("scaling down while the highest pod cannot go, and while the one that stays is not Ready, then to zero")
		removeFinalizer := set.AddFinalizer(ctx, 6)
		set.Scale(ctx, 1)
		set.AwaitTerminating(ctx, 1, framework.MustHappen(contract.OrderingParallel))
		set.Scale(ctx, 0)
		set.AwaitTerminating(ctx, 0, framework.MustHappen(contract.OrderingParallel))
		removeFinalizer(ctx)
		set.AwaitNoPods(ctx)
	})

	It("updates the next pod only after the updated ones are available, and waits for none to create them", Proves(
		contract.OrderingParallelUpdates, contract.OrderingParallel,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		minReady := int32(4)
		if target.OlderThan(1, 34) {
			minReady = 0 // not waited for under Parallel before 1.34 (kubernetes issues 112307 and 119234)
		}
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Parallel(), statefulset.HoldReadiness(), statefulset.MinReadySeconds(minReady))
		// Where the field is not known it is dropped.
		several := statefulset.Create(ctx, ns, statefulset.Named("several"), statefulset.Replicas(3), statefulset.Parallel(), statefulset.HoldReadiness(),
			statefulset.MinReadySeconds(minReady), statefulset.MaxUnavailable(2))
		for n := range 2 {
			set.AwaitRunning(ctx, n, framework.MustHappen(contract.OrderingParallel))
		}
		set.ReleaseInTurn(ctx)
		several.ReleaseInTurn(ctx)
		// A pod that is not available, or that its controller may not know to be, may be replaced at any time: the new template may mend it.
		set.AwaitAvailable(ctx)
		several.AwaitAvailable(ctx)
		ns.AwaitQuiescent(ctx)

		old, former := set.UIDs(0, 1), several.UIDs(0, 1, 2)
		set.NewTemplate(ctx, "new")
		several.NewTemplate(ctx, "new")
		set.AwaitReplaced(ctx, 1, old[1])
		set.AwaitRunning(ctx, 1)
		set.Release(ctx, 1)

		By("releasing one of the two that the other set may have down: until it has been Ready for minReadySeconds it counts as down")
		several.AwaitReplaced(ctx, 2, former[2])
		several.AwaitRunning(ctx, 2)
		several.Release(ctx, 2)
		several.AwaitGone(ctx, 1, former[1])
		set.AwaitGone(ctx, 0, old[0])
		if several.Live(ctx).Spec.UpdateStrategy.RollingUpdate.MaxUnavailable == nil {
			several.AwaitRunning(ctx, 1) // the field was dropped: one at a time
			several.Release(ctx, 1)
		}
		several.AwaitGone(ctx, 0, former[0])
	})

	It("updates a pod that is not Ready too, which the new template may be meant to mend", Proves(contract.UpdateComplete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Parallel(), statefulset.HoldReadiness())
		for n := range 2 {
			set.AwaitRunning(ctx, n)
		}
		set.Release(ctx, 1)

		By("releasing whichever pod is replaced first, then the other: from 1.37 on one that is not available comes before its turn")
		old := set.UIDsByOrdinal(0, 1)
		set.NewTemplate(ctx, "new")
		for range 2 {
			n := set.AwaitOneReplaced(ctx, old, framework.MustHappen(contract.UpdateComplete))
			delete(old, n)
			set.AwaitRunning(ctx, n)
			set.Release(ctx, n)
		}
		set.AwaitUpdated(ctx)
	})
})

// startOf returns the first ordinal of a set. Where the field is not known it is dropped.
func startOf(ctx SpecContext, set *statefulset.Set) int {
	GinkgoHelper()
	if ordinals := set.Live(ctx).Spec.Ordinals; ordinals != nil {
		return int(ordinals.Start)
	}
	return 0
}
