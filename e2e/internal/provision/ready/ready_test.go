package ready

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	cachetesting "k8s.io/client-go/tools/cache/testing"
)

func TestWhatIsMissing(t *testing.T) {
	ready := func(name string, status corev1.ConditionStatus) *corev1.Node {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status}}
		return n
	}
	if got := nodesMissing([]*corev1.Node{ready("a", corev1.ConditionTrue)}, 2); got != "1 of 2 nodes have registered" {
		t.Error(got)
	}
	if got := nodesMissing([]*corev1.Node{ready("a", corev1.ConditionTrue), ready("b", corev1.ConditionUnknown)}, 2); got != "node b is not Ready" {
		t.Error(got)
	}
	if got := nodesMissing([]*corev1.Node{ready("a", corev1.ConditionTrue)}, 1); got != "" {
		t.Error(got)
	}

	cordoned := ready("a", corev1.ConditionTrue)
	cordoned.Spec.Unschedulable = true
	if got := nodesMissing([]*corev1.Node{cordoned}, 1); got != "node a is cordoned" {
		t.Error(got)
	}
	tainted := ready("a", corev1.ConditionTrue)
	tainted.Spec.Taints = []corev1.Taint{{Key: controlPlaneTaint, Effect: corev1.TaintEffectNoSchedule}}
	if got := nodesMissing([]*corev1.Node{tainted}, 1); got != "" {
		t.Error(got)
	}
	tainted.Spec.Taints = append(tainted.Spec.Taints, corev1.Taint{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute})
	if got := nodesMissing([]*corev1.Node{tainted}, 1); got != "node a carries the taint node.kubernetes.io/out-of-service" {
		t.Error(got)
	}

	set := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "podnet"}, Status: appsv1.DaemonSetStatus{NumberReady: 2}}
	if got := daemonSetsMissing([]*appsv1.DaemonSet{set}, "kube-system", 3); got != "daemon set podnet runs on 2 of 3 nodes" {
		t.Error(got)
	}
	if got := daemonSetsMissing(nil, "storage", 3); got != "no daemon set is in storage" {
		t.Error("a cluster without a pod network counts as ready")
	}

	replicas := int32(2)
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "coredns", Namespace: "kube-system", Generation: 2}}
	d.Spec.Replicas, d.Status.AvailableReplicas, d.Status.ObservedGeneration = &replicas, 2, 1
	if deploymentMissing(d) == "" {
		t.Error("the status of an older generation was believed")
	}
	d.Status.ObservedGeneration = 2
	if got := deploymentMissing(d); got != "" {
		t.Error(got)
	}
	d.Status.AvailableReplicas = 1
	if got := deploymentMissing(d); got != "deployment kube-system/coredns has 1 of 2 pods available" {
		t.Error(got)
	}
}

func TestStatusesFromBeforeTheStartOfANode(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC)
	pod := func(node string, container time.Time) *corev1.Pod {
		p := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "proxy", Namespace: "kube-system"}, Spec: corev1.PodSpec{NodeName: node}}
		p.Status.Phase = corev1.PodRunning
		p.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
		p.Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "c"}}
		p.Status.ContainerStatuses[0].State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(container)}
		return p
	}
	const missing = "container c of pod kube-system/proxy has not been started since its node a was"
	ended, deleted := pod("a", start.Add(-time.Hour)), pod("a", start.Add(-time.Hour))
	ended.Status.Phase = corev1.PodSucceeded
	deleted.DeletionTimestamp = &metav1.Time{Time: start}
	starting := pod("a", start.Add(time.Minute))
	starting.Status.Conditions[0].Status = corev1.ConditionFalse
	for want, pods := range map[string][]*corev1.Pod{
		// Of the start, the API tells the second alone.
		"":                                   {pod("a", start.Truncate(time.Second)), pod("b", start.Add(-time.Hour)), ended, deleted},
		missing:                              {pod("a", start.Add(time.Minute)), pod("a", start.Add(-2*time.Second))},
		"pod kube-system/proxy is not Ready": {starting},
	} {
		if got := restartsMissing(pods, map[string]time.Time{"a": start, "b": start.Add(-2 * time.Hour)}); got != want {
			t.Errorf("expected %q, found %q", want, got)
		}
	}
}

func TestUntilTellsTheLastAnswer(t *testing.T) {
	cause := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	calls := 0
	err := Until(ctx, time.Millisecond, func(ctx context.Context) error {
		if calls++; calls < 3 {
			return fmt.Errorf("refused %d", calls)
		}
		cancel(cause)
		return ctx.Err()
	})
	if !errors.Is(err, cause) || err.Error() != "refused 2: too late" {
		t.Errorf("expected the last answer and the cause, found %v", err)
	}
	calls = 0
	err = Until(t.Context(), time.Millisecond, func(context.Context) error {
		if calls++; calls < 3 {
			return errors.New("refused")
		}
		return nil
	})
	if err != nil || calls != 3 {
		t.Errorf("expected the third try to end it, found %v after %d", err, calls)
	}
}

func TestZoneOf(t *testing.T) {
	const before, after = ".:53 {\n    errors\n", " in-addr.arpa ip6.arpa {\n       pods insecure\n    }\n}\n"
	for corefile, want := range map[string]string{
		before + "    kubernetes cluster.local" + after: "cluster.local",
		before + "\tkubernetes db.example.internal. {":  "db.example.internal",
	} {
		if got, err := zoneOf(corefile); err != nil || got != want {
			t.Errorf("expected %q, found %q, %v, in\n%s", want, got, err, corefile)
		}
	}
	for _, corefile := range []string{"", before + "}", "    kubernetes\n"} {
		if got, err := zoneOf(corefile); err == nil {
			t.Errorf("expected an error, found %q in %q", got, corefile)
		}
	}
}

func TestObjectsWaitsForAllObjectsAtOnce(t *testing.T) {
	source := cachetesting.NewFakeControllerSource()
	source.Add(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
	want := 2
	missing := func(nodes []*corev1.Node) string {
		if len(nodes) < want {
			// What is missing arrives after the first list was seen.
			source.Add(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "b"}})
			return "node b is missing"
		}
		return ""
	}
	if err := Objects(t.Context(), source, &corev1.Node{}, missing); err != nil {
		t.Fatal(err)
	}
	cause := errors.New("too late")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := Objects(ctx, source, &corev1.Node{}, func([]*corev1.Node) string { cancel(cause); return "node c is missing" })
	if !errors.Is(err, cause) || err.Error() != "node c is missing: too late" {
		t.Errorf("expected what is missing and the cause, found %v", err)
	}
}
