package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestChangesWithoutGeneration: each change of a spec makes a new generation, by which a status tells that it was observed.
func TestChangesWithoutGeneration(t *testing.T) {
	const id = contract.StatusObservedGeneration
	changed := func(change func(*history.Set)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Wait(5 * time.Second)
			b.Change(history.Sets, "web", func(e *history.Event) { change(e.Set) })
			b.Wait(time.Second)
		}
	}
	broken := func(field string, change func(*history.Set)) testCase {
		return testCase{name: field, broken: ids(id), texts: []string{"the spec of web changed at rv", "(" + field + "), and its generation stayed 1"}, build: changed(change)}
	}
	runLiveCases(t, []testCase{
		broken("minReadySeconds", func(s *history.Set) { s.MinReadySeconds = 7 }),
		broken("revisionHistoryLimit", func(s *history.Set) { s.RevisionHistoryLimit = new(int32(2)) }),
		broken("updateStrategy", func(s *history.Set) { s.Partition = 1 }),
		broken("persistentVolumeClaimRetentionPolicy", func(s *history.Set) { s.WhenDeleted = appsv1.DeletePersistentVolumeClaimRetentionPolicyType }),
		broken("template", func(s *history.Set) { s.Template.Annotations = map[string]string{"a": "b"} }),
		{name: "the same policy in another way of writing it", build: changed(func(s *history.Set) { s.WhenDeleted = appsv1.RetainPersistentVolumeClaimRetentionPolicyType })},
		{name: "what another API server reads differently", build: changed(func(s *history.Set) { s.TemplateDigest, s.MaxUnavailable = "other", "1" })},
		{
			name: "with a generation of its own", exercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Update("web", func(s *history.Set) { s.MinReadySeconds = 7 })
				b.Status("web")
			},
		},
		{
			name: "by a label alone", build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"tier": "data"} })
			},
		},
	})
}
