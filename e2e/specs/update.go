package specs

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

var _ = Describe("A rolling update", func() {
	It("replaces pods from the highest ordinal to the lowest, each once the one before is available, until all run the new template", longest, Proves(
		contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateComplete, contract.StatusRevisions, contract.StatusCounts,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(4), framework.Template("old"))
		set.AwaitReady(ctx)

		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(framework.Owed(ctx, contract.UpdateComplete))
		// What the status counts once a rollout is done shows only at rest.
		ns.Still(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(
			contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateComplete, contract.StatusRevisions, contract.StatusCounts,
		))
	})

	It("stops at the first pod when the new template's pods never become Ready", Proves(contract.UpdateHalts), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2))
		set.AwaitReady(ctx)

		old := set.UIDs(0, 1)
		set.Update(ctx, "a template whose pods never become Ready", framework.All(framework.Template("broken"), framework.HoldReadiness()))
		set.Replaced(ctx, 1, old[1])
		set.Running(ctx, 1)
		set.HoldLong(ctx, framework.Patience, set.Stay(0, 1))

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdateHalts))
	})

	It("restarts pods for an annotation of the template, none for what is not in it, and gives added pods the new template", Proves(
		contract.UpdateComplete, contract.UpdateNoSpurious, contract.UpdateScaleNew,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1))
		set.AwaitReady(ctx)
		old := set.UIDs(0)[0]
		set.Restart(ctx)
		set.Replaced(framework.Owed(ctx, contract.UpdateComplete), 0, old)
		set.AwaitUpdatedFrom(ctx, 0)

		stay := set.Stay(0)
		set.Update(ctx, "one more replica, minReadySeconds and another label", framework.All(framework.Replicas(2), framework.MinReadySeconds(1), func(o *appsv1.StatefulSet) {
			o.Labels = map[string]string{"tier": "data"}
		}))
		set.AwaitReplicas(ctx, 2)
		set.HoldStill(ctx, stay)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdateComplete, contract.UpdateNoSpurious, contract.UpdateScaleNew))
	})

	It("waits for minReadySeconds of readiness before it goes on", Proves(contract.UpdateMinReady), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		old := set.UIDs(0, 1)
		set.Update(ctx, "new template and minReadySeconds 5", framework.All(framework.Template("new"), framework.MinReadySeconds(5)))
		set.Replaced(ctx, 1, old[1])
		set.Release(ctx, 1)

		By("taking its readiness from the updated pod for a while: the time counts from when it has it again")
		set.HoldKnown(ctx, 1)
		set.Release(ctx, 1)
		set.Replaced(ctx, 0, old[0])

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdateMinReady))
	})

	It("has no more pods down at a time than maxUnavailable", Proves(contract.UpdateMaxUnavailable), func(ctx SpecContext) {
		ns := Record(ctx)
		ns.RequireField(ctx, "updateStrategy.rollingUpdate.maxUnavailable", framework.MaxUnavailable(2), func(o *appsv1.StatefulSet) bool {
			return o.Spec.UpdateStrategy.RollingUpdate != nil && o.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable != nil
		})
		set := framework.Create(ctx, ns, framework.Replicas(3), framework.MaxUnavailable(2))
		set.AwaitReady(ctx)

		By("holding the first updated pod: only a controller whose own gate is on takes a second one down")
		second := set.Stay(1)
		set.Update(ctx, "a template whose pods never become Ready", framework.All(framework.Template("new"), framework.HoldReadiness()))
		set.AwaitTerminating(ctx, 2)
		set.HoldStill(ctx, second)
		if set.Holds(second) {
			Skip("not applicable: the API server keeps maxUnavailable 2, but the controller takes down one pod at a time: its feature gate is off")
		}
		set.HoldStill(ctx, set.Stay(0))

		Expect(ns.Recorded(ctx)).To(Uphold(contract.UpdateMaxUnavailable))
	})
})
