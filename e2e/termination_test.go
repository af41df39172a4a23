package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

var _ = Describe("A StatefulSet that ends", func() {
	It("removes its pods in strict reverse order when it is scaled to zero", Proves(guarantee.TerminationReverse), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(3))
		set.AwaitReady(ctx)
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.TerminationReverse))
	})

	It("lets a container that needs most of its grace period finish, preStop hook included", Proves(guarantee.TerminationGraceful), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Grace(6), workload.Deliberate(2, 2))
		set.AwaitReady(ctx)
		pod := set.UIDs(0)[0]
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)
		set.VerifyFinished(ctx, guarantee.TerminationGraceful, pod, workload.EndedAfterHook)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.TerminationGraceful))
	})

	It("takes its pods along when it is deleted, makes none while that lasts, and leaves them when they are to be orphaned", Proves(
		guarantee.TerminationCascade, guarantee.TerminationNoRecreate,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		orphan := workload.Create(ctx, ns, workload.Named("orphan"))
		background := workload.Create(ctx, ns, workload.Named("background"))
		// One pod takes its time, so that for a while the set, being deleted, lacks the other.
		foreground := workload.Create(ctx, ns, workload.Named("foreground"), workload.Replicas(2), workload.FirstSlow(3))
		for _, set := range []*workload.Set{orphan, background, foreground} {
			set.AwaitReady(ctx)
		}

		orphans, few, many := orphan.UIDs(0), background.UIDs(0), foreground.UIDs(0, 1)
		orphan.Delete(ctx, metav1.DeletePropagationOrphan)
		background.Delete(ctx, metav1.DeletePropagationBackground)
		foreground.Delete(ctx, metav1.DeletePropagationForeground)

		background.VerifyRemoved(ctx, guarantee.TerminationCascade, few)
		foreground.VerifyRemoved(ctx, guarantee.TerminationCascade, many)
		orphan.VerifyOrphaned(ctx, guarantee.TerminationCascade, orphans)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.TerminationCascade, guarantee.TerminationNoRecreate))
	})
})
