package specs

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

var _ = Describe("A StatefulSet that ends", func() {
	It("removes its pods in strict reverse order when it is scaled to zero", Proves(contract.TerminationReverse), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(3))
		set.AwaitReady(ctx)
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.TerminationReverse))
	})

	It("lets a container that needs most of its grace period finish, preStop hook included", Proves(contract.TerminationGraceful), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Grace(6), framework.Deliberate(2, 2))
		set.AwaitReady(ctx)
		pod := set.UIDs(0)[0]
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
		set.VerifyFinished(ctx, contract.TerminationGraceful, pod, framework.EndedAfterHook)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.TerminationGraceful))
	})

	It("takes its pods along when it is deleted, makes none while that lasts, and leaves them when they are to be orphaned", Proves(
		contract.TerminationCascade, contract.TerminationNoRecreate,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		orphan := framework.Create(ctx, ns, framework.Named("orphan"))
		background := framework.Create(ctx, ns, framework.Named("background"))
		// One pod takes its time, so that for a while the set, being deleted, lacks the other.
		foreground := framework.Create(ctx, ns, framework.Named("foreground"), framework.Replicas(2), framework.FirstSlow(3))
		for _, set := range []*framework.Set{orphan, background, foreground} {
			set.AwaitReady(ctx)
		}

		orphans, few, many := orphan.UIDs(0), background.UIDs(0), foreground.UIDs(0, 1)
		orphan.Delete(ctx, metav1.DeletePropagationOrphan)
		background.Delete(ctx, metav1.DeletePropagationBackground)
		foreground.Delete(ctx, metav1.DeletePropagationForeground)

		background.VerifyRemoved(ctx, contract.TerminationCascade, few)
		foreground.VerifyRemoved(ctx, contract.TerminationCascade, many)
		orphan.VerifyOrphaned(ctx, contract.TerminationCascade, orphans)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.TerminationCascade, contract.TerminationNoRecreate))
	})
})
