package statefulset

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// budgetName is the name of a set's budget.
const budgetName = "budget"

// budgets is the resource of a PodDisruptionBudget, which is not recorded itself.
const budgets history.Resource = "poddisruptionbudgets"

// MaxUnavailablePods is a budget that allows that many of the set's pods to be unavailable.
func MaxUnavailablePods(n int32) policyv1.PodDisruptionBudgetSpec {
	return policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromInt32(n))}
}

// AllPodsAvailable is a budget that requires all of the set's pods.
func AllPodsAvailable() policyv1.PodDisruptionBudgetSpec {
	return policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromString("100%"))}
}

// CreateBudget creates a PodDisruptionBudget for the set's pods, and waits until the disruption controller has counted them. It returns how
// to delete the budget.
func (s *Set) CreateBudget(ctx context.Context, spec policyv1.PodDisruptionBudgetSpec) (deleteBudget func(context.Context)) {
	GinkgoHelper()
	ns, client := s.NS, s.NS.Client.PolicyV1().PodDisruptionBudgets(s.NS.Name)
	spec.Selector = &metav1.LabelSelector{MatchLabels: s.Selector}
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: budgetName}, Spec: spec}
	ns.Settings.Label(budget)
	text := fmt.Sprintf("create a budget for %s: minAvailable %v, maxUnavailable %v", s.Name, spec.MinAvailable, spec.MaxUnavailable)
	create := framework.Request{Verb: history.VerbCreate, Resource: budgets, Name: budgetName, Text: text}
	created, err := framework.Send(ns, create, func() (*policyv1.PodDisruptionBudget, error) {
		return client.Create(ctx, budget, metav1.CreateOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), "creating a PodDisruptionBudget")

	healthy := int32(0)
	ns.View(func(st *history.State) { healthy = int32(len(st.PodsOf(s.UID))) })
	s.awaitBudget(ctx, created.ResourceVersion, fmt.Sprintf("to have observed generation %d and to count %d healthy pods", created.Generation, healthy),
		func(b policyv1.PodDisruptionBudgetStatus) bool {
			return b.ObservedGeneration >= created.Generation && b.CurrentHealthy == healthy
		})

	return func(ctx context.Context) {
		GinkgoHelper()
		remove := framework.Request{Verb: history.VerbDelete, Resource: budgets, Name: budgetName, Text: "delete the budget for " + s.Name}
		Expect(ns.Do(remove, func() error { return client.Delete(ctx, budgetName, metav1.DeleteOptions{}) })).To(Succeed())
	}
}

// awaitBudget waits, from a resource version on, until the status of the set's budget is as holds wants it.
func (s *Set) awaitBudget(ctx context.Context, from, what string, holds func(policyv1.PodDisruptionBudgetStatus) bool) {
	GinkgoHelper()
	var seen policyv1.PodDisruptionBudgetStatus
	err := framework.WatchUntil(ctx, s.NS.Settings.Limits.StatusSettled, from, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
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

// AwaitEvictionAllowed waits until the set's budget allows an eviction.
func (s *Set) AwaitEvictionAllowed(ctx context.Context) {
	GinkgoHelper()
	budget, err := s.NS.Client.PolicyV1().PodDisruptionBudgets(s.NS.Name).Get(ctx, budgetName, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred())
	allows := func(b policyv1.PodDisruptionBudgetStatus) bool { return b.DisruptionsAllowed > 0 }
	if !allows(budget.Status) {
		s.awaitBudget(ctx, budget.ResourceVersion, "to allow a disruption", allows)
	}
}
