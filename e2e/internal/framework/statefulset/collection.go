package statefulset

import (
	"context"
	"fmt"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Collection is the sets of a namespace that match one label selector.
type Collection struct {
	NS       *framework.Namespace
	Selector string
	// Names are the names of the sets that match.
	Names []string
}

// VerifyList verifies that a list by the selector holds exactly the sets that match, and returns the list's resource version.
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

// Delete deletes the sets that match, by one request.
func (c Collection) Delete(ctx context.Context) error {
	request := framework.Request{Verb: history.VerbDelete, Resource: history.Sets, Selector: c.Selector, Text: "delete all sets with the label " + c.Selector}
	return c.NS.Do(request, func() error {
		return c.NS.Client.AppsV1().StatefulSets(c.NS.Name).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: c.Selector})
	})
}

// VerifyWatch verifies that a watch by the selector, from a resource version on, has events of the sets that match and of no other: each with
// the annotation, then each deleted.
func (c Collection) VerifyWatch(ctx context.Context, id contract.ID, from, annotation string) {
	GinkgoHelper()
	annotated, deleted, others := map[string]bool{}, map[string]bool{}, map[string]bool{}
	err := framework.WatchUntil(ctx, c.NS.Settings.Limits.StatusSettled, from, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		o.LabelSelector = c.Selector
		return c.NS.Client.AppsV1().StatefulSets(c.NS.Name).Watch(ctx, o)
	}, func(e watch.Event) bool {
		o, ok := e.Object.(*appsv1.StatefulSet)
		switch {
		case !ok:
			return false
		case !slices.Contains(c.Names, o.Name):
			others[o.Name] = true
		case e.Type == watch.Deleted:
			deleted[o.Name] = true
		case o.Annotations[annotation] != "":
			annotated[o.Name] = true
		}
		return len(deleted) == len(c.Names)
	})
	if err != nil || len(annotated) < len(c.Names) || len(others) > 0 {
		sorted := func(m map[string]bool) []string { return slices.Sorted(maps.Keys(m)) }
		err = fmt.Errorf("expected within %v the change and the deletion of each of %v and no event of others, found changes of %v, deletions of %v and others %v",
			c.NS.Settings.Limits.StatusSettled, c.Names, sorted(annotated), sorted(deleted), sorted(others))
	}
	c.NS.Verify(id, err, "sets watched by the label %s", c.Selector)
}
