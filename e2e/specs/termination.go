package specs

import (
	. "github.com/onsi/ginkgo/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

var _ = Describe("A StatefulSet that ends", func() {
	It("removes its pods in strict reverse order when it is scaled to zero", Proves(contract.TerminationReverse), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(3))
		set.AwaitReady(ctx)
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
	})

	It("lets a container that needs most of its grace period finish, preStop hook included", Proves(contract.TerminationGraceful), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Grace(6), statefulset.SlowShutdown(2, 2))
		set.AwaitReady(ctx)
		pod := ns.Pod(set.Pod(0))
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
		set.VerifyFinished(ctx, contract.TerminationGraceful, pod, statefulset.ExitAfterHook)
	})

	It("takes its pods along when it is deleted, makes none while that lasts, and leaves them when they are to be orphaned", Proves(
		contract.TerminationCascade, contract.TerminationNoRecreate,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		orphan := statefulset.Create(ctx, ns, statefulset.Named("orphan"))
		background := statefulset.Create(ctx, ns, statefulset.Named("background"))
		foreground := statefulset.Create(ctx, ns, statefulset.Named("foreground"), statefulset.Replicas(2))
		for _, set := range []*statefulset.Set{orphan, background, foreground} {
			set.AwaitReady(ctx)
		}

		orphans, few, many := orphan.Pods(0), background.UIDs(0), foreground.UIDs(0, 1)
		orphan.Delete(ctx, metav1.DeletePropagationOrphan)
		background.Delete(ctx, metav1.DeletePropagationBackground)
		// One pod cannot go, so that the set, being deleted, lacks the other for as long as shows that none is created.
		removeFinalizer := foreground.AddFinalizer(ctx, 0)
		foreground.Delete(ctx, metav1.DeletePropagationForeground)
		foreground.AwaitGone(ctx, 1, many[1], framework.MustHappen(contract.TerminationCascade))
		foreground.ExpectUnchanged(ctx, foreground.NotCreated(1))
		removeFinalizer(ctx)

		background.VerifyDeletedWithPods(ctx, contract.TerminationCascade, few)
		foreground.VerifyDeletedWithPods(ctx, contract.TerminationCascade, many)
		orphan.VerifyOrphaned(ctx, contract.TerminationCascade, orphans)
	})
})
