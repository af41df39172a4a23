package preflight

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// probeSet is the probe whose pod the controller makes.
func probeSet(t *testing.T) podProbe {
	t.Helper()
	for _, pp := range probes() {
		if pp.byController && pp.podName == "set-0" {
			return pp
		}
	}
	t.Fatal("expected a probe whose pod the controller makes")
	return podProbe{}
}

func TestMakePod(t *testing.T) {
	refusal := &corev1.Event{
		ObjectMeta: metav1.ObjectMeta{Name: "e1", Namespace: "mine"}, Type: corev1.EventTypeWarning, Reason: "FailedCreate",
		InvolvedObject: corev1.ObjectReference{Kind: "StatefulSet", Name: "probe-set"},
		Message:        `create Pod probe-set-0 in StatefulSet probe-set failed error: pods "probe-set-0" is forbidden: unable to validate against any security context constraint`,
	}
	claimRefusal := refusal.DeepCopy()
	claimRefusal.Message = "Create Claim probe-probe-set-0 for Pod probe-set-0 in StatefulSet probe-set failed error: exceeded quota"
	owned := func(uid types.UID) *corev1.Pod {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "probe-set-0", Namespace: "mine", Labels: map[string]string{"app": "set"}}}
		pod.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "probe-set", UID: uid, Controller: new(true)}}
		return pod
	}
	for name, c := range map[string]struct {
		there []runtime.Object
		want  string // "" where a pod is made
		takes time.Duration
	}{
		"made":             {there: []runtime.Object{owned("uid-set")}},
		"made in spite of": {there: []runtime.Object{owned("uid-set"), refusal}},
		"refused":          {[]runtime.Object{refusal}, `found FailedCreate: create Pod probe-set-0 in StatefulSet probe-set failed error: pods "probe-set-0" is forbidden`, mayPass + time.Second},
		"a claim refused": {
			[]runtime.Object{claimRefusal}, `found FailedCreate: Create Claim probe-probe-set-0 for Pod probe-set-0 in StatefulSet probe-set failed error: exceeded quota; let the controller create such claims`, mayPass + time.Second,
		},
		"a pod of another":     {[]runtime.Object{owned("uid-other")}, "found none, and no event says why; see whether kube-controller-manager runs", time.Minute},
		"nobody does anything": {nil, "expected the StatefulSet controller to create pod probe-set-0 within 1m0s, found none", time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			client := fake.NewClientset(c.there...)
			client.PrependReactor("create", "statefulsets", func(a clienttesting.Action) (bool, runtime.Object, error) {
				set := a.(clienttesting.CreateAction).GetObject().(*appsv1.StatefulSet)
				if *set.Spec.Replicas != 1 || *set.Spec.Template.Spec.TerminationGracePeriodSeconds != 5 {
					t.Errorf("%s: expected a set of one pod that ends as those of specs do, since that is measured, found %+v", name, set.Spec)
				}
				// Other probes try the fixtures' own names by dry run, in the same namespace of NAMESPACES.
				if set.Name != "probe-set" || set.Spec.ServiceName != set.Name {
					t.Errorf("%s: expected a set and a service with a name of their own, found %s and %s", name, set.Name, set.Spec.ServiceName)
				}
				set.UID = "uid-set"
				return true, set, nil
			})
			p := testProber()
			p.client = client
			pp := probeSet(t)
			objects, err := p.objects(t.Context(), pp, "mine")
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			pod, problem := p.makePod(context.WithoutCancel(t.Context()), pp, objects, time.Minute)
			took := time.Since(begin)
			switch {
			case c.want == "" && (problem != nil || pod == nil || pod.Name != "probe-set-0"):
				t.Errorf("%s: expected a pod, found %v, %v", name, pod, problem)
			case c.want != "" && (problem == nil || !strings.Contains(problem.Text, c.want)):
				t.Errorf("%s: expected %q, found %v", name, c.want, problem)
			case took > c.takes:
				t.Errorf("%s: expected to know within %v, found %v", name, c.takes, took)
			}
		})
	}
}

func TestEnded(t *testing.T) {
	terminated := &corev1.ContainerStateTerminated{ExitCode: 1, Reason: "Error"}
	for name, c := range map[string]struct {
		status corev1.ContainerStatus
		want   string
	}{
		"runs":         {corev1.ContainerStatus{Name: "nginx", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}, ""},
		"has ended":    {corev1.ContainerStatus{Name: "nginx", State: corev1.ContainerState{Terminated: terminated}}, "found that it ended with exit code 1 (Error): fake logs; name another with NGINX_IMAGE="},
		"ended before": {corev1.ContainerStatus{Name: "nginx", LastTerminationState: corev1.ContainerState{Terminated: terminated}}, "found that it ended with exit code 1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web-statefulset-0", Namespace: "mine"}, Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{c.status}}}
			p := testProber()
			p.client = fake.NewClientset(pod)
			all := probes()
			got := p.ended(t.Context(), all[len(all)-1], pod)
			if (got == nil) != (c.want == "") || got != nil && !strings.Contains(got.Text, c.want) {
				t.Errorf("%s: expected %q, found %v", name, c.want, got)
			}
		})
	}
}

// TestNodePromised: more time is given to a pod without a node that something makes one for.
func TestNodePromised(t *testing.T) {
	event := func(reason, pod string) *corev1.Event {
		return &corev1.Event{
			ObjectMeta: metav1.ObjectMeta{Name: reason, Namespace: "mine"}, Reason: reason, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: pod},
		}
	}
	for name, c := range map[string]struct {
		node string
		said *corev1.Event
		want bool
	}{
		"cluster-autoscaler": {"", event("TriggeredScaleUp", "a"), true},
		"Karpenter":          {"", event("Nominated", "a"), true},
		"nothing fits":       {"", event("NotTriggerScaleUp", "a"), false},
		"on a node":          {"node-1", event("TriggeredScaleUp", "a"), false},
	} {
		p := testProber()
		p.client = fake.NewClientset(c.said)
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "mine"}, Spec: corev1.PodSpec{NodeName: c.node}}
		if got := p.nodePromised(t.Context(), pod); got != c.want {
			t.Errorf("%s: expected %v, found %v", name, c.want, got)
		}
	}
}
