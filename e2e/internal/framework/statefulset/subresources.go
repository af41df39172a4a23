package statefulset

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	s.NS.Verify(id, err, "scale subresource of %s, read", s.Name)
}

// VerifyUpdateScale verifies that replicas can be changed by an update of the scale subresource and that the pods follow.
func (s *Set) VerifyUpdateScale(ctx context.Context, id contract.ID, replicas int32) {
	GinkgoHelper()
	sets := s.NS.Client.AppsV1().StatefulSets(s.NS.Name)
	s.verifyRescale(ctx, id, replicas, "update", func() (*autoscalingv1.Scale, error) {
		// Without a resourceVersion, so that other changes of the set make no conflict.
		scale := &autoscalingv1.Scale{
			ObjectMeta: metav1.ObjectMeta{Name: s.Name, Namespace: s.NS.Name}, Spec: autoscalingv1.ScaleSpec{Replicas: replicas},
		}
		return sets.UpdateScale(ctx, s.Name, scale, metav1.UpdateOptions{})
	})
}

// VerifyPatchScale verifies that replicas can be changed by a patch of the scale subresource and that the pods follow.
func (s *Set) VerifyPatchScale(ctx context.Context, id contract.ID, replicas int32) {
	GinkgoHelper()
	s.verifyRescale(ctx, id, replicas, "patch", func() (*autoscalingv1.Scale, error) {
		scale := &autoscalingv1.Scale{}
		err := s.NS.Client.AppsV1().RESTClient().Patch(types.MergePatchType).Namespace(s.NS.Name).Resource("statefulsets").Name(s.Name).
			SubResource("scale").Body(fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)).Do(ctx).Into(scale)
		return scale, err
	})
}

func (s *Set) verifyRescale(ctx context.Context, id contract.ID, replicas int32, verb string, change func() (*autoscalingv1.Scale, error)) {
	GinkgoHelper()
	what := fmt.Sprintf("%s the scale subresource of %s to %d replicas", verb, s.Name, replicas)
	var answer *autoscalingv1.Scale
	// A Scale does not show the set's generation, so it cannot be the recorded result.
	err := s.NS.Do(s.request(history.VerbScale, what), func() (err error) {
		answer, err = change()
		return err
	})
	switch l := s.NS.Settings.Limits; {
	case err != nil:
		err = fmt.Errorf("%w: see whether the suite has the right to %s statefulsets/scale", err, verb)
	case answer.Spec.Replicas != replicas:
		err = fmt.Errorf("expected spec.replicas %d in the answer, found %d", replicas, answer.Spec.Replicas)
	default:
		err = s.NS.Await(ctx, l.PodReady+l.PodGone, fmt.Sprintf("%s to have exactly %d pods, all Ready", s.Name, replicas), s.hasReplicas(replicas))
	}
	s.NS.Verify(id, err, "%s, and the pods follow", what)
}

// VerifyStatusSubresource verifies that the status subresource can be read, updated and patched, each by the answer to the request: the
// controller may write the status again at any time.
func (s *Set) VerifyStatusSubresource(ctx context.Context, id contract.ID) {
	GinkgoHelper()
	client := s.NS.Client.AppsV1()
	sets := client.StatefulSets(s.NS.Name)

	read := &appsv1.StatefulSet{}
	err := client.RESTClient().Get().Namespace(s.NS.Name).Resource("statefulsets").Name(s.Name).SubResource("status").Do(ctx).Into(read)
	if err == nil && (read.UID != s.UID || read.Status.ObservedGeneration == 0) {
		err = fmt.Errorf("expected the set of uid %s with its observedGeneration, found uid %s and %d", s.UID, read.UID, read.Status.ObservedGeneration)
	}
	s.NS.Verify(id, err, "status subresource of %s, read", s.Name)

	var answer *appsv1.StatefulSet
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := sets.Get(ctx, s.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		live.Status.Conditions = append(live.Status.Conditions,
			appsv1.StatefulSetCondition{Type: "Updated", Status: corev1.ConditionTrue, Reason: "Conformance"})
		answer, err = framework.Send(s.NS, s.request(history.VerbOther, "update the status of "+s.Name), func() (*appsv1.StatefulSet, error) {
			return sets.UpdateStatus(ctx, live, metav1.UpdateOptions{})
		})
		return err
	})
	s.NS.Verify(id, hasCondition(answer, "Updated", err), "status subresource of %s, updated", s.Name)

	patch := []byte(`{"status":{"conditions":[{"type":"Patched","status":"True","reason":"Conformance"}]}}`)
	answer, err = framework.Send(s.NS, s.request(history.VerbOther, "patch the status of "+s.Name), func() (*appsv1.StatefulSet, error) {
		return sets.Patch(ctx, s.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	})
	s.NS.Verify(id, hasCondition(answer, "Patched", err), "status subresource of %s, patched", s.Name)
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
