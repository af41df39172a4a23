package e2e

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/workload"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

var _ = Describe("DNS", func() {
	It("answers with a set's ready pods for its service, and with each pod for its own name, whoever asks", Proves(
		guarantee.DNSHeadless, guarantee.DNSPodRecord, guarantee.DNSFromMember,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(1), workload.Parallel())
		asker := ns.StartAsker(ctx)
		zone := ns.Zone(ctx, asker)
		set.AwaitReady(ctx)
		// A member that is added later is to be found as the others are.
		set.Scale(ctx, 2)
		set.AwaitReplicas(ctx, 2)

		By("asking from a pod that is no member")
		set.Resolves(ctx, guarantee.DNSHeadless, asker, set.ServiceFQDN(zone), set.Addrs(0, 1))
		for n := range 2 {
			set.Resolves(ctx, guarantee.DNSPodRecord, asker, set.FQDN(n, zone), set.Addrs(n))
		}

		By("asking from a member, also by the service's short name")
		set.Resolves(ctx, guarantee.DNSFromMember, set.Pod(0), set.Service, set.Addrs(0, 1))
		for n := range 2 {
			set.Resolves(ctx, guarantee.DNSFromMember, set.Pod(0), set.FQDN(n, zone), set.Addrs(n))
		}
		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.DNSHeadless, guarantee.DNSPodRecord, guarantee.DNSFromMember))
	})

	It("follows a pod to its new address, and forgets a pod that is scaled away", Proves(
		guarantee.DNSFollows, guarantee.DNSGone,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.Parallel())
		asker := ns.StartAsker(ctx)
		zone := ns.Zone(ctx, asker)
		set.AwaitReady(ctx)
		// Whoever remembers answers remembers this one.
		set.Resolves(ctx, guarantee.DNSPodRecord, asker, set.FQDN(1, zone), set.Addrs(1))

		By("replacing a pod")
		set.Replaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		set.Resolves(ctx, guarantee.DNSFollows, asker, set.FQDN(1, zone), set.Addrs(1))
		set.Resolves(ctx, guarantee.DNSFollows, asker, set.ServiceFQDN(zone), set.Addrs(0, 1))

		By("scaling it away")
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)
		set.NotResolved(ctx, guarantee.DNSGone, asker, set.FQDN(1, zone))
		set.Resolves(ctx, guarantee.DNSGone, asker, set.ServiceFQDN(zone), set.Addrs(0))

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.DNSFollows, guarantee.DNSGone))
	})

	It("has address, service and reverse records of pods that are Ready, and none of a pod that is not", Proves(
		guarantee.DNSNotReady, guarantee.DNSSRV, guarantee.DNSReverse,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := workload.Create(ctx, ns, workload.Replicas(2), workload.Parallel(), workload.HoldReadiness())
		asker := ns.StartAsker(ctx)
		zone := ns.Zone(ctx, asker)
		set.Release(ctx, 0, 1)
		set.ListsService(ctx, guarantee.DNSSRV, asker, zone, "web", 8080, 0, 1)
		for n := range 2 {
			set.ReverseResolves(ctx, guarantee.DNSReverse, asker, zone, n)
		}

		By("making one pod not Ready")
		set.Hold(ctx, 1)
		set.Resolves(ctx, guarantee.DNSNotReady, asker, set.ServiceFQDN(zone), set.Addrs(0))
		set.NotResolved(ctx, guarantee.DNSNotReady, asker, set.FQDN(1, zone))
		set.ListsService(ctx, guarantee.DNSSRV, asker, zone, "web", 8080, 0)

		By("making the other not Ready too")
		set.Hold(ctx, 0)
		set.NXDomain(ctx, guarantee.DNSNotReady, asker, set.ServiceFQDN(zone))

		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.DNSNotReady, guarantee.DNSSRV, guarantee.DNSReverse))
	})

	It("has the pods of a service with publishNotReadyAddresses before they are Ready", Proves(
		guarantee.DNSPublishNotReady,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		publish := func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true }
		set := workload.CreateFrom(ctx, ns, fixtures.Set, publish, workload.Replicas(2), workload.Parallel(), workload.HoldReadiness())
		asker := ns.StartAsker(ctx)
		zone := ns.Zone(ctx, asker)
		for n := range 2 {
			set.Running(ctx, n)
		}

		set.Resolves(ctx, guarantee.DNSPublishNotReady, asker, set.ServiceFQDN(zone), set.Addrs(0, 1))
		for n := range 2 {
			set.Resolves(ctx, guarantee.DNSPublishNotReady, asker, set.FQDN(n, zone), set.Addrs(n))
		}
		Expect(ns.Recorded(ctx)).To(Uphold(guarantee.DNSPublishNotReady))
	})
})
