package specs

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

var _ = Describe("A StatefulSet under OrderedReady", func() {
	It("creates each pod only after its predecessor is Ready, and nothing while it is not", Proves(
		contract.OrderingCreate, contract.OrderingCreateHalts,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(3), framework.HoldReadiness())

		By("releasing one pod, then holding the next")
		set.Release(ctx, 0)
		set.Running(ctx, 1)
		third := func(s *history.State) string { return set.Exists(s, 2) }
		set.HoldLong(ctx, framework.Patience, third)

		By("releasing it while the first, which was Ready, is not any more")
		set.HoldKnown(ctx, 0)
		set.Release(ctx, 1)
		set.HoldStill(ctx, third)

		By("releasing the others in turn")
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingCreate, contract.OrderingCreateHalts))
	})

	It("adds pods from the lowest ordinal and removes them from the highest, one at a time, and removes none while one that stays is not Ready", Proves(
		contract.OrderingScaleUp, contract.OrderingScaleDown, contract.OrderingScaleDownHalts,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.HoldReadiness())
		set.ReleaseInTurn(ctx)

		By("scaling up a running set")
		set.Scale(ctx, 3)
		set.Release(ctx, 1, 2)
		set.AwaitReplicas(ctx, 3)

		By("scaling down while the pod that stays is not Ready")
		set.HoldKnown(ctx, 0)
		set.Scale(ctx, 1)
		set.HoldLong(ctx, framework.Patience, set.Stay(1, 2))

		By("releasing the pod that stays")
		set.Release(ctx, 0)
		set.AwaitReplicas(framework.Owed(ctx, contract.OrderingScaleDown), 1)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingScaleUp, contract.OrderingScaleDown, contract.OrderingScaleDownHalts))
	})

	It("removes of the pods that are to go and are not Ready none but the lowest", Proves(contract.OrderingScaleDownHalts), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(3), framework.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		By("scaling down while a pod that stays, not the first, is not Ready")
		set.HoldKnown(ctx, 1)
		stay := set.Stay(0, 1, 2)
		set.Scale(ctx, 2)
		set.HoldStill(ctx, stay)

		By("scaling down further while both pods that are to go are not Ready")
		set.HoldKnown(ctx, 2)
		set.Scale(ctx, 1)
		set.HoldStill(ctx, stay)

		By("releasing the higher one, which may go then; the other may stay, perhaps for ever")
		set.Release(ctx, 2)
		set.AwaitTerminating(ctx, 2)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingScaleDownHalts))
	})

	It("makes the lower pod again first when several disappear", Proves(contract.OrderingHeals), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		By("deleting both, so that the lower one is gone last and both are missing then")
		letGo := set.Keep(ctx, 0)
		lower := ns.DeletePod(ctx, set.Pod(0))
		higher := ns.DeletePod(ctx, set.Pod(1))
		set.AwaitGone(ctx, 1, higher)
		letGo(ctx)
		set.Replaced(ctx, 0, lower)
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingHeals))
	})

	It("keeps to the order while replicas changes again and again, and the last value wins", Proves(contract.OrderingChangeOfMind), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2))
		set.AwaitReady(ctx)

		By("changing replicas to 4, back to 1 and to 3, each in the middle of the change before")
		set.Scale(ctx, 4)
		set.Created(ctx, 2)
		set.Scale(ctx, 1)
		set.AwaitTerminating(ctx, 2)
		set.Scale(ctx, 3)
		set.AwaitReplicas(framework.Owed(ctx, contract.OrderingChangeOfMind), 3)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingChangeOfMind))
	})

	It("takes back at once a pod that is Ready and was not so for minReadySeconds yet", Proves(contract.OrderingChangeOfMind), func(ctx SpecContext) {
		if target.Before(1, 34) {
			Skip("not applicable: before 1.34 the pod stays for ever (kubernetes issue 123918)")
		}
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.MinReadySeconds(4))
		set.AwaitReady(ctx)
		set.Scale(ctx, 1)
		set.AwaitReplicas(framework.Owed(ctx, contract.OrderingChangeOfMind), 1)
		ns.Verify(contract.OrderingChangeOfMind, nil, "scaled from 2 to 1 before %s was Ready for minReadySeconds: it went", set.Pod(1))

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingChangeOfMind))
	})

	It("creates the next pod only after minReadySeconds of readiness", Proves(contract.OrderingMinReady), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.MinReadySeconds(4), framework.HoldReadiness())
		set.Release(ctx, 0)

		By("taking its readiness from the first pod for a while: the time counts from when it has it again")
		set.HoldKnown(ctx, 0)
		set.Release(ctx, 0)
		set.Created(ctx, 1)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingMinReady))
	})
})

var _ = Describe("A StatefulSet under Parallel", func() {
	It("waits neither for readiness to create pods nor for one to be gone to delete the next", Proves(contract.OrderingParallel), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Parallel(), framework.HoldReadiness())
		for n := range 2 {
			set.Running(framework.Owed(ctx, contract.OrderingParallel), n)
		}

		By("adding a pod while none of the others is Ready")
		set.Scale(ctx, 3)
		set.Running(framework.Owed(ctx, contract.OrderingParallel), 2)

		By("scaling to zero while the highest pod cannot go")
		letGo := set.Keep(ctx, 2)
		set.Scale(ctx, 0)
		set.AwaitTerminating(framework.Owed(ctx, contract.OrderingParallel), 0)
		letGo(ctx)
		set.AwaitNoPods(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingParallel))
	})

	It("updates the next pod only after the updated ones are available", Proves(contract.OrderingParallelUpdates), func(ctx SpecContext) {
		ns := Record(ctx)
		minReady := int32(4)
		if target.Before(1, 34) {
			minReady = 0 // not waited for under Parallel before 1.34 (kubernetes issues 112307 and 119234)
		}
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Parallel(), framework.HoldReadiness(), framework.MinReadySeconds(minReady))
		set.ReleaseInTurn(ctx)
		// A pod that is not available, or that its controller may not know to be, may be replaced at any time: the new template may mend it.
		set.AwaitAvailable(ctx)
		ns.Still(ctx)

		old := set.UIDs(0, 1)
		set.NewTemplate(ctx, "new")
		set.Replaced(ctx, 1, old[1])
		set.Running(ctx, 1)
		set.Release(ctx, 1)
		set.AwaitGone(ctx, 0, old[0])

		Expect(ns.Recorded(ctx)).To(Uphold(contract.OrderingParallelUpdates))
	})

	It("updates a pod that is not Ready too, which the new template may be meant to mend", Proves(contract.UpdateComplete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Parallel(), framework.HoldReadiness())
		for n := range 2 {
			set.Running(ctx, n)
		}
		set.Release(ctx, 1)

		old := set.UIDs(0, 1)
		set.NewTemplate(ctx, "new")
		for _, n := range []int{1, 0} {
			set.Replaced(framework.Owed(ctx, contract.UpdateComplete), n, old[n])
			set.Running(ctx, n)
			set.Release(ctx, n)
		}
		set.AwaitUpdated(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdateComplete))
	})
})
