package specs

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

var _ = Describe("A StatefulSet", func() {
	It("replaces a pod that has failed", Proves(contract.LifecycleFailed, contract.OrderingScaleUp), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1))
		set.AwaitReady(ctx)

		set.AwaitReplaced(ctx, 0, set.FailPod(ctx, 0), framework.MustHappen(contract.LifecycleFailed))
		set.AwaitReady(ctx)

		By("letting the new one fail too, and adding a pod while it cannot go")
		removeFinalizer := set.AddFinalizer(ctx, 0)
		failed := set.FailPod(ctx, 0)
		set.AwaitTerminating(ctx, 0, framework.MustHappen(contract.LifecycleFailed))
		set.Scale(ctx, 2)
		set.ExpectUnchanged(ctx, set.NotCreated(1))
		removeFinalizer(ctx)
		set.AwaitReplaced(ctx, 0, failed, framework.MustHappen(contract.LifecycleFailed))
		set.AwaitReady(ctx)
	})

	It("replaces a pod that has succeeded", Proves(contract.LifecycleSucceeded), func(ctx SpecContext) {
		ns := Record(ctx)
		By("letting two sets adopt pods that may end, which those they make may not")
		pod := ns.StartPod(ctx, "set-0", framework.WithLabels(map[string]string{"app": "set"}), framework.RunOnce)
		below := ns.StartPod(ctx, "rolling-0", framework.WithLabels(map[string]string{"app": "rolling"}), framework.RunOnce)
		// Under OnDelete, and below a partition, nothing but its end is a reason to replace a pod.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.OnDelete())
		rolling := statefulset.Create(ctx, ns, statefulset.Named("rolling"), statefulset.Replicas(1), statefulset.Partition(1), statefulset.Parallel())
		set.AwaitAdopted(ctx, pod)
		rolling.AwaitAdopted(ctx, below)
		for _, adopter := range []*statefulset.Set{set, rolling} {
			adopter.AwaitLabel(ctx, 0, appsv1.StatefulSetPodNameLabel, adopter.Pod(0), framework.MustHappen(contract.IdentityLabelKept))
			ns.VerifySet(adopter.Name, contract.IdentityLabelKept, nil, "%s, adopted without the label %s, has its own name in it", adopter.Pod(0), appsv1.StatefulSetPodNameLabel)
		}

		By("telling them to end")
		ns.SendSignal(ctx, pod, "TERM")
		ns.SendSignal(ctx, below, "TERM")
		set.AwaitReplaced(ctx, 0, pod.UID, framework.MustHappen(contract.LifecycleSucceeded))
		rolling.AwaitReplaced(ctx, 0, below.UID, framework.MustHappen(contract.LifecycleSucceeded))
		set.AwaitReady(ctx)
		rolling.AwaitReady(ctx)
	})

	It("removes a pod that has failed and one that has succeeded in their turn when they are out of range, and replaces one that stays first", Proves(
		contract.OrderingScaleDownCompletes, contract.LifecycleFailed, contract.UpdateOnDelete,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		By("letting the set adopt a pod that may end, as its second of three")
		pod := ns.StartPod(ctx, "set-1", framework.WithLabels(map[string]string{"app": "set"}), framework.RunOnce)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.OnDelete(), statefulset.HoldReadiness())
		set.Release(ctx, 0, 2)
		set.AwaitReady(ctx)

		By("scaling down while the pod that stays is not Ready and nobody deletes it for a new template, and letting the third fail")
		set.HoldAndAwaitObserved(ctx, 0)
		set.NewTemplate(ctx, "new")
		removeFinalizer := set.AddFinalizer(ctx, 2)
		set.Scale(ctx, 1)
		set.AwaitObserved(ctx)
		set.FailPod(ctx, 2)
		set.AwaitFinished(ctx, 2)
		set.ExpectUnchanged(ctx, set.NotTerminating(0, 1, 2))

		By("letting the pod that stays fail too: it is replaced although others have yet to leave")
		set.AwaitReplaced(ctx, 0, set.FailPod(ctx, 0), framework.MustHappen(contract.LifecycleFailed))

		By("releasing the new one, and letting the second succeed while the third cannot go")
		set.Release(ctx, 0)
		set.AwaitTerminating(ctx, 2, framework.MustHappen(contract.OrderingScaleDownCompletes))
		ns.SendSignal(ctx, pod, "TERM")
		set.AwaitFinished(ctx, 1)
		removeFinalizer(ctx)
		set.AwaitReplicas(ctx, 1, framework.MustHappen(contract.OrderingScaleDownCompletes))
		ns.VerifySet(set.Name, contract.OrderingScaleDownCompletes, nil, "scaled from 3 to 1: %s, which had failed, and %s, which had succeeded, went", set.Pod(2), set.Pod(1))
	})

	It("keeps a pod whose container crashes: it is restarted in its place, with its claim", longest, Proves(contract.LifecycleCrashInPlace), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.Claims("data"), statefulset.Command(crashable))
		set.AwaitReady(ctx)
		pod, claims := ns.Pod(set.Pod(0)), set.AwaitClaims(ctx, "data", 0)

		ns.SendSignal(ctx, pod, "USR1")
		set.AwaitRestarted(ctx, pod)
		set.VerifyNotFailed(ctx, contract.LifecycleCrashInPlace, pod, 3)

		By("crashing it once more, so that it is not restarted at once")
		ns.SendSignal(ctx, pod, "USR1")
		set.AwaitCrashLoop(ctx, pod)
		set.ExpectUnchanged(ctx, set.NotTerminating(0))

		ns.VerifyKept(ctx, contract.LifecycleCrashInPlace, claims...)
	})

	It("obeys a budget that allows no eviction, and replaces a pod that is evicted without one", Proves(
		contract.LifecycleBudget, contract.LifecycleEvicted, contract.LifecycleDisruptionTarget, contract.LifecycleEvictedGraceful,
		contract.LifecycleBudgetPercentage,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1))
		set.AwaitReady(ctx)

		By("asking for an eviction that a budget does not allow, be it that none may go or that all must stay")
		for _, spec := range []policyv1.PodDisruptionBudgetSpec{statefulset.MaxUnavailablePods(0), statefulset.MinAvailablePods(1), statefulset.MinAvailablePart("100%")} {
			budget := set.CreateBudget(ctx, "budget", spec)
			_, err := set.Evict(ctx, 0)
			ns.VerifySet(set.Name, contract.LifecycleBudget, rejected(err, http.StatusTooManyRequests), "an eviction of %s, of which the budget allows none", set.Pod(0))
			budget.Delete(ctx)
		}

		By("adding a pod, which a budget of a part counts too")
		budget := set.CreateBudget(ctx, "budget", statefulset.MinAvailablePart("100%"))
		set.Scale(ctx, 2)
		budget.VerifyDesired(ctx, contract.LifecycleBudgetPercentage, 2, "100 % must be available, of two replicas now")
		set.AwaitReady(ctx)
		budget.Delete(ctx)

		By("asking again without a budget")
		uid, err := set.Evict(ctx, 0)
		Expect(err).NotTo(HaveOccurred(), "no budget stands in the way of evicting %s", set.Pod(0))
		set.AwaitReplaced(ctx, 0, uid, framework.MustHappen(contract.LifecycleEvicted))
		set.AwaitReady(ctx)
	})

	It("is protected by a budget that counts its replicas, and that says which of its pods that are not Ready may be evicted", Proves(
		contract.LifecycleBudgetCounts, contract.LifecycleUnhealthyEviction, contract.LifecycleTwoBudgets, contract.LifecycleBudgetPercentage,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.HoldReadiness(), statefulset.Grace(47), statefulset.HoldShutdownOfFirst())
		set.Release(ctx, 0)
		set.AwaitRunning(ctx, 1)
		refuses := func(id contract.ID, ordinal int, why string) {
			GinkgoHelper()
			_, err := set.Evict(ctx, ordinal)
			ns.VerifySet(set.Name, id, rejected(err, http.StatusTooManyRequests), "an eviction of %s: %s", set.Pod(ordinal), why)
		}
		admits := func(id contract.ID, ordinal int, why string, meanwhile ...func()) {
			GinkgoHelper()
			uid, err := set.Evict(ctx, ordinal)
			ns.VerifySet(set.Name, id, answered(err), "an eviction of %s: %s", set.Pod(ordinal), why)
			if err == nil {
				for _, do := range meanwhile {
					do()
				}
				set.AwaitReplaced(ctx, ordinal, uid)
				set.AwaitRunning(ctx, ordinal)
			}
		}

		By("letting two of three be unavailable while one is not created yet and one is not Ready")
		two := set.CreateBudget(ctx, "budget", statefulset.MaxUnavailablePods(2))
		refuses(contract.LifecycleBudgetCounts, 0, "it is the only one of three that is Ready, and two may be unavailable")
		admits(contract.LifecycleUnhealthyEviction, 1, "it is not Ready, and as many are Ready as the budget wants")
		two.Delete(ctx)

		By("letting none be unavailable")
		none := set.CreateBudget(ctx, "budget", statefulset.MaxUnavailablePods(0))
		refuses(contract.LifecycleUnhealthyEviction, 1, "it is not Ready, and fewer are Ready than the budget wants")
		second := set.CreateUncountedBudget(ctx, "second", statefulset.MaxUnavailablePods(3))
		_, err := set.Evict(ctx, 0)
		ns.VerifySet(set.Name, contract.LifecycleTwoBudgets, rejected(err, http.StatusInternalServerError), "an eviction of %s, which two budgets select", set.Pod(0))
		second.Delete(ctx)
		none.Delete(ctx)

		By("letting none be unavailable but those that are not Ready")
		always := set.CreateBudget(ctx, "budget", statefulset.WithUnhealthyPods(policyv1.AlwaysAllow, statefulset.MaxUnavailablePods(0)))
		admits(contract.LifecycleUnhealthyEviction, 1, "it is not Ready, which the budget always allows")
		refuses(contract.LifecycleUnhealthyEviction, 0, "it is Ready, and none may be unavailable")
		always.Delete(ctx)

		By("asking for parts of three pods that are no whole numbers")
		for _, part := range []struct {
			spec policyv1.PodDisruptionBudgetSpec
			why  string
		}{
			{statefulset.MinAvailablePart("34%"), "34 % must be available, which is a little more than one"},
			{statefulset.MaxUnavailablePart("1%"), "1 % may be unavailable, which is a little more than none"},
		} {
			budget := set.CreateUncountedBudget(ctx, "budget", part.spec)
			budget.VerifyDesired(ctx, contract.LifecycleBudgetPercentage, 2, part.why)
			budget.Delete(ctx)
		}

		By("letting one be unavailable, which it is, and evicting the next when it is Ready again")
		one := set.CreateBudget(ctx, "budget", statefulset.MaxUnavailablePods(1))
		set.Release(ctx, 1, 2)
		one.AwaitHealthy(ctx, 3)
		set.HoldAndAwaitObserved(ctx, 2)
		one.AwaitHealthy(ctx, 2)
		refuses(contract.LifecycleBudgetCounts, 1, "another pod is not Ready, and one may be unavailable")
		set.Release(ctx, 2)
		one.AwaitEvictionAllowed(ctx)
		admits(contract.LifecycleBudgetCounts, 1, "all pods are Ready, and one may be unavailable", func() {
			refuses(contract.LifecycleBudgetCounts, 2, "another pod was evicted just before, and one may be unavailable")
		})

		By("deleting one, which still serves while it stops")
		set.Release(ctx, 1)
		one.AwaitHealthy(ctx, 3)
		old := ns.DeletePod(ctx, set.Pod(0))
		one.VerifyHealthy(ctx, contract.LifecycleBudgetCounts, 2)
		refuses(contract.LifecycleBudgetCounts, 1, "another pod is about to stop, and one may be unavailable")
		set.LetEnd(ctx)
		set.AwaitReplaced(ctx, 0, old)
	})

	It("adopts the pods that a set of its name and template left behind", Proves(
		contract.LifecycleAdoption, contract.UpdatePartition, contract.UpdateHistoryLimit,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		former := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Partition(2))
		former.AwaitReady(ctx)
		left := append(former.Pods(0, 1), former.AwaitUpdateRevision(ctx))
		former.NewTemplate(ctx, "unused")
		former.AwaitObserved(ctx)
		former.Orphan(ctx)

		By("making the set again without a history, so that it has no use for one of the revisions left behind")
		set := statefulset.CreateWithoutService(ctx, ns, statefulset.Replicas(2), statefulset.HistoryLimit(0))
		set.AwaitReady(ctx, framework.MustHappen(contract.LifecycleAdoption))
		set.AwaitRevisions(ctx, 1, framework.MustHappen(contract.UpdateHistoryLimit))
		set.ExpectUnchanged(ctx, set.NotTerminating(0, 1))
		set.VerifyAdopted(ctx, contract.LifecycleAdoption, left)

		By("updating one of them")
		set.Update(ctx, "new template and partition 1", statefulset.Options(statefulset.Template("new"), statefulset.Partition(1)))
		set.AwaitUpdatedFrom(ctx, 1, framework.MustHappen(contract.UpdatePartition))
	})

	It("adopts what a larger set of its name left behind, fills the gap first, and then removes what it does not want", Proves(
		contract.LifecycleAdoptAndTrim, contract.LifecycleAdoption,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		former := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.Parallel(), statefulset.HoldReadiness())
		former.ReleaseInTurn(ctx)
		former.AwaitReady(ctx)
		left := former.Pods(0, 1, 2)
		former.Orphan(ctx)
		former.AwaitGone(ctx, 0, ns.DeletePod(ctx, former.Pod(0)))

		By("making the set again for two pods, of which the first is not Ready at once")
		set := statefulset.CreateWithoutService(ctx, ns, statefulset.Replicas(2), statefulset.HoldReadiness())
		adopted := left[1:]
		for _, pod := range adopted {
			set.AwaitAdopted(ctx, pod)
		}
		set.AwaitRunning(ctx, 0, framework.MustHappen(contract.LifecycleAdoptAndTrim))
		set.ExpectUnchanged(ctx, set.NotTerminating(1, 2))
		ns.VerifyKept(ctx, contract.LifecycleAdoptAndTrim, adopted...)

		By("taking a label from one of them for a while: the set has nothing else to do when the pod fits again")
		set.AwaitReleased(ctx, 1, set.RelabelPod(ctx, 1, "app", "nobody"))
		ns.AwaitLag(ctx) // so that no sync for the release is left
		set.RelabelPod(ctx, 1, "app", "set")
		set.AwaitAdopted(ctx, adopted[0], framework.MustHappen(contract.LifecycleAdoption))

		By("letting it become Ready")
		set.Release(ctx, 0)
		set.AwaitReplicas(ctx, 2, framework.MustHappen(contract.LifecycleAdoptAndTrim))
		ns.VerifyKept(ctx, contract.LifecycleAdoptAndTrim, adopted[0])

		By("creating a pod of the next name and of its labels, when the set has nothing else to do")
		set.AwaitQuiescent(ctx)
		ns.AwaitLag(ctx) // so that no sync for the last pod is left
		ns.MakePod(ctx, set.Pod(2), framework.WithLabels(set.Selector))
		ns.AwaitComplete(ctx)
		set.AwaitGone(ctx, 2, "", framework.MustHappen(contract.LifecycleAdoptAndTrim))
	})

	It("releases a pod that it no longer selects, and makes a new one once the name is free", Proves(
		contract.LifecycleRelease, contract.DNSEndpointConditions,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1))
		choosy := statefulset.Create(ctx, ns, statefulset.Named("choosy"), statefulset.SelectsUnless("tier", "spare"))
		set.AwaitReady(ctx)
		choosy.AwaitReady(ctx)
		choosy.VerifyScaleStatus(ctx, contract.StatusScaleStatus)

		By("giving a pod a label that keeps its set from selecting it, though it has all that the set asks for")
		spare := choosy.RelabelPod(ctx, 0, "tier", "spare")
		choosy.AwaitReleased(ctx, 0, spare, framework.MustHappen(contract.LifecycleRelease))
		ns.VerifySet(choosy.Name, contract.LifecycleRelease, nil, "%s, which the expressions of the selector leave out, was released", choosy.Pod(0))

		By("taking one from a pod that it is selected by")
		uid := set.UnlabelPod(ctx, 0, "app")
		set.AwaitReleased(ctx, 0, uid, framework.MustHappen(contract.LifecycleRelease))
		set.VerifyNoEndpoint(ctx, contract.DNSEndpointConditions, 0, uid)

		By("freeing the name, which no watch event shows the controller")
		ns.DeletePod(ctx, set.Pod(0))
		set.AwaitGone(ctx, 0, uid)
		set.TriggerSync(ctx)
		set.AwaitReady(ctx)
	})
})

// crashable is a container that ends with an error when it gets USR1.
const crashable = "trap 'exit 0' TERM; trap 'exit 3' USR1; while :; do sleep 3600 & wait; done"
