package framework

import (
	"errors"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	admissionv1alpha1 "k8s.io/api/admissionregistration/v1alpha1"
	admissionv1beta1 "k8s.io/api/admissionregistration/v1beta1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

func ruleOn(group, resource string, operation admissionv1.OperationType) admissionv1.RuleWithOperations {
	return admissionv1.RuleWithOperations{
		Operations: []admissionv1.OperationType{operation},
		Rule:       admissionv1.Rule{APIGroups: []string{group}, APIVersions: []string{"v1"}, Resources: []string{resource}},
	}
}

func webhook(selector *metav1.LabelSelector, rules ...admissionv1.RuleWithOperations) runtime.Object {
	return &admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "defaults"}, Webhooks: []admissionv1.MutatingWebhook{{Name: "sets.example.org", Rules: rules, NamespaceSelector: selector}},
	}
}

func mutatingPolicy(rules ...admissionv1.RuleWithOperations) runtime.Object {
	p := &admissionv1.MutatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "fill-in"}, Spec: admissionv1.MutatingAdmissionPolicySpec{MatchConstraints: &admissionv1.MatchResources{}}}
	for _, r := range rules {
		p.Spec.MatchConstraints.ResourceRules = append(p.Spec.MatchConstraints.ResourceRules, admissionv1.NamedRuleWithOperations{RuleWithOperations: r})
	}
	return p
}

// What the API server made of a set is its own doing, unless something that changes sets on their way is installed, or may be.
func TestUnlessMutated(t *testing.T) {
	ours := &metav1.LabelSelector{MatchLabels: map[string]string{"team": "a"}}
	others := &metav1.LabelSelector{MatchLabels: map[string]string{"team": "b"}}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "mutatingadmissionpolicies"}, "", errors.New("no"))
	notServed := apierrors.NewNotFound(schema.GroupResource{Resource: "mutatingadmissionpolicies"}, "")
	for name, c := range map[string]struct {
		object runtime.Object
		answer error  // to a list of policies
		says   string // "" where the API server is accused
	}{
		"nothing installed":                         {},
		"policies are not served":                   {answer: notServed},
		"policies may not be read":                  {answer: forbidden, says: "which there are could not be read"},
		"a webhook for sets":                        {object: webhook(nil, ruleOn("apps", "statefulsets", admissionv1.Create)), says: "the webhook sets.example.org of MutatingWebhookConfiguration defaults may have"},
		"a webhook for everything":                  {object: webhook(ours, ruleOn("*", "*/*", admissionv1.OperationAll)), says: "sets.example.org"},
		"a webhook for sets of other namespaces":    {object: webhook(others, ruleOn("apps", "statefulsets", admissionv1.Create))},
		"a webhook for pods":                        {object: webhook(nil, ruleOn("", "pods", admissionv1.Create))},
		"a webhook for the deletion of sets":        {object: webhook(nil, ruleOn("apps", "statefulsets", admissionv1.Delete))},
		"a webhook for the status of sets":          {object: webhook(nil, ruleOn("apps", "statefulsets/status", admissionv1.Update))},
		"a MutatingAdmissionPolicy for sets":        {object: mutatingPolicy(ruleOn("apps", "statefulsets", admissionv1.Update)), says: "the MutatingAdmissionPolicy fill-in may have"},
		"a MutatingAdmissionPolicy for deployments": {object: mutatingPolicy(ruleOn("apps", "deployments", admissionv1.Update))},
	} {
		objects := []runtime.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "sts-1", Labels: map[string]string{"team": "a"}}}}
		if c.object != nil {
			objects = append(objects, c.object)
		}
		client := fake.NewClientset(objects...)
		if c.answer != nil {
			client.PrependReactor("list", "mutatingadmissionpolicies", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.answer })
		}
		ns := &Namespace{Cluster: &Cluster{Client: client}, Name: "sts-1"}
		err := ns.UnlessMutated(t.Context(), errors.New("expected 10, found 3"))
		if IsInconclusive(err) != (c.says != "") || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "expected 10, found 3") {
			t.Errorf("%s: expected inconclusive %t with %q, found %v", name, c.says != "", c.says, err)
		}
		if err := ns.UnlessMutated(t.Context(), nil); err != nil {
			t.Errorf("%s: expected no error of none, found %v", name, err)
		}
	}
}

// An API server that does not serve v1 of the policies may apply those of the versions before it.
func TestMutatingPoliciesOfEarlierVersions(t *testing.T) {
	rule, meta := ruleOn("apps", "statefulsets", admissionv1.Update), metav1.ObjectMeta{Name: "fill-in"}
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "mutatingadmissionpolicies"}, "", errors.New("no"))
	for version, object := range map[string]runtime.Object{
		"v1beta1": &admissionv1beta1.MutatingAdmissionPolicy{ObjectMeta: meta, Spec: admissionv1beta1.MutatingAdmissionPolicySpec{MatchConstraints: &admissionv1beta1.MatchResources{
			ResourceRules: []admissionv1beta1.NamedRuleWithOperations{{RuleWithOperations: rule}},
		}}},
		"v1alpha1": &admissionv1alpha1.MutatingAdmissionPolicy{ObjectMeta: meta, Spec: admissionv1alpha1.MutatingAdmissionPolicySpec{MatchConstraints: &admissionv1alpha1.MatchResources{
			ResourceRules: []admissionv1alpha1.NamedRuleWithOperations{{RuleWithOperations: rule}},
		}}},
	} {
		for answer, says := range map[error]string{nil: "the MutatingAdmissionPolicy fill-in may have", forbidden: "which there are could not be read"} {
			client := fake.NewClientset(object)
			client.PrependReactor("list", "mutatingadmissionpolicies", func(a clienttesting.Action) (bool, runtime.Object, error) {
				if a.GetResource().Version == version {
					return answer != nil, nil, answer
				}
				return true, nil, apierrors.NewNotFound(a.GetResource().GroupResource(), "")
			})
			err := (&Namespace{Cluster: &Cluster{Client: client}, Name: "sts-1"}).UnlessMutated(t.Context(), errors.New("expected 10, found 3"))
			if !IsInconclusive(err) || !strings.Contains(err.Error(), says) {
				t.Errorf("%s: expected nobody to be accused, with %q, found %v", version, says, err)
			}
		}
	}
}

