package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// reportCreation has the controller report that it created a pod, or a claim for that pod.
func reportCreation(b *historytest.Builder, claim, pod string) {
	b.Report(history.Report{
		Reason: history.SuccessfulCreate, Reporter: history.StatefulSetController, Kind: "StatefulSet", Object: "web", Claim: claim, Pod: pod, Last: b.Timestamp(),
	})
}

// TestClaimAuthors: what a claim is like counts against the controller where that created it.
func TestClaimAuthors(t *testing.T) {
	wrong := func(e *history.Event) { e.Claim.Request.Size = "9Gi"; e.Labels = nil }
	made := func(change func(*history.Event), wait time.Duration, reports ...string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Claims("data"), historytest.Request("data", "1Gi"))
			b.Wait(3 * time.Second)
			b.Claim("data", "web-0")
			change(b.Events()[len(b.Events())-2])
			for _, r := range reports {
				if r == "claim" {
					reportCreation(b, "data-web-0", "web-0")
				}
			}
			b.Wait(wait)
			b.CreateReady("web-0")
			for _, r := range reports {
				if r == "pod" {
					reportCreation(b, "", "web-0")
				}
			}
			b.Status("web")
		}
	}
	both := ids(contract.StorageClaimLabels, contract.StorageClaimPerPod)
	right := func(*history.Event) {}
	runCases(t, []testCase{
		{name: "with its pod", broken: both, build: made(wrong, 0)},
		{name: "with its pod, which both are reported", broken: both, build: made(wrong, 0, "claim", "pod")},
		{name: "long before its pod, which is reported", broken: both, build: made(wrong, 10*time.Second, "claim")},
		{name: "long before its pod, by somebody", inconclusive: both, texts: []string{
			"; but no Event of the StatefulSet controller names data-web-0 as created then, nor did it create web-0 at once, and any client that may create claims can have",
		}, build: made(wrong, 10*time.Second)},
		{name: "with its pod, which alone is reported", inconclusive: both, build: made(wrong, 0, "pod")},
		{name: "right, long before its pod, which alone is reported", notExercised: ids(contract.StorageClaimLabels), build: made(right, 10*time.Second, "pod")},
		{name: "right, long before its pod, where nothing is reported", exercised: ids(contract.StorageClaimLabels), build: made(right, 10*time.Second)},
		{name: "right, long before its pod, which is reported", exercised: ids(contract.StorageClaimLabels), build: made(right, 10*time.Second, "claim")},
		{name: "right, with its pod", exercised: ids(contract.StorageClaimLabels), build: made(right, 0)},
		{
			name: "the report of an earlier claim of the name", inconclusive: both, build: func(b *historytest.Builder) {
				made(right, 10*time.Second, "claim")(b)
				b.Operation(history.VerbDelete, history.Pods, "web-0")
				b.DeletePod("web-0")
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				b.DeleteClaim("data-web-0")
				b.Claim("data", "web-0")
				wrong(b.Events()[len(b.Events())-2])
				b.Wait(10 * time.Second)
				b.CreateReady("web-0")
			},
		},
	})
}

// TestRevisionsThatOthersRemove: the controller removes revisions when there are more than the limit, in a sync.
func TestRevisionsThatOthersRemove(t *testing.T) {
	const id = contract.UpdateHistoryOldestFirst
	removed := func(limit int32, occasion func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			heldRevision(b, limit)
			b.Wait(4 * time.Second)
			occasion(b)
			b.Remove(history.Revisions, "web-2")
			b.Wait(4 * time.Second)
		}
	}
	nothing := func(*historytest.Builder) {}
	touch := func(b *historytest.Builder) { b.Change(history.Sets, "web", func(*history.Event) {}) }
	runCases(t, []testCase{
		{name: "more than the limit, in a sync", broken: ids(id), build: removed(0, touch)},
		{name: "more than the limit, in no sync", inconclusive: ids(id), texts: []string{"any client that may delete controller revisions can have"}, build: removed(0, nothing)},
		{name: "within the limit", inconclusive: ids(id), build: removed(10, touch)},
	})
}
