package framework

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Evict asks the Eviction API to evict a pod and returns its UID and what the API said.
func (s *Set) Evict(ctx context.Context, ordinal int) (types.UID, error) {
	GinkgoHelper()
	pod := s.NS.Pod(s.Pod(ordinal))
	s.NS.Mark(history.VerbEvict, history.Pods, pod.Name, pod.UID, "evict pod "+pod.Name)
	return pod.UID, s.NS.Client.PolicyV1().Evictions(s.NS.Name).Evict(ctx, &policyv1.Eviction{
		ObjectMeta:    metav1.ObjectMeta{Name: pod.Name, Namespace: s.NS.Name},
		DeleteOptions: &metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(pod.UID))},
	})
}

// budgetName is the name of a set's budget.
const budgetName = "budget"

// ForbidDisruption makes a budget that lets none of the set's pods be evicted, and waits until the cluster has taken it into
// account. It returns how to lift it.
func (s *Set) ForbidDisruption(ctx context.Context) (lift func(context.Context)) {
	GinkgoHelper()
	return s.LimitDisruption(ctx, 0)
}

// RequireAll makes a budget that asks for all of the set's pods, and waits until the cluster has taken it into account. It returns how to
// lift it.
func (s *Set) RequireAll(ctx context.Context) (lift func(context.Context)) {
	GinkgoHelper()
	return s.budget(ctx, "all pods available", policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromString("100%"))})
}

// LimitDisruption makes a budget that lets that many of the set's pods be unavailable, and waits until the cluster has taken it into
// account. It returns how to lift it.
func (s *Set) LimitDisruption(ctx context.Context, most int32) (lift func(context.Context)) {
	GinkgoHelper()
	return s.budget(ctx, fmt.Sprintf("at most %d pods unavailable", most), policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromInt32(most))})
}

// budget makes a budget of the set's pods. what says in the mark's text what it asks for.
func (s *Set) budget(ctx context.Context, what string, spec policyv1.PodDisruptionBudgetSpec) (lift func(context.Context)) {
	GinkgoHelper()
	ns, budgets := s.NS, s.NS.Client.PolicyV1().PodDisruptionBudgets(s.NS.Name)
	ns.Mark(history.VerbCreate, "", budgetName, "", fmt.Sprintf("create a budget for %s: %s", s.Name, what))
	spec.Selector = &metav1.LabelSelector{MatchLabels: s.Selector}
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: budgetName}, Spec: spec}
	ns.Settings.Label(budget)
	made, err := budgets.Create(ctx, budget, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred(), "creating a PodDisruptionBudget")

	healthy := int32(0)
	ns.View(func(st *history.State) { healthy = int32(len(st.PodsOf(s.UID))) })
	s.awaitBudget(ctx, made.ResourceVersion, fmt.Sprintf("to have observed generation %d and to count %d healthy pods", made.Generation, healthy),
		func(b policyv1.PodDisruptionBudgetStatus) bool {
			return b.ObservedGeneration >= made.Generation && b.CurrentHealthy == healthy
		})

	return func(ctx context.Context) {
		GinkgoHelper()
		ns.Mark(history.VerbDelete, "budgets", budgetName, "", "lift the budget")
		Expect(budgets.Delete(ctx, budgetName, metav1.DeleteOptions{})).To(Succeed())
	}
}

// awaitBudget waits until the status of the set's budget is as what says, from a resource version on.
func (s *Set) awaitBudget(ctx context.Context, from, what string, holds func(policyv1.PodDisruptionBudgetStatus) bool) {
	GinkgoHelper()
	var seen policyv1.PodDisruptionBudgetStatus
	err := follow(ctx, s.NS.Settings.Limits.StatusSettled, from, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		o.FieldSelector = "metadata.name=" + budgetName
		return s.NS.Client.PolicyV1().PodDisruptionBudgets(s.NS.Name).Watch(ctx, o)
	}, func(e watch.Event) bool {
		if b, ok := e.Object.(*policyv1.PodDisruptionBudget); ok {
			seen = b.Status
		}
		return holds(seen)
	})
	Expect(err).NotTo(HaveOccurred(), "expected the budget's status %s, found %+v: look at the disruption controller of kube-controller-manager", what, seen)
}

// AwaitBudget waits until the set's budget allows an eviction.
func (s *Set) AwaitBudget(ctx context.Context) {
	GinkgoHelper()
	budget, err := s.NS.Client.PolicyV1().PodDisruptionBudgets(s.NS.Name).Get(ctx, budgetName, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	allows := func(b policyv1.PodDisruptionBudgetStatus) bool { return b.DisruptionsAllowed > 0 }
	if !allows(budget.Status) {
		s.awaitBudget(ctx, budget.ResourceVersion, "to allow a disruption", allows)
	}
}
