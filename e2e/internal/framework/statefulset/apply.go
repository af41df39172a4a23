package statefulset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Fields is what one field manager wants of a set: the fields that it applies, and no others.
type Fields map[string]any

// Applied returns the fields of a set from fixtures/set.yaml and the options as a manager applies them: without status, and without fields
// that have no value.
func Applied(ctx context.Context, ns *framework.Namespace, options ...Option) Fields {
	GinkgoHelper()
	o := Manifest(ctx, ns, options...)
	ns.Settings.Label(o)
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	Expect(err).NotTo(HaveOccurred())
	delete(fields, "status")
	fields["apiVersion"], fields["kind"] = appsv1.SchemeGroupVersion.String(), "StatefulSet"
	dropEmpty(fields)
	return fields
}

// Without returns the same fields but one.
func (f Fields) Without(path ...string) Fields {
	fields := runtime.DeepCopyJSON(f)
	unstructured.RemoveNestedField(fields, path...)
	return fields
}

// dropEmpty removes fields that are null: nobody applies those.
func dropEmpty(fields map[string]any) {
	for key, value := range fields {
		switch v := value.(type) {
		case nil:
			delete(fields, key)
		case map[string]any:
			dropEmpty(v)
		case []any:
			for _, item := range v {
				if inner, ok := item.(map[string]any); ok {
					dropEmpty(inner)
				}
			}
		}
	}
}

// Apply applies fields as one manager, with or without force, and returns the API server's answer, which may be a rejection. verb says
// whether it creates the set.
func Apply(ctx context.Context, ns *framework.Namespace, verb history.Verb, manager string, force bool, fields Fields) (*appsv1.StatefulSet, error) {
	GinkgoHelper()
	name, _, err := unstructured.NestedString(fields, "metadata", "name")
	Expect(err).NotTo(HaveOccurred())
	data, err := json.Marshal(fields)
	Expect(err).NotTo(HaveOccurred())
	text := "apply set " + name + " as " + manager
	if force {
		text += ", with force"
	}
	request := framework.Request{Verb: verb, Resource: history.Sets, Name: name, Text: text}
	return framework.Send(ns, request, func() (*appsv1.StatefulSet, error) {
		return ns.Client.AppsV1().StatefulSets(ns.Name).Patch(ctx, name, types.ApplyPatchType, data, metav1.PatchOptions{FieldManager: manager, Force: &force})
	})
}

// OnlyReplicas are the fields of a manager that cares for nothing but a set's replicas.
func OnlyReplicas(s *Set, replicas int32) Fields {
	return Fields{
		"apiVersion": appsv1.SchemeGroupVersion.String(), "kind": "StatefulSet",
		"metadata": map[string]any{"name": s.Name}, "spec": map[string]any{"replicas": int64(replicas)},
	}
}

// UpdateAs changes the set's spec by an update as a field manager.
func (s *Set) UpdateAs(ctx context.Context, manager, what string, change func(*appsv1.StatefulSet)) {
	GinkgoHelper()
	_, err := s.tryUpdate(ctx, what, metav1.UpdateOptions{FieldManager: manager}, change)
	Expect(err).NotTo(HaveOccurred(), what)
}

// VerifyNotRestarted verifies that the pods of the first ordinals are those of those UIDs, and that the set has one revision alone.
func (s *Set) VerifyNotRestarted(ctx context.Context, id contract.ID, pods []types.UID) {
	GinkgoHelper()
	s.NS.Recorded(ctx)
	var wrong []error
	s.NS.View(func(st *history.State) {
		for n, uid := range pods {
			if e := st.Get(history.Pods, s.Pod(n)); e == nil || e.UID != uid || e.Terminating() {
				wrong = append(wrong, fmt.Errorf("expected %s (uid %s) to stay: %s", s.Pod(n), uid, framework.PodReady(s.Pod(n))(st)))
			}
		}
		if kept := s.revisions(st); len(kept) != 1 {
			wrong = append(wrong, fmt.Errorf("expected one revision, found %d: %s", len(kept), names(kept)))
		}
	})
	s.NS.VerifySet(s.Name, id, errors.Join(wrong...), "pods and revisions of %s, whose template has not changed", s.Name)
}

// CreateByApply creates a set without its service by applying fields as a manager.
func CreateByApply(ctx context.Context, ns *framework.Namespace, manager string, fields Fields) *Set {
	GinkgoHelper()
	created, err := Apply(ctx, ns, history.VerbCreate, manager, false, fields)
	Expect(err).NotTo(HaveOccurred(), "creating a set by applying its manifest")
	return setOf(ns, created)
}

// ScaleAs changes replicas through the scale subresource as a field manager.
func (s *Set) ScaleAs(ctx context.Context, manager string, replicas int32) {
	GinkgoHelper()
	_, err := s.updateScale(ctx, manager, "", replicas)
	Expect(err).NotTo(HaveOccurred(), "scaling %s to %d", s.Name, replicas)
}

// updateScale updates the scale subresource, from a resource version on where one is given.
func (s *Set) updateScale(ctx context.Context, manager, version string, replicas int32) (*autoscalingv1.Scale, error) {
	scale := &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: s.Name, Namespace: s.NS.Name, ResourceVersion: version}, Spec: autoscalingv1.ScaleSpec{Replicas: replicas},
	}
	var answer *autoscalingv1.Scale
	// A Scale does not show the set's generation, so it cannot be the recorded result.
	err := s.NS.Do(s.request(history.VerbScale, fmt.Sprintf("update the scale subresource of %s to %d replicas", s.Name, replicas)), func() (err error) {
		answer, err = s.NS.Client.AppsV1().StatefulSets(s.NS.Name).UpdateScale(ctx, s.Name, scale, metav1.UpdateOptions{FieldManager: manager})
		return err
	})
	return answer, err
}

// Live returns the set as the API server has it now.
func (s *Set) Live(ctx context.Context) *appsv1.StatefulSet {
	GinkgoHelper()
	live, err := s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Get(ctx, s.Name, metav1.GetOptions{})
	Expect(err).NotTo(HaveOccurred(), "reading the set %s", s.Name)
	return live
}
