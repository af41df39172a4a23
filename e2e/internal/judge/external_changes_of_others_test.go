package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestExternalChangesOfOtherSets: what another client does to one set puts no finding about another in doubt.
func TestExternalChangesOfOtherSets(t *testing.T) {
	id, left := contract.DNSHeadless, contract.IdentityNotMine
	two := func(b *historytest.Builder) {
		for _, set := range []string{"web", "db"} {
			b.Operation(history.VerbCreate, history.Sets, set)
			b.Running(set, 1)
		}
	}
	change := func(b *historytest.Builder, set string) {
		b.Scale(set, 2)
		b.CreateReady(set + "-1")
		b.Status(set)
		b.Wait(time.Second)
	}
	failed := func(b *historytest.Builder, set string) {
		b.Check(history.Check{Guarantee: id, Outcome: history.Failed, Set: set, Text: "web resolves to exactly 3 pods: found 2"})
	}
	alone := func(b *historytest.Builder) {
		was := b.Get(history.Pods, "web-0")
		b.Terminate("web-0")
		b.ExpectOf(was, history.Expectation{Guarantee: left, Kind: history.ExpectLeftAlone, Since: was.Seq, Text: "web-0 is left alone"})
	}
	runCases(t, []testCase{
		{name: "a check of the other set", broken: ids(id), build: func(b *historytest.Builder) { two(b); change(b, "db"); failed(b, "web") }},
		{name: "a check of the same set", inconclusive: ids(id), build: func(b *historytest.Builder) { two(b); change(b, "web"); failed(b, "web") }},
		{name: "a check of no set", inconclusive: ids(id), build: func(b *historytest.Builder) { two(b); change(b, "db"); failed(b, "") }},
		{
			name: "an expectation of a pod of the other set", broken: ids(left, contract.UpdateNoSpurious), build: func(b *historytest.Builder) { two(b); change(b, "db"); alone(b) },
		},
	})
}
