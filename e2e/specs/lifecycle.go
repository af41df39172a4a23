package specs

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

var _ = Describe("A StatefulSet", func() {
	It("replaces a pod that has failed", Proves(contract.LifecycleFailed), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1))
		set.AwaitReady(ctx)

		set.Replaced(framework.Owed(ctx, contract.LifecycleFailed), 0, set.Fail(ctx, 0))
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.LifecycleFailed))
	})

	It("replaces a pod that has succeeded", Proves(contract.LifecycleSucceeded), func(ctx SpecContext) {
		ns := Record(ctx)
		By("letting the set adopt a pod that may end, which those it makes may not")
		pod := ns.StartPod(ctx, "set-0", framework.Labelled(map[string]string{"app": "set"}), framework.RunsOnce)
		// Under OnDelete nothing but its end is a reason to replace the pod.
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.OnDelete())
		set.AwaitAdopted(ctx, pod)

		By("telling it to end")
		ns.Signal(ctx, pod, "TERM")
		set.Replaced(framework.Owed(ctx, contract.LifecycleSucceeded), 0, pod.UID)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.LifecycleSucceeded))
	})

	It("keeps a pod whose container crashes: it is restarted in its place, with its claim", longest, Proves(contract.LifecycleCrashInPlace), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.Claims("data"), framework.Command(crashable))
		set.AwaitReady(ctx)
		pod, claims := ns.Pod(set.Pod(0)), set.Claims(ctx, "data", 0)

		ns.Signal(ctx, pod, "USR1")
		set.AwaitRestarted(ctx, pod)
		set.VerifyNotFailed(ctx, contract.LifecycleCrashInPlace, pod, 3)

		By("crashing it once more, so that it is not restarted at once")
		ns.Signal(ctx, pod, "USR1")
		set.AwaitCrashLoop(ctx, pod)
		set.HoldStill(ctx, set.Stay(0))

		set.VerifyKept(ctx, contract.LifecycleCrashInPlace, claims)
		Expect(ns.Recorded(ctx)).To(Uphold(contract.LifecycleCrashInPlace))
	})

	It("obeys a budget that allows no eviction, and replaces a pod that is evicted without one", Proves(
		contract.LifecycleBudget, contract.LifecycleEvicted,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1))
		set.AwaitReady(ctx)

		By("asking for an eviction that a budget does not allow, be it that none may go or that all must stay")
		for _, forbid := range []func(context.Context) func(context.Context){set.ForbidDisruption, set.RequireAll} {
			lift := forbid(ctx)
			_, err := set.Evict(ctx, 0)
			ns.Verify(contract.LifecycleBudget, rejected(err, http.StatusTooManyRequests), "an eviction of %s, of which the budget allows none", set.Pod(0))
			lift(ctx)
		}

		By("asking again without a budget")
		uid, err := set.Evict(ctx, 0)
		Expect(err).NotTo(HaveOccurred(), "no budget stands in the way of evicting %s", set.Pod(0))
		set.Replaced(framework.Owed(ctx, contract.LifecycleEvicted), 0, uid)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.LifecycleBudget, contract.LifecycleEvicted))
	})

	It("adopts the pods that a set of its name and template left behind", Proves(contract.LifecycleAdoption), func(ctx SpecContext) {
		ns := Record(ctx)
		former := framework.Create(ctx, ns, framework.Replicas(2))
		former.AwaitReady(ctx)
		left := former.UIDs(0, 1)
		former.Orphan(ctx)

		set := framework.CreateSet(ctx, ns, framework.Replicas(2))
		set.AwaitReady(framework.Owed(ctx, contract.LifecycleAdoption))
		set.HoldStill(ctx, set.Stay(0, 1))
		set.VerifyAdopted(ctx, contract.LifecycleAdoption, left)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.LifecycleAdoption))
	})

	It("releases a pod that it no longer selects, and makes a new one once the name is free", Proves(contract.LifecycleRelease), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1))
		set.AwaitReady(ctx)

		uid := set.Relabel(ctx, 0, "app", "nobody")
		set.AwaitReleased(framework.Owed(ctx, contract.LifecycleRelease), 0, uid)

		By("freeing the name, of which nothing tells the controller")
		ns.DeletePod(ctx, set.Pod(0))
		set.AwaitGone(ctx, 0, uid)
		set.Touch(ctx)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.LifecycleRelease))
	})
})

// crashable is a container that ends with an error when it gets USR1.
const crashable = "trap 'exit 0' TERM; trap 'exit 3' USR1; while :; do sleep 3600 & wait; done"
