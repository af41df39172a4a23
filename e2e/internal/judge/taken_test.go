package judge_test

import (
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestTakenByOthers: what a spec finds wrong of a set after others took away a pod or claim of it accuses nobody, for it expected what it had left there.
func TestTakenByOthers(t *testing.T) {
	const id = contract.LifecycleUnhealthyEviction
	checked := func(set string, before func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			for _, name := range []string{"web", "db"} {
				b.Operation(history.VerbCreate, history.Sets, name)
				b.Running(name, 2, historytest.Claims("data"))
			}
			b.Wait(3 * time.Second)
			before(b)
			b.Wait(time.Second)
			b.Check(history.Check{Guarantee: id, Outcome: history.Failed, Set: set, Text: "an eviction of web-0: expected a rejection, found it accepted"})
		}
	}
	replaced := func(b *historytest.Builder, pod string) {
		b.FinishDeletion(pod)
		b.CreateReady(pod)
	}
	byOthers := func(b *historytest.Builder) {
		b.ByOthers(func() { b.Terminate("web-0") })
		replaced(b, "web-0")
	}
	byControlPlane := func(b *historytest.Builder) {
		b.Disrupt("web-0", "DeletionByTaintManager")
		b.ByOthers(func() { b.Terminate("web-0") })
		replaced(b, "web-0")
	}
	deleteClaim := func(b *historytest.Builder) { // a pod uses it, so that it stays
		b.Change(history.Claims, "data-web-0", func(e *history.Event) { e.DeletionTimestamp = new(b.Timestamp()) })
	}
	text := []string{"found it accepted; but web-0 of the pods (uid ", "had been taken away at ", "and not by the suite or for the set"}
	runCases(t, []testCase{
		{name: "nobody took one", broken: ids(id), build: checked("web", func(*historytest.Builder) {})},
		{name: "another client deleted one", inconclusive: ids(id, contract.UpdateNoSpurious), texts: text, build: checked("web", byOthers)},
		{name: "one of another set", broken: ids(id), inconclusive: ids(contract.UpdateNoSpurious), build: checked("db", byOthers)},
		{name: "the check is of no set", inconclusive: ids(id, contract.UpdateNoSpurious), texts: text, build: checked("", byOthers)},
		{name: "another client evicted one", inconclusive: ids(id), texts: text, build: checked("web", func(b *historytest.Builder) {
			b.Disrupt("web-0", "EvictionByEvictionAPI")
			b.ByOthers(func() { b.Terminate("web-0") })
		})},
		{name: "the kubelet gave one up", inconclusive: ids(id), texts: text, build: checked("web", func(b *historytest.Builder) {
			b.Disrupt("web-0", "TerminationByKubelet")
			b.Fail("web-0")
		})},
		{name: "another client, or an eviction by the test that was answered with an error", inconclusive: ids(id), texts: text, build: checked("web", func(b *historytest.Builder) {
			b.Begin(history.Operation{Verb: history.VerbEvict, Resource: history.Pods, Name: "web-0", UID: b.Get(history.Pods, "web-0").UID})(history.Unknown, nil)
			b.ByOthers(func() { b.Terminate("web-0") })
		})},
		{name: "the control plane gave one up", inconclusive: ids(id), texts: text, build: checked("web", byControlPlane)},
		{name: "the control plane gave one up, since the test had stopped its node", broken: ids(id), build: checked("web", func(b *historytest.Builder) {
			b.Begin(history.Operation{Verb: history.VerbStopNode, Resource: "nodes", Name: "node"})
			byControlPlane(b)
		})},
		{name: "the control plane gave one up, since the test had restarted it", broken: ids(id), build: checked("web", func(b *historytest.Builder) {
			b.Begin(history.Operation{Verb: history.VerbRestart, Name: "kube-controller-manager"})
			byControlPlane(b)
		})},
		{name: "another client deleted a claim", inconclusive: ids(id, contract.StorageDataSurvives), texts: []string{"but data-web-0 of the persistentvolumeclaims (uid "}, build: checked("web", func(b *historytest.Builder) {
			deleteClaim(b)
		})},
		{name: "a claim of another set", broken: ids(id), inconclusive: ids(contract.StorageDataSurvives), build: checked("db", func(b *historytest.Builder) { deleteClaim(b) })},
		{name: "the test deleted a claim", broken: ids(id), build: checked("web", func(b *historytest.Builder) {
			b.Operation(history.VerbDelete, history.Claims, "data-web-0")
			deleteClaim(b)
		})},
		{name: "the test deleted one", broken: ids(id), build: checked("web", func(b *historytest.Builder) {
			b.DeleteByTest("web-0")
			replaced(b, "web-0")
		})},
		{name: "the test evicted one", broken: ids(id), build: checked("web", func(b *historytest.Builder) {
			b.Evict("web-0")
			replaced(b, "web-0")
		})},
		{name: "the controller deleted one", broken: ids(id, contract.UpdateNoSpurious), build: checked("web", func(b *historytest.Builder) { b.DeletePod("web-0") })},
		{name: "another client deleted one afterwards", broken: ids(id), inconclusive: ids(contract.UpdateNoSpurious), build: func(b *historytest.Builder) {
			checked("web", func(*historytest.Builder) {})(b)
			b.Wait(3 * time.Second)
			byOthers(b)
		}},
	})
}

// TestDisturbanceByTaking: a spec is worth repeating where others took something away, not where the test or the controller did.
func TestDisturbanceByTaking(t *testing.T) {
	for name, c := range map[string]struct {
		happens func(*historytest.Builder)
		want    string
	}{
		"nothing":               {func(*historytest.Builder) {}, ""},
		"deleted by the test":   {func(b *historytest.Builder) { b.DeleteByTest("web-0") }, ""},
		"deleted by the set":    {func(b *historytest.Builder) { b.Terminate("web-0") }, ""},
		"deleted by others":     {func(b *historytest.Builder) { b.ByOthers(func() { b.Terminate("web-0") }) }, "web-0 of the pods was taken away at rv "},
		"given up by a kubelet": {func(b *historytest.Builder) { b.Disrupt("web-0", "TerminationByKubelet"); b.Fail("web-0") }, "web-0 of the pods was taken away at rv "},
	} {
		b := historytest.New()
		b.Operation(history.VerbCreate, history.Sets, "web")
		b.Running("web", 1)
		b.Wait(3 * time.Second)
		c.happens(b)
		b.Wait(3 * time.Second)
		if got := judge.Disturbance(b.History()); (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: expected %q, found %q", name, c.want, got)
		}
	}
}
