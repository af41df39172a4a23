package recorder_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
)

// What may not be listed is told as a gap of the whole recording, and everything else is recorded.
func TestResourcesThatMayNotBeListedAreAGap(t *testing.T) {
	s := newServer(t)
	s.all, s.denied = true, map[string]bool{"services": true, "persistentvolumeclaims": true}
	s.put(history.Claims, claim("data-web-0"))
	r, err := recorder.StartReadable(t.Context(), s.client, history.Header{Namespace: "ns"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Unreadable(); len(got) != 2 || got[0].Resource != history.Claims || !strings.Contains(got[0].Reason, "forbidden") {
		t.Errorf("expected claims and services to be told at once, with the answer, found %+v", got)
	}
	s.put(history.Pods, pod("web-0", "a"))
	s.put(history.Events, &corev1.Event{
		TypeMeta: metav1.TypeMeta{Kind: "Event", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "web-0.1", Namespace: "ns"},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "web-0"}, Reason: "Unhealthy",
	})
	hostname(t, r, "web-0", "a")
	h := r.Stop(t.Context(), patience)
	if h.End == nil || !h.End.Complete {
		t.Errorf("expected what may be listed to be recorded completely, found the end %+v", h.End)
	}
	if len(h.Gaps) != 2 || h.Gaps[0].From != 0 || h.Gaps[0].To < h.Events[len(h.Events)-1].At {
		t.Errorf("expected a gap of two resources from beginning to end, found %+v", h.Gaps)
	}
	about := false
	for _, e := range h.Events {
		about = about || (e.Report != nil && e.Report.Kind == "Pod" && e.Report.Reason == "Unhealthy")
	}
	if !about {
		t.Error("expected the Event about a pod to be recorded")
	}
	var file strings.Builder
	if err := h.Write(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := history.Read(strings.NewReader(file.String())); err != nil {
		t.Errorf("expected the history to be read again: %v", err)
	}
}

// Nodes are recorded where they may be read, without what kubelets write that changes nothing of them.
func TestNodesAreRecordedWhereTheyChange(t *testing.T) {
	s := newServer(t)
	s.all = true
	version := func(cordoned bool, heartbeat string) *corev1.Node {
		return &corev1.Node{
			TypeMeta: metav1.TypeMeta{Kind: "Node", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "n1", Labels: map[string]string{"heartbeat": heartbeat}},
			Spec: corev1.NodeSpec{Unschedulable: cordoned},
		}
	}
	s.put(history.Nodes, version(false, "1"))
	r, err := recorder.StartReadable(t.Context(), s.client, history.Header{Namespace: "ns"})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Unreadable(); len(got) != 0 {
		t.Errorf("expected everything to be readable, found %+v", got)
	}
	s.put(history.Nodes, version(false, "2"))
	s.put(history.Nodes, version(true, "3"))
	err = r.Await(t.Context(), patience, "the node to be cordoned", func(st *history.State) string {
		if e := st.Get(history.Nodes, "n1"); !e.Node.Unschedulable {
			return "it is not"
		}
		return ""
	})
	if err != nil {
		t.Fatal(err)
	}
	s.with(func() { s.mute["nodes"] = true })
	s.put(history.Nodes, version(true, "4"))
	s.expire()
	s.drop()
	s.with(func() { s.mute["nodes"] = false })
	h := r.Stop(t.Context(), patience)
	if h.End == nil || !h.End.Complete || len(h.Gaps) != 0 {
		t.Errorf("expected a complete recording without gaps, found %+v and %+v", h.End, h.Gaps)
	}
	var got []bool
	for _, e := range h.Events {
		if e.Resource == history.Nodes {
			got = append(got, e.Node.Unschedulable)
		}
	}
	if len(got) != 2 || got[0] || !got[1] {
		t.Errorf("expected the node as it was listed and as it was cordoned, found %v", got)
	}
	readsBack(t, h)
}

// Without pods or sets there is nothing to tell.
func TestPodsAndSetsMustBeReadable(t *testing.T) {
	for _, resource := range []history.Resource{history.Pods, history.Sets} {
		s := newServer(t)
		s.all, s.denied = true, map[string]bool{string(resource): true}
		if _, err := recorder.StartReadable(t.Context(), s.client, history.Header{Namespace: "ns"}); err == nil || !strings.Contains(err.Error(), string(resource)) {
			t.Errorf("expected no recording without %s, found %v", resource, err)
		}
		noGoroutines(t)
	}
}

// A server that fails is not a right that is missing.
func TestServerInTroubleIsNoMissingRight(t *testing.T) {
	s := newServer(t)
	s.with(func() { s.answer = 500 })
	if _, err := recorder.StartReadable(t.Context(), s.client, history.Header{Namespace: "ns"}); err == nil {
		t.Error("expected an error")
	}
}
