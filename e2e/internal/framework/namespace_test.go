package framework

import (
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/e2e-framework/klient"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient/apitest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// clusterOn is a cluster of that server.
func clusterOn(t *testing.T, s *apitest.Server, settings runconfig.Settings) *Cluster {
	t.Helper()
	config := s.Start(t)
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	kl, err := klient.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return &Cluster{Client: client, Klient: kl, Settings: settings}
}

// A namespace whose creation was carried out and whose answer was lost is removed again.
func TestNamespaceWhoseAnswerWasLostIsRemoved(t *testing.T) {
	s := &apitest.Server{Objects: map[string][]metav1.ObjectMeta{"namespaces": {{Name: "theirs", UID: "1"}}}, LoseCreations: true}
	c := clusterOn(t, s, runconfig.Settings{Run: "r", NamespacePrefix: "sts", Limits: runconfig.DefaultLimits()})
	if _, err := NewNamespace(t.Context(), c, Restricted, history.Header{}); err == nil {
		t.Fatal("expected an error")
	}
	changes := s.Changes()
	if last := changes[len(changes)-1]; !strings.HasPrefix(last, "DELETE /api/v1/namespaces/sts-") || !strings.HasSuffix(last, " created") {
		t.Errorf("expected the namespace to be deleted by its UID, found %q", changes)
	}
	if slices.ContainsFunc(changes, func(c string) bool { return strings.Contains(c, "theirs") }) {
		t.Errorf("expected the others' namespaces to stay, found %q", changes)
	}
}

// In a cluster that is removed after the run a namespace stays; in any other it is removed by its UID.
func TestRemovedWhereTheClusterStays(t *testing.T) {
	for keep, want := range map[bool]int{true: 0, false: 1} {
		s := &apitest.Server{Objects: map[string][]metav1.ObjectMeta{"namespaces": {{Name: "sts-a", UID: "u"}}}}
		ns := &Namespace{Cluster: clusterOn(t, s, runconfig.Settings{Run: "r", KeepNamespaces: keep}), Name: "sts-a", uid: "u"}
		if err := ns.Remove(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.Changes(); len(got) != want {
			t.Errorf("keep %t: expected %d requests to change something, found %q", keep, want, got)
		}
	}
}
