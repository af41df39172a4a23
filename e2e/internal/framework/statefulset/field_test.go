package statefulset

import (
	"testing"
	"testing/synctest"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// A field that every cluster of a version has must be kept; one whose feature gate may be off need not be.
func TestRequireField(t *testing.T) {
	webhook := &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "sets"}, Webhooks: []admissionv1.MutatingWebhook{{
		Name: "sets.example.org", Rules: []admissionv1.RuleWithOperations{{
			Operations: []admissionv1.OperationType{admissionv1.Create},
			Rule:       admissionv1.Rule{APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"statefulsets"}},
		}},
	}}}
	for name, c := range map[string]struct {
		version string
		ga      uint
		loses   bool
		others  []runtime.Object
		ends    bool            // the spec
		want    history.Outcome // "" for no check
	}{
		"kept":                                {version: "v1.36.3", ga: 31},
		"lost, though generally available":    {version: "v1.36.3", ga: 31, loses: true, ends: true, want: history.Failed},
		"lost, before that":                   {version: "v1.30.1", ga: 31, loses: true, ends: true},
		"lost, behind a feature gate":         {version: "v1.36.3", loses: true, ends: true},
		"lost, with a webhook that may do it": {version: "v1.36.3", ga: 31, loses: true, others: []runtime.Object{webhook}, ends: true, want: history.Inconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ns := testNamespace(t, c.others...)
				ns.Version = c.version
				ns.Client.(*fake.Clientset).PrependReactor("create", "statefulsets", func(a clienttesting.Action) (bool, runtime.Object, error) {
					set := a.(clienttesting.CreateAction).GetObject().(*appsv1.StatefulSet)
					if c.loses {
						set.Spec.Ordinals = nil
					}
					return true, set, nil
				})
				ended := func() (ended bool) {
					defer func() { ended = recover() != nil }() // so that Ginkgo ends a spec
					RequireField(t.Context(), ns, Field{Name: "spec.ordinals", GA: c.ga, Set: Start(2), Kept: func(s *appsv1.StatefulSet) bool { return s.Spec.Ordinals != nil }})
					return false
				}()
				var found history.Outcome
				for _, check := range ns.History().Checks {
					found = check.Outcome
				}
				if ended != c.ends || found != c.want {
					t.Errorf("expected the spec to end %t with the check %q, found %t and %q", c.ends, c.want, ended, found)
				}
			})
		})
	}
}
