package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestUpdateOnDeleteScale(t *testing.T) {
	scaled := func(version string, add func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Version(version).Running("web", 1, historytest.OnDelete)
			b.NewTemplate("web", 2)
			b.Wait(4 * time.Second)
			b.Scale("web", 2)
			add(b)
			b.Ready("web-1")
			b.Status("web")
		}
	}
	runLiveCases(t, []testCase{
		{name: "at the update revision", exercised: ids(contract.UpdateOnDeleteScale), notExercised: ids(contract.UpdateScaleNew), build: scaled("v1.37.2", func(b *historytest.Builder) { b.Pod("web-1") })},
		{
			name: "at the current revision", broken: ids(contract.UpdateOnDeleteScale), texts: []string{"web-1 was added by a scale up at rv", "at revision web-1, expected the update revision web-2"},
			build: scaled("v1.37.2", func(b *historytest.Builder) { b.PodAt("web-1", 1) }),
		},
		{
			// The controller that makes the pod of the second ordinal has seen the scale, and the template that is older.
			name: "at the current revision, soon after the change of the template", broken: ids(contract.UpdateOnDeleteScale),
			build: func(b *historytest.Builder) {
				b.Version("v1.37.2").Running("web", 1, historytest.OnDelete)
				b.NewTemplate("web", 2)
				b.Scale("web", 2)
				b.PodAt("web-1", 1)
				b.Ready("web-1")
				b.Status("web")
			},
		},
		{
			name: "with the new label and the old template", broken: ids(contract.UpdateOnDeleteScale), texts: []string{"with the label of revision web-2 but made of the template of web-1"},
			build: scaled("v1.37.2", func(b *historytest.Builder) {
				e := b.Pod("web-1")
				e.Pod.Template.Images = map[string]string{"main": "image:1"}
			}),
		},
		{name: "at the current revision, as was documented up to 1.36", build: scaled("v1.36.3", func(b *historytest.Builder) { b.PodAt("web-1", 1) })},
		{
			name: "no template but the first", notExercised: ids(contract.UpdateOnDeleteScale),
			build: func(b *historytest.Builder) {
				b.Version("v1.37.2").Running("web", 1, historytest.OnDelete)
				b.Scale("web", 2)
				b.CreateReady("web-1")
				b.Status("web")
			},
		},
	})
}

func TestStatusOnDeleteRevisions(t *testing.T) {
	const id = contract.StatusOnDeleteRevisions
	equal := func(st *history.Status) { st.CurrentRevision = st.UpdateRevision }
	replaced := func(version string, pods []string, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Version(version).Running("web", 2, historytest.OnDelete)
			b.NewTemplate("web", 2)
			for _, pod := range pods {
				b.DeleteByTest(pod)
				b.FinishDeletion(pod)
				b.CreateReady(pod)
			}
			then(b)
			b.Wait(10 * time.Second)
		}
	}
	both := []string{"web-1", "web-0"}
	runLiveCases(t, []testCase{
		{name: "equal when both are replaced", exercised: ids(id), build: replaced("v1.37.2", both, func(b *historytest.Builder) { b.Status("web", equal) })},
		{
			name: "equal too early", broken: ids(id), texts: []string{"status.currentRevision of web became the update revision web-2", "although web-0 had revision web-1"},
			build: replaced("v1.37.2", both[:1], func(b *historytest.Builder) { b.Status("web", equal) }),
		},
		{
			name: "never equal", broken: ids(id), texts: []string{"all 2 pods of web are updated and Ready", "its currentRevision stayed web-1 beside the updateRevision web-2"},
			build: replaced("v1.37.2", both, func(b *historytest.Builder) { b.Status("web") }),
		},
		{name: "never equal, as up to 1.36", notExercised: ids(id), build: replaced("v1.36.3", both, func(b *historytest.Builder) { b.Status("web") })},
		{name: "one still old", notExercised: ids(id), build: replaced("v1.37.2", both[:1], func(b *historytest.Builder) { b.Status("web") })},
	})
}
