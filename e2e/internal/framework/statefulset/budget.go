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

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Budget is a PodDisruptionBudget for all pods of a set.
type Budget struct {
	set  *Set
	name string
}

// MaxUnavailablePods is a budget that allows that many of the set's pods to be unavailable.
func MaxUnavailablePods(n int32) policyv1.PodDisruptionBudgetSpec {
	return policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromInt32(n))}
}

// MaxUnavailablePart is a budget that allows that percentage of the set's pods to be unavailable.
func MaxUnavailablePart(percent string) policyv1.PodDisruptionBudgetSpec {
	return policyv1.PodDisruptionBudgetSpec{MaxUnavailable: new(intstr.FromString(percent))}
}

// MinAvailablePods is a budget that requires that many of the set's pods.
func MinAvailablePods(n int32) policyv1.PodDisruptionBudgetSpec {
	return policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromInt32(n))}
}

// MinAvailablePart is a budget that requires that percentage of the set's pods.
func MinAvailablePart(percent string) policyv1.PodDisruptionBudgetSpec {
	return policyv1.PodDisruptionBudgetSpec{MinAvailable: new(intstr.FromString(percent))}
}

// WithUnhealthyPods gives a budget a policy for the eviction of pods that are not Ready.
func WithUnhealthyPods(policy policyv1.UnhealthyPodEvictionPolicyType, spec policyv1.PodDisruptionBudgetSpec) policyv1.PodDisruptionBudgetSpec {
	spec.UnhealthyPodEvictionPolicy = &policy
	return spec
}

// CreateBudget creates a PodDisruptionBudget of that name for the set's pods, and waits until the disruption controller has counted those that
// are Ready.
func (s *Set) CreateBudget(ctx context.Context, name string, spec policyv1.PodDisruptionBudgetSpec) *Budget {
	GinkgoHelper()
	b := s.CreateUncountedBudget(ctx, name, spec)
	b.awaitCounted(ctx)
	return b
}

// CreateUncountedBudget is CreateBudget without the wait.
func (s *Set) CreateUncountedBudget(ctx context.Context, name string, spec policyv1.PodDisruptionBudgetSpec) *Budget {
	GinkgoHelper()
	ns, client := s.NS, s.NS.Client.PolicyV1().PodDisruptionBudgets(s.NS.Name)
	spec.Selector = &metav1.LabelSelector{MatchLabels: s.Selector}
	budget := &policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: spec}
	ns.Settings.Label(budget)
	text := fmt.Sprintf("create budget %s for %s", name, s.Name)
	if spec.MinAvailable != nil {
		text += fmt.Sprintf(", minAvailable %v", spec.MinAvailable)
	}
	if spec.MaxUnavailable != nil {
		text += fmt.Sprintf(", maxUnavailable %v", spec.MaxUnavailable)
	}
	create := framework.Request{Verb: history.VerbCreate, Resource: history.Budgets, Name: name, Text: text}
	_, err := framework.Send(ns, create, func() (*policyv1.PodDisruptionBudget, error) {
		return client.Create(ctx, budget, metav1.CreateOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), "creating a PodDisruptionBudget")
	return &Budget{set: s, name: name}
}

// awaitCounted waits until the budget's status is that of its spec, which has one generation, and counts the pods that are Ready.
func (b *Budget) awaitCounted(ctx context.Context) {
	GinkgoHelper()
	healthy := int32(0)
	b.set.NS.View(func(st *history.State) {
		for _, p := range st.PodsOf(b.set.UID) {
			if framework.PodReady(p.Name)(st) == "" {
				healthy++
			}
		}
	})
	b.await(ctx, fmt.Sprintf("to be of its spec and to count %d healthy pods", healthy), func(b policyv1.PodDisruptionBudgetStatus) bool {
		return b.ObservedGeneration > 0 && b.CurrentHealthy == healthy
	})
}

// Delete deletes the budget.
func (b *Budget) Delete(ctx context.Context) {
	GinkgoHelper()
	ns := b.set.NS
	remove := framework.Request{Verb: history.VerbDelete, Resource: history.Budgets, Name: b.name, Text: fmt.Sprintf("delete budget %s for %s", b.name, b.set.Name)}
	Expect(ns.Do(remove, func() error {
		return ns.Client.PolicyV1().PodDisruptionBudgets(ns.Name).Delete(ctx, b.name, metav1.DeleteOptions{})
	})).To(Succeed())
}

