package framework

import (
	"context"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// policy is what a MutatingAdmissionPolicy of any version matches.
type policy struct {
	name       string
	namespaces *metav1.LabelSelector // nil for all
	rules      []admissionv1.RuleWithOperations
}

// mutatingPolicies lists the MutatingAdmissionPolicies in the newest version that the API server serves: v1 since Kubernetes 1.36, and where they are switched
// on v1beta1 since 1.34 and v1alpha1 since 1.32. An API server without any has none.
func (ns *Namespace) mutatingPolicies(ctx context.Context) ([]policy, error) {
	for _, list := range []func(context.Context) ([]policy, error){ns.policiesV1, ns.policiesV1beta1, ns.policiesV1alpha1} {
		if all, err := list(ctx); !apierrors.IsNotFound(err) {
			return all, err
		}
	}
	return nil, nil
}

func (ns *Namespace) policiesV1(ctx context.Context) (all []policy, err error) {
	list, err := ns.Client.AdmissionregistrationV1().MutatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, p := range list.Items {
		if m := p.Spec.MatchConstraints; m != nil {
			found := policy{name: p.Name, namespaces: m.NamespaceSelector}
			for _, r := range m.ResourceRules {
				found.rules = append(found.rules, r.RuleWithOperations)
			}
			all = append(all, found)
		}
	}
	return all, nil
}

func (ns *Namespace) policiesV1beta1(ctx context.Context) (all []policy, err error) {
	list, err := ns.Client.AdmissionregistrationV1beta1().MutatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, p := range list.Items {
		if m := p.Spec.MatchConstraints; m != nil {
			found := policy{name: p.Name, namespaces: m.NamespaceSelector}
			for _, r := range m.ResourceRules {
				found.rules = append(found.rules, r.RuleWithOperations)
			}
			all = append(all, found)
		}
	}
	return all, nil
}

func (ns *Namespace) policiesV1alpha1(ctx context.Context) (all []policy, err error) {
	list, err := ns.Client.AdmissionregistrationV1alpha1().MutatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, p := range list.Items {
		if m := p.Spec.MatchConstraints; m != nil {
			found := policy{name: p.Name, namespaces: m.NamespaceSelector}
			for _, r := range m.ResourceRules {
				found.rules = append(found.rules, r.RuleWithOperations)
			}
			all = append(all, found)
		}
	}
	return all, nil
}
