package dns

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
)

// lister is the endpoint slice controller. A pod that has yet to become Ready, or to go, is for others.
func (c Client) lister() framework.Controller {
	controller := c.set.NS.EndpointSlices()
	controller.Busy = c.set.NS.PodInFlight
	return controller
}

// follower is the DNS server: it has taken notice of what is new where it answers for the name of a new service, with its cluster IP.
func (c Client) follower() framework.Controller {
	return framework.Controller{Name: "the DNS server", Busy: func() string { return "" }, Sign: func(ctx context.Context) error {
		service, err := c.set.NS.CreateProbeService(ctx)
		if err != nil {
			return err
		}
		return c.poll(ctx, func() error { return c.knows(ctx, service) })
	}}
}

// knows returns an error where the DNS server does not answer for a service with its cluster IP.
func (c Client) knows(ctx context.Context, service *corev1.Service) error {
	want, err := netip.ParseAddr(service.Spec.ClusterIP)
	if err != nil {
		return err
	}
	record := "a"
	if want.Is6() {
		record = "aaaa"
	}
	return c.lookup(ctx, record, fmt.Sprintf("%s.%s.svc.%s.", service.Name, c.set.NS.Name, c.zone), func(answer nslookup.Answer) error {
		if got := answer.Addrs(); !slices.Contains(got, want) {
			return fmt.Errorf("expected the cluster IP %s of service %s, found %v", want, service.Name, got)
		}
		return nil
	})
}