// AwaitHealthy waits until the budget counts that many healthy pods.
func (b *Budget) AwaitHealthy(ctx context.Context, n int32) {
	GinkgoHelper()
	b.await(ctx, fmt.Sprintf("to count %d healthy pods", n), func(b policyv1.PodDisruptionBudgetStatus) bool { return b.CurrentHealthy == n })
}

// VerifyHealthy verifies that the budget comes to count that many healthy pods.
func (b *Budget) VerifyHealthy(ctx context.Context, id contract.ID, n int32) {
	GinkgoHelper()
	err := b.awaitDue(ctx, fmt.Sprintf("to count %d healthy pods", n), func(b policyv1.PodDisruptionBudgetStatus) bool { return b.CurrentHealthy == n })
	b.set.verifyInTime(ctx, id, err, "budget %s counts %d healthy pods of %s", b.name, n, b.set.Name)
}

// VerifyDesired verifies that the budget comes to desire that many healthy pods.
func (b *Budget) VerifyDesired(ctx context.Context, id contract.ID, n int32, why string) {
	GinkgoHelper()
	err := b.awaitDue(ctx, fmt.Sprintf("to desire %d healthy pods", n), func(b policyv1.PodDisruptionBudgetStatus) bool {
		return b.ObservedGeneration > 0 && b.DesiredHealthy == n
	})
	b.set.verifyInTime(ctx, id, err, "budget %s desires %d healthy pods of %s: %s", b.name, n, b.set.Name, why)
}

// AwaitEvictionAllowed waits until the budget allows an eviction.
func (b *Budget) AwaitEvictionAllowed(ctx context.Context) {
	GinkgoHelper()
	b.await(ctx, "to allow a disruption", func(b policyv1.PodDisruptionBudgetStatus) bool { return b.DisruptionsAllowed > 0 })
}

// await waits until the status of the budget is as holds wants it.
func (b *Budget) await(ctx context.Context, what string, holds func(policyv1.PodDisruptionBudgetStatus) bool) {
	GinkgoHelper()
	Expect(b.tryAwait(ctx, what, holds)).To(Succeed())
}

// awaitDue is await for what the disruption controller has to bring about; its error accuses that controller only where it is seen at work on another
// budget, one of no pods.
func (b *Budget) awaitDue(ctx context.Context, what string, holds func(policyv1.PodDisruptionBudgetStatus) bool) error {
	GinkgoHelper()
	ns, since := b.set.NS, b.set.NS.Now()
	controller := framework.Controller{Name: "the disruption controller", Busy: func() string { return "" }, Sign: func(ctx context.Context) error {
		nobody := *b.set
		nobody.Selector = map[string]string{"app": "nobody"}
		probe := nobody.CreateUncountedBudget(ctx, b.name+"-probe", MaxUnavailablePods(0))
		err := probe.tryAwait(ctx, "to be of its spec", func(b policyv1.PodDisruptionBudgetStatus) bool { return b.ObservedGeneration > 0 })
		probe.Delete(ctx)
		return err
	}}
	return ns.Overdue(ctx, b.tryAwait(ctx, what, holds), since, func(ctx context.Context) error { return b.tryAwait(ctx, what, holds) }, controller)
}

// tryAwait is await, and returns an error where the status does not become so in time.
func (b *Budget) tryAwait(ctx context.Context, what string, holds func(policyv1.PodDisruptionBudgetStatus) bool) error {
	GinkgoHelper()
	ns, named := b.set.NS, "metadata.name="+b.name
	client := ns.Client.PolicyV1().PodDisruptionBudgets(ns.Name)
	list, err := client.List(ctx, metav1.ListOptions{FieldSelector: named})
	Expect(err).NotTo(HaveOccurred(), "reading the budget %s", b.name)
	Expect(list.Items).To(HaveLen(1), "the budget %s must be there", b.name)
	seen := list.Items[0].Status
	if holds(seen) {
		return nil
	}
	err = framework.WatchUntil(ctx, ns.Settings.Limits.StatusSettled, list.ResourceVersion, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		o.FieldSelector = named
		return client.Watch(ctx, o)
	}, func(e watch.Event) bool {
		if b, ok := e.Object.(*policyv1.PodDisruptionBudget); ok {
			seen = b.Status
		}
		return holds(seen)
	})
	if err != nil {
		return fmt.Errorf("expected the status of the budget %s %s, found %+v: %w: look at the disruption controller of kube-controller-manager", b.name, what, seen, err)
	}
	return nil
}
