package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestWriters: a status, or ownerReferences, that somebody else wrote last is held against nobody; one that the controller wrote is, and so is
// one whose writer is not recorded.
func TestWriters(t *testing.T) {
	const controller, test = "kube-controller-manager", "conformance"
	atRest := func(b *historytest.Builder) {
		b.Wait(3 * time.Second)
		b.Running("elsewhere", 1)
		b.Wait(long)
	}
	status := func(change func(*history.Status)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2)
			miscount(b, change)
			atRest(b)
		}
	}
	for name, c := range map[string]struct {
		id    contract.ID
		build func(*historytest.Builder)
		// tests says that what the test wrote itself is held against the controller.
		tests bool
	}{
		"a count":                  {id: contract.StatusCounts, build: status(func(st *history.Status) { st.Ready = 1 })},
		"a generation yet to come": {id: contract.StatusObservedGeneration, build: status(func(st *history.Status) { st.ObservedGeneration = 7 })},
		"a claim's owner": {id: contract.StorageRetentionChange, tests: true, build: func(b *historytest.Builder) {
			b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
			b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
			b.Wait(2 * time.Second)
			b.Update("web", func(s *history.Set) { s.WhenDeleted = appsv1.RetainPersistentVolumeClaimRetentionPolicyType })
			b.Status("web")
			b.Wait(long)
			b.Change(history.Sets, "web", func(*history.Event) {}) // after which the controller acts for another set
			atRest(b)
		}},
		"a pod's adoption without blockOwnerDeletion": {id: contract.IdentityOwnership, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Orphan("web-0")
			b.Change(history.Pods, "web-0", func(e *history.Event) {
				e.Owners = owner("web", string(b.Get(history.Sets, "web").UID))
				e.Owners[0].BlockOwnerDeletion = nil
			})
		}},
		"a revision's adoption without blockOwnerDeletion": {id: contract.IdentityOwnership, build: func(b *historytest.Builder) {
			b.Set("web")
			r := b.Revision("web", 1, 1).Name
			b.Change(history.Revisions, r, func(e *history.Event) { e.Owners = nil })
			b.Change(history.Revisions, r, func(e *history.Event) {
				e.Owners = owner("web", string(b.Get(history.Sets, "web").UID))
				e.Owners[0].BlockOwnerDeletion = nil
			})
			b.Status("web")
		}},
		"an adoption by a set that is being deleted": {id: contract.TerminationNoRecreate, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.Change(history.Sets, "web", func(e *history.Event) {
				e.Generation++
				e.DeletionTimestamp, e.Finalizers = new(b.Timestamp()), []string{"foregroundDeletion"}
			})
			b.Status("web")
			b.Wait(5 * time.Second)
			b.Operation(history.VerbCreate, history.Pods, "web-7")
			b.Pod("web-7").Owners = nil
			b.Adopt("web-7", "web")
		}},
	} {
		byTest := history.Inconclusive
		if c.tests {
			byTest = history.Failed
		}
		for writer, want := range map[string]history.Outcome{"": history.Failed, controller: history.Failed, test: byTest, "kubectl": history.Inconclusive, controller + " or kubectl": history.Inconclusive} {
			b := historytest.New()
			created := b.Begin(history.Operation{Verb: history.VerbCreate, Resource: history.Sets, Name: "web"})
			c.build(b)
			first := b.Events()[slices.IndexFunc(b.Events(), func(e *history.Event) bool { return e.Set != nil })]
			created(history.Accepted, &history.Result{UID: first.UID, ResourceVersion: first.ResourceVersion, Generation: 1})
			var last *history.Event
			for _, e := range b.History().Events {
				switch {
				case e.Set != nil:
					e.Set.Writer, e.Set.StatusWriter = test, controller
				case e.Claim != nil:
					e.Claim.OwnersWriter = writer
				case e.Pod != nil:
					e.Pod.OwnersWriter = writer
				case e.Revision != nil:
					e.Revision.OwnersWriter = writer
				}
				if e.Name == "web" {
					last = e
				}
			}
			if !c.tests {
				last.Set.StatusWriter = writer
			}
			found := history.Passed
			for _, r := range judge.History(b.History()) {
				switch {
				case r.Guarantee != c.id:
				case len(r.Violations) > 0:
					found = history.Failed
				case len(r.Inconclusive) > 0 && strings.Contains(r.Inconclusive[0].Text, "had been written last by "+writer):
					found = history.Inconclusive
				}
			}
			if found != want {
				t.Errorf("%s, written by %q: expected it %s, found %s", name, writer, want, found)
			}
		}
	}
}
