package statefulset

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// VerifyUndo sends the data of the revision that was an earlier version's update revision as a strategic merge patch, as kubectl rollout undo
// does, and verifies that the set's template is that version's again, and the rest of its spec what it was.
func (s *Set) VerifyUndo(ctx context.Context, id contract.ID, earlier *appsv1.StatefulSet) {
	GinkgoHelper()
	apps := s.NS.Client.AppsV1()
	list, err := apps.ControllerRevisions(s.NS.Name).List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred(), "listing the controller revisions")
	var data []byte
	for _, r := range list.Items {
		if r.Name == earlier.Status.UpdateRevision && metav1.GetControllerOf(&r) != nil && metav1.GetControllerOf(&r).UID == s.UID {
			data = r.Data.Raw
		}
	}
	Expect(data).NotTo(BeEmpty(), "the controller revision %s of %s must still be kept", earlier.Status.UpdateRevision, s.Name)
	want := s.Live(ctx).Spec
	want.Template = earlier.Spec.Template
	request := s.request(history.VerbUpdate, fmt.Sprintf("undo %s to its revision %s", s.Name, earlier.Status.UpdateRevision))
	answer, err := framework.Send(s.NS, request, func() (*appsv1.StatefulSet, error) {
		return apps.StatefulSets(s.NS.Name).Patch(ctx, s.Name, types.StrategicMergePatchType, data, metav1.PatchOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), "patching %s with the data of a revision", s.Name)
	s.generation = answer.Generation
	var wrong error
	switch {
	case !equality.Semantic.DeepEqual(answer.Spec.Template, earlier.Spec.Template):
		wrong = fmt.Errorf("expected the template as it was at generation %d, found another (annotations %v, then %v): the revision does not hold the whole template, or is merged with the newer one",
			earlier.Generation, answer.Spec.Template.Annotations, earlier.Spec.Template.Annotations)
	case !equality.Semantic.DeepEqual(answer.Spec, want):
		wrong = fmt.Errorf("expected the spec to be as it was but for its template, found another: the revision holds more than a template")
	}
	s.NS.VerifySet(s.Name, id, wrong, "%s, patched with the data of its revision %s", s.Name, earlier.Status.UpdateRevision)
}
