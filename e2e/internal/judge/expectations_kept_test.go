package judge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// TestExpectedKept: the pod web-0 and its claim, as they were when the set had just become Ready, are still there in the end.
func TestExpectedKept(t *testing.T) {
	const pod, claim = "web-0", "data-web-0"
	uid := func(s string) *types.UID { return new(types.UID(s)) }
	for _, c := range []struct {
		name, of   string // the object that is expected to stay
		controller *types.UID
		outcome    history.Outcome
		text       string
		happens    func(*historytest.Builder)
	}{
		{name: "a claim stays", of: claim, outcome: history.Passed, happens: func(b *historytest.Builder) { b.DeleteByTest(pod) }},
		{name: "a claim is gone", of: claim, outcome: history.Failed, text: "expected it to stay, found it deleted at rv", happens: func(b *historytest.Builder) { b.CollectClaim(claim, "Pod", pod, "uid-gone") }},
		{name: "somebody deleted a claim", of: claim, outcome: history.Inconclusive, text: "and had no owner that was gone", happens: func(b *historytest.Builder) { b.DeleteClaim(claim) }},
		{
			name: "a claim is terminating", of: claim, outcome: history.Failed, text: "expected it to stay, found it deleted at rv", happens: func(b *historytest.Builder) {
				now := b.Timestamp()
				b.SetController(claim, "Pod", pod, "uid-gone")
				b.Change(history.Claims, claim, func(e *history.Event) { e.DeletionTimestamp = &now })
			},
		},
		{
			name: "a claim that was given to its set when that had just been deleted", of: claim, outcome: history.Inconclusive, text: "its controller may not have known yet", happens: func(b *historytest.Builder) {
				ownLate(b, claim, time.Second)
			},
		},
		{
			name: "a claim that was given to its set long after that was deleted", of: claim, outcome: history.Failed, text: "found it deleted", happens: func(b *historytest.Builder) {
				ownLate(b, claim, 10*time.Second)
			},
		},
		{
			name: "a claim was deleted and created again", of: claim, outcome: history.Failed, text: "found it deleted", happens: func(b *historytest.Builder) {
				b.CollectClaim(claim, "Pod", pod, "uid-gone")
				b.Claim("data", pod)
			},
		},
		{
			name: "a claim is on another volume", of: claim, outcome: history.Failed, text: `found "other"`, happens: func(b *historytest.Builder) {
				b.Change(history.Claims, claim, func(e *history.Event) { e.Claim.Volume = "other" })
			},
		},
		{
			name: "the test deleted the claim", of: claim, outcome: history.Inconclusive, text: "the test deleted it", happens: func(b *historytest.Builder) {
				b.Operation(history.VerbDelete, history.Claims, claim)
				b.DeleteClaim(claim)
			},
		},
		{
			name: "a gap may hold the claim's end", of: claim, outcome: history.Inconclusive, text: "has a gap", happens: func(b *historytest.Builder) {
				b.Gap(history.Claims, b.Now()-time.Second)
			},
		},
		{
			name: "another client scaled the set before the claim went", of: claim, outcome: history.Inconclusive, text: "by somebody else than the suite", happens: func(b *historytest.Builder) {
				b.Scale("web", 0)
				b.CollectClaim(claim, "Pod", pod, "uid-gone")
			},
		},
		{name: "a pod stays", of: pod, outcome: history.Passed, happens: func(b *historytest.Builder) { b.Unready(pod) }},
		{name: "its set deleted the pod", of: pod, outcome: history.Failed, text: "found it deleted at rv", happens: func(b *historytest.Builder) { b.Terminate(pod) }},
		{name: "the test deleted the pod", of: pod, outcome: history.Inconclusive, text: "the test deleted it", happens: func(b *historytest.Builder) { b.DeleteByTest(pod) }},
		{name: "a pod was evicted", of: pod, outcome: history.Inconclusive, text: "a client evicted it", happens: func(b *historytest.Builder) { b.Disrupt(pod, "EvictionByEvictionAPI"); b.Terminate(pod) }},
		{name: "a pod keeps its controller", of: pod, controller: uid("the set"), outcome: history.Passed, happens: func(b *historytest.Builder) { b.Unready(pod) }},
		{name: "a pod lost its controller", of: pod, controller: uid("the set"), outcome: history.Failed, text: `found ""`, happens: func(b *historytest.Builder) { b.Orphan(pod) }},
		{name: "an orphan stays one", of: pod, controller: uid(""), outcome: history.Passed, happens: func(b *historytest.Builder) { b.Orphan(pod) }},
		{name: "an orphan was adopted", of: pod, controller: uid(""), outcome: history.Failed, text: `expected the controller of UID ""`, happens: func(b *historytest.Builder) { b.Unready(pod) }},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			b := historytest.New()
			b.Operation(history.VerbCreate, history.Sets, "web")
			b.Running("web", 1, historytest.Claims("data"))
			was := b.Get(history.Pods, pod)
			if c.of == claim {
				was = b.Get(history.Claims, claim)
			}
			c.happens(b)
			x := history.Expectation{Guarantee: expectedGuarantee, Kind: history.ExpectKept, Since: was.Seq, Text: c.of + " is kept", Controller: c.controller}
			if c.controller != nil && *c.controller != "" {
				x.Controller = &b.Get(history.Sets, "web").UID
			}
			b.ExpectOf(was, x)
			r := resultOf(judge.History(b.History()))
			if found := outcomeOf(r); found != c.outcome {
				t.Errorf("expected %s, found %s: %+v", c.outcome, found, r)
			}
			for _, f := range append(r.Violations, r.Inconclusive...) {
				if c.text == "" || !strings.Contains(f.Text, c.text) {
					t.Errorf("expected a finding with %q, found %q", c.text, f.Text)
				}
			}
		})
	}
}

// TestExpectedKeptDespiteATaint: the guarantee of taints is that of the controller that evicts for them, which marks the pods that it evicts; no other
// guarantee is broken by that.
func TestExpectedKeptDespiteATaint(t *testing.T) {
	for _, c := range []struct {
		id      contract.ID
		reason  string
		outcome history.Outcome
	}{
		{contract.DisruptionTaint, "DeletionByTaintManager", history.Failed},
		{contract.DisruptionTaint, "DeletionByPodGC", history.Inconclusive},
		{expectedGuarantee, "DeletionByTaintManager", history.Inconclusive},
	} {
		b := historytest.New()
		b.Running("web", 1)
		was := b.Get(history.Pods, "web-0")
		b.Disrupt("web-0", c.reason)
		b.Terminate("web-0")
		b.ExpectOf(was, history.Expectation{Guarantee: c.id, Kind: history.ExpectKept, Since: was.Seq, Text: "web-0 is kept"})
		all := judge.History(b.History())
		r := all[slices.IndexFunc(all, func(r judge.Result) bool { return r.Guarantee == c.id })]
		if found := outcomeOf(r); found != c.outcome {
			t.Errorf("%s, %s: expected %s, found %s: %+v", c.id, c.reason, c.outcome, found, r)
		}
	}
}

// ownLate deletes web without its pods, has its controller make it the owner of a claim some time after that, and the claim be collected.
func ownLate(b *historytest.Builder, claim string, after time.Duration) {
	b.Operation(history.VerbDelete, history.Sets, "web")
	uid := b.DeleteSet("web")
	b.Wait(after)
	b.CollectClaim(claim, "StatefulSet", "web", uid)
}
