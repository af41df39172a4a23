package specs

import (
	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

var _ = Describe("A StatefulSet that is changed in all its mutable fields", func() {
	It("in the middle of its creation comes to what was asked for last", Proves(contract.UpdateComplete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.HoldReadiness())
		set.Release(ctx, 0)
		set.AwaitRunning(ctx, 1)

		changeAll(ctx, set, 2)
		set.Release(ctx, 1)
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
	})

	It("in the middle of a scale up comes to what was asked for last", Proves(contract.UpdateComplete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)
		set.Scale(ctx, 3)
		set.AwaitRunning(ctx, 1)

		changeAll(ctx, set, 2)
		set.Release(ctx, 1)
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
	})

	It("in the middle of a scale down comes to what was asked for last", Proves(contract.UpdateComplete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)
		removeFinalizer := set.AddFinalizer(ctx, 2)
		set.Scale(ctx, 1)
		set.AwaitTerminating(ctx, 2)

		changeAll(ctx, set, 2)
		removeFinalizer(ctx)
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
	})

	It("in the middle of a rollout comes to what was asked for last", Proves(contract.UpdateComplete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)
		old := set.UIDs(1)[0]
		set.NewTemplate(ctx, "first")
		set.AwaitReplaced(ctx, 1, old)
		set.AwaitRunning(ctx, 1)

		changeAll(ctx, set, 3)
		set.Release(ctx, 1)
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
	})

	It("while a pod is not Ready comes to what was asked for last", Proves(contract.UpdateComplete), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.HoldReadiness())
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)
		set.HoldAndAwaitObserved(ctx, 1)

		changeAll(ctx, set, 3)
		set.Release(ctx, 1)
		set.AwaitUpdated(ctx, framework.MustHappen(contract.UpdateComplete))
	})
})

// changeAll changes every mutable field of a set under OrderedReady that something keeps from going on, so that the controller observes each
// request and has to carry out none but the last: it asks for that many replicas and for pods without a readiness gate.
func changeAll(ctx SpecContext, set *statefulset.Set, replicas int32) {
	GinkgoHelper()
	for _, request := range []struct {
		what   string
		change statefulset.Option
	}{
		{"partition 1, maxUnavailable 2, minReadySeconds 1, revisionHistoryLimit 0 and claims that are deleted", statefulset.Options(
			statefulset.Partition(1), statefulset.MaxUnavailable(2), statefulset.MinReadySeconds(1), statefulset.HistoryLimit(0), statefulset.Retention(discard, discard),
		)},
		{"a second template", statefulset.Template("second")},
		{"partition 0", statefulset.Partition(0)},
		{"start ordinal 1", statefulset.Start(1)},
		{"OnDelete", strategy(appsv1.OnDeleteStatefulSetStrategyType)},
		{"a third template, replicas, start ordinal 0 and RollingUpdate", statefulset.Options(
			statefulset.Template("third"), statefulset.Replicas(replicas), statefulset.Start(0), strategy(appsv1.RollingUpdateStatefulSetStrategyType),
			func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.ReadinessGates = nil },
		)},
	} {
		By("changing it: " + request.what)
		set.Update(ctx, request.what, request.change)
		set.AwaitObserved(ctx)
	}
}

// strategy sets the update strategy, with the defaults of everything else in it.
func strategy(name appsv1.StatefulSetUpdateStrategyType) statefulset.Option {
	return func(s *appsv1.StatefulSet) { s.Spec.UpdateStrategy = appsv1.StatefulSetUpdateStrategy{Type: name} }
}
