package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// refuse adds an operation that the API server refuses.
func refuse(b *historytest.Builder, op history.Operation) { b.Begin(op)(history.Refused, nil) }

// accept adds an operation of the test on the set web that the API server answers with that generation.
func accept(b *historytest.Builder, verb history.Verb, generation int64) {
	b.Begin(history.Operation{Verb: verb, Resource: history.Sets, Name: "web"})(history.Accepted,
		&history.Result{UID: b.Get(history.Sets, "web").UID, Generation: generation, ResourceVersion: "1"})
}

func evict(pod string) history.Operation {
	return history.Operation{Verb: history.VerbEvict, Resource: history.Pods, Name: pod}
}

func deletePods(selector string) history.Operation {
	return history.Operation{Verb: history.VerbDelete, Resource: history.Pods, Selector: selector}
}

// TestDeletionsByOutcome: a deletion that was refused, or that selects other objects, does not account for a pod's deletion.
func TestDeletionsByOutcome(t *testing.T) {
	deleted := func(operation func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Wait(5 * time.Second)
			operation(b)
			b.Terminate("web-0")
		}
	}
	noSpurious := ids(contract.UpdateNoSpurious)
	runLiveCases(t, []testCase{
		{name: "a refused eviction", broken: noSpurious, build: deleted(func(b *historytest.Builder) { refuse(b, evict("web-0")) })},
		{name: "an accepted eviction", build: deleted(func(b *historytest.Builder) {
			b.Begin(evict("web-0"))(history.Accepted, nil)
			b.Disrupt("web-0", "EvictionByEvictionAPI")
		})},
		{name: "an eviction without an answer", build: deleted(func(b *historytest.Builder) { b.Begin(evict("web-0")) })},
		{
			name:  "a refused eviction and one without an answer",
			build: deleted(func(b *historytest.Builder) { refuse(b, evict("web-0")); b.Begin(evict("web-0")) }),
		},
		{name: "an eviction without an answer, long ago", broken: noSpurious, build: deleted(func(b *historytest.Builder) {
			b.Begin(evict("web-0"))(history.Unknown, nil)
			b.Wait(75 * time.Second)
		})},
		{name: "an eviction without an answer, which the API server may still work on", build: deleted(func(b *historytest.Builder) {
			b.Begin(evict("web-0"))(history.Unknown, nil)
			b.Wait(55 * time.Second)
		})},
		{name: "an eviction that never ended", build: deleted(func(b *historytest.Builder) { b.Begin(evict("web-0")); b.Wait(75 * time.Second) })},
		{name: "all pods, long ago", broken: noSpurious, build: deleted(func(b *historytest.Builder) {
			b.Begin(deletePods(""))(history.Accepted, nil)
			b.Wait(12 * time.Second)
		})},
		{name: "all pods, before this one was made", broken: noSpurious, build: deleted(func(b *historytest.Builder) {
			b.Begin(deletePods(""))(history.Accepted, nil)
			b.Terminate("web-0")
			b.FinishDeletion("web-0")
			b.Wait(time.Second)
			b.CreateReady("web-0")
			b.Status("web")
			b.Wait(3 * time.Second)
		})},
		{name: "an eviction after the deletion", broken: noSpurious, build: func(b *historytest.Builder) {
			deleted(func(*historytest.Builder) {})(b)
			b.Begin(evict("web-0"))(history.Accepted, nil)
		}},
		{name: "all pods", build: deleted(func(b *historytest.Builder) { b.Begin(deletePods(""))(history.Accepted, nil) })},
		{name: "the pods with its label", build: deleted(func(b *historytest.Builder) { b.Begin(deletePods("app in (web)"))(history.Accepted, nil) })},
		{name: "the pods with another label", broken: noSpurious, build: deleted(func(b *historytest.Builder) { b.Begin(deletePods("app=db"))(history.Accepted, nil) })},
		{name: "all pods, refused", broken: noSpurious, build: deleted(func(b *historytest.Builder) { refuse(b, deletePods("")) })},
	})
	reused := func(operations func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			operations(b)
			b.DeleteByTest("web-0")
			b.Remove(history.Pods, "web-0")
			b.CreateReady("web-0")
		}
	}
	runCases(t, []testCase{
		{name: "two refusals are no force deletion", inconclusive: ids(contract.IdentityAtMostOne), build: reused(func(b *historytest.Builder) {
			refuse(b, evict("web-0"))
			refuse(b, evict("web-0"))
		})},
		{name: "two deletions are", notExercised: ids(contract.IdentityAtMostOne), build: reused(func(b *historytest.Builder) { b.Begin(evict("web-0")) })},
	})
}

