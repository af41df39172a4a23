package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestDeletionsThatTwoChecksKnow: a deletion without a reason that one check leaves to another is reported by that one, and one that no other
// check speaks of by update/no-spurious.
func TestDeletionsThatTwoChecksKnow(t *testing.T) {
	spurious := ids(contract.UpdateNoSpurious)
	// beside adds a set with the selector of the set web.
	beside := func(b *historytest.Builder) {
		b.Set("db", historytest.Replicas(0), func(s *history.Set) { s.Selector = map[string]string{"app": "web"} })
		b.Status("db")
		b.Wait(5 * time.Second)
	}
	readopted := func(b *historytest.Builder, wait time.Duration) {
		b.Orphan("web-0")
		b.Wait(time.Second)
		b.Adopt("web-0", "web")
		b.Wait(wait)
	}
	expressions := func(s *history.Set) { s.SelectorExpressions = true }
	runCases(t, []testCase{
		{name: "beside a set with the same selector", broken: ids(contract.IdentityNotMine), build: func(b *historytest.Builder) {
			b.Running("web", 1)
			beside(b)
			b.DeletePod("web-0")
		}},
		{name: "beside a set with the same selector, a pod that was an orphan for a while", broken: spurious, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			readopted(b, 20*time.Second)
			beside(b)
			b.DeletePod("web-0")
		}},
		{name: "the same, by somebody else", inconclusive: spurious, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			readopted(b, 20*time.Second)
			beside(b)
			b.ByOthers(func() { b.DeletePod("web-0") })
		}},
		{name: "beside a set with the same selector that is deleted just then", broken: spurious, build: func(b *historytest.Builder) {
			b.Running("web", 1)
			beside(b)
			b.Operation(history.VerbDelete, history.Sets, "db")
			b.DeleteSet("db")
			b.DeletePod("web-0")
		}},
		{name: "just adopted", broken: ids(contract.LifecycleAdoption), build: func(b *historytest.Builder) {
			b.Running("web", 1)
			readopted(b, 4*time.Second)
			b.DeletePod("web-0")
		}},
		{name: "just adopted by a set that selects by expressions", broken: spurious, build: func(b *historytest.Builder) {
			b.Running("web", 1, expressions)
			readopted(b, 4*time.Second)
			b.DeletePod("web-0")
		}},
	})
}

// TestPodsReleasedByOthers: a pod that lost its ownerReference though its set selects it, and is gone then, leaves an ordinal to fill.
func TestPodsReleasedByOthers(t *testing.T) {
	id := ids(contract.OrderingCreateCompletes)
	orphaned := func(b *historytest.Builder) {
		b.Running("web", 2)
		b.Wait(5 * time.Second)
		b.Orphan("web-1")
		b.Operation(history.VerbDelete, history.Pods, "web-1")
		b.Terminate("web-1")
		b.FinishDeletion("web-1")
		b.Wait(time.Second)
		b.Status("web")
	}
	runCompletionCases(t, []testCase{
		{name: "never created again", controllerActs: true, broken: id, texts: []string{"web asks for web-1"}, build: func(b *historytest.Builder) {
			orphaned(b)
			b.Wait(long)
		}},
		{name: "no sign of life", inconclusive: id, build: func(b *historytest.Builder) {
			orphaned(b)
			b.Wait(long)
		}},
		{name: "created again", build: func(b *historytest.Builder) {
			orphaned(b)
			b.CreateReady("web-1")
			b.Wait(long)
		}},
	})
}

// TestClaimsThatAnotherPodUses: a claim that goes with its set is held for another pod that uses it.
func TestClaimsThatAnotherPodUses(t *testing.T) {
	id := ids(contract.StorageInUseProtection)
	// used deletes the set, and its claim with it, while the pod of another set uses that.
	used := func(until func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1, historytest.Claims("data"), historytest.WhenDeletedDelete)
			b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
			b.Set("db")
			pod(b, "db-0", func(e *history.Event) { e.Pod.Claims = map[string]string{"data": "data-web-0"} })
			b.Ready("db-0")
			b.Wait(5 * time.Second)
			b.Operation(history.VerbDelete, history.Sets, "web")
			b.DeleteSet("web")
			b.DeleteByTest("web-0")
			b.FinishDeletion("web-0")
			b.Change(history.Claims, "data-web-0", func(e *history.Event) { e.DeletionTimestamp = new(b.Timestamp()) })
			until(b)
		}
	}
	end := func(b *historytest.Builder) {
		b.DeleteByTest("db-0")
		b.FinishDeletion("db-0")
	}
	runCases(t, []testCase{
		{name: "gone before that pod", broken: id, texts: []string{"claim data-web-0 was gone at", "before its pod db-0 had terminated"}, build: used(func(b *historytest.Builder) {
			b.Remove(history.Claims, "data-web-0")
			b.Wait(10 * time.Second)
			end(b)
		})},
		{name: "gone after that pod", exercised: id, build: used(func(b *historytest.Builder) {
			b.Wait(10 * time.Second)
			end(b)
			b.Wait(time.Second)
			b.Remove(history.Claims, "data-web-0")
		})},
	})
}

// TestHostnamesOfEarlierTemplates: a hostname that an earlier template set excuses none of a pod that is made of another one.
func TestHostnamesOfEarlierTemplates(t *testing.T) {
	id := ids(contract.IdentityHostname)
	scaledUp := func(revision int) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1, func(s *history.Set) { s.FreeHostname, s.TemplateDigest = true, "a" })
			b.Wait(5 * time.Second)
			b.Update("web", func(s *history.Set) { s.FreeHostname, s.TemplateDigest = false, "b" })
			b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
			b.Roll("web", 0)
			b.Status("web", func(st *history.Status) { st.UpdateRevision, st.CurrentRevision = "web-2", "web-2" })
			b.Wait(5 * time.Second)
			b.Scale("web", 2)
			b.PodAt("web-1", revision)
			b.Change(history.Pods, "web-1", func(*history.Event) {})
			for _, e := range b.Events() {
				if e.Resource == history.Pods && e.Name == "web-1" {
					e.Pod.Hostname = "mine"
				}
			}
		}
	}
	runCases(t, []testCase{
		{name: "made of the later template", broken: id, texts: []string{`web-1 was created at`, `with hostname "mine", expected its name`}, build: scaledUp(2)},
		{name: "made of the earlier template", broken: ids(contract.UpdateScaleNew), build: scaledUp(1)},
	})
}
