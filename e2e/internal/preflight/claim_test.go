package preflight

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// The probe's set has a claim template of the size that specs ask for, and its pod mounts it.
func TestProbeBindsAClaimOfTheSizeInUse(t *testing.T) {
	large := resource.MustParse("1Gi")
	for name, c := range map[string]struct {
		size *resource.Quantity
		want string
	}{"the suite's own": {nil, "16Mi"}, "CLAIM_SIZE": {&large, "1Gi"}} {
		p := testProber()
		pp := probeSet(t)
		client := fake.NewClientset(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: "probe-set-0", Namespace: "mine", Labels: map[string]string{"app": "set"}, OwnerReferences: []metav1.OwnerReference{{Name: "probe-set", Controller: new(true)}},
		}})
		p.client, p.settings.ClaimSize, p.settings.StorageClass, p.settings.Namespaces = client, c.size, "disk", []string{"mine"}
		objects, err := p.objects(t.Context(), pp, "mine")
		if err != nil {
			t.Fatal(err)
		}
		if _, problem := p.makePod(t.Context(), pp, objects, time.Minute); problem != nil {
			t.Fatalf("%s: %v", name, problem)
		}
		set, err := client.AppsV1().StatefulSets("mine").Get(t.Context(), "probe-set", metav1.GetOptions{})
		if err != nil || len(set.Spec.VolumeClaimTemplates) != 1 {
			t.Fatalf("%s: expected a set with a claim template, found %+v, %v", name, set, err)
		}
		claim, mount := set.Spec.VolumeClaimTemplates[0], set.Spec.Template.Spec.Containers[0].VolumeMounts
		size := claim.Spec.Resources.Requests[corev1.ResourceStorage]
		if size.String() != c.want || *claim.Spec.StorageClassName != "disk" || len(mount) != 1 || mount[0].Name != claim.Name {
			t.Errorf("%s: expected a mounted claim of %s of class disk, found %+v and %v", name, c.want, claim.Spec, mount)
		}
		// By these labels it is removed from a namespace of NAMESPACES.
		if claim.Labels[probeLabel] != pp.name() || claim.Labels[runconfig.RunLabel] != p.settings.Run {
			t.Errorf("%s: expected a claim with the labels of run and probe, found %v", name, claim.Labels)
		}
		need := Needs(c.size)
		before := need[corev1.ResourceRequestsStorage]
		p.withoutProbes(podProbe{claim: true}, need, "mine")
		before.Sub(need[corev1.ResourceRequestsStorage])
		if pvcs := need[corev1.ResourcePersistentVolumeClaims]; before.Cmp(size) != 0 || pvcs.Value() != few-1 {
			t.Errorf("%s: expected the probe's own claim not to be needed a second time, found %v", name, need)
		}
		if left := need[corev1.ResourcePods]; left.Value() != pods-1 {
			t.Errorf("%s: expected the probe's own pod not to be needed a second time, found %v", name, need)
		}
		p.withoutProbes(podProbe{byController: true}, need, "mine")
		if left := need["count/statefulsets.apps"]; left.Value() != sets-1 || need[corev1.ResourcePersistentVolumeClaims] != *resource.NewQuantity(few-1, resource.DecimalSI) {
			t.Errorf("%s: expected the probe's own set not to be needed a second time, found %v", name, need)
		}
	}
}

func TestClaimProblem(t *testing.T) {
	claim := func(phase corev1.PersistentVolumeClaimPhase) runtime.Object {
		c := testProber().claim("mine")
		c.Name += "-probe-set-0"
		c.Status.Phase = phase
		return c
	}
	event := func(name, message string, at int64) runtime.Object {
		return &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "mine"}, Type: corev1.EventTypeWarning, Reason: "ProvisioningFailed", Message: message,
			LastTimestamp: metav1.Unix(at, 0),
		}
	}
	unscheduled := func(message string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "probe-set-0", Namespace: "mine"}, Status: corev1.PodStatus{Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Message: message},
		}}}
	}
	waits := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "probe-set-0", Namespace: "mine"}}
	for name, c := range map[string]struct {
		objects []runtime.Object
		pod     *corev1.Pod
		want    string
	}{
		"too small": {
			[]runtime.Object{claim(corev1.ClaimPending), event("b", "the least size is 1Gi", 2), event("a", "busy", 1)},
			waits,
			"claims: expected one of 16Mi and class \"disk\" to be Bound within 1m0s, found it Pending: ProvisioningFailed: the least size is 1Gi; ask for more with CLAIM_SIZE=",
		},
		"no word":                    {[]runtime.Object{claim(corev1.ClaimPending)}, waits, "found it Pending: no event says why"},
		"no volume, so no node":      {[]runtime.Object{claim(corev1.ClaimPending)}, unscheduled("0/3 nodes: pod has unbound immediate PersistentVolumeClaims"), "found it Pending"},
		"no node, so no volume":      {[]runtime.Object{claim(corev1.ClaimPending)}, unscheduled("0/3 nodes: 3 had untolerated taints"), ""},
		"it is Bound":                {[]runtime.Object{claim(corev1.ClaimBound), event("a", "busy", 1)}, waits, ""},
		"the claim cannot be listed": {nil, waits, ""},
	} {
		p := testProber()
		p.client, p.settings.Facts.StorageClass, p.settings.Limits.ClaimBound = fake.NewClientset(c.objects...), "disk", time.Minute
		got := p.claimProblem(t.Context(), c.pod)
		if c.want == "" && got != nil || c.want != "" && (got == nil || got.Usage || !strings.Contains(got.Text, c.want)) {
			t.Errorf("%s: expected %q, found %v", name, c.want, got)
		}
	}
}
