package dns

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
)

// TestQuestions: what DNS was asked for is kept with the check where it says when a pod's name became right.
func TestQuestions(t *testing.T) {
	addr := netip.MustParseAddr("10.0.0.1")
	wrong, open := errors.New("wrong"), framework.Inconclusive(errors.New("nobody knows"))
	for name, c := range map[string]struct {
		name      string
		published bool
		answers   []error
		end       error
		want      *history.Lookup
	}{
		"right at once":                     {name: "set-0.set.sts-1.svc.cluster.local.", answers: []error{nil}, want: &history.Lookup{Host: "set-0", Addrs: []string{"10.0.0.1"}, Queried: time.Second}},
		"wrong at first":                    {name: "set-0.set.sts-1.svc.cluster.local.", answers: []error{wrong, nil}, want: &history.Lookup{Host: "set-0", Addrs: []string{"10.0.0.1"}, Queried: time.Second, Awaited: true}},
		"right, then wrong, then right":     {name: "set-0.set.sts-1.svc.cluster.local.", answers: []error{nil, wrong, nil}, want: &history.Lookup{Host: "set-0", Addrs: []string{"10.0.0.1"}, Queried: time.Second}},
		"not known at first":                {name: "set-0.set.sts-1.svc.cluster.local.", answers: []error{open, nil}, want: &history.Lookup{Host: "set-0", Addrs: []string{"10.0.0.1"}, Queried: time.Second}},
		"wrong in the end":                  {name: "set-0.set.sts-1.svc.cluster.local.", answers: []error{wrong}, end: wrong},
		"never asked":                       {name: "set-0.set.sts-1.svc.cluster.local."},
		"the service's own name":            {name: "set.sts-1.svc.cluster.local.", answers: []error{nil}},
		"of pods before they are Ready":     {name: "set-0.set.sts-1.svc.cluster.local.", published: true, answers: []error{nil}},
		"a pod of another service, by name": {name: "set-0.other.sts-1.svc.cluster.local.", answers: []error{nil}},
	} {
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "set", Namespace: "sts-1", UID: "uid"}}
		service.Spec.PublishNotReadyAddresses = c.published
		client := clientOf(reply, nil)
		r, err := recorder.Start(t.Context(), fake.NewClientset(service), history.Header{Namespace: "sts-1"})
		if err != nil {
			t.Fatal(err)
		}
		client.set = &statefulset.Set{NS: &framework.Namespace{Recorder: r}, Name: "set", Service: "set"}
		q := client.questionFor(c.name, []netip.Addr{addr})
		now := time.Duration(0)
		if q != nil {
			q.now = func() time.Duration { now += time.Second; return now }
		}
		n := 0
		lookup := q.noting(func() error { n++; return c.answers[n-1] })
		for range c.answers {
			_ = lookup()
		}
		if diff := cmp.Diff(c.want, q.queried(c.end)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
