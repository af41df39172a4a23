package framework

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// UnlessMutated takes an error about what became of a set, or of an object of another recorded resource, in a request. It returns it unchanged
// where the API server or a controller alone can be the cause. Where a mutating webhook or a MutatingAdmissionPolicy matches such objects of this
// namespace, or the account may not read which there are, it returns an error made by Inconclusive that says so: whoever administers the cluster
// may want them changed.
func (ns *Namespace) UnlessMutated(ctx context.Context, err error, of ...history.Resource) error {
	if err == nil || IsInconclusive(err) {
		return err
	}
	if len(of) == 0 {
		of = []history.Resource{history.Sets}
	}
	all, unread := ns.mutators(ctx)
	names := namesOf(all, of...)
	switch {
	case len(names) > 0:
		return Inconclusive(fmt.Errorf("%w; but %s may have changed it on its way: let it leave out %s, and run again",
			err, strings.Join(names, " or "), ns.Described()))
	case unread != nil:
		return Inconclusive(fmt.Errorf("%w; but a mutating webhook or policy may have changed it on its way, and which there are could not be read: %w", err, unread))
	}
	return err
}

// refusal finds, in the text of an API server's answer, an admission webhook or policy that refused the request: k8s.io/apiserver names it so in
// plugin/webhook/errors and plugin/policy. One that an API server refuses by itself has no such words.
var refusal = regexp.MustCompile(`admission webhook "[^"]*" (denied the request|does not support dry run)|(ValidatingAdmissionPolicy|policy) ['"][^'"]+['"]( with binding '[^']+')? denied request`)

// UnlessRefused takes the API server's answer to a request. It returns an error made by Inconclusive where an admission webhook or policy refused
// it, with whatever status: that is no answer of the API server's own, and shows neither what that accepts nor what it rejects.
func UnlessRefused(err error) error {
	if err == nil || !refusal.MatchString(err.Error()) {
		return err
	}
	return Inconclusive(fmt.Errorf("%w; that is the answer of an admission webhook or policy, and not the API server's: let it leave out the suite's namespaces, and run again", err))
}

// Described says in words which namespaces the run uses.
func (ns *Namespace) Described() string {
	if len(ns.Settings.Namespaces) > 0 {
		return "namespace " + ns.Name
	}
	return runconfig.OwnNamespaces()
}

// mutator is a mutating webhook or policy for objects of the namespace.
type mutator struct {
	name  string
	rules []admissionv1.RuleWithOperations
}

// namesOf names those that match objects of one of the resources.
func namesOf(all []mutator, of ...history.Resource) []string {
	var names []string
	for _, m := range all {
		if matchesAny(m.rules, of) {
			names = append(names, m.name)
		}
	}
	return names
}

// mutators returns the mutating webhooks and policies for objects of the namespace. The error says what could not be read.
func (ns *Namespace) mutators(ctx context.Context) (all []mutator, err error) {
	in := ns.labels(ctx)
	webhooks, err := ns.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err == nil {
		for _, c := range webhooks.Items {
			for _, w := range c.Webhooks {
				if selects(w.NamespaceSelector, in) {
					all = append(all, mutator{fmt.Sprintf("the webhook %s of MutatingWebhookConfiguration %s", w.Name, c.Name), w.Rules})
				}
			}
		}
	}
	policies, unread := ns.mutatingPolicies(ctx)
	for _, p := range policies {
		match := p.Spec.MatchConstraints
		if match == nil || !selects(match.NamespaceSelector, in) {
			continue
		}
		one := mutator{name: "the MutatingAdmissionPolicy " + p.Name}
		for _, r := range match.ResourceRules {
			one.rules = append(one.rules, r.RuleWithOperations)
		}
		all = append(all, one)
	}
	return all, errors.Join(err, unread)
}

// mutatorsOf names those that match objects of each of some resources; that they could not be read is in the place of their names.
func (ns *Namespace) mutatorsOf(ctx context.Context, resources ...history.Resource) map[history.Resource][]string {
	all, err := ns.mutators(ctx)
	out := map[history.Resource][]string{}
	for _, r := range resources {
		names := namesOf(all, r)
		if err != nil {
			names = append(names, fmt.Sprintf("a mutating webhook or policy (which there are could not be read: %v)", err))
		}
		if len(names) > 0 {
			out[r] = names
		}
	}
	return out
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

// matchesAny reports whether rules match requests that create or update objects of one of the resources, all of which have a version v1.
func matchesAny(rules []admissionv1.RuleWithOperations, of []history.Resource) bool {
	has := func(list []string, word string) bool {
		return slices.Contains(list, word) || slices.Contains(list, "*")
	}
	return slices.ContainsFunc(rules, func(r admissionv1.RuleWithOperations) bool {
		changes := slices.ContainsFunc(r.Operations, func(o admissionv1.OperationType) bool {
			return o == admissionv1.OperationAll || o == admissionv1.Create || o == admissionv1.Update
		})
		return changes && has(r.APIVersions, "v1") && slices.ContainsFunc(of, func(resource history.Resource) bool {
			group := corev1.GroupName
			if resource == history.Sets {
				group = appsv1.GroupName
			}
			return has(r.APIGroups, group) && (has(r.Resources, string(resource)) || slices.Contains(r.Resources, "*/*"))
		})
	})
}
