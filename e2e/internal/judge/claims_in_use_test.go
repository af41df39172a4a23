package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestClaimsInUse(t *testing.T) {
	const id = contract.StorageInUseProtection
	data := historytest.Claims("data")
	requestDeletion := func(b *historytest.Builder) {
		b.Change(history.Claims, "data-web-0", func(e *history.Event) { e.DeletionTimestamp = new(b.Timestamp()) })
	}
	// deleted requests the deletion of the claim of a running pod, by the test, and then what follows.
	deleted := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1, data)
			b.Wait(5 * time.Second)
			b.Operation(history.VerbDelete, history.Claims, "data-web-0")
			requestDeletion(b)
			then(b)
		}
	}
	remove := func(b *historytest.Builder) { b.Remove(history.Claims, "data-web-0") }
	deletePod := func(b *historytest.Builder) {
		b.DeleteByTest("web-0")
		b.Wait(time.Second)
		b.FinishDeletion("web-0")
	}
	runCases(t, []testCase{
		{
			name: "held until its pod is gone", exercised: ids(id), build: deleted(func(b *historytest.Builder) {
				b.Wait(3 * time.Second)
				deletePod(b)
				remove(b)
			}),
		},
		{
			name: "the pod is deleted first", exercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, data)
				b.Wait(5 * time.Second)
				b.DeleteByTest("web-0")
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				requestDeletion(b)
				b.Wait(3 * time.Second)
				b.FinishDeletion("web-0")
				remove(b)
			},
		},
		{
			name: "held for a pod of no set", exercised: ids(id), build: deleted(func(b *historytest.Builder) {
				b.Orphan("web-0")
				b.DeleteSet("web")
				b.Wait(3 * time.Second)
				deletePod(b)
				remove(b)
			}),
		},
		{
			name: "the pod had ended before", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Running("web", 1, data)
				b.Wait(5 * time.Second)
				deletePod(b)
				b.Wait(3 * time.Second)
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				requestDeletion(b)
				remove(b)
			},
		},
		{
			name: "gone under a running pod", broken: ids(id), notExercised: ids(id),
			texts: []string{"claim data-web-0 was gone at rv", "before its pod web-0 had terminated, which it had not by the end of the recording"},
			build: deleted(func(b *historytest.Builder) {
				remove(b)
				b.Wait(5 * time.Second)
			}),
		},
		{
			name: "gone while its pod terminates", broken: ids(id), texts: []string{"before its pod web-0 had terminated (rv"},
			build: deleted(func(b *historytest.Builder) {
				b.DeleteByTest("web-0")
				b.Wait(time.Second)
				remove(b)
				b.Wait(5 * time.Second)
				b.FinishDeletion("web-0")
			}),
		},
		{
			name: "gone a little before its pod", inconclusive: ids(id), build: deleted(func(b *historytest.Builder) {
				b.DeleteByTest("web-0")
				remove(b)
				b.Wait(time.Second)
				b.FinishDeletion("web-0")
			}),
		},
		{
			name: "its pod may have ended in a gap", inconclusive: ids(id), build: deleted(func(b *historytest.Builder) {
				from := b.Now()
				remove(b)
				b.Wait(5 * time.Second)
				b.Gap(history.Pods, from)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
			}),
		},
		{
			name: "the pod was never scheduled", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Set("web", data)
				b.Claim("data", "web-0")
				b.Pod("web-0")
				b.Wait(5 * time.Second)
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				requestDeletion(b)
				remove(b)
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "the pod was removed by force", exercised: ids(id), build: deleted(func(b *historytest.Builder) {
				b.Wait(3 * time.Second)
				b.Operation(history.VerbDelete, history.Pods, "web-0")
				b.Remove(history.Pods, "web-0")
				remove(b)
			}),
		},
	})
}

