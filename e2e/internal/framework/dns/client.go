package dns

import (
	"context"
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

const (
	// retryDelay is the pause between two queries while an answer is not yet right. A query itself takes longer.
	retryDelay = 50 * time.Millisecond
	// queriesInARow is how often in a row an answer must be right.
	queriesInARow = 3
)

// Client is a pod in which nslookup is run, to look up the names of a set.
type Client struct {
	set  *statefulset.Set
	pod  string
	zone string        // the cluster's DNS zone, such as cluster.local
	run  nslookup.Exec // in the pod
	// server is shared by the clients of a spec.
	server *server
}

// StartClient starts a pod that belongs to no set, waits until it is Ready and finds the cluster's DNS zone in it.
func StartClient(ctx context.Context, set *statefulset.Set) Client {
	GinkgoHelper()
	ns := set.NS
	var name string
	for _, obj := range ns.Decode(ctx, fixtures.DNSClient) {
		name = obj.GetName()
		ns.CreatePod(ctx, obj.(*corev1.Pod))
	}
	ns.Expect(ctx, ns.Settings.Limits.PodReady, "pod "+name+" to be Ready", framework.PodReady(name))
	c := Client{set: set, zone: zone(ctx, ns, name), server: &server{}}.In(name)
	c.expectServer(ctx)
	return c
}

// In returns a client that looks up the same names from another pod.
func (c Client) In(pod string) Client {
	c.pod = pod
	c.run = func(ctx context.Context, command ...string) (string, error) {
		return c.set.NS.Exec(ctx, pod, command...)
	}
	return c
}

// Of returns a client that looks up the names of another service, which selects pods of the set too.
func (c Client) Of(service string) Client {
	other := *c.set
	other.Service = service
	c.set = &other
	return c
}

// About returns a client that looks up the names of another set.
func (c Client) About(set *statefulset.Set) Client {
	c.set = set
	return c
}

// zone returns the cluster's DNS zone, which is part of a search domain "<namespace>.svc.<zone>" in the pod's resolver configuration.
func zone(ctx context.Context, ns *framework.Namespace, pod string) string {
	GinkgoHelper()
	conf, err := ns.Exec(ctx, pod, "cat", "/etc/resolv.conf")
	Expect(err).NotTo(HaveOccurred())
	if zone, found := nslookup.Zone(conf, ns.Name); found {
		ns.FoundZone(zone)
		return zone
	}
	Fail(fmt.Sprintf("expected a search domain %s.svc.<zone> in /etc/resolv.conf of pod %s, found %q: the pod's dnsPolicy or the kubelet's clusterDomain is not as Kubernetes sets them", ns.Name, pod, conf))
	return ""
}

// FQDN returns the full name of a pod of the set, with the final dot that keeps resolvers from trying search domains.
func (c Client) FQDN(ordinal int) string { return c.set.Pod(ordinal) + "." + c.ServiceFQDN() }

// ServiceFQDN returns the full name of the set's service.
func (c Client) ServiceFQDN() string {
	return fmt.Sprintf("%s.%s.svc.%s.", c.set.Service, c.set.NS.Name, c.zone)
}

// poll runs a lookup again until it returns no error or the DNS limit has passed, and returns its last error. It returns sooner where no server
// answers, if none did at the end of an earlier wait.
func (c Client) poll(ctx context.Context, lookup func() error) error {
	limit := c.set.NS.Settings.Limits.DNSFollows
	began := c.set.NS.Now()
	var last error
	err := wait.PollUntilContextCancel(ctx, retryDelay, true, func(ctx context.Context) (bool, error) {
		if last = c.await(ctx); last == nil {
			last = lookup()
		}
		return last == nil || c.server.silent || c.set.NS.Now()-began > limit, nil
	})
	switch {
	case err != nil:
		return context.Cause(ctx)
	case last != nil:
		_, c.server.silent = errors.AsType[*silentError](last)
		return fmt.Errorf("not within %v: %w", (c.set.NS.Now() - began).Round(time.Second), last)
	}
	return nil
}

// lookup runs nslookup in the pod for one name and one record type, and returns the first error of right. Each of several answers in a row
// must be right, since several DNS servers may answer in turn.
func (c Client) lookup(ctx context.Context, record, name string, right func(nslookup.Answer) error) error {
	answers, err := nslookup.Query(ctx, c.run, queriesInARow, record, name)
	switch {
	case errors.Is(err, nslookup.ErrNoServer):
		return c.unanswered(ctx, err)
	case err != nil:
		return framework.Inconclusive(err)
	}
	for i, answer := range answers {
		if err := right(answer); err != nil {
			return fmt.Errorf("answer %d of %d: %w", i+1, queriesInARow, err)
		}
	}
	return nil
}
