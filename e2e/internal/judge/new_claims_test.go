package judge_test

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestClaimsHaveTheLabelsOfTheirTemplate(t *testing.T) {
	const id = contract.StorageClaimLabels
	labelled := func(s *history.Set) {
		s.ClaimTemplates = []string{"data", "log"}
		s.ClaimLabels = map[string]map[string]string{"log": {"kind": "log", "app": "of the template"}}
	}
	with := func(change func(labels map[string]string)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", labelled)
			b.Claim("data", "web-0")
			b.Claim("log", "web-0")
			for _, e := range b.History().Events {
				if e.Claim != nil && e.Name == "log-web-0" {
					change(e.Labels)
				}
			}
			b.CreateReady("web-0")
			b.Status("web")
		}
	}
	runCases(t, []testCase{
		{name: "all of them", exercised: ids(id), build: with(func(map[string]string) {})},
		{name: "and more", exercised: ids(id), build: with(func(labels map[string]string) { labels["added"] = "by a policy" })},
		{
			name: "one is missing", broken: ids(id), texts: []string{`claim log-web-0 was created at rv 104 (+0.4 s) with label kind "", expected "log" as in its claim template`},
			build: with(func(labels map[string]string) { delete(labels, "kind") }),
		},
		{name: "one has another value", broken: ids(id), build: with(func(labels map[string]string) { labels["kind"] = "data" })},
		{
			name: "the template's value of a label that the selector has", broken: ids(id), texts: []string{`expected "web" as in the set's selector`},
			build: with(func(labels map[string]string) { labels["app"] = "of the template" }),
		},
	})
}
