package capture_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
)

// patience is how long a request may take: a busy machine answers late.
const patience = time.Minute

// An API server that answers some paths, with an object or a function of the request, and forbids all others.
func server(t *testing.T, answers map[string]any) kubernetes.Interface {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer, ok := answers[r.URL.Path]
		if of, depends := answer.(func(*http.Request) any); depends {
			answer = of(r)
		}
		if !ok {
			w.WriteHeader(http.StatusForbidden)
			answer = metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonForbidden, Code: 403, Message: "not for you: " + r.URL.Path}
		}
		if text, plain := answer.(string); plain {
			_, _ = w.Write([]byte(text))
			return
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: s.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

const setPath = "/apis/apps/v1/namespaces/ns/statefulsets/web"

func set() appsv1.StatefulSet {
	one := int32(1)
	return appsv1.StatefulSet{
		TypeMeta: metav1.TypeMeta{Kind: "StatefulSet", APIVersion: "apps/v1"}, ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "ns", UID: "u"},
		Spec: appsv1.StatefulSetSpec{Replicas: &one, ServiceName: "web"},
	}
}

func TestWhatMayNotBeReadIsNoted(t *testing.T) {
	client := server(t, map[string]any{
		setPath:                      set(),
		"/api/v1/namespaces/ns/pods": corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}},
	})
	s, err := capture.State(t.Context(), client, "ns", "web", patience)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range s.Unread {
		names = append(names, u.What)
		if !strings.Contains(u.Why, "not for you") {
			t.Errorf("expected the server's reason for %s, found %q", u.What, u.Why)
		}
	}
	for _, want := range []string{
		"configmap coredns in kube-system", "deployments in kube-system", "endpointslices", "events", "horizontalpodautoscalers", "leases in kube-system", "nodes", "persistentvolumeclaims",
		"persistentvolumes", "poddisruptionbudgets", "pods in kube-system", "resourcequotas", "services", "services in kube-system", "storageclasses",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("expected %s to be noted as not read, found %v", want, names)
		}
	}
	found := diagnose.Diagnose(s)
	if len(found) != 1 || found[0].Cause != diagnose.Unknown {
		t.Errorf("expected one finding without a cause, found %s", diagnose.Brief(found))
	}
}

func TestASetThatIsNotThereIsNoError(t *testing.T) {
	missing := metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: 404}
	client := notFound(t, missing)
	s, err := capture.State(t.Context(), client, "ns", "web", patience)
	if err != nil || s.StatefulSet != nil {
		t.Fatalf("expected a state without a set, found %v, %v", s, err)
	}
	if found := diagnose.Diagnose(s); len(found) != 1 || found[0].Cause != "set-missing" {
		t.Errorf("expected the set to be called missing, found %s", diagnose.Brief(found))
	}
}

func notFound(t *testing.T, status metav1.Status) kubernetes.Interface {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_ = json.NewEncoder(w).Encode(status)
	}))
	t.Cleanup(s.Close)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: s.URL, ContentConfig: rest.ContentConfig{ContentType: "application/json"}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Without the set or its pods there is nothing to diagnose: that is an error.
func TestASetOrPodsThatMayNotBeReadAreAnError(t *testing.T) {
	if _, err := capture.State(t.Context(), server(t, nil), "ns", "web", patience); err == nil || !strings.Contains(err.Error(), "reading statefulset ns/web") {
		t.Errorf("expected an error about the set, found %v", err)
	}
	if _, err := capture.State(t.Context(), server(t, map[string]any{setPath: set()}), "ns", "web", patience); err == nil || !strings.Contains(err.Error(), "the pods of namespace ns") {
		t.Errorf("expected an error about the pods, found %v", err)
	}
}

func mounting(claim string) corev1.PodSpec {
	source := corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}
	return corev1.PodSpec{Volumes: []corev1.Volume{{Name: "data", VolumeSource: source}}}
}

