package specs

import (
	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

var _ = Describe("A rolling update", func() {
	It("replaces pods from the highest ordinal to the lowest, each once the one before is available, until all run the new template", longest, Proves(
		contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateComplete, contract.UpdateRevision, contract.StatusRevisions, contract.StatusCounts,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(4), statefulset.Template("old"))
		set.AwaitReady(ctx)

		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
		// What the status counts once a rollout is done shows only at rest.
		ns.AwaitQuiescent(ctx)
	})

	It("stops at the first pod when the new template's pods never become Ready", Proves(
		contract.UpdateHalts, contract.UpdateRollback, contract.IdentitySticky,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2))
		set.AwaitReady(ctx)

		// With the gate no container that runs for a moment makes the pod Ready.
		good, old := set.Live(ctx).Spec.Template, set.UIDs(0, 1)
		set.Update(ctx, "a template whose pods crash", statefulset.Options(
			statefulset.Template("broken"), statefulset.HoldReadiness(), statefulset.Command("exit 3"),
		))
		set.AwaitReplaced(ctx, 1, old[1])
		set.AwaitRunning(ctx, 1)
		set.ExpectUnchangedFor(ctx, statefulset.LongUnchanged, set.NotTerminating(0, 1))

		By("deleting the other pod, which comes back although the rollout has stopped, at the new revision too")
		set.AwaitReplaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)), framework.MustHappen(contract.IdentitySticky))

		By("going back to the first template, and deleting the broken pods, for which the controller waits")
		set.Update(ctx, "the first template", func(s *appsv1.StatefulSet) { s.Spec.Template = good })
		set.AwaitObserved(ctx)
		set.AwaitReplaced(ctx, 0, ns.DeletePod(ctx, set.Pod(0)))
		set.AwaitPodReady(ctx, 0)
		set.AwaitReplaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitUpdated(ctx)
	})

	It("restarts pods for an annotation of the template, none for what is not in it, and gives added pods the new template", Proves(
		contract.UpdateComplete, contract.UpdateNoSpurious, contract.UpdateScaleNew,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		// A tenth of one pod is none, with which no rollout could go on: it counts as one. Where the field is not known it is dropped.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.MaxUnavailableOf(intstr.FromString("10%")))
		set.AwaitReady(ctx)
		old := set.UIDs(0)[0]
		set.Restart(ctx)
		set.AwaitReplaced(ctx, 0, old, framework.MustHappen(contract.UpdateComplete))
		set.AwaitUpdatedFrom(ctx, 0)

		stay := set.NotTerminating(0)
		set.Update(ctx, "one more replica, minReadySeconds, revisionHistoryLimit, start ordinal 0 and another label", statefulset.Options(
			statefulset.Replicas(2), statefulset.MinReadySeconds(1), statefulset.HistoryLimit(3), statefulset.Start(0), func(o *appsv1.StatefulSet) {
				o.Labels = map[string]string{"tier": "data"}
			},
		))
		set.AwaitReplicas(ctx, 2)
		set.ExpectUnchanged(ctx, stay)
	})

	It("waits for minReadySeconds of readiness before it goes on", Proves(contract.UpdateMinReady), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		old := set.UIDs(0, 1, 2)
		set.Update(ctx, "new template and minReadySeconds 5", statefulset.Options(statefulset.Template("new"), statefulset.MinReadySeconds(5)))
		set.AwaitReplaced(ctx, 2, old[2])
		set.Release(ctx, 2)

		By("taking its readiness from the updated pod for a while: the time counts from when it has it again")
		set.HoldAndAwaitObserved(ctx, 2)
		set.Release(ctx, 2)
		set.AwaitReplaced(ctx, 1, old[1])

		By("leaving the next updated pod Ready: a kubelet that reports the hold late excuses the deletion before, not this one")
		set.Release(ctx, 1)
		set.AwaitReplaced(ctx, 0, old[0])
	})

	It("has no more pods down at a time than maxUnavailable", Proves(contract.UpdateMaxUnavailable, contract.UpdateNoSpurious), func(ctx SpecContext) {
		ns := Record(ctx)
		requireMaxUnavailable(ctx, ns)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.MaxUnavailable(3))
		set.AwaitReady(ctx)

		By("lowering it while nothing has to be updated: the next rollout goes by it")
		stay := set.NotTerminating(0, 1, 2)
		set.Update(ctx, "maxUnavailable 2", statefulset.MaxUnavailable(2))
		set.AwaitObserved(ctx)
		set.ExpectUnchanged(ctx, stay)

		By("holding the first updated pod: only a controller that takes several at a time, whose own gate is on, takes a second one down")
		second := set.NotTerminating(1)
		set.Update(ctx, "a template whose pods never become Ready", statefulset.Options(statefulset.Template("new"), statefulset.HoldReadiness()))
		set.AwaitTerminating(ctx, 2)
		set.ExpectUnchanged(ctx, second)
		if ns.Met(second) {
			Skip(oneAtATime)
		}
		set.ExpectUnchanged(ctx, set.NotTerminating(0))
	})

	It("takes no more pods down than maxUnavailable leaves when pods that are down by themselves are counted", Proves(
		contract.UpdateBudgetCountsFailures,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireMaxUnavailable(ctx, ns)
		// What nothing has to wait for shows no reaction, and a stretch without change proves nothing without one.
		ordered := statefulset.Create(ctx, ns, statefulset.Named("ordered"), statefulset.Replicas(2))
		// Of four pods, two, whichever way a percentage is rounded; of those that there were before, three.
		set := statefulset.Create(ctx, ns, statefulset.Replicas(6), statefulset.Parallel(), statefulset.MaxUnavailableOf(intstr.FromString("50%")), statefulset.HoldReadiness())
		ordered.AwaitReady(ctx)
		set.ReleaseInTurn(ctx)
		set.AwaitAvailable(ctx)
		set.Scale(ctx, 4)
		set.AwaitReplicas(ctx, 4)
		ns.AwaitQuiescent(ctx)

		By("rolling out once: only a controller that takes several at a time, whose own gate is on, takes two pods down")
		old := set.UIDs(0, 1, 2, 3)
		second := set.NotTerminating(2)
		set.NewTemplate(ctx, "one")
		set.AwaitTerminating(ctx, 3)
		set.ExpectUnchanged(ctx, second)
		if ns.Met(second) {
			Skip(oneAtATime)
		}
		for _, n := range []int{3, 2, 1, 0} {
			set.AwaitReplaced(ctx, n, old[n])
			set.Release(ctx, n)
		}
		set.AwaitUpdated(ctx)

		By("rolling out again while a pod below the partition is not Ready: one at or above it would be replaced first")
		ns.AwaitLag(ctx) // else a status that counts a pod less may be of before the last one was Ready
		set.HoldAndAwaitObserved(ctx, 0)
		highest, stay := set.UIDs(3)[0], set.NotTerminating(1, 2)
		set.Update(ctx, "another template from ordinal 1 on", statefulset.Options(statefulset.Template("two"), statefulset.Partition(1)))
		set.AwaitReplaced(ctx, 3, highest)
		set.ExpectUnchanged(ctx, stay)
	})

	It("replaces under Parallel every old pod that is not available, whatever the others do", Proves(
		contract.UpdateParallelUnavailableFirst,
	), func(ctx SpecContext) {
		if target.OlderThan(1, 37) {
			Skip("not applicable: before 1.37 such pods wait for their turn, or for ever (kubernetes issue 137409)")
		}
		ns := Record(ctx)
		requireMaxUnavailable(ctx, ns)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.Parallel(), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		By("changing the template while two pods are not Ready, and releasing none of them")
		set.HoldAndAwaitObserved(ctx, 0, 1)
		old := set.UIDsByOrdinal(0, 1, 2)
		set.NewTemplate(ctx, "new")
		if first := set.AwaitOneReplaced(ctx, old, framework.MustHappen(contract.UpdateParallelUnavailableFirst)); first == 2 {
			Skip("not applicable: the API server keeps maxUnavailable, but the controller rolls out as before 1.37: its feature gate is off")
		}
		for n := range 2 {
			set.AwaitReplaced(ctx, n, old[n], framework.MustHappen(contract.UpdateParallelUnavailableFirst))
		}
		ns.VerifySet(set.Name, contract.UpdateParallelUnavailableFirst, nil, "the pods 0 and 1 of %s, not Ready, were replaced while neither they nor their successors became Ready", set.Name)
	})
})

// oneAtATime is not applicable: maxUnavailable says how many pods may be down at most, not how many have to be.
const oneAtATime = "not applicable: the controller takes down one pod at a time, as every maxUnavailable allows, so that nothing shows how it counts more"

// requireMaxUnavailable ends the spec where the API server does not keep maxUnavailable.
func requireMaxUnavailable(ctx SpecContext, ns *framework.Namespace) {
	GinkgoHelper()
	statefulset.RequireField(ctx, ns, statefulset.Field{
		Name: "updateStrategy.rollingUpdate.maxUnavailable", Set: statefulset.MaxUnavailable(2), Kept: func(o *appsv1.StatefulSet) bool {
			return o.Spec.UpdateStrategy.RollingUpdate != nil && o.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable != nil
		},
	})
}