// TestExternalChangesByOutcome: an operation accounts for a generation of a set if it made it, or may have.
func TestExternalChangesByOutcome(t *testing.T) {
	id := contract.DNSHeadless
	scaled := func(operation func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Operation(history.VerbCreate, history.Sets, "web")
			b.Running("web", 2)
			operation(b)
			b.Scale("web", 3)
			b.CreateReady("web-2")
			b.Status("web")
			b.Wait(time.Second)
			b.Check(history.Check{Guarantee: id, Outcome: history.Failed, Text: "web resolves to exactly 3 pods: found 2"})
		}
	}
	update := history.Operation{Verb: history.VerbUpdate, Resource: history.Sets, Name: "web"}
	runCases(t, []testCase{
		{name: "accepted", broken: ids(id), build: scaled(func(b *historytest.Builder) { accept(b, history.VerbScale, 2) })},
		{name: "without an answer", broken: ids(id), build: scaled(func(b *historytest.Builder) { b.Begin(update) })},
		{name: "refused", inconclusive: ids(id), build: scaled(func(b *historytest.Builder) { refuse(b, update) })},
		{name: "a change of an annotation", inconclusive: ids(id), build: scaled(func(b *historytest.Builder) { accept(b, history.VerbTouch, 1) })},
		{name: "an update that changes nothing", inconclusive: ids(id), build: scaled(func(b *historytest.Builder) { accept(b, history.VerbUpdate, 1) })},
		{name: "an update of another set of that name", inconclusive: ids(id), build: scaled(func(b *historytest.Builder) {
			b.Begin(update)(history.Accepted, &history.Result{UID: "other", Generation: 2, ResourceVersion: "1"})
		})},
		{
			name: "an update that finds the external change done", inconclusive: ids(id), texts: []string{"changed to generation 2 at"},
			build: func(b *historytest.Builder) {
				scaled(func(*historytest.Builder) {})(b)
				accept(b, history.VerbScale, 2)
			},
		},
		{
			name: "an external change between the call and the answer", inconclusive: ids(id), texts: []string{"changed to generation 2 at"},
			build: scaled(func(b *historytest.Builder) {
				accept(b, history.VerbScale, 3)
				b.Scale("web", 2)
			}),
		},
	})
}

// TestSetsCreatedByTest: a refused creation did not create the set; one whose resource is not recorded may have.
func TestSetsCreatedByTest(t *testing.T) {
	spurious := func(create func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Operation(history.VerbCreate, history.Sets, "web")
			b.Running("web", 1)
			create(b)
			b.Running("db", 1)
			b.Wait(5 * time.Second)
			b.Terminate("db-0")
		}
	}
	id := ids(contract.UpdateNoSpurious)
	runLiveCases(t, []testCase{
		{name: "created", broken: id, build: spurious(func(b *historytest.Builder) { b.Operation(history.VerbCreate, history.Sets, "db") })},
		{name: "refused", inconclusive: id, build: spurious(func(b *historytest.Builder) {
			refuse(b, history.Operation{Verb: history.VerbCreate, Resource: history.Sets, Name: "db"})
		})},
		{name: "applied from a file", broken: id, build: spurious(func(b *historytest.Builder) { b.Operation(history.VerbCreate, "", "db") })},
	})
}
