package framework

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// UnlessMutated takes an error about what became of a set in a request. It returns it unchanged where the API server alone can be the cause.
// Where a mutating webhook or a MutatingAdmissionPolicy matches sets of this namespace, or the account may not read which there are, it
// returns an error made by Inconclusive that says so: whoever administers the cluster may want sets changed.
func (ns *Namespace) UnlessMutated(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	names, unread := ns.mutators(ctx)
	switch {
	case len(names) > 0:
		return Inconclusive(fmt.Errorf("%w; but %s may have changed the set on its way: let it leave out %s, and run again",
			err, strings.Join(names, " or "), ns.Described()))
	case unread != nil:
		return Inconclusive(fmt.Errorf("%w; but a mutating webhook or policy may have changed the set on its way, and which there are could not be read: %w", err, unread))
	}
	return err
}

// Described says in words which namespaces the run uses.
func (ns *Namespace) Described() string {
	if len(ns.Settings.Namespaces) > 0 {
		return "namespace " + ns.Name
	}
	return runconfig.OwnNamespaces()
}

// mutators names the mutating webhooks and policies that match sets of the namespace. The error says what could not be read.
func (ns *Namespace) mutators(ctx context.Context) (names []string, err error) {
	in := ns.labels(ctx)
	registered := ns.Client.AdmissionregistrationV1()
	webhooks, err := registered.MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err == nil {
		for _, c := range webhooks.Items {
			for _, w := range c.Webhooks {
				if matchesSets(w.Rules) && selects(w.NamespaceSelector, in) {
					names = append(names, fmt.Sprintf("the webhook %s of MutatingWebhookConfiguration %s", w.Name, c.Name))
				}
			}
		}
	}
	policies, unread := registered.MutatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsNotFound(unread):
		// An older API server serves them in a version of their own, if at all, and none that its features are not switched on for.
		return names, err
	case unread != nil:
		return names, errors.Join(err, unread)
	}
	for _, p := range policies.Items {
		if m := p.Spec.MatchConstraints; m != nil && matchesSets(rulesOf(m.ResourceRules)) && selects(m.NamespaceSelector, in) {
			names = append(names, "the MutatingAdmissionPolicy "+p.Name)
		}
	}
	return names, err
}

// labels returns the labels of the namespace, nil if they cannot be read.
func (ns *Namespace) labels(ctx context.Context) labels.Set {
	list, err := ns.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{FieldSelector: metav1.ObjectNameField + "=" + ns.Name})
	if err != nil || len(list.Items) == 0 {
		return nil
	}
	return list.Items[0].Labels
}

// selects reports whether a selector may select a namespace with those labels; unknown ones may be selected.
func selects(selector *metav1.LabelSelector, in labels.Set) bool {
	if selector == nil || in == nil {
		return true
	}
	s, err := metav1.LabelSelectorAsSelector(selector)
	return err != nil || s.Matches(in)
}

func rulesOf(named []admissionv1.NamedRuleWithOperations) []admissionv1.RuleWithOperations {
	out := make([]admissionv1.RuleWithOperations, 0, len(named))
	for _, r := range named {
		out = append(out, r.RuleWithOperations)
	}
	return out
}

// matchesSets reports whether rules match requests that create or update StatefulSets.
func matchesSets(rules []admissionv1.RuleWithOperations) bool {
	has := func(list []string, word string) bool {
		return slices.Contains(list, word) || slices.Contains(list, "*")
	}
	return slices.ContainsFunc(rules, func(r admissionv1.RuleWithOperations) bool {
		changes := slices.ContainsFunc(r.Operations, func(o admissionv1.OperationType) bool {
			return o == admissionv1.OperationAll || o == admissionv1.Create || o == admissionv1.Update
		})
		return changes && has(r.APIGroups, appsv1.GroupName) && has(r.APIVersions, appsv1.SchemeGroupVersion.Version) &&
			(has(r.Resources, "statefulsets") || slices.Contains(r.Resources, "*/*"))
	})
}