func TestClaimsAreOwnedBeforeTheirPodIsDeleted(t *testing.T) {
	const id = contract.StorageOwnerBeforeDelete
	data := historytest.Claims("data")
	scaled := func(options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, append(options, data)...)
			b.Wait(5 * time.Second)
			b.Operation(history.VerbUpdate, history.Sets, "web")
			b.Scale("web", 0)
		}
	}
	own := func(b *historytest.Builder, pod string) {
		b.SetController("data-"+pod, "Pod", pod, b.Get(history.Pods, pod).UID)
	}
	end := func(b *historytest.Builder, pod string) {
		b.FinishDeletion(pod)
		b.DeleteClaim("data-" + pod)
		b.Status("web")
	}
	// each scales the set down and gives each pod its claim where owned says so, then deletes it.
	each := func(before, after func(*historytest.Builder, string), options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			scaled(options...)(b)
			for _, pod := range []string{"web-1", "web-0"} {
				before(b, pod)
				b.Terminate(pod)
				after(b, pod)
				end(b, pod)
			}
		}
	}
	nothing := func(*historytest.Builder, string) {}
	wait := func(b *historytest.Builder, _ string) { b.Wait(time.Second) }
	runCases(t, []testCase{
		{
			name: "owned long before", exercised: ids(id), build: each(func(b *historytest.Builder, pod string) {
				own(b, pod)
				wait(b, pod)
			}, nothing, historytest.WhenScaledDelete),
		},
		{name: "owned just before", notExercised: ids(id), build: each(own, nothing, historytest.WhenScaledDelete)},
		{name: "owned just after", notExercised: ids(id), build: each(nothing, own, historytest.WhenScaledDelete)},
		{
			name: "owned a second after", broken: ids(id), notExercised: ids(id),
			texts: []string{"the scale down requested the deletion of web-1 at rv", "while its claim data-web-1 did not name it as an owner (last seen at rv"},
			build: each(nothing, func(b *historytest.Builder, pod string) {
				wait(b, pod)
				own(b, pod)
			}, historytest.WhenScaledDelete),
		},
		{
			name: "owned no more", inconclusive: ids(id), texts: []string{"but it had named it before, and any client that may change claims can have"}, build: each(func(b *historytest.Builder, pod string) {
				own(b, pod)
				wait(b, pod)
				b.SetController("data-"+pod, "", "", "")
				wait(b, pod)
			}, func(b *historytest.Builder, pod string) {
				wait(b, pod)
				own(b, pod)
			}, historytest.WhenScaledDelete),
		},
		{
			name: "the first of two pods alone", broken: ids(id), exercised: ids(id), build: func(b *historytest.Builder) {
				scaled(historytest.WhenScaledDelete)(b)
				own(b, "web-1")
				b.Wait(time.Second)
				b.Terminate("web-1")
				end(b, "web-1")
				b.Terminate("web-0")
				b.Wait(time.Second)
				own(b, "web-0")
				end(b, "web-0")
			},
		},
		{
			name: "the claim's watch may have been late", inconclusive: ids(id), build: func(b *historytest.Builder) {
				scaled(historytest.WhenScaledDelete)(b)
				from := b.Now()
				b.Terminate("web-1")
				b.Wait(time.Second)
				b.Gap(history.Claims, from-time.Second)
				own(b, "web-1")
				end(b, "web-1")
			},
		},
		{name: "claims are kept", notExercised: ids(id), build: func(b *historytest.Builder) {
			scaled()(b)
			b.Terminate("web-1")
			b.FinishDeletion("web-1")
		}},
		{name: "the policy has just changed", notExercised: ids(id), build: func(b *historytest.Builder) {
			b.Running("web", 2, data)
			b.Wait(5 * time.Second)
			b.Update("web", historytest.WhenScaledDelete)
			b.Scale("web", 1)
			b.Terminate("web-1")
			b.Wait(time.Second)
			b.FinishDeletion("web-1")
		}},
		{name: "another object owns the claim", notExercised: ids(id), build: func(b *historytest.Builder) {
			b.Running("web", 2, data, historytest.WhenScaledDelete)
			b.SetController("data-web-1", "ConfigMap", "other", "uid-other")
			b.Wait(5 * time.Second)
			b.Scale("web", 1)
			b.Wait(time.Second)
			b.Terminate("web-1")
			b.Wait(time.Second)
			b.FinishDeletion("web-1")
		}},
		{name: "the test deletes the pod", notExercised: ids(id), build: func(b *historytest.Builder) {
			scaled(historytest.WhenScaledDelete)(b)
			b.DeleteByTest("web-1")
			b.Wait(time.Second)
			own(b, "web-1")
			end(b, "web-1")
		}},
	})
}
