package preflight

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	crclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/e2e-framework/klient/k8s"
)

// objects returns the objects of a probe's fixtures, and those that the controller creates for their sets: pod 0 and its claims.
func (p *prober) objects(ctx context.Context, pp podProbe, namespace string) ([]k8s.Object, error) {
	var out []k8s.Object
	for _, fixture := range pp.fixtures {
		read, err := p.settings.ReadFixture(ctx, fixture, namespace)
		if err != nil {
			return nil, err
		}
		for _, o := range read {
			out = append(out, o)
			set, ok := o.(*appsv1.StatefulSet)
			if !ok {
				continue
			}
			out = append(out, firstPod(set))
			for i := range set.Spec.VolumeClaimTemplates {
				claim := set.Spec.VolumeClaimTemplates[i].DeepCopy()
				claim.Name, claim.Namespace = claim.Name+"-"+set.Name+"-0", namespace
				out = append(out, claim)
			}
		}
	}
	return out, nil
}

// dryRunCreate creates each object in a server-side dry run, which passes through admission and stores nothing.
func (p *prober) dryRunCreate(ctx context.Context, pp podProbe, objects []k8s.Object) []Problem {
	var problems []Problem
	for _, o := range objects {
		err := p.klient.Resources().GetControllerRuntimeClient().Create(ctx, o.DeepCopyObject().(crclient.Object), crclient.DryRunAll)
		if err != nil {
			problems = append(problems, admissionProblem(pp.standard, o, err))
		}
	}
	return problems
}

// tryAgain creates the pods of a probe again by dry run, under other names: quotas and limit ranges that a new namespace was given meanwhile
// hold for the pods of specs. It returns the pods as they were admitted.
func (p *prober) tryAgain(ctx context.Context, pp podProbe, objects []k8s.Object) (admitted []*corev1.Pod, problems []Problem) {
	for _, o := range objects {
		pod, ok := o.(*corev1.Pod)
		if !ok {
			continue
		}
		pod = pod.DeepCopy()
		pod.Name += "-again"
		answer, err := p.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err != nil {
			problems = append(problems, admissionProblem(pp.standard, pod, err))
			continue
		}
		admitted = append(admitted, answer)
	}
	return admitted, problems
}

// podSecurityWords are in the error of a pod that violates its namespace's Pod Security Standard.
const podSecurityWords = "violates PodSecurity"

// admissionProblem says why the API server did not admit an object, and who can change that.
func admissionProblem(standard string, o k8s.Object, err error) Problem {
	fix := "see which admission plugin or webhook says that, and let it admit namespaces whose label app.kubernetes.io/managed-by is statefulset-conformance"
	switch o.(type) {
	case *corev1.PersistentVolumeClaim:
		fix += ", or ask for other claims with CLAIM_SIZE= or STORAGE_CLASS="
	case *corev1.Pod, *appsv1.StatefulSet:
		fix += ", or give pods what it wants of them with POD_PATCH="
	}
	text := err.Error()
	switch {
	case strings.Contains(text, podSecurityWords):
		fix = fmt.Sprintf("the namespace enforces the Pod Security Standard %s, so something in the cluster overrides that label: let it stand", standard)
	case strings.Contains(text, "failed quota") && strings.Contains(text, "must specify"):
		fix = "give pods requests and limits with POD_PATCH=, or the suite's namespaces a LimitRange with defaults"
	case strings.Contains(text, "exceeded quota"), strings.Contains(text, "failed quota"):
		fix = "raise the quota, or let none apply to the suite's namespaces"
	case apierrors.IsInternalError(err):
		fix = "see whether the admission webhook that is named here runs"
	}
	object := kindOf(o) + " " + o.GetName()
	return Problem{
		Text:   oneLine(fmt.Sprintf("admission: expected %s to be admitted, found: %s; %s", object, strings.TrimSuffix(text, "."), fix)),
		object: object, cause: strings.ReplaceAll(text, `"`+o.GetName()+`"`, "") + fix,
	}
}

// kindOf returns an object's kind, which typed objects need not have.
func kindOf(o k8s.Object) string { return reflect.TypeOf(o).Elem().Name() }

// podNamed returns the pod of that name among the objects, without a grace period.
func podNamed(objects []k8s.Object, name string) *corev1.Pod {
	for _, o := range objects {
		if pod, ok := o.(*corev1.Pod); ok && pod.Name == name {
			pod = pod.DeepCopy()
			pod.Spec.TerminationGracePeriodSeconds = new(int64)
			return pod
		}
	}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

// firstPod returns pod 0 of a set as the API server is to admit it, without volumes and mounts of claims.
func firstPod(set *appsv1.StatefulSet) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: *set.Spec.Template.ObjectMeta.DeepCopy(), Spec: *set.Spec.Template.Spec.DeepCopy()}
	pod.Name, pod.Namespace = set.Name+"-0", set.Namespace
	claims := map[string]bool{}
	for _, t := range set.Spec.VolumeClaimTemplates {
		claims[t.Name] = true
	}
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return claims[m.Name] })
	}
	return pod
}
