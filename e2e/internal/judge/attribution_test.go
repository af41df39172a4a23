package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// refuse adds an operation that the API server refuses.
func refuse(s *historytest.Builder, op history.Operation) { s.Begin(op)(history.Refused, nil) }

// accept adds an operation of the test on the set web that the API server answers with that generation.
func accept(s *historytest.Builder, verb history.Verb, generation int64) {
	s.Begin(history.Operation{Verb: verb, Resource: history.Sets, Name: "web"})(history.Accepted,
		&history.Result{UID: s.Get(history.Sets, "web").UID, Generation: generation, ResourceVersion: "1"})
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
		return func(s *historytest.Builder) {
			s.Running("web", 1)
			s.Wait(5 * time.Second)
			operation(s)
			s.Terminate("web-0")
		}
	}
	noSpurious := ids(contract.UpdateNoSpurious)
	liveTales(t, []tale{
		{name: "a refused eviction", broken: noSpurious, tell: deleted(func(s *historytest.Builder) { refuse(s, evict("web-0")) })},
		{name: "an accepted eviction", tell: deleted(func(s *historytest.Builder) { s.Begin(evict("web-0"))(history.Accepted, nil) })},
		{name: "an eviction without an answer", tell: deleted(func(s *historytest.Builder) { s.Begin(evict("web-0")) })},
		{
			name: "a refused eviction and one without an answer",
			tell: deleted(func(s *historytest.Builder) { refuse(s, evict("web-0")); s.Begin(evict("web-0")) }),
		},
		{name: "an eviction after the deletion", broken: noSpurious, tell: func(s *historytest.Builder) {
			deleted(func(*historytest.Builder) {})(s)
			s.Begin(evict("web-0"))(history.Accepted, nil)
		}},
		{name: "all pods", tell: deleted(func(s *historytest.Builder) { s.Begin(deletePods(""))(history.Accepted, nil) })},
		{name: "the pods with its label", tell: deleted(func(s *historytest.Builder) { s.Begin(deletePods("app in (web)"))(history.Accepted, nil) })},
		{name: "the pods with another label", broken: noSpurious, tell: deleted(func(s *historytest.Builder) { s.Begin(deletePods("app=db"))(history.Accepted, nil) })},
		{name: "all pods, refused", broken: noSpurious, tell: deleted(func(s *historytest.Builder) { refuse(s, deletePods("")) })},
	})
	reused := func(operations func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Running("web", 1)
			operations(s)
			s.DeleteByTest("web-0")
			s.Remove(history.Pods, "web-0")
			s.CreateReady("web-0")
		}
	}
	tales(t, []tale{
		{name: "two refusals are no force deletion", broken: ids(contract.IdentityAtMostOne), tell: reused(func(s *historytest.Builder) {
			refuse(s, evict("web-0"))
			refuse(s, evict("web-0"))
		})},
		{name: "two deletions are", idle: ids(contract.IdentityAtMostOne), tell: reused(func(s *historytest.Builder) { s.Begin(evict("web-0")) })},
	})
}

// TestExternalChangesByOutcome: an operation accounts for a generation of a set if it made it, or may have.
func TestExternalChangesByOutcome(t *testing.T) {
	id := contract.DNSHeadless
	scaled := func(operation func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Operation(history.VerbCreate, history.Sets, "web")
			s.Running("web", 2)
			operation(s)
			s.Scale("web", 3)
			s.CreateReady("web-2")
			s.Status("web")
			s.Wait(time.Second)
			s.Check(history.Check{Guarantee: id, Outcome: history.Failed, Text: "web resolves to exactly 3 pods: found 2"})
		}
	}
	update := history.Operation{Verb: history.VerbUpdate, Resource: history.Sets, Name: "web"}
	tales(t, []tale{
		{name: "accepted", broken: ids(id), tell: scaled(func(s *historytest.Builder) { accept(s, history.VerbScale, 2) })},
		{name: "without an answer", broken: ids(id), tell: scaled(func(s *historytest.Builder) { s.Begin(update) })},
		{name: "refused", doubted: ids(id), tell: scaled(func(s *historytest.Builder) { refuse(s, update) })},
		{name: "a change of an annotation", doubted: ids(id), tell: scaled(func(s *historytest.Builder) { accept(s, history.VerbTouch, 1) })},
		{name: "an update that changes nothing", doubted: ids(id), tell: scaled(func(s *historytest.Builder) { accept(s, history.VerbUpdate, 1) })},
		{name: "an update of another set of that name", doubted: ids(id), tell: scaled(func(s *historytest.Builder) {
			s.Begin(update)(history.Accepted, &history.Result{UID: "other", Generation: 2, ResourceVersion: "1"})
		})},
		{
			name: "an update that finds the external change done", doubted: ids(id), texts: []string{"changed to generation 2 at"},
			tell: func(s *historytest.Builder) {
				scaled(func(*historytest.Builder) {})(s)
				accept(s, history.VerbScale, 2)
			},
		},
		{
			name: "an external change between the call and the answer", doubted: ids(id), texts: []string{"changed to generation 2 at"},
			tell: scaled(func(s *historytest.Builder) {
				accept(s, history.VerbScale, 3)
				s.Scale("web", 2)
			}),
		},
	})
}

// TestSetsCreatedByTest: a creation that was refused makes a set nobody's own, one whose resource is not recorded may have made it.
func TestSetsCreatedByTest(t *testing.T) {
	spurious := func(create func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Operation(history.VerbCreate, history.Sets, "web")
			s.Running("web", 1)
			create(s)
			s.Running("db", 1)
			s.Wait(5 * time.Second)
			s.Terminate("db-0")
		}
	}
	id := ids(contract.UpdateNoSpurious)
	liveTales(t, []tale{
		{name: "created", broken: id, tell: spurious(func(s *historytest.Builder) { s.Operation(history.VerbCreate, history.Sets, "db") })},
		{name: "refused", doubted: id, tell: spurious(func(s *historytest.Builder) {
			refuse(s, history.Operation{Verb: history.VerbCreate, Resource: history.Sets, Name: "db"})
		})},
		{name: "applied from a file", broken: id, tell: spurious(func(s *historytest.Builder) { s.Operation(history.VerbCreate, "", "db") })},
	})
}
