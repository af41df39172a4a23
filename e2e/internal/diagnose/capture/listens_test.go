package capture_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
)

// TestOnlyWherePodsListenIsKeptOfTheirLogs: what a Ready pod wrote is read only if a service leads to a port that no probe asks, and only the lines are kept that
// tell of ports.
func TestOnlyWherePodsListenIsKeptOfTheirLogs(t *testing.T) {
	const written = "order 4711 of Ada\nlistening on 0.0.0.0:8080 as postgres://app:hunter2@db\nuser Grace logged in\n"
	yes := true
	for name, c := range map[string]struct {
		cluster string // cluster IP of the service
		ready   corev1.ConditionStatus
		probe   *corev1.Probe
		want    []diagnose.Says
	}{
		"a service for clients":            {"10.0.0.1", corev1.ConditionTrue, nil, []diagnose.Says{{Pod: "web-0", Container: "db", Text: "listening on 0.0.0.0:8080 as postgres://(not saved)@db"}}},
		"a headless service":               {corev1.ClusterIPNone, corev1.ConditionTrue, nil, nil},
		"a pod that is not Ready":          {"10.0.0.1", corev1.ConditionFalse, nil, nil},
		"a port that its probe asks":       {"10.0.0.1", corev1.ConditionTrue, &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(8080)}}}, nil},
		"another port than its probe asks": {"10.0.0.1", corev1.ConditionTrue, &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(81)}}}, []diagnose.Says{{Pod: "web-0", Container: "db", Text: "listening on 0.0.0.0:8080 as postgres://(not saved)@db"}}},
	} {
		web := set()
		labels := map[string]string{"app": "web"}
		web.Spec.Template.Labels, web.Spec.Template.Spec.Containers = labels, []corev1.Container{{Name: "db", ReadinessProbe: c.probe}}
		pod := corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: "ns", Labels: labels, OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: "web", UID: "u", Controller: &yes}}},
			Spec:       web.Spec.Template.Spec, Status: corev1.PodStatus{Phase: corev1.PodRunning, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: c.ready}}},
		}
		service := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "clients", Namespace: "ns"}, Spec: corev1.ServiceSpec{Selector: labels, ClusterIP: c.cluster, Ports: []corev1.ServicePort{{Port: 8080}}}}
		s, err := capture.State(t.Context(), server(t, map[string]any{
			setPath:                          web,
			"/api/v1/namespaces/ns/pods":     corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []corev1.Pod{pod}},
			"/api/v1/namespaces/ns/services": corev1.ServiceList{TypeMeta: metav1.TypeMeta{Kind: "ServiceList", APIVersion: "v1"}, Items: []corev1.Service{service}},
			"/api/v1/namespaces/ns/pods/web-0/log": func(r *http.Request) any {
				if q := r.URL.Query(); q.Get("tailLines") != "" || q.Get("limitBytes") == "" {
					t.Errorf("%s: expected the beginning of the log, found %s", name, r.URL)
				}
				return written
			},
		}), "ns", "web", patience)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, s.Listens); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