// What only some diagnoses look at is read when there is a sign of it.
func TestWhatDependsOnWhatWasFoundIsRead(t *testing.T) {
	meta := func(kind, version string) metav1.TypeMeta { return metav1.TypeMeta{Kind: kind, APIVersion: version} }
	s := set()
	s.Spec.Template.Spec.Containers = []corev1.Container{{Name: "main", Args: []string{"--seed=web-0.web.ns.svc.cluster.local"}}}
	pods := corev1.PodList{TypeMeta: meta("PodList", "v1"), Items: []corev1.Pod{
		{ObjectMeta: metav1.ObjectMeta{Name: "reports-0", Namespace: "ns", Labels: map[string]string{"app": "shop"}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "unrelated", Namespace: "ns"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: "ns"}, Spec: mounting("shared")},
		{ObjectMeta: metav1.ObjectMeta{Name: "backup", Namespace: "ns"}, Spec: mounting("shared")},
	}}
	about := func(kind, name, reason string) corev1.Event {
		return corev1.Event{InvolvedObject: corev1.ObjectReference{Kind: kind, Name: name, Namespace: "ns"}, Reason: reason}
	}
	answers := map[string]any{
		setPath: s, "/api/v1/namespaces/ns/pods": pods,
		"/api/v1/namespaces/ns/services": corev1.ServiceList{TypeMeta: meta("ServiceList", "v1"), Items: []corev1.Service{
			{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: corev1.ServiceSpec{Selector: map[string]string{"app": "shop"}}},
		}},
		"/api/v1/namespaces/ns/limitranges": corev1.LimitRangeList{TypeMeta: meta("LimitRangeList", "v1"), Items: []corev1.LimitRange{{ObjectMeta: metav1.ObjectMeta{Name: "defaults"}}}},
		"/apis/storage.k8s.io/v1/csinodes":  storagev1.CSINodeList{TypeMeta: meta("CSINodeList", "storage.k8s.io/v1"), Items: []storagev1.CSINode{{ObjectMeta: metav1.ObjectMeta{Name: "node"}}}},
		"/api/v1/namespaces/ns/events":      corev1.EventList{TypeMeta: meta("EventList", "v1")},
	}
	read := func() *diagnose.State {
		got, err := capture.State(t.Context(), server(t, answers), "ns", "web", patience)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := read()
	if len(got.Limits) != 0 || len(got.CSINodes) != 0 {
		t.Errorf("expected nothing to be read without a sign of it, found %v and %v", got.Limits, got.CSINodes)
	}
	var names []string
	for i := range got.Pods {
		names = append(names, got.Pods[i].Name)
	}
	if want := []string{"web-0", "reports-0", "backup"}; !slices.Equal(names, want) {
		t.Errorf("expected the set's pod, the one that the service selects and the one that shares a claim (%v), found %v", want, names)
	}
	if want := []string{"web-0.web.ns.svc.cluster.local"}; !slices.Equal(got.Names, want) {
		t.Errorf("expected the names %v, found %v", want, got.Names)
	}
	answers["/api/v1/namespaces/ns/events"] = corev1.EventList{TypeMeta: meta("EventList", "v1"), Items: []corev1.Event{about("StatefulSet", "web", "FailedCreate"), about("Pod", "web-0", "FailedMount")}}
	answers["/api/v1/namespaces/ns/events"] = corev1.EventList{TypeMeta: meta("EventList", "v1"), Items: []corev1.Event{
		about("StatefulSet", "web", "FailedCreate"), about("Pod", "web-0", "FailedMount"), about("Pod", "web-1", "Evicted"), about("Pod", "unrelated", "Evicted"),
	}}
	if events := read().Events; len(events) != 3 {
		t.Errorf("expected the events of the set, its pod and the one that is gone, found %v", events)
	}
	if got := read(); len(got.Limits) != 1 || len(got.CSINodes) != 1 {
		t.Errorf("expected limit ranges and drivers to be read, found %v and %v", got.Limits, got.CSINodes)
	}
}

// The pods of a large cluster are read page by page.
func TestPodsOfTheClusterAreReadByPages(t *testing.T) {
	meta := func(kind string) metav1.TypeMeta { return metav1.TypeMeta{Kind: kind, APIVersion: "v1"} }
	on := func(name string) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "other"}, Spec: corev1.PodSpec{NodeName: "node"}}
	}
	got, err := capture.State(t.Context(), server(t, map[string]any{
		setPath: set(),
		"/api/v1/namespaces/ns/pods": corev1.PodList{TypeMeta: meta("PodList"), Items: []corev1.Pod{{
			ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: "ns"},
			Status:     corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable}}},
		}}},
		"/api/v1/nodes": corev1.NodeList{TypeMeta: meta("NodeList"), Items: []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "node"}}}},
		"/api/v1/pods": func(r *http.Request) any {
			q := r.URL.Query()
			if q.Get("limit") == "" {
				t.Error("expected a limit of how many pods one answer has")
			}
			if q.Get("continue") == "" {
				return corev1.PodList{TypeMeta: meta("PodList"), ListMeta: metav1.ListMeta{Continue: "next"}, Items: []corev1.Pod{on("a"), on("b")}}
			}
			return corev1.PodList{TypeMeta: meta("PodList"), Items: []corev1.Pod{on("c")}}
		},
	}), "ns", "web", patience)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Usage) != 1 || got.Usage[0].Pods != 3 {
		t.Errorf("expected three pods on the node, found %+v", got.Usage)
	}
}

