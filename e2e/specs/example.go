package specs

import (
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

var _ = Describe("The lesson's example", func() {
	It("keeps names, order, DNS and data of web-statefulset through the whole exercise", longest, Proves(
		// Not ordering/scale-up, which is judged here as everywhere: one pod that starts as fast as it can shows it only where the controller reacts faster.
		contract.OrderingCreate, contract.OrderingScaleDown,
		contract.DNSHeadless, contract.DNSPodRecord, contract.DNSFromMember, contract.DNSFollows, contract.DNSGone,
		contract.IdentityHostname, contract.IdentitySticky,
		contract.StorageClaimPerPod, contract.StorageClaimLabels, contract.StorageOwnData,
		contract.StorageDataSurvives, contract.StorageScaleKeeps, contract.StorageDeleteKeeps,
	), func(ctx SpecContext) {
		ns := RecordUnder(ctx, framework.Baseline)

		By("applying the manifest: pods -0, -1, -2, one after another")
		set := statefulset.CreateFrom(ctx, ns, fixtures.Example, nil)
		client := dns.StartClient(ctx, set)
		set.AwaitReady(ctx)
		Expect(set.Headless()).To(BeTrue(), "service %s must have no cluster IP (spec.clusterIP: None)", set.Service)

		By("asking for the service and for each pod by name, from outside and from inside the set")
		everyone := set.Addrs(0, 1, 2)
		client.VerifyResolves(ctx, contract.DNSHeadless, client.ServiceFQDN(), everyone)
		client.In(set.Pod(1)).VerifyResolves(ctx, contract.DNSFromMember, set.Service, everyone)
		for n := range 3 {
			client.VerifyResolves(ctx, contract.DNSPodRecord, client.FQDN(n), set.Addrs(n))
			client.In(set.Pod((n+1)%3)).VerifyResolves(ctx, contract.DNSFromMember, client.FQDN(n), set.Addrs(n))
			set.VerifyHostname(ctx, contract.IdentityHostname, n)
		}

		By("finding three claims by their label, each bound to a volume of its own")
		set.VerifyClaimsByLabel(ctx, contract.StorageClaimLabels, "www-storage", 0, 1, 2)
		before := set.AwaitClaims(ctx, "www-storage", 0, 1, 2)

		By("writing into each pod's volume what only that pod may read")
		for n := range 3 {
			set.WriteFile(ctx, n, page, fmt.Sprintf("I am %s", set.Pod(n)))
		}
		for n := range 3 {
			set.VerifyFile(ctx, contract.StorageOwnData, n, page, fmt.Sprintf("I am %s", set.Pod(n)))
		}

		By("deleting -1: it comes back under its name, with its claim and data, and DNS moves to its new address")
		set.AwaitReplaced(ctx, 1, ns.DeletePod(ctx, set.Pod(1)))
		set.AwaitReady(ctx)
		ns.VerifyKept(ctx, contract.StorageDataSurvives, before...)
		set.VerifyFile(ctx, contract.StorageDataSurvives, 1, page, "I am "+set.Pod(1))
		set.VerifyHostname(ctx, contract.IdentitySticky, 1)
		client.VerifyResolves(ctx, contract.DNSFollows, client.FQDN(1), set.Addrs(1))
		client.VerifyResolves(ctx, contract.DNSFollows, client.ServiceFQDN(), set.Addrs(0, 1, 2))

		By("scaling to 1: -2 ends completely before -1 starts to go, -0 and all three claims stay")
		first := ns.Pod(set.Pod(0)).UID
		set.Scale(ctx, 1)
		set.AwaitReplicas(ctx, 1)
		Expect(ns.Pod(set.Pod(0)).UID).To(Equal(first), "pod %s must stay, but it was replaced", set.Pod(0))
		set.VerifyClaimsByLabel(ctx, contract.StorageScaleKeeps, "www-storage", 0, 1, 2)
		for n := 1; n <= 2; n++ {
			client.VerifyNoAddress(ctx, contract.DNSGone, client.FQDN(n))
		}

		By("scaling to 3 again: the same claims, volumes and data come back")
		set.Scale(ctx, 3)
		set.AwaitReplicas(ctx, 3)
		ns.VerifyKept(ctx, contract.StorageScaleKeeps, before...)
		for n := range 3 {
			set.VerifyFile(ctx, contract.StorageScaleKeeps, n, page, fmt.Sprintf("I am %s", set.Pod(n)))
		}

		By("cleaning up as the lesson says: set and service first, claims last, nothing left")
		set.Delete(ctx, metav1.DeletePropagationBackground)
		set.AwaitNoPods(ctx)
		set.VerifyClaimsByLabel(ctx, contract.StorageDeleteKeeps, "www-storage", 0, 1, 2)
		set.DeleteService(ctx)
		set.DeleteClaims(ctx, "www-storage", 0, 1, 2)
		set.AwaitNothingLeft(ctx)
	})
})

// page is where nginx serves from, on the claim of each pod.
const page = "/usr/share/nginx/html/index.html"
