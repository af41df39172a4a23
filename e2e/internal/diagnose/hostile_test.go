package diagnose_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// A container's last words must not reach a terminal as commands.
func TestMessagesHoldNoControlCharacters(t *testing.T) {
	s := captured(t, "crash-loop")
	for i := range s.Pods {
		for j := range s.Pods[i].Status.ContainerStatuses {
			c := &s.Pods[i].Status.ContainerStatuses[j]
			c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 1, Message: "\x1b]52;c;Y3VybA==\x07\x1b[2J \u202e"}
		}
	}
	found := diagnose.Diagnose(s)
	for _, out := range []string{text(s, found), diagnose.Brief(found)} {
		if strings.ContainsAny(out, "\x1b\x07\u202e") {
			t.Errorf("found a control character in %q", out)
		}
	}
	if !strings.Contains(text(s, found), `\x1b]52`) {
		t.Errorf("expected the message to be shown, found %s", text(s, found))
	}
}

// A state that somebody else saved may lack what the API server requires or fills in.
func TestFieldsThatAreNotThere(t *testing.T) {
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := c.state(t)
			if s.StatefulSet != nil {
				spec := &s.StatefulSet.Spec
				spec.Selector, spec.Replicas, spec.RevisionHistoryLimit, spec.Ordinals = nil, nil, nil, nil
				spec.UpdateStrategy, spec.PersistentVolumeClaimRetentionPolicy = appsv1.StatefulSetUpdateStrategy{}, nil
			}
			for i := range s.Budgets {
				s.Budgets[i].Spec.Selector = nil
			}
			for i := range s.Claims {
				s.Claims[i].Spec.StorageClassName, s.Claims[i].Spec.VolumeMode = nil, nil
			}
			diagnose.Brief(diagnose.Diagnose(s.State))
		})
	}
}

func FuzzLoad(f *testing.F) {
	for _, name := range []string{"crash-loop", "no-volume", "webhook-denies"} {
		data, err := os.ReadFile(filepath.Join(statesDir, name+".yaml"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("namespace: a\nname: b\ntaken: 2026-01-01T00:00:00Z\nstatefulSet: {}\npods: [{}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "state.yaml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := diagnose.Load(path)
		if err != nil {
			return
		}
		diagnose.Brief(diagnose.Diagnose(s))
		if err := s.Save(path); err != nil {
			t.Fatal(err)
		}
	})
}
