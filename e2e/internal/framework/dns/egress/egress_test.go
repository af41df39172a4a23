package egress

import (
	"errors"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func policy(name string, types ...networkingv1.PolicyType) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "sts-1"}, Spec: networkingv1.NetworkPolicySpec{PolicyTypes: types}}
}

func TestUnansweredNamesPoliciesOfEgressAlone(t *testing.T) {
	for name, c := range map[string]struct {
		objects []runtime.Object
		refused error
		want    string
	}{
		"denied":       {objects: []runtime.Object{policy("deny-all", "Ingress", "Egress"), policy("ingress", "Ingress")}, want: "in namespace sts-1 there is deny-all)"},
		"none":         {objects: []runtime.Object{policy("ingress", "Ingress")}, want: "namespace sts-1 has none itself"},
		"not readable": {refused: errors.New("networkpolicies is forbidden"), want: "could not be read: networkpolicies is forbidden"},
	} {
		client := fake.NewClientset(c.objects...)
		if c.refused != nil {
			client.PrependReactor("list", "networkpolicies", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, c.refused })
		}
		got := Unanswered(t.Context(), client, "sts-1", "dns-client", "kubernetes.default.svc.cluster.local.", "namespace sts-1")
		for _, want := range []string{c.want, "NetworkPolicies that deny egress", "not even a query for kubernetes.default.svc.cluster.local.", "from namespace sts-1,"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: expected %q, found %q", name, want, got)
			}
		}
	}
}
