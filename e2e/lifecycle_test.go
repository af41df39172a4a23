package e2e

import (
	"context"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

var _ = Describe("A StatefulSet", func() {
	It("replaces a pod that has failed", Proves(guarantee.LifecycleFailed), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1))
		set.AwaitReady(ctx)

		set.Replaced(workload.Owed(ctx, guarantee.LifecycleFailed), 0, set.Fail(ctx, 0))
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.LifecycleFailed))
	})

	It("replaces a pod that has succeeded", Proves(guarantee.LifecycleSucceeded), func(ctx SpecContext) {
		ns := Record(ctx)
		By("letting the set adopt a pod that may end, which those it makes may not")
		pod := ns.StartPod(ctx, "set-0", workload.Labelled(map[string]string{"app": "set"}), workload.RunsOnce)
		// Under OnDelete nothing but its end is a reason to replace the pod.
		set := workload.Create(ctx, ns, workload.Replicas(1), workload.OnDelete())
		set.AwaitAdopted(ctx, pod)

		By("telling it to end")
		ns.Signal(ctx, pod, "TERM")
		set.Replaced(workload.Owed(ctx, guarantee.LifecycleSucceeded), 0, pod.UID)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.LifecycleSucceeded))
	})

	It("keeps a pod whose container crashes: it is restarted in its place, with its claim", longest, Proves(guarantee.LifecycleCrashInPlace), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1), workload.Claims("data"), workload.Command(crashable))
		set.AwaitReady(ctx)
		pod, claims := ns.Pod(set.Pod(0)), set.Claims(ctx, "data", 0)

		ns.Signal(ctx, pod, "USR1")
		set.AwaitRestarted(ctx, pod)
		set.VerifyNotFailed(ctx, guarantee.LifecycleCrashInPlace, pod, 3)

		By("crashing it once more, so that it is not restarted at once")
		ns.Signal(ctx, pod, "USR1")
		set.AwaitCrashLoop(ctx, pod)
		set.HoldStill(ctx, set.Stay(0))

		set.VerifyKept(ctx, guarantee.LifecycleCrashInPlace, claims)
		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.LifecycleCrashInPlace))
	})

	It("obeys a budget that allows no eviction, and replaces a pod that is evicted without one", Proves(
		guarantee.LifecycleBudget, guarantee.LifecycleEvicted,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1))
		set.AwaitReady(ctx)

		By("asking for an eviction that a budget does not allow, be it that none may go or that all must stay")
		for _, forbid := range []func(context.Context) func(context.Context){set.ForbidDisruption, set.RequireAll} {
			lift := forbid(ctx)
			_, err := set.Evict(ctx, 0)
			ns.Verify(guarantee.LifecycleBudget, rejected(err, http.StatusTooManyRequests), "an eviction of %s, of which the budget allows none", set.Pod(0))
			lift(ctx)
		}

		By("asking again without a budget")
		uid, err := set.Evict(ctx, 0)
		Expect(err).NotTo(HaveOccurred(), "no budget stands in the way of evicting %s", set.Pod(0))
		set.Replaced(workload.Owed(ctx, guarantee.LifecycleEvicted), 0, uid)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.LifecycleBudget, guarantee.LifecycleEvicted))
	})

	It("adopts the pods that a set of its name and template left behind", Proves(guarantee.LifecycleAdoption), func(ctx SpecContext) {
		ns := Record(ctx)
		former := workload.Create(ctx, ns, workload.Replicas(2))
		former.AwaitReady(ctx)
		left := former.UIDs(0, 1)
		former.Orphan(ctx)

		set := workload.CreateSet(ctx, ns, workload.Replicas(2))
		set.AwaitReady(workload.Owed(ctx, guarantee.LifecycleAdoption))
		set.HoldStill(ctx, set.Stay(0, 1))
		set.VerifyAdopted(ctx, guarantee.LifecycleAdoption, left)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.LifecycleAdoption))
	})

	It("releases a pod that it no longer selects, and makes a new one once the name is free", Proves(guarantee.LifecycleRelease), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1))
		set.AwaitReady(ctx)

		uid := set.Relabel(ctx, 0, "app", "nobody")
		set.AwaitReleased(workload.Owed(ctx, guarantee.LifecycleRelease), 0, uid)

		By("freeing the name, of which nothing tells the controller")
		ns.DeletePod(ctx, set.Pod(0))
		set.AwaitGone(ctx, 0, uid)
		set.Touch(ctx)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.LifecycleRelease))
	})
})

// crashable is a container that ends with an error when it gets USR1.
const crashable = "trap 'exit 0' TERM; trap 'exit 3' USR1; while :; do sleep 3600 & wait; done"
