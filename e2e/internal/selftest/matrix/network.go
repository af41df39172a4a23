package matrix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/apiproxy"
)

// network returns clusters with other datastores, DNS, proxies and policies of the network.
func network() []Variant {
	sqlite := append(service("kine.service", false), mount{at: "/usr/local/bin/kine", from: kineProgram})
	services := append(service("services.service", true), mount{at: "/usr/local/bin/services.sh", from: "services.sh", workers: true})
	return []Variant{
		{
			Name: "sqlite", Summary: "the API server's objects are in SQLite (kine), the zone is db.example.internal, nothing tells the kubelets' configuration, and the Corefile imports files, as with k3s",
			Config: read("sqlite.yaml"), mounts: sqlite, prepare: likeK3s,
		},
		{Name: "node-dns", Summary: "a cache on each node stands before the cluster's DNS", Config: read("node-dns.yaml"), prepare: cacheDNS},
		{Name: "no-kube-proxy", Summary: "another program than kube-proxy stands for the services' addresses", Config: read("no-kube-proxy.yaml"), mounts: services},
		{Name: "distant", Summary: "the API server answers 200 ms later, serves one request of the suite at a time, and answers some with 429", prepare: distant},
		{Name: "egress", Summary: "each namespace gets a NetworkPolicy that denies all egress but to port 53, and pods have no other", prepare: denyEgress(true)},
		{Name: "egress-refused", Summary: "each namespace gets a NetworkPolicy that denies all egress, and pods have none", prepare: denyEgress(false), Refused: "DNS"},
	}
}

// further is how much later than here a distant API server answers.
const further = 200 * time.Millisecond

// distant has the suite reach the API server over a long way, as an account that it throttles.
func distant(ctx context.Context, on *On) error {
	if err := createAll("throttled.yaml")(ctx, on); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return err
	}
	way := &apiproxy.Proxy{User: "throttled", Groups: []string{"system:authenticated"}, Answer: func(r *http.Request, answer io.ReadCloser) io.ReadCloser {
		_ = pause(r.Context(), further) // a request that is given up needs no answer
		return answer
	}}
	on.Settings.Kubeconfig, err = way.Start(ctx, on.Settings.Kubeconfig, dir)
	context.AfterFunc(ctx, func() { _ = errors.Join(way.Close(), os.RemoveAll(dir)) })
	return err
}

// kubeSystem has what the cluster's DNS consists of.
const kubeSystem = metav1.NamespaceSystem

// likeK3s takes from a cluster what only kubeadm leaves there.
func likeK3s(ctx context.Context, on *On) error {
	if err := on.client.CoreV1().ConfigMaps(kubeSystem).Delete(ctx, "kubelet-config", metav1.DeleteOptions{}); err != nil {
		return err
	}
	dns, err := on.client.CoreV1().ConfigMaps(kubeSystem).Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil {
		return err
	}
	block, _, found := strings.Cut(dns.Data["Corefile"], "\n")
	if !found || !strings.HasSuffix(block, "{") {
		return fmt.Errorf("expected a Corefile that begins with a block, found %q", dns.Data["Corefile"])
	}
	dns.Data["Corefile"] = strings.Replace(dns.Data["Corefile"], block, block+"\n    import /etc/coredns/custom/*.override", 1) + "import /etc/coredns/custom/*.server\n"
	_, err = on.client.CoreV1().ConfigMaps(kubeSystem).Update(ctx, dns, metav1.UpdateOptions{})
	return err
}

// cacheDNS runs the cluster's own CoreDNS on each node a second time, as a cache.
func cacheDNS(ctx context.Context, on *On) error {
	dns, err := on.client.AppsV1().Deployments(kubeSystem).Get(ctx, "coredns", metav1.GetOptions{})
	if err != nil {
		return err
	}
	all, err := objects("node-dns-cache.yaml")
	if err != nil {
		return err
	}
	for _, o := range all {
		if set, is := o.(*appsv1.DaemonSet); is {
			set.Spec.Template.Spec.Containers[0].Image = dns.Spec.Template.Spec.Containers[0].Image
		}
	}
	return on.create(ctx, all)
}

// denyEgress drops what pods send, but to DNS where that is excepted, and to the API server, which no policy of the suite's namespaces can deny the rest of the
// cluster. The pod network enforces no policies, so the nodes drop the packets, and each of the suite's namespaces gets the policy that would have them do so.
func denyEgress(exceptDNS bool) func(context.Context, *On) error {
	const control = "6443"
	ports := []string{control}
	if exceptDNS {
		ports = append(ports, "53")
	}
	script := []string{"set -e", "iptables -w -N egress", "iptables -w -I FORWARD -i veth+ -m conntrack --ctstate NEW -j egress"}
	for _, port := range ports {
		for _, protocol := range []string{"tcp", "udp"} {
			script = append(script, fmt.Sprintf("iptables -w -A egress -p %s --dport %s -j RETURN", protocol, port))
		}
	}
	script = append(script, "iptables -w -A egress -j DROP")
	policy := networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}}
	if exceptDNS {
		port := new(intstr.FromInt32(53))
		policy.Egress = []networkingv1.NetworkPolicyEgressRule{{Ports: []networkingv1.NetworkPolicyPort{
			{Protocol: new(corev1.ProtocolUDP), Port: port}, {Protocol: new(corev1.ProtocolTCP), Port: port},
		}}}
	}
	return func(ctx context.Context, on *On) error {
		if err := on.sh(ctx, strings.Join(script, "; ")); err != nil {
			return err
		}
		return inNamespaces(ctx, on, func(ctx context.Context, namespace string) error {
			_, err := on.client.NetworkingV1().NetworkPolicies(namespace).Create(ctx, &networkingv1.NetworkPolicy{
				ObjectMeta: metav1.ObjectMeta{Name: "egress"}, Spec: policy,
			}, metav1.CreateOptions{})
			return err
		})
	}
}

// inNamespaces has something made in each new namespace of the suite, as policies that generate objects do, until ctx ends.
func inNamespaces(ctx context.Context, on *On, generate func(ctx context.Context, namespace string) error) error {
	factory := informers.NewSharedInformerFactoryWithOptions(on.client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.LabelSelector = runconfig.ManagedByLabel + "=" + runconfig.ManagedBy
	}))
	_, err := factory.Core().V1().Namespaces().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: func(o any) {
		namespace := o.(*corev1.Namespace).Name
		if err := generate(ctx, namespace); err != nil && ctx.Err() == nil {
			fmt.Fprintf(on.Progress, "namespace %s got nothing: %v\n", namespace, err)
		}
	}})
	if err != nil {
		return err
	}
	// The watch ends with its API server.
	factory.StartWithContext(klog.NewContext(ctx, logr.Discard()))
	factory.WaitForCacheSyncWithContext(ctx)
	return nil
}