// A pod without a node, and a rule of a pod of another namespace; one pod less than the set asks for, in a namespace that is being deleted.
func TestWhatKeepsPodsAwayAndWhatEnds(t *testing.T) {
	meta := func(kind string) metav1.TypeMeta { return metav1.TypeMeta{Kind: kind, APIVersion: "v1"} }
	s, two := set(), int32(2)
	at := metav1.Now().Rfc3339Copy()
	apart := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "batch", Namespace: "other"}, Spec: corev1.PodSpec{NodeName: "node"}}
	apart.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{
		{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, Namespaces: []string{"ns"}, TopologyKey: corev1.LabelHostname},
		{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "other"}}, Namespaces: []string{"ns"}, TopologyKey: corev1.LabelHostname},
		{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}, TopologyKey: corev1.LabelHostname},
	}}}
	answers := map[string]any{
		"/api/v1/namespaces/ns/pods": corev1.PodList{TypeMeta: meta("PodList"), Items: []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "web-0", Namespace: "ns", Labels: map[string]string{"app": "web"}}}}},
		"/api/v1/nodes":              corev1.NodeList{TypeMeta: meta("NodeList"), Items: []corev1.Node{{ObjectMeta: metav1.ObjectMeta{Name: "node"}}}},
		"/api/v1/pods":               corev1.PodList{TypeMeta: meta("PodList"), Items: []corev1.Pod{apart}},
		"/api/v1/namespaces/ns": corev1.Namespace{
			TypeMeta: meta("Namespace"), ObjectMeta: metav1.ObjectMeta{Name: "ns", DeletionTimestamp: &at},
			Status: corev1.NamespaceStatus{Conditions: []corev1.NamespaceCondition{
				{Type: corev1.NamespaceContentRemaining, Status: corev1.ConditionTrue, Message: "Some resources are remaining"},
				{Type: corev1.NamespaceDeletionContentFailure, Status: corev1.ConditionFalse, Message: "All content successfully deleted"},
			}},
		},
	}
	read := func() *diagnose.State {
		answers[setPath] = s
		got, err := capture.State(t.Context(), server(t, answers), "ns", "web", patience)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := read()
	if want := (diagnose.KeepAway{Pod: "other/batch", Selector: "app=web", TopologyKey: corev1.LabelHostname}); len(got.Usage) != 1 || !slices.Equal(got.Usage[0].KeepAway, []diagnose.KeepAway{want}) {
		t.Errorf("expected the rule that matches the pod in its namespace alone, found %+v", got.Usage)
	}
	if got.NamespaceDeleted != nil {
		t.Error("expected the namespace not to be read while all pods are there")
	}
	s.Spec.Replicas = &two
	if got := read(); !got.NamespaceDeleted.Equal(&at) || !slices.Equal(got.NamespaceHeld, []string{"Some resources are remaining"}) {
		t.Errorf("expected a namespace that is being deleted and what is left in it, found %v, %q", got.NamespaceDeleted, got.NamespaceHeld)
	}
	answers["/api/v1/namespaces"] = corev1.NamespaceList{TypeMeta: meta("NamespaceList"), Items: []corev1.Namespace{answers["/api/v1/namespaces/ns"].(corev1.Namespace)}}
	delete(answers, "/api/v1/namespaces/ns")
	if got := read(); !got.NamespaceDeleted.Equal(&at) {
		t.Errorf("expected the same of a namespace that may be listed and not got, found %v", got.NamespaceDeleted)
	}
}
