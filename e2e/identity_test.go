package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

var _ = Describe("The identity of a pod", func() {
	It("is a name from the first ordinal on without a gap, told by labels and hostname, under one owner", Proves(
		guarantee.IdentityName, guarantee.IdentityLabels, guarantee.IdentityHostname, guarantee.IdentityOwnership,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(3))
		set.AwaitReady(workload.Owed(ctx, guarantee.IdentityName))

		By("asking inside the containers")
		for n := range 3 {
			set.VerifyHostname(ctx, guarantee.IdentityHostname, n)
		}
		set.Rest(ctx)
		Expect(ns.Recorded(ctx)).To(Uphold(
			guarantee.IdentityName, guarantee.IdentityLabels, guarantee.IdentityHostname, guarantee.IdentityOwnership,
		))
	})

	It("comes back, with its claim, under a new UID when the pod is deleted", Proves(guarantee.IdentitySticky), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1), workload.Claims("data"))
		set.AwaitReady(ctx)
		before := set.Claims(ctx, "data", 0)

		set.Replaced(workload.Owed(ctx, guarantee.IdentitySticky), 0, ns.DeletePod(ctx, set.Pod(0)))
		set.AwaitReady(ctx)

		set.VerifyHostname(ctx, guarantee.IdentitySticky, 0)
		set.VerifyKept(ctx, guarantee.IdentitySticky, before)
		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.IdentitySticky))
	})

	It("belongs to one running pod at a time, which has its own grace period to stop, and for which added pods wait", Proves(
		guarantee.IdentityAtMostOne, guarantee.OrderingScaleUp,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		// The grace period is nobody's default, and the first container uses most of it.
		set := workload.Create(ctx, ns, workload.Replicas(1), workload.Grace(7), workload.FirstSlow(5))
		set.AwaitReady(ctx)

		By("deleting a pod, whose name is free only when its container has stopped, and adding one while it still serves")
		old := set.DeleteKnown(ctx, 0)
		set.Scale(ctx, 2)
		set.Replaced(ctx, 0, old)
		set.AwaitReplicas(ctx, 2)

		By("scaling down, so that the controller itself deletes a running pod")
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.IdentityAtMostOne, guarantee.OrderingScaleUp))
	})

	It("replaces what the template says of hostname and subdomain", Proves(
		guarantee.IdentityOverrides, guarantee.IdentityHostname,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1), func(s *appsv1.StatefulSet) {
			s.Spec.Template.Spec.Hostname, s.Spec.Template.Spec.Subdomain = "somebody", "somewhere"
		})
		set.AwaitReady(ctx)

		set.VerifyHostname(ctx, guarantee.IdentityHostname, 0)
		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.IdentityOverrides, guarantee.IdentityHostname))
	})
})

var _ = Describe("A StatefulSet", func() {
	It("leaves alone what another controller owns, be it a pod in its range, one out of it, or another set with its selector", Proves(
		guarantee.IdentityNotMine,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		owned, mine := workload.Owned(ns.OtherController(ctx)), workload.Labelled(map[string]string{"app": "set"})
		inRange := ns.StartPod(ctx, "set-1", mine, owned)
		outOfRange := ns.StartPod(ctx, "set-2", mine, owned)

		set := workload.Create(ctx, ns, workload.Replicas(2))
		twin := workload.Create(ctx, ns, workload.Named("twin"), workload.SelectingAs(set))
		twin.AwaitReady(ctx)
		set.Running(ctx, 0)
		ns.Still(ctx)

		ns.VerifyLeftAlone(guarantee.IdentityNotMine, inRange, outOfRange)
		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.IdentityNotMine))
	})

	It("counts its pods from the start ordinal, and updates and removes them by number", Proves(guarantee.IdentityStartOrdinal), func(ctx SpecContext) {
		ns := Record(ctx)
		requireStart(ctx, ns)
		// As text, 10 would come before 9.
		set := workload.Create(ctx, ns, workload.Start(9), workload.Replicas(2))
		set.Rest(ctx)

		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(workload.Owed(ctx, guarantee.UpdateComplete))
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.IdentityStartOrdinal, guarantee.UpdateOrder, guarantee.TerminationReverse))
	})

	It("moves to a new start ordinal by creating the new range first, then removing the old, highest first", Proves(
		guarantee.IdentityStartMoves,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireStart(ctx, ns)
		set := workload.Create(ctx, ns, workload.Replicas(2))
		set.AwaitReady(ctx)

		set.Update(ctx, "start ordinal 0 -> 2", workload.Start(2))
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.IdentityStartMoves))
	})
})

func requireStart(ctx SpecContext, ns *workload.Namespace) {
	GinkgoHelper()
	ns.RequireField(ctx, "spec.ordinals", workload.Start(3), func(s *appsv1.StatefulSet) bool {
		return s.Spec.Ordinals != nil && s.Spec.Ordinals.Start == 3
	})
}
