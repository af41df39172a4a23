package specs

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

var _ = Describe("DNS", func() {
	It("answers with a set's ready pods for its service, and with each pod for its own name, whoever asks", Proves(
		contract.DNSHeadless, contract.DNSPodRecord, contract.DNSFromMember,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(1), framework.Parallel())
		asker := ns.StartAsker(ctx)
		zone := ns.Zone(ctx, asker)
		set.AwaitReady(ctx)
		// A member that is added later is to be found as the others are.
		set.Scale(ctx, 2)
		set.AwaitReplicas(ctx, 2)

		By("asking from a pod that is no member")
		set.Resolves(ctx, contract.DNSHeadless, asker, set.ServiceFQDN(zone), set.Addrs(0, 1))
		for n := range 2 {
			set.Resolves(ctx, contract.DNSPodRecord, asker, set.FQDN(n, zone), set.Addrs(n))
		}

		By("asking from a member, also by the service's short name")
		set.Resolves(ctx, contract.DNSFromMember, set.Pod(0), set.Service, set.Addrs(0, 1))
		for n := range 2 {
			set.Resolves(ctx, contract.DNSFromMember, set.Pod(0), set.FQDN(n, zone), set.Addrs(n))
		}
		Expect(ns.Recorded(ctx)).To(Uphold(contract.DNSHeadless, contract.DNSPodRecord, contract.DNSFromMember))
	})

	It("follows a pod to its new address, and forgets a pod that is scaled away", Proves(
		contract.DNSFollows, contract.DNSGone,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Parallel())
		asker := ns.StartAsker(ctx)
		zone := ns.Zone(ctx, asker)
		set.AwaitReady(ctx)
		// Whoever remembers answers remembers this one.
		set.Resolves(ctx, contract.DNSPodRecord, asker, set.FQDN(1, zone), set.Addrs(1))

		By("replacing a pod")
		set.Replaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		set.Resolves(ctx, contract.DNSFollows, asker, set.FQDN(1, zone), set.Addrs(1))
		set.Resolves(ctx, contract.DNSFollows, asker, set.ServiceFQDN(zone), set.Addrs(0, 1))

		By("scaling it away")
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)
		set.NotResolved(ctx, contract.DNSGone, asker, set.FQDN(1, zone))
		set.Resolves(ctx, contract.DNSGone, asker, set.ServiceFQDN(zone), set.Addrs(0))

		Expect(ns.Recorded(ctx)).To(Uphold(contract.DNSFollows, contract.DNSGone))
	})

	It("has address, service and reverse records of pods that are Ready, and none of a pod that is not", Proves(
		contract.DNSNotReady, contract.DNSSRV, contract.DNSReverse,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := framework.Create(ctx, ns, framework.Replicas(2), framework.Parallel(), framework.HoldReadiness())
		asker := ns.StartAsker(ctx)
		zone := ns.Zone(ctx, asker)
		set.Release(ctx, 0, 1)
		set.ListsService(ctx, contract.DNSSRV, asker, zone, "web", 8080, 0, 1)
		for n := range 2 {
			set.ReverseResolves(ctx, contract.DNSReverse, asker, zone, n)
		}

		By("making one pod not Ready")
		set.Hold(ctx, 1)
		set.Resolves(ctx, contract.DNSNotReady, asker, set.ServiceFQDN(zone), set.Addrs(0))
		set.NotResolved(ctx, contract.DNSNotReady, asker, set.FQDN(1, zone))
		set.ListsService(ctx, contract.DNSSRV, asker, zone, "web", 8080, 0)

		By("making the other not Ready too")
		set.Hold(ctx, 0)
		set.NXDomain(ctx, contract.DNSNotReady, asker, set.ServiceFQDN(zone))

		Expect(ns.Recorded(ctx)).To(Uphold(contract.DNSNotReady, contract.DNSSRV, contract.DNSReverse))
	})

	It("has the pods of a service with publishNotReadyAddresses before they are Ready", Proves(
		contract.DNSPublishNotReady,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		publish := func(s *corev1.Service) { s.Spec.PublishNotReadyAddresses = true }
		set := framework.CreateFrom(ctx, ns, fixtures.Set, publish, framework.Replicas(2), framework.Parallel(), framework.HoldReadiness())
		asker := ns.StartAsker(ctx)
		zone := ns.Zone(ctx, asker)
		for n := range 2 {
			set.Running(ctx, n)
		}

		set.Resolves(ctx, contract.DNSPublishNotReady, asker, set.ServiceFQDN(zone), set.Addrs(0, 1))
		for n := range 2 {
			set.Resolves(ctx, contract.DNSPublishNotReady, asker, set.FQDN(n, zone), set.Addrs(n))
		}
		Expect(ns.Recorded(ctx)).To(Uphold(contract.DNSPublishNotReady))
	})
})
