package framework

import (
	"context"
	"fmt"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/util/retry"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// TryUpdate asks for a change of the set, again when somebody else changed it meanwhile, and returns the set that the API
// server answered with, or its rejection.
func (s *Set) TryUpdate(ctx context.Context, what string, change func(*appsv1.StatefulSet)) (*appsv1.StatefulSet, error) {
	s.NS.Mark(history.VerbUpdate, history.Sets, s.Name, "", what)
	sets := s.NS.Client.AppsV1().StatefulSets(s.NS.Name)
	var answer *appsv1.StatefulSet
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := sets.Get(ctx, s.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(live)
		s.NS.Settings.Label(live)
		answer, err = sets.Update(ctx, live, metav1.UpdateOptions{})
		return err
	})
	if err == nil {
		s.generation = answer.Generation
	}
	return answer, err
}

// Offer asks the API server by a dry run what it would make of a set: fixtures/set.yaml changed by the options.
func (ns *Namespace) Offer(ctx context.Context, options ...Option) (*appsv1.StatefulSet, error) {
	GinkgoHelper()
	o := Manifest(ctx, ns, options...)
	o.Name = "offered"
	return ns.Client.AppsV1().StatefulSets(ns.Name).Create(ctx, o, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

// Collection is the sets of a namespace that carry one label, asked for as one.
type Collection struct {
	NS       *Namespace
	Selector string
	// Names are the sets that carry it.
	Names []string
}

// VerifyList verifies that a list by the label holds exactly the sets that carry it, and returns the list's resource version.
func (c Collection) VerifyList(ctx context.Context, id contract.ID) string {
	GinkgoHelper()
	list, err := c.NS.Client.AppsV1().StatefulSets(c.NS.Name).List(ctx, metav1.ListOptions{LabelSelector: c.Selector})
	Expect(err).NotTo(HaveOccurred(), "listing sets by the label %s", c.Selector)
	var got []string
	for _, o := range list.Items {
		got = append(got, o.Name)
	}
	slices.Sort(got)
	if !slices.Equal(got, c.Names) {
		err = fmt.Errorf("expected %v, found %v: the API server does not apply label selectors to lists", c.Names, got)
	}
	c.NS.Verify(id, err, "sets listed by the label %s", c.Selector)
	return list.ResourceVersion
}

// Annotate patches a set with an annotation and returns the set that the API server answered with.
func (ns *Namespace) Annotate(ctx context.Context, set, annotation, value string) (*appsv1.StatefulSet, error) {
	ns.Mark(history.VerbUpdate, history.Sets, set, "", fmt.Sprintf("patch set %s: annotation %s", set, annotation))
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, annotation, value)
	return ns.Client.AppsV1().StatefulSets(ns.Name).Patch(ctx, set, types.MergePatchType, patch, metav1.PatchOptions{})
}

// Delete deletes the collection.
func (c Collection) Delete(ctx context.Context) error {
	c.NS.Mark(history.VerbDelete, history.Sets, "", "", "delete all sets with the label "+c.Selector)
	return c.NS.Client.AppsV1().StatefulSets(c.NS.Name).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: c.Selector})
}

// VerifyWatch verifies that a watch by the label, from a resource version on, tells of nothing but the sets that carry it: a
// version of each with the annotation, and the end of each.
func (c Collection) VerifyWatch(ctx context.Context, id contract.ID, from, annotation string) {
	GinkgoHelper()
	annotated, ended, strangers := map[string]bool{}, map[string]bool{}, map[string]bool{}
	err := follow(ctx, c.NS.Settings.Limits.StatusSettled, from, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		o.LabelSelector = c.Selector
		return c.NS.Client.AppsV1().StatefulSets(c.NS.Name).Watch(ctx, o)
	}, func(e watch.Event) bool {
		o, ok := e.Object.(*appsv1.StatefulSet)
		switch {
		case !ok:
			return false
		case !slices.Contains(c.Names, o.Name):
			strangers[o.Name] = true
		case e.Type == watch.Deleted:
			ended[o.Name] = true
		case o.Annotations[annotation] != "":
			annotated[o.Name] = true
		}
		return len(ended) == len(c.Names)
	})
	if err != nil || len(annotated) < len(c.Names) || len(strangers) > 0 {
		sorted := func(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }
		err = fmt.Errorf("expected within %v the change and the end of each of %v and nothing of others, found changes of %v, ends of %v and others %v",
			c.NS.Settings.Limits.StatusSettled, c.Names, sorted(annotated), sorted(ended), sorted(strangers))
	}
	c.NS.Verify(id, err, "sets watched by the label %s", c.Selector)
}
