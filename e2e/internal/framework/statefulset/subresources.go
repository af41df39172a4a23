package statefulset

import (
	"context"
	"errors"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// VerifyScaleRead verifies that the scale subresource shows that many spec.replicas and status.replicas.
func (s *Set) VerifyScaleRead(ctx context.Context, id contract.ID, replicas int32) {
	GinkgoHelper()
	scale, err := s.NS.Client.AppsV1().StatefulSets(s.NS.Name).GetScale(ctx, s.Name, metav1.GetOptions{})
	if err == nil && (scale.Spec.Replicas != replicas || scale.Status.Replicas != replicas) {
		err = fmt.Errorf("expected spec.replicas and status.replicas %d, found %d and %d: the subresource must show what the set itself shows",
			replicas, scale.Spec.Replicas, scale.Status.Replicas)
	}
	s.NS.VerifySet(s.Name, id, err, "scale subresource of %s, read", s.Name)
}

// VerifyScaleStatus verifies, at rest, that the scale subresource shows as many replicas as the set has pods, and the set's selector.
func (s *Set) VerifyScaleStatus(ctx context.Context, id contract.ID) {
	GinkgoHelper()
	pods := 0
	s.NS.View(func(st *history.State) { pods = len(st.PodsOf(s.UID)) })
	scale, err := s.NS.Client.AppsV1().StatefulSets(s.NS.Name).GetScale(ctx, s.Name, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred(), "reading the scale subresource of %s", s.Name)
	var wrong []error
	if int(scale.Status.Replicas) != pods {
		wrong = append(wrong, fmt.Errorf("expected status.replicas %d, found %d: the set has %d pods", pods, scale.Status.Replicas, pods))
	}
	// As selectors: the text may name several labels in any order.
	want, err := metav1.LabelSelectorAsSelector(s.Live(ctx).Spec.Selector)
	Expect(err).NotTo(HaveOccurred(), "reading the selector of %s", s.Name)
	if got, err := labels.Parse(scale.Status.Selector); err != nil || got.String() != want.String() {
		wrong = append(wrong, fmt.Errorf("expected status.selector %q, found %q: an autoscaler would measure other pods", want, scale.Status.Selector))
	}
	s.NS.VerifySet(s.Name, id, errors.Join(wrong...), "status of the scale subresource of %s, with %d pods", s.Name, pods)
}

// VerifyVersionConflicts verifies that the set and its scale subresource, each updated from an outdated resource version, answer with a
// conflict and stay as they are, and that they can be updated from the current one. rejected says whether an answer is a conflict.
func (s *Set) VerifyVersionConflicts(ctx context.Context, id contract.ID, rejected func(error) error) {
	GinkgoHelper()
	outdated := s.Live(ctx)
	s.Update(ctx, "replicas 0, by which an older version is outdated", Replicas(0))

	outdated.Spec.Replicas = new(int32(3))
	_, err := framework.Send(s.NS, s.request(history.VerbUpdate, "update "+s.Name+" from an outdated version"), func() (*appsv1.StatefulSet, error) {
		return s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Update(ctx, outdated, metav1.UpdateOptions{})
	})
	s.NS.VerifySet(s.Name, id, rejected(err), "update of %s from an outdated version", s.Name)
	_, err = s.updateScale(ctx, "", outdated.ResourceVersion, 3)
	s.NS.VerifySet(s.Name, id, rejected(err), "update of the scale subresource of %s from an outdated version", s.Name)
	live := s.Live(ctx)
	var changed error
	if *live.Spec.Replicas != 0 {
		changed = fmt.Errorf("expected replicas to stay 0, found %d", *live.Spec.Replicas)
	}
	s.NS.VerifySet(s.Name, id, changed, "%s after two updates that were rejected", s.Name)

	var answer *autoscalingv1.Scale
	err = retry.RetryOnConflict(retry.DefaultRetry, func() (err error) {
		answer, err = s.updateScale(ctx, "", s.Live(ctx).ResourceVersion, 1)
		return err
	})
	if err == nil && answer.Spec.Replicas != 1 {
		err = fmt.Errorf("expected spec.replicas 1 in the answer, found %d", answer.Spec.Replicas)
	}
	s.NS.VerifySet(s.Name, id, err, "update of the scale subresource of %s from the current version", s.Name)
}

// VerifyUpdateScale verifies that replicas can be changed by an update of the scale subresource and that the pods follow.
func (s *Set) VerifyUpdateScale(ctx context.Context, id contract.ID, replicas int32) {
	GinkgoHelper()
	// Without a resourceVersion, so that other changes of the set make no conflict.
	answer, err := s.updateScale(ctx, "", "", replicas)
	s.verifyRescaled(ctx, id, replicas, "update", answer, err)
}

// VerifyPatchScale verifies that replicas can be changed by a patch of the scale subresource and that the pods follow.
func (s *Set) VerifyPatchScale(ctx context.Context, id contract.ID, replicas int32) {
	GinkgoHelper()
	answer := &autoscalingv1.Scale{}
	err := s.NS.Do(s.request(history.VerbScale, "patch the scale subresource of "+s.Name), func() error {
		return s.NS.Client.AppsV1().RESTClient().Patch(types.MergePatchType).Namespace(s.NS.Name).Resource("statefulsets").Name(s.Name).
			SubResource("scale").Body(fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)).Do(ctx).Into(answer)
	})
	s.verifyRescaled(ctx, id, replicas, "patch", answer, err)
}

