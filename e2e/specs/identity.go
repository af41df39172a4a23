package specs

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

var _ = Describe("The identity of a pod", func() {
	It("is a name from the first ordinal on without a gap, told by labels and hostname, under one owner", Proves(
		contract.IdentityName, contract.IdentityLabels, contract.IdentityHostname, contract.IdentityOwnership,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(3))
		set.AwaitReady(framework.Owed(ctx, contract.IdentityName))

		By("asking inside the containers")
		for n := range 3 {
			set.VerifyHostname(ctx, contract.IdentityHostname, n)
		}
		set.Rest(ctx)
		Expect(ns.Recorded(ctx)).To(Uphold(
			contract.IdentityName, contract.IdentityLabels, contract.IdentityHostname, contract.IdentityOwnership,
		))
	})

	It("comes back, with its claim, under a new UID when the pod is deleted", Proves(contract.IdentitySticky), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.Claims("data"))
		set.AwaitReady(ctx)
		before := set.Claims(ctx, "data", 0)

		set.Replaced(framework.Owed(ctx, contract.IdentitySticky), 0, ns.DeletePod(ctx, set.Pod(0)))
		set.AwaitReady(ctx)

		set.VerifyHostname(ctx, contract.IdentitySticky, 0)
		set.VerifyKept(ctx, contract.IdentitySticky, before)
		Expect(ns.Recorded(ctx)).To(Uphold(contract.IdentitySticky))
	})

	It("belongs to one running pod at a time, which has its own grace period to stop, and for which added pods wait", Proves(
		contract.IdentityAtMostOne, contract.OrderingScaleUp,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		// The grace period is nobody's default, and the first container uses most of it.
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.Grace(7), framework.FirstSlow(5))
		set.AwaitReady(ctx)

		By("deleting a pod, whose name is free only when its container has stopped, and adding one while it still serves")
		old := set.DeleteKnown(ctx, 0)
		set.Scale(ctx, 2)
		set.Replaced(ctx, 0, old)
		set.AwaitReplicas(ctx, 2)

		By("scaling down, so that the controller itself deletes a running pod")
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.IdentityAtMostOne, contract.OrderingScaleUp))
	})

	It("replaces what the template says of hostname and subdomain", Proves(
		contract.IdentityOverrides, contract.IdentityHostname,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1), func(s *appsv1.StatefulSet) {
			s.Spec.Template.Spec.Hostname, s.Spec.Template.Spec.Subdomain = "somebody", "somewhere"
		})
		set.AwaitReady(ctx)

		set.VerifyHostname(ctx, contract.IdentityHostname, 0)
		Expect(ns.Recorded(ctx)).To(Uphold(contract.IdentityOverrides, contract.IdentityHostname))
	})
})

var _ = Describe("A StatefulSet", func() {
	It("leaves alone what another controller owns, be it a pod in its range, one out of it, or another set with its selector", Proves(
		contract.IdentityNotMine,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		owned, mine := framework.Owned(ns.OtherController(ctx)), framework.Labelled(map[string]string{"app": "set"})
		inRange := ns.StartPod(ctx, "set-1", mine, owned)
		outOfRange := ns.StartPod(ctx, "set-2", mine, owned)

		set := framework.Create(ctx, ns, framework.Replicas(2))
		twin := framework.Create(ctx, ns, framework.Named("twin"), framework.SelectingAs(set))
		twin.AwaitReady(ctx)
		set.Running(ctx, 0)
		ns.Still(ctx)

		ns.VerifyLeftAlone(contract.IdentityNotMine, inRange, outOfRange)
		Expect(ns.Recorded(ctx)).To(Uphold(contract.IdentityNotMine))
	})

	It("counts its pods from the start ordinal, and updates and removes them by number", Proves(contract.IdentityStartOrdinal), func(ctx SpecContext) {
		ns := Record(ctx)
		requireStart(ctx, ns)
		// As text, 10 would come before 9.
		set := framework.Create(ctx, ns, framework.Start(9), framework.Replicas(2))
		set.Rest(ctx)

		set.NewTemplate(ctx, "new")
		set.AwaitUpdated(framework.Owed(ctx, contract.UpdateComplete))
		set.Scale(ctx, 0)
		set.AwaitReplicas(ctx, 0)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.IdentityStartOrdinal, contract.UpdateOrder, contract.TerminationReverse))
	})

	It("moves to a new start ordinal by creating the new range first, then removing the old, highest first", Proves(
		contract.IdentityStartMoves,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		requireStart(ctx, ns)
		set := framework.Create(ctx, ns, framework.Replicas(2))
		set.AwaitReady(ctx)

		set.Update(ctx, "start ordinal 0 -> 2", framework.Start(2))
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(contract.IdentityStartMoves))
	})
})

func requireStart(ctx SpecContext, ns *framework.Namespace) {
	GinkgoHelper()
	ns.RequireField(ctx, "spec.ordinals", framework.Start(3), func(s *appsv1.StatefulSet) bool {
		return s.Spec.Ordinals != nil && s.Spec.Ordinals.Start == 3
	})
}
