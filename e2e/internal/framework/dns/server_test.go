package dns

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
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

// A name that is not right in time accuses only a DNS server that has taken notice of something else meanwhile.
func TestLateNamesAccuseAServerThatFollows(t *testing.T) {
	gomega.RegisterFailHandler(func(message string, _ ...int) { t.Fatal(message) })
	const removed = "set-0.set.sts-1.svc.cluster.local."
	for name, c := range map[string]struct {
		known string // that the server answers for, beside what it should have forgotten
		want  history.Outcome
	}{
		"the server answers for a new service": {"probe.sts-1.svc.cluster.local.", history.Failed},
		"the server answers for nothing new":   {"kubernetes.default.svc.cluster.local.", history.Inconclusive},
	} {
		client := clientOf(reply, nil)
		server := client.set.NS.Client.(*fake.Clientset)
		server.PrependReactor("create", "services", func(a clienttesting.Action) (bool, runtime.Object, error) {
			a.(clienttesting.CreateAction).GetObject().(*corev1.Service).Spec.ClusterIP = "10.96.0.1"
			return false, nil, nil
		})
		var err error
		if client.set.NS.Recorder, err = recorder.Start(t.Context(), server, history.Header{Namespace: "sts-1"}); err != nil {
			t.Fatal(err)
		}
		client.set.Name = "set"
		client.set.NS.Settings.Limits.DNSFollows = 100 * time.Millisecond
		client.run = func(_ context.Context, command ...string) (string, error) {
			for _, word := range command {
				if word == c.known || word == removed {
					return strings.Repeat(strings.ReplaceAll(reply, "kubernetes.default.svc.cluster.local", strings.TrimSuffix(word, "."))+ends, queriesInARow), nil
				}
			}
			return strings.Repeat(strings.Split(reply, "Name:")[0]+"** server can't find it: NXDOMAIN\n\n"+ends, queriesInARow), nil
		}
		client.VerifyNoAddress(t.Context(), contract.DNSGone, removed)
		checks := client.set.NS.History().Checks
		if len(checks) != 1 || checks[0].Outcome != c.want || checks[0].Set != "set" {
			t.Errorf("%s: expected %s of the set, found %+v", name, c.want, checks)
		}
	}
}
