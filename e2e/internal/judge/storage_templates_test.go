package judge_test

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestTemplates(t *testing.T) {
	two := historytest.Claims("data", "log")
	own := func(t *history.Set) { t.PodVolumes = []string{"data"} }
	mount := func(claims map[string]string, options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", options...)
			pod(b, "web-0", func(e *history.Event) { e.Pod.Claims = claims })
		}
	}
	runCases(t, []testCase{
		{name: "several claims", exercised: ids(contract.StorageTemplates, contract.StorageClaimPerPod), build: func(b *historytest.Builder) { b.Running("web", 1, two) }},
		{
			name: "a claim left out", broken: ids(contract.StorageTemplates), texts: []string{`web-0 was created at rv 102 (+0.2 s) with the claim "" as its volume log, expected "log-web-0"`},
			build: mount(map[string]string{"data": "data-web-0"}, two),
		},
		{
			name: "a claim that is mounted read-only", broken: ids(contract.StorageTemplates), texts: []string{"with its volume log read-only, which a claim template cannot ask for"},
			build: func(b *historytest.Builder) {
				b.Set("web", two)
				pod(b, "web-0", func(e *history.Event) {
					e.Pod.Claims = map[string]string{"data": "data-web-0", "log": "log-web-0"}
					e.Pod.Template.Parts = "volumes[data].persistentVolumeClaim.claimName\nvolumes[log].persistentVolumeClaim.claimName\nvolumes[log].persistentVolumeClaim.readOnly"
				})
			},
		},
		{name: "claims mixed up", broken: ids(contract.StorageTemplates), build: mount(map[string]string{"data": "log-web-0", "log": "data-web-0"}, two)},
		{name: "another volume beside them", notExercised: ids(contract.StorageTemplates), build: mount(map[string]string{"data": "data-web-0", "log": "log-web-0", "x": "y"}, two)},
		{name: "the template wins", exercised: ids(contract.StorageTemplateWins), build: func(b *historytest.Builder) { b.Running("web", 1, historytest.Claims("data"), own) }},
		{name: "the pod's volume wins", broken: ids(contract.StorageTemplateWins), build: mount(nil, historytest.Claims("data"), own)},
		{name: "another claim wins", broken: ids(contract.StorageTemplateWins), texts: []string{`with the claim "mine" as its volume data, expected "data-web-0"`}, build: mount(map[string]string{"data": "mine"}, historytest.Claims("data"), own)},
		{
			name: "a volume of another name", notExercised: ids(contract.StorageTemplateWins),
			build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Claims("data"), func(t *history.Set) { t.PodVolumes = []string{"scratch"} })
			},
		},
	})
}