// The same of pods: what changes those is named where a check is about them.
func TestUnlessMutatedOfPods(t *testing.T) {
	for name, c := range map[string]struct {
		object runtime.Object
		says   string
	}{
		"a webhook for pods":       {webhook(nil, ruleOn("", "pods", admissionv1.Create)), "sets.example.org"},
		"a policy for everything":  {mutatingPolicy(ruleOn("*", "*", admissionv1.Create)), "fill-in"},
		"a webhook for sets":       {webhook(nil, ruleOn("apps", "statefulsets", admissionv1.Create)), ""},
		"a webhook for pods' logs": {webhook(nil, ruleOn("", "pods/log", admissionv1.Create)), ""},
	} {
		ns := &Namespace{Cluster: &Cluster{Client: fake.NewClientset(c.object)}, Name: "sts-1"}
		err := ns.UnlessMutated(t.Context(), errors.New("expected web-0, found web"), history.Pods)
		if IsInconclusive(err) != (c.says != "") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: expected inconclusive %t with %q, found %v", name, c.says != "", c.says, err)
		}
	}
}

// A recording names what changes pods and claims, each for itself, from one reading of what is installed.
func TestMutatorsOf(t *testing.T) {
	forbidden := apierrors.NewForbidden(schema.GroupResource{Resource: "mutatingwebhookconfigurations"}, "", errors.New("no"))
	for name, c := range map[string]struct {
		object       runtime.Object
		answer       error // to a list of webhooks
		pods, claims string
	}{
		"a webhook for pods":      {object: webhook(nil, ruleOn("", "pods", admissionv1.Create)), pods: "the webhook sets.example.org of MutatingWebhookConfiguration defaults"},
		"a policy for claims":     {object: mutatingPolicy(ruleOn("", "persistentvolumeclaims", admissionv1.Create)), claims: "the MutatingAdmissionPolicy fill-in"},
		"a policy for everything": {object: mutatingPolicy(ruleOn("*", "*", admissionv1.Create)), pods: "fill-in", claims: "fill-in"},
		"a webhook for sets":      {object: webhook(nil, ruleOn("apps", "statefulsets", admissionv1.Create))},
		"unreadable webhooks": {
			object: mutatingPolicy(ruleOn("", "pods", admissionv1.Create)), answer: forbidden, pods: "fill-in, a mutating webhook or policy (which there are could not be read", claims: "could not be read",
		},
	} {
		client := fake.NewClientset(c.object)
		if c.answer != nil {
			client.PrependReactor("list", "mutatingwebhookconfigurations", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.answer })
		}
		found := (&Namespace{Cluster: &Cluster{Client: client}, Name: "sts-1"}).mutatorsOf(t.Context(), history.Pods, history.Claims)
		for r, want := range map[history.Resource]string{history.Pods: c.pods, history.Claims: c.claims} {
			if got := strings.Join(found[r], ", "); (want == "") != (got == "") || !strings.Contains(got, want) {
				t.Errorf("%s: expected %q for %s, found %q", name, want, r, got)
			}
		}
		if n := len(client.Actions()); n != 3 {
			t.Errorf("%s: expected 3 requests, found %d", name, n)
		}
	}
}

// A refusal by a webhook or a policy is none by the API server, whatever its status.
func TestUnlessRefused(t *testing.T) {
	sets := schema.GroupResource{Group: "apps", Resource: "statefulsets"}
	byPolicy := apierrors.NewForbidden(sets, "web", errors.New("ValidatingAdmissionPolicy 'two-at-least' with binding 'all' denied request: failed expression"))
	byPolicy.ErrStatus.Code = 422
	for name, c := range map[string]struct {
		err    error
		policy bool
	}{
		"none":                          {},
		"a validating one":              {byPolicy, true},
		"one without a name":            {apierrors.NewForbidden(sets, "web", errors.New(`policy "fill-in" denied request: no such field`)), true},
		"a webhook":                     {apierrors.NewBadRequest(`admission webhook "sets.example.org" denied the request: replicas`), true},
		"a webhook that has no dry run": {apierrors.NewBadRequest(`admission webhook "sets.example.org" does not support dry run`), true},
		"the API server":                {apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "StatefulSet"}, "web", nil), false},
		"a quota":                       {apierrors.NewForbidden(sets, "web", errors.New("exceeded quota: small")), false},
	} {
		err := UnlessRefused(c.err)
		if IsInconclusive(err) != c.policy || !errors.Is(err, c.err) {
			t.Errorf("%s: expected inconclusive %t, found %v", name, c.policy, err)
		}
	}
}
