package specs

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

var _ = Describe("DNS", func() {
	It("answers with a set's ready pods for its service, and with each pod for its own name, whoever asks", Proves(
		contract.DNSHeadless, contract.DNSPodRecord, contract.DNSFromMember, contract.DNSCaseInsensitive,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(1), statefulset.Parallel())
		client := dns.StartClient(ctx, set)
		set.AwaitReady(ctx)
		// A member that is added later is to be found as the others are.
		set.Scale(ctx, 2)
		set.AwaitReplicas(ctx, 2)

		By("asking from a pod that is no member")
		client.VerifyResolves(ctx, contract.DNSHeadless, client.ServiceFQDN(), set.Addrs(0, 1))
		for n := range 2 {
			client.VerifyResolves(ctx, contract.DNSPodRecord, client.FQDN(n), set.Addrs(n))
		}
		client.VerifyResolves(ctx, contract.DNSCaseInsensitive, strings.ToUpper(client.FQDN(1)), set.Addrs(1))

		By("asking from a member, also by the service's short name")
		client.In(set.Pod(0)).VerifyResolves(ctx, contract.DNSFromMember, set.Service, set.Addrs(0, 1))
		for n := range 2 {
			client.In(set.Pod(0)).VerifyResolves(ctx, contract.DNSFromMember, client.FQDN(n), set.Addrs(n))
		}
	})

	It("follows a pod to its new address, and forgets a pod that is scaled away", Proves(
		contract.DNSFollows, contract.DNSGone, contract.DNSOnePodService,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Parallel())
		set.CreateServiceFor(ctx, "by-name", appsv1.StatefulSetPodNameLabel, set.Pod(1))
		set.CreateServiceFor(ctx, "by-index", appsv1.PodIndexLabel, "0")
		client := dns.StartClient(ctx, set)
		set.AwaitReady(ctx)
		// Whoever remembers answers remembers this one.
		client.VerifyResolves(ctx, contract.DNSPodRecord, client.FQDN(1), set.Addrs(1))
		byName, byIndex := client.Of("by-name"), client.Of("by-index")
		byName.VerifyResolves(ctx, contract.DNSOnePodService, byName.ServiceFQDN(), set.Addrs(1))
		byIndex.VerifyResolves(ctx, contract.DNSOnePodService, byIndex.ServiceFQDN(), set.Addrs(0))

		By("replacing a pod")
		set.AwaitReplaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		client.VerifyResolves(ctx, contract.DNSFollows, client.FQDN(1), set.Addrs(1))
		client.VerifyResolves(ctx, contract.DNSFollows, client.ServiceFQDN(), set.Addrs(0, 1))
		byName.VerifyResolves(ctx, contract.DNSOnePodService, byName.ServiceFQDN(), set.Addrs(1))

		By("scaling it away")
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)
		client.VerifyNoAddress(ctx, contract.DNSGone, client.FQDN(1))
		client.VerifyResolves(ctx, contract.DNSGone, client.ServiceFQDN(), set.Addrs(0))
	})

	It("has address, service and reverse records of pods that are Ready, and none of a pod that is not", Proves(
		contract.DNSNotReady, contract.DNSSRV, contract.DNSReverse, contract.DNSHeadless, contract.DNSPodRecord,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(2), statefulset.Parallel(), statefulset.HoldReadiness())
		client := dns.StartClient(ctx, set)
		set.Release(ctx, 0, 1)
		client.VerifySRV(ctx, contract.DNSSRV, "web", 8080, 0, 1)
		for n := range 2 {
			client.VerifyReverse(ctx, contract.DNSReverse, n)
		}

		By("making one pod not Ready")
		set.Hold(ctx, 1)
		client.VerifyResolves(ctx, contract.DNSNotReady, client.ServiceFQDN(), set.Addrs(0))
		client.VerifyNoAddress(ctx, contract.DNSNotReady, client.FQDN(1))
		client.VerifySRV(ctx, contract.DNSSRV, "web", 8080, 0)

		By("making it Ready again")
		set.Release(ctx, 1)
		client.VerifyResolves(ctx, contract.DNSHeadless, client.ServiceFQDN(), set.Addrs(0, 1))
		client.VerifyResolves(ctx, contract.DNSPodRecord, client.FQDN(1), set.Addrs(1))

		By("making both not Ready")
		set.Hold(ctx, 1)
		set.Hold(ctx, 0)
		client.VerifyNXDomain(ctx, contract.DNSNotReady, client.ServiceFQDN())
	})

	It("has the pods of a service with publishNotReadyAddresses before they are Ready", Proves(
		contract.DNSPublishNotReady,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.CreateFrom(ctx, ns, fixtures.Set, statefulset.PublishNotReady, statefulset.Replicas(2), statefulset.Parallel(), statefulset.HoldReadiness())
		client := dns.StartClient(ctx, set)
		for n := range 2 {
			set.AwaitRunning(ctx, n)
		}

		client.VerifyResolves(ctx, contract.DNSPublishNotReady, client.ServiceFQDN(), set.Addrs(0, 1))
		for n := range 2 {
			client.VerifyResolves(ctx, contract.DNSPublishNotReady, client.FQDN(n), set.Addrs(n))
		}
	})
})
