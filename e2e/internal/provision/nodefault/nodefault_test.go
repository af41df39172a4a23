package nodefault

import (
	"reflect"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestParse(t *testing.T) {
	got, err := parse("1 /k-control-plane control-plane running \"2026-01-02T03:04:05.6Z\"\n2 k-worker worker paused \"2026-01-02T03:04:05+01:00\"\n")
	want := []Node{
		{"1", "k-control-plane", "control-plane", "running", "2026-01-02T03:04:05.6Z"}, {"2", "k-worker", "worker", "paused", "2026-01-02T03:04:05+01:00"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("found %v, %v", got, err)
	}
	for i, want := range []string{"2026-01-02T03:04:05.6Z", "2026-01-02T02:04:05Z"} {
		if at, err := got[i].startTime(); err != nil || at.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("expected %s, found %v, %v", want, at, err)
		}
	}
	if _, err := parse("3 /other running 2026-01-02T03:04:05Z\n"); err == nil {
		t.Error("a container without a role was taken for a node")
	}
}

func TestStartCommand(t *testing.T) {
	for status, want := range map[string]string{"running": "", "restarting": "", "paused": "unpause", "exited": "start", "created": "start", "dead": "start"} {
		if got := startCommand(status); got != want {
			t.Errorf("%s: expected %q, found %q", status, want, got)
		}
	}
}

func TestControlPlaneMissing(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "kube-apiserver-k"}}
	if got := controlPlaneMissing([]*corev1.Pod{pod}); got != "kube-apiserver-k is not Ready" {
		t.Error(got)
	}
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	if got := controlPlaneMissing([]*corev1.Pod{pod}); got != "" {
		t.Error(got)
	}
	if controlPlaneMissing(nil) == "" {
		t.Error("a cluster without a control plane counts as ready")
	}
}

func TestLeasesMissing(t *testing.T) {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	lease := func(name string, after time.Duration) *coordinationv1.Lease {
		at := metav1.NewMicroTime(begin.Add(after))
		return &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(name)}, Spec: coordinationv1.LeaseSpec{RenewTime: &at}}
	}
	first := map[types.UID]metav1.MicroTime{}
	check := func(want string, all ...*coordinationv1.Lease) {
		t.Helper()
		if got := leasesMissing(all, first); got != want {
			t.Errorf("expected %q, found %q", want, got)
		}
	}
	check("no process holds the lease of kube-controller-manager")
	check("no process holds the lease of kube-controller-manager", lease("other", 0))
	check("kube-controller-manager does not renew its lease\nkube-scheduler does not renew its lease", lease(ControllerManager, 0), lease("kube-scheduler", 0))
	check("kube-scheduler does not renew its lease", lease(ControllerManager, time.Second), lease("kube-scheduler", 0))
	check("", lease(ControllerManager, time.Second), lease("kube-scheduler", time.Second))
}
