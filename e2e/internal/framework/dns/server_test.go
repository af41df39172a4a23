package dns

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
)

const (
	reply   = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\nName:\tkubernetes.default.svc.cluster.local\nAddress: 10.96.0.1\n\n"
	timeout = ";; connection timed out; no servers could be reached\n\n"
	ends    = "-- end of answer --\n"
)

// clientOf returns a client in whose pod every name but the control name times out, and the control name is answered with control.
func clientOf(control string, failed error) Client {
	deny := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "deny-all", Namespace: "sts-1"}}
	deny.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}
	ns := &framework.Namespace{Cluster: &framework.Cluster{Client: fake.NewClientset(deny)}, Name: "sts-1"}
	return Client{set: &statefulset.Set{NS: ns}, pod: "dns-client", zone: "cluster.local", server: &server{}, run: func(_ context.Context, command ...string) (string, error) {
		if !slices.Contains(command, nslookup.ControlName("cluster.local")) {
			return strings.Repeat(timeout+ends, queriesInARow), nil
		}
		return control + ends, failed
	}}
}

// A lookup that no server answers is the name's fault only where a server answers the same pod otherwise.
func TestNoAnswerAccusesOnlyIfTheServerAnswersOtherwise(t *testing.T) {
	for name, c := range map[string]struct {
		control      string
		failed       error
		inconclusive bool
		says         string
	}{
		"the server answers the control": {control: reply, says: "although one answered pod dns-client at once when asked for kubernetes.default.svc.cluster.local."},
		"egress is denied":               {control: timeout, inconclusive: true, says: "NetworkPolicies that deny egress (in namespace sts-1 there is deny-all)"},
		"nobody knows":                   {failed: errors.New("connection reset"), inconclusive: true, says: "connection reset"},
	} {
		client := clientOf(c.control, c.failed)
		err := client.lookup(t.Context(), "a", "set-0.set.sts-1.svc.cluster.local.", func(nslookup.Answer) error { return nil })
		if err == nil || framework.IsInconclusive(err) != c.inconclusive || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: expected inconclusive %t with %q, found %v", name, c.inconclusive, c.says, err)
		}
	}
}

// Once no server answered, a spec does not wait for each further name as long.
func TestSilentServerIsAwaitedByTheControlName(t *testing.T) {
	client := clientOf(timeout, nil)
	client.server.silent = true
	if err := client.await(t.Context()); err == nil || !framework.IsInconclusive(err) || !client.server.silent {
		t.Errorf("expected it to stay silent, found %v", err)
	}
	client = clientOf(reply, nil)
	client.server.silent = true
	if err := client.await(t.Context()); err != nil || client.server.silent {
		t.Errorf("expected it to answer again, found %v", err)
	}
}
