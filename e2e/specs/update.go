package specs

import (
	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

var _ = Describe("A rolling update", func() {
	It("replaces pods from the highest ordinal to the lowest, each once the one before is available, until all run the new template", longest, Proves(
		contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateComplete, contract.StatusRevisions, contract.StatusCounts,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(4), statefulset.Template("old"))
		set.AwaitReady(ctx)

		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
		// What the status counts once a rollout is done shows only at rest.
		ns.AwaitQuiescent(ctx)
	})

	It("stops at the first pod when the new template's pods never become Ready", Proves(contract.UpdateHalts), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2))
		set.AwaitReady(ctx)

		old := set.UIDs(0, 1)
		set.Update(ctx, "a template whose pods never become Ready", statefulset.Options(statefulset.Template("broken"), statefulset.HoldReadiness()))
		set.AwaitReplaced(ctx, 1, old[1])
		set.AwaitRunning(ctx, 1)
		set.ExpectUnchangedFor(ctx, statefulset.LongUnchanged, set.NotTerminating(0, 1))
	})

	It("restarts pods for an annotation of the template, none for what is not in it, and gives added pods the new template", Proves(
		contract.UpdateComplete, contract.UpdateNoSpurious, contract.UpdateScaleNew,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1))
		set.AwaitReady(ctx)
		old := set.UIDs(0)[0]
		set.Restart(ctx)
		set.AwaitReplaced(ctx, 0, old, framework.MustHappen(contract.UpdateComplete))
		set.AwaitUpdatedFrom(ctx, 0)

		stay := set.NotTerminating(0)
		set.Update(ctx, "one more replica, minReadySeconds and another label", statefulset.Options(statefulset.Replicas(2), statefulset.MinReadySeconds(1), func(o *appsv1.StatefulSet) {
			o.Labels = map[string]string{"tier": "data"}
		}))
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

	It("has no more pods down at a time than maxUnavailable", Proves(contract.UpdateMaxUnavailable), func(ctx SpecContext) {
		ns := Record(ctx)
		statefulset.RequireField(ctx, ns, "updateStrategy.rollingUpdate.maxUnavailable", statefulset.MaxUnavailable(2), func(o *appsv1.StatefulSet) bool {
			return o.Spec.UpdateStrategy.RollingUpdate != nil && o.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable != nil
		})
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.MaxUnavailable(2))
		set.AwaitReady(ctx)

		By("holding the first updated pod: only a controller whose own gate is on takes a second one down")
		second := set.NotTerminating(1)
		set.Update(ctx, "a template whose pods never become Ready", statefulset.Options(statefulset.Template("new"), statefulset.HoldReadiness()))
		set.AwaitTerminating(ctx, 2)
		set.ExpectUnchanged(ctx, second)
		if ns.Met(second) {
			Skip("not applicable: the API server keeps maxUnavailable 2, but the controller takes down one pod at a time: its feature gate is off")
		}
		set.ExpectUnchanged(ctx, set.NotTerminating(0))
	})
})
