package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
)

var _ = Describe("The subresources of a StatefulSet", func() {
	It("read, update and patch replicas, and the pods follow", Proves(guarantee.StatusScale), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(0))
		set.VerifyUpdateScale(ctx, guarantee.StatusScale, 2)
		set.VerifyScale(ctx, guarantee.StatusScale, 2)
		set.VerifyPatchScale(ctx, guarantee.StatusScale, 1)
		set.VerifyScale(ctx, guarantee.StatusScale, 1)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StatusScale))
	})

	It("read, update and patch the status", Proves(guarantee.StatusSubresource), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(0))
		set.AwaitObserved(ctx)
		set.VerifyStatus(ctx, guarantee.StatusSubresource)

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.StatusSubresource))
	})
})
