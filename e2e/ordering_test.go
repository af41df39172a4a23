package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

var _ = Describe("A StatefulSet under OrderedReady", func() {
	It("creates each pod only after its predecessor is Ready, and nothing while it is not", Proves(
		guarantee.OrderingCreate, guarantee.OrderingCreateHalts,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(3), workload.HoldReadiness())

		By("releasing one pod, then holding the next")
		set.Release(ctx, 0)
		set.Running(ctx, 1)
		set.HoldStill(ctx, func(s *history.State) string { return set.Exists(s, 2) })

		By("releasing the others in turn")
		set.ReleaseInTurn(ctx)
		set.AwaitReady(ctx)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.OrderingCreate, guarantee.OrderingCreateHalts))
	})
})
