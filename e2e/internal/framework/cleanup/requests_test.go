package cleanup

import (
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/e2e-framework/klient"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient/apitest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func connect(t *testing.T, s *apitest.Server) klient.Client {
	t.Helper()
	client, err := klient.New(s.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// A namespace that has the name and another UID is somebody else's, with all that is in it.
func TestWorkloadsOfAnotherNamespaceOfTheNameStay(t *testing.T) {
	for name, c := range map[string]struct {
		uid  types.UID // of the namespace that is there
		want []string
	}{
		"ours":           {"ours", []string{"DELETE /api/v1/namespaces/mine/pods/web-0 p", "DELETE /apis/apps/v1/namespaces/mine/statefulsets/web s"}},
		"somebody elses": {"theirs", nil},
	} {
		t.Run(name, func(t *testing.T) {
			s := &apitest.Server{Objects: map[string][]metav1.ObjectMeta{
				"namespaces":   {{Name: "mine", UID: c.uid}},
				"statefulsets": {{Name: "web", Namespace: "mine", UID: "s"}},
				"pods":         {{Name: "web-0", Namespace: "mine", UID: "p"}},
			}}
			if err := DeleteWorkloads(t.Context(), connect(t, s), "mine", "ours"); err != nil {
				t.Fatal(err)
			}
			if got := s.Changes(); !slices.Equal(got, c.want) {
				t.Errorf("expected %q, found %q", c.want, got)
			}
		})
	}
}

// A namespace is looked for by name and run, and deleted by its UID.
func TestOnlyTheRunsOwnNamespaceIsDeleted(t *testing.T) {
	own := map[string]string{runconfig.ManagedByLabel: runconfig.ManagedBy, runconfig.RunLabel: "r"}
	s := &apitest.Server{Objects: map[string][]metav1.ObjectMeta{"namespaces": {
		{Name: "mine", UID: "1", Labels: own}, {Name: "other", UID: "2", Labels: own}, {Name: "theirs", UID: "3"},
	}}}
	client := connect(t, s)
	for _, name := range []string{"mine", "theirs", "gone"} {
		if err := DeleteNamespace(t.Context(), client, name, "r"); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := s.Changes(), []string{"DELETE /api/v1/namespaces/mine 1"}; !slices.Equal(got, want) {
		t.Errorf("expected %q, found %q", want, got)
	}
}
