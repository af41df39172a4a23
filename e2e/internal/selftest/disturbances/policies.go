package disturbances

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// denyEgress has a NetworkPolicy deny all traffic of the suite's namespaces. The pod network of the cluster enforces no policy, so the node drops the
// packets of pods to port 53, which is what the suite notices of one.
func denyEgress(ctx context.Context, s *Env) (undo, error) {
	const rule = "for protocol in udp tcp; do iptables -w -t raw %[1]s PREROUTING ! -i eth0 -p $protocol --dport 53 -j DROP; done"
	if err := s.sh(ctx, fmt.Sprintf(rule, "-I")); err != nil {
		return nil, err
	}
	stop, err := repeat(time.Second, always, denyAll)(ctx, s)
	drop := func(ctx context.Context) error { return s.sh(ctx, fmt.Sprintf(rule, "-D")) }
	if err != nil {
		return nil, errors.Join(err, drop(ctx))
	}
	return func(ctx context.Context) error { return errors.Join(stop(ctx), drop(ctx)) }, nil
}

// denyAll puts a policy that denies everything into each of the suite's namespaces.
func denyAll(ctx context.Context, s *Env, _ *rand.Rand) error {
	list, err := s.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: s.Namespaces})
	if err != nil {
		return err
	}
	if len(list.Items) == 0 {
		return errors.New("the suite has no namespace just now")
	}
	for _, ns := range list.Items {
		if ns.DeletionTimestamp != nil {
			continue
		}
		_, err := s.Client.NetworkingV1().NetworkPolicies(ns.Name).Create(ctx, &networkingv1.NetworkPolicy{
			ObjectMeta: metav1.ObjectMeta{Name: "deny-all"},
			Spec:       networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}},
		}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return nil
}

// mutation is a change of objects that a policy makes on their way into the API server.
type mutation struct {
	group, resource string
	operations      []admissionv1.OperationType
	// condition and patch are CEL: whether the object is changed, and a list of JSON patches.
	condition, patch string
}

// fillIn gives sets and pods what an organisation wants them to have: fewer old revisions, and an annotation.
func fillIn() []mutation {
	const annotate = `has(PATH.annotations) ? [JSONPatch{op: "add", path: "TEXT/annotations/cost-center", value: "one"}] : ` +
		`[JSONPatch{op: "add", path: "TEXT/annotations", value: {"cost-center": "one"}}]`
	change := []admissionv1.OperationType{admissionv1.Create, admissionv1.Update}
	return []mutation{
		{"apps", "statefulsets", change, `object.spec.revisionHistoryLimit == 10`, `[JSONPatch{op: "replace", path: "/spec/revisionHistoryLimit", value: 5}]`},
		{"apps", "statefulsets", change, `true`, replaced(annotate, "PATH", "object.spec.template.metadata", "TEXT", "/spec/template/metadata")},
		{"", "pods", []admissionv1.OperationType{admissionv1.Create}, `true`, replaced(annotate, "PATH", "object.metadata", "TEXT", "/metadata")},
	}
}

// replaced replaces words of a text.
func replaced(text string, words ...string) string {
	return strings.NewReplacer(words...).Replace(text)
}

// addContainer puts a container before those that pods of sets have, as injectors of proxies do.
func addContainer() []mutation {
	return []mutation{{
		"", "pods",
		[]admissionv1.OperationType{admissionv1.Create},
		`has(object.metadata.ownerReferences) && object.metadata.ownerReferences.exists(o, o.kind == "StatefulSet") && object.spec.containers[0].name != "injected"`,
		`[JSONPatch{op: "add", path: "/spec/containers/0", value: Object.spec.containers{name: "injected", image: object.spec.containers[0].image, ` +
			`command: ["sh", "-c", "trap 'exit 0' TERM; sleep 100000 & wait"], securityContext: Object.spec.containers.securityContext{` +
			`allowPrivilegeEscalation: false, runAsNonRoot: true, runAsUser: 65532, capabilities: Object.spec.containers.securityContext.capabilities{drop: ["ALL"]}}}}]`,
	}}
}

// mutating installs policies that change objects of the suite's namespaces.
func mutating(mutations []mutation) func(context.Context, *Env) (undo, error) {
	return func(ctx context.Context, s *Env) (undo, error) {
		registered := s.Client.AdmissionregistrationV1()
		var names []string
		remove := func(ctx context.Context) error {
			var errs []error
			for _, name := range names {
				errs = append(errs,
					registered.MutatingAdmissionPolicyBindings().Delete(ctx, name, metav1.DeleteOptions{}),
					registered.MutatingAdmissionPolicies().Delete(ctx, name, metav1.DeleteOptions{}))
			}
			return errors.Join(errs...)
		}
		for i, m := range mutations {
			policy, binding := m.policy("disturbance-" + string(rune('a'+i)))
			_, err := registered.MutatingAdmissionPolicies().Create(ctx, policy, metav1.CreateOptions{})
			if err == nil {
				names = append(names, policy.Name)
				_, err = registered.MutatingAdmissionPolicyBindings().Create(ctx, binding, metav1.CreateOptions{})
			}
			if err != nil {
				return nil, errors.Join(err, remove(ctx))
			}
		}
		// The API server acts by a policy when it has seen it in its own watch.
		if !pause(ctx, policySeen) {
			return nil, errors.Join(context.Cause(ctx), remove(context.WithoutCancel(ctx)))
		}
		return remove, nil
	}
}

// policySeen is ample for the API server's watch of its own policies.
const policySeen = 3 * time.Second

func (m mutation) policy(name string) (*admissionv1.MutatingAdmissionPolicy, *admissionv1.MutatingAdmissionPolicyBinding) {
	meta := metav1.ObjectMeta{Name: name}
	rule := admissionv1.NamedRuleWithOperations{RuleWithOperations: admissionv1.RuleWithOperations{
		Operations: m.operations, Rule: admissionv1.Rule{APIGroups: []string{m.group}, APIVersions: []string{"v1"}, Resources: []string{m.resource}},
	}}
	policy := &admissionv1.MutatingAdmissionPolicy{ObjectMeta: meta, Spec: admissionv1.MutatingAdmissionPolicySpec{
		FailurePolicy: new(admissionv1.Fail), ReinvocationPolicy: admissionv1.NeverReinvocationPolicy,
		MatchConstraints: &admissionv1.MatchResources{
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{runconfig.ManagedByLabel: runconfig.ManagedBy}},
			ResourceRules:     []admissionv1.NamedRuleWithOperations{rule},
		},
		MatchConditions: []admissionv1.MatchCondition{{Name: "disturbance", Expression: m.condition}},
		Mutations:       []admissionv1.Mutation{{PatchType: admissionv1.PatchTypeJSONPatch, JSONPatch: &admissionv1.JSONPatch{Expression: m.patch}}},
	}}
	return policy, &admissionv1.MutatingAdmissionPolicyBinding{ObjectMeta: meta, Spec: admissionv1.MutatingAdmissionPolicyBindingSpec{PolicyName: name}}
}