func (s *Set) verifyRescaled(ctx context.Context, id contract.ID, replicas int32, verb string, answer *autoscalingv1.Scale, err error) {
	GinkgoHelper()
	switch l := s.NS.Settings.Limits; {
	case err != nil:
		err = fmt.Errorf("%w: see whether the suite has the right to %s statefulsets/scale", err, verb)
	case answer.Spec.Replicas != replicas:
		err = fmt.Errorf("expected spec.replicas %d in the answer, found %d", replicas, answer.Spec.Replicas)
	default:
		err = s.NS.AwaitEachFrom(ctx, l.PodReady+l.PodGone, s.haveReplicas(replicas), s.hasReplicas(replicas), s.rescaled(), s.NS.SetController())
	}
	s.NS.VerifySet(s.Name, id, err, "%s the scale subresource of %s to %d replicas, and the pods follow", verb, s.Name, replicas)
}

// VerifyStatusSubresource verifies that the status subresource can be read, updated and patched, that such a request changes nothing of the spec, and one for the
// set itself nothing of the status, each by the answer to the request: the controller may write the status again at any time.
func (s *Set) VerifyStatusSubresource(ctx context.Context, id contract.ID) {
	GinkgoHelper()
	client := s.NS.Client.AppsV1()
	sets := client.StatefulSets(s.NS.Name)

	read := &appsv1.StatefulSet{}
	err := client.RESTClient().Get().Namespace(s.NS.Name).Resource("statefulsets").Name(s.Name).SubResource("status").Do(ctx).Into(read)
	if err == nil && (read.UID != s.UID || read.Status.ObservedGeneration == 0) {
		err = fmt.Errorf("expected the set of uid %s with its observedGeneration, found uid %s and %d", s.UID, read.UID, read.Status.ObservedGeneration)
	}
	s.NS.VerifySet(s.Name, id, err, "status subresource of %s, read", s.Name)

	var answer *appsv1.StatefulSet
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := sets.Get(ctx, s.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		addCondition(live, "Updated")
		live.Spec.MinReadySeconds = otherSeconds
		answer, err = framework.Send(s.NS, s.request(history.VerbOther, "update the status of "+s.Name), func() (*appsv1.StatefulSet, error) {
			return sets.UpdateStatus(ctx, live, metav1.UpdateOptions{})
		})
		return err
	})
	s.NS.VerifySet(s.Name, id, hasCondition(answer, "Updated", err), "status subresource of %s, updated", s.Name)

	if err == nil {
		s.NS.VerifySet(s.Name, id, s.NS.UnlessMutated(ctx, hasSeconds(answer, 0)), "spec of %s, after an update of its status that says another spec", s.Name)
	}

	answer, err = s.patchCondition(ctx, "Patched")
	s.NS.VerifySet(s.Name, id, hasCondition(answer, "Patched", err), "status subresource of %s, patched", s.Name)

	answer, err = s.TryUpdate(ctx, "minReadySeconds, with another status", func(o *appsv1.StatefulSet) {
		o.Spec.MinReadySeconds = otherSeconds
		addCondition(o, "Smuggled")
	})
	Expect(err).NotTo(HaveOccurred(), "updating %s", s.Name)
	err = s.NS.UnlessMutated(ctx, errors.Join(hasSeconds(answer, otherSeconds), lacksCondition(answer, "Smuggled")))
	s.NS.VerifySet(s.Name, id, err, "status of %s, after an update of the set that says another status", s.Name)
}

// otherSeconds is a value of minReadySeconds that the set does not have.
const otherSeconds = 1

// hasSeconds says what is wrong with the minReadySeconds of a set.
func hasSeconds(answer *appsv1.StatefulSet, want int32) error {
	if got := answer.Spec.MinReadySeconds; got != want {
		return fmt.Errorf("expected spec.minReadySeconds %d, found %d", want, got)
	}
	return nil
}

// addCondition adds a condition to the status of a set that is about to be sent.
func addCondition(o *appsv1.StatefulSet, condition appsv1.StatefulSetConditionType) {
	o.Status.Conditions = append(o.Status.Conditions, appsv1.StatefulSetCondition{Type: condition, Status: corev1.ConditionTrue, Reason: "Conformance"})
}

// lacksCondition is the error that an answer has a condition.
func lacksCondition(answer *appsv1.StatefulSet, condition appsv1.StatefulSetConditionType) error {
	if hasCondition(answer, condition, nil) == nil {
		return fmt.Errorf("expected the status to stay as it was, found the condition %s in it", condition)
	}
	return nil
}

// VerifyForeignCondition verifies that a condition which the suite adds to the status is still there when the controller has written the
// status for one more replica.
func (s *Set) VerifyForeignCondition(ctx context.Context, id contract.ID) {
	GinkgoHelper()
	const condition = "Noted"
	answer, err := s.patchCondition(ctx, condition)
	Expect(hasCondition(answer, condition, err)).To(Succeed(), "adding the condition %s to the status of %s", condition, s.Name)

	s.Scale(ctx, answer.Status.Replicas+1)
	s.AwaitReady(ctx)
	s.NS.VerifySet(s.Name, id, hasCondition(s.Live(ctx), condition, nil), "condition %s of %s, after the controller has written the status", condition, s.Name)
}

// patchCondition adds a condition to the set's status by a patch, and returns the API server's answer.
func (s *Set) patchCondition(ctx context.Context, condition string) (*appsv1.StatefulSet, error) {
	patch := fmt.Appendf(nil, `{"status":{"conditions":[{"type":%q,"status":"True","reason":"Conformance"}]}}`, condition)
	request := s.request(history.VerbOther, fmt.Sprintf("patch the status of %s, to add the condition %s", s.Name, condition))
	return framework.Send(s.NS, request, func() (*appsv1.StatefulSet, error) {
		return s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Patch(ctx, s.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	})
}

// hasCondition returns an error where the answer to a change of the status lacks the condition that the change added.
func hasCondition(answer *appsv1.StatefulSet, condition appsv1.StatefulSetConditionType, err error) error {
	if err != nil {
		return fmt.Errorf("%w: see whether the suite has the rights to get, update and patch statefulsets/status", err)
	}
	for _, c := range answer.Status.Conditions {
		if c.Type == condition {
			return nil
		}
	}
	return fmt.Errorf("expected the condition %s in the answer, found %v", condition, answer.Status.Conditions)
}
