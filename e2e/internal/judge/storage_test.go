package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// pending creates a claim of the set web that is not Bound.
func pending(b *historytest.Builder, name string) {
	b.Add(&history.Event{Resource: history.Claims, Meta: history.Meta{Name: name, Labels: map[string]string{"app": "web"}}, Claim: &history.Claim{Phase: corev1.ClaimPending}})
}

func bind(b *historytest.Builder, name, volume string) {
	b.Change(history.Claims, name, func(e *history.Event) { e.Claim.Phase, e.Claim.Volume = corev1.ClaimBound, volume })
}

// settle updates the status of the set web and waits.
func settle(b *historytest.Builder, d time.Duration) {
	b.Status("web")
	b.Wait(d)
}

func TestClaims(t *testing.T) {
	data := historytest.Claims("data")
	runCases(t, []testCase{
		{
			name: "one for each pod", exercised: ids(contract.StorageClaimPerPod, contract.StorageClaimLabels), notExercised: ids(contract.StorageTemplates, contract.StorageTemplateWins),
			build: func(b *historytest.Builder) { b.Running("web", 2, data) },
		},
		{name: "no templates", notExercised: ids(contract.StorageClaimPerPod, contract.StorageClaimLabels), build: func(b *historytest.Builder) { b.Running("web", 2) }},
		{
			name: "no pod is Ready yet", notExercised: ids(contract.StorageClaimPerPod),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				b.Claim("data", "web-0")
				b.Pod("web-0")
			},
		},
		{
			name: "no claim", broken: ids(contract.StorageClaimPerPod), texts: []string{"web-0 became Ready at rv 103 (+0.3 s) although there was no claim data-web-0"},
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				b.CreateReady("web-0")
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "the claim arrives late on its own watch", exercised: ids(contract.StorageClaimPerPod),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				b.CreateReady("web-0")
				b.Claim("data", "web-0")
			},
		},
		{
			name: "a claim that the test deletes before it is bound", exercised: ids(contract.StorageClaimPerPod),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				pending(b, "data-web-0")
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				b.DeleteClaim("data-web-0")
				b.Claim("data", "web-0")
				b.CreateReady("web-0")
				settle(b, 5*time.Second)
			},
		},
		{
			name: "a claim that is re-created before it is bound, late on its own watch", exercised: ids(contract.StorageClaimPerPod),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				pending(b, "data-web-0")
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				b.CreateReady("web-0")
				b.DeleteClaim("data-web-0")
				b.Claim("data", "web-0")
				settle(b, 5*time.Second)
			},
		},
		{
			name: "a claim that is re-created and bound too late for the skew", notExercised: ids(contract.StorageClaimPerPod),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				pending(b, "data-web-0")
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				b.CreateReady("web-0")
				b.Wait(time.Second)
				b.DeleteClaim("data-web-0")
				b.Claim("data", "web-0")
				settle(b, 5*time.Second)
			},
		},
		{
			name: "a claim that is never bound", broken: ids(contract.StorageClaimPerPod), texts: []string{"web-0 became Ready at rv 104 (+0.4 s) although its claim data-web-0 was never Bound"},
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				pending(b, "data-web-0")
				b.CreateReady("web-0")
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "one volume for two", broken: ids(contract.StorageClaimPerPod), texts: []string{"claim data-web-1 was Bound at rv 107 (+0.7 s) to volume pv-1, to which data-web-0 was Bound already (rv 103, +0.3 s)"},
			build: func(b *historytest.Builder) {
				b.Set("web", data, historytest.Replicas(2))
				pending(b, "data-web-0")
				bind(b, "data-web-0", "pv-1")
				b.CreateReady("web-0")
				pending(b, "data-web-1")
				bind(b, "data-web-1", "pv-1")
				b.CreateReady("web-1")
			},
		},
		{
			name: "a volume used again", exercised: ids(contract.StorageClaimPerPod),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				pending(b, "data-web-0")
				bind(b, "data-web-0", "pv-1")
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				b.DeleteClaim("data-web-0")
				pending(b, "data-web-0")
				bind(b, "data-web-0", "pv-1")
				b.CreateReady("web-0")
			},
		},
		{
			name: "no labels", broken: ids(contract.StorageClaimLabels), texts: []string{`claim data-web-0 was created at rv 102 (+0.2 s) with label app "", expected "web" as in the set's selector`},
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				b.Claim("data", "web-0").Labels["app"] = "late"
				delete(b.History().Events[1].Labels, "app")
				b.Pod("web-0")
			},
		},
		{
			name: "labels of another pod", broken: ids(contract.StorageClaimLabels),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				b.Claim("data", "web-0")
				b.History().Events[1].Labels["app"] = "db"
				b.Pod("web-0")
			},
		},
		{
			name: "a claim that the test made", notExercised: ids(contract.StorageClaimLabels),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				b.Operation(history.VerbCreate, "", "data-web-0")
				b.Claim("data", "web-0")
				delete(b.History().Events[1].Labels, "app")
			},
		},
		{
			name: "a claim out of range", notExercised: ids(contract.StorageClaimLabels),
			build: func(b *historytest.Builder) {
				b.Set("web", data)
				b.Claim("data", "web-7")
				delete(b.History().Events[1].Labels, "app")
			},
		},
	})
}

func TestUnboundBlocks(t *testing.T) {
	waiting := func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(3), historytest.Claims("data"))
		b.Claim("data", "web-0")
		b.CreateReady("web-0")
		pending(b, "data-web-1")
		b.Pod("web-1")
		b.Status("web")
	}
	bound := func(b *historytest.Builder) {
		settle(b, 10*time.Second)
		bind(b, "data-web-1", "pv-1")
		b.Wait(time.Second)
		b.Ready("web-1")
	}
	another := func(b *historytest.Builder) {
		b.Operation(history.VerbDelete, history.Claims, "data-web-1")
		b.DeleteClaim("data-web-1")
		pending(b, "data-web-1")
	}
	runCases(t, []testCase{
		{
			name: "blocked until it is bound", exercised: ids(contract.StorageUnboundBlocks), build: func(b *historytest.Builder) {
				waiting(b)
				b.Wait(10 * time.Second)
				bind(b, "data-web-1", "pv-1")
				b.Ready("web-1")
			},
		},
		{
			name: "blocked until a claim that can be bound replaced it", exercised: ids(contract.StorageUnboundBlocks), build: func(b *historytest.Builder) {
				waiting(b)
				b.Wait(10 * time.Second)
				another(b)
				bind(b, "data-web-1", "pv-1")
				b.Ready("web-1")
			},
		},
		{
			name: "ran before the replacement claim was bound", broken: ids(contract.StorageUnboundBlocks),
			texts: []string{"before its claim data-web-1 was Bound at"}, build: func(b *historytest.Builder) {
				waiting(b)
				another(b)
				b.Ready("web-1")
				settle(b, 10*time.Second)
				bind(b, "data-web-1", "pv-1")
			},
		},
		{
			name: "the next one does not wait for the replacement claim", broken: ids(contract.StorageUnboundBlocks, contract.OrderingCreate, contract.OrderingCreateHalts),
			texts: []string{"while claim data-web-1 of web-1 was not Bound"}, build: func(b *historytest.Builder) {
				waiting(b)
				b.Wait(10 * time.Second)
				another(b)
				b.Pod("web-2")
			},
		},
		{
			// No cache shows a claim Bound before it is.
			name: "the next one came 1.3 s before it was bound", broken: ids(contract.StorageUnboundBlocks, contract.OrderingCreate, contract.OrderingCreateHalts),
			texts: []string{"while claim data-web-1 of web-1 was not Bound"}, build: func(b *historytest.Builder) {
				waiting(b)
				b.Wait(10 * time.Second)
				b.Pod("web-2")
				b.Wait(1300 * time.Millisecond)
				bind(b, "data-web-1", "pv-1")
				b.Ready("web-1")
			},
		},
		{
			name: "the next one came just before it was bound, by a watch that may have been late", broken: ids(contract.OrderingCreate, contract.OrderingCreateHalts),
			build: func(b *historytest.Builder) {
				waiting(b)
				b.Wait(10 * time.Second)
				b.Pod("web-2")
				b.Wait(200 * time.Millisecond)
				bind(b, "data-web-1", "pv-1")
				b.Ready("web-1")
			},
		},
		{
			name: "bound at once", notExercised: ids(contract.StorageUnboundBlocks), build: func(b *historytest.Builder) {
				waiting(b)
				bind(b, "data-web-1", "pv-1")
				b.Ready("web-1")
			},
		},
		{
			name: "never bound", notExercised: ids(contract.StorageUnboundBlocks), build: func(b *historytest.Builder) {
				waiting(b)
				b.Wait(long)
			},
		},
		{
			name: "ran first", broken: ids(contract.StorageUnboundBlocks), texts: []string{"web-1 was Running at rv 109 (+0.9 s) before its claim data-web-1 was Bound at rv 111 (+11.1 s)"},
			build: func(b *historytest.Builder) {
				waiting(b)
				b.Ready("web-1")
				settle(b, 10*time.Second)
				bind(b, "data-web-1", "pv-1")
			},
		},
		{
			name: "ran without", broken: ids(contract.StorageUnboundBlocks), texts: []string{"before its claim data-web-1 was Bound, which it never was"},
			build: func(b *historytest.Builder) {
				waiting(b)
				b.Change(history.Pods, "web-1", func(e *history.Event) { e.Pod.Phase = corev1.PodRunning })
				settle(b, long)
			},
		},
		{
			name: "the next one does not wait", broken: ids(contract.StorageUnboundBlocks, contract.OrderingCreate, contract.OrderingCreateHalts),
			texts: []string{"web-2 was created at rv 109 (+10.9 s) while claim data-web-1 of web-1 was not Bound: web-1 was not Ready"},
			build: func(b *historytest.Builder) {
				waiting(b)
				b.Wait(10 * time.Second)
				b.Pod("web-2")
			},
		},
		{
			name: "the binding arrives late on its own watch", exercised: ids(contract.StorageClaimPerPod), build: func(b *historytest.Builder) {
				waiting(b)
				b.Ready("web-1")
				bind(b, "data-web-1", "pv-1")
			},
		},
		{
			name: "bound, and nothing follows", controllerActs: true, broken: ids(contract.StorageUnboundBlocks), texts: []string{"web-2 was not created"},
			build: func(b *historytest.Builder) { waiting(b); bound(b); b.Wait(long) },
		},
		{
			name: "bound, and what follows is refused", controllerActs: true, inconclusive: ids(contract.StorageUnboundBlocks),
			texts: []string{"a creation of the set had been refused meanwhile"},
			build: func(b *historytest.Builder) { waiting(b); bound(b); often(b); b.Wait(long) },
		},
		{
			name: "the binding arrives very late", inconclusive: ids(contract.StorageUnboundBlocks), build: func(b *historytest.Builder) {
				waiting(b)
				b.Ready("web-1")
				b.Wait(time.Second)
				bind(b, "data-web-1", "pv-1")
			},
		},
	})
}

func TestClaimRecreated(t *testing.T) {
	lost := func(b *historytest.Builder) {
		b.Set("web", historytest.Claims("data"))
		pending(b, "data-web-0")
		b.Pod("web-0")
		settle(b, 5*time.Second)
		b.Operation(history.VerbDelete, history.Claims, "data-web-0")
		b.DeleteClaim("data-web-0")
	}
	touch := func(b *historytest.Builder) {
		b.Wait(5 * time.Second)
		b.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"touched": "once"} })
	}
	runCases(t, []testCase{
		{
			name: "re-created", exercised: ids(contract.StorageClaimRecreated), build: func(b *historytest.Builder) {
				lost(b)
				touch(b)
				pending(b, "data-web-0")
			},
		},
		{name: "the API server refuses it", controllerActs: true, excused: ids(contract.StorageClaimRecreated), build: func(b *historytest.Builder) {
			lost(b)
			touch(b)
			often(b)
			b.Wait(long)
		}},
		{name: "the set did not change", notExercised: ids(contract.StorageClaimRecreated), build: func(b *historytest.Builder) {
			lost(b)
			b.Wait(long)
		}},
		{
			name: "not re-created", controllerActs: true, broken: ids(contract.StorageClaimRecreated), texts: []string{"claim data-web-0 of the Pending web-0 was removed at rv", "the set changed at rv"},
			build: func(b *historytest.Builder) {
				lost(b)
				touch(b)
				b.Wait(long)
			},
		},
		{
			name: "one of several not re-created", controllerActs: true, broken: ids(contract.StorageClaimRecreated),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Claims("data", "log"), historytest.Parallel)
				pending(b, "data-web-0")
				pending(b, "log-web-0")
				b.Pod("web-0")
				settle(b, 5*time.Second)
				b.Operation(history.VerbDelete, history.Claims, "log-web-0")
				b.DeleteClaim("log-web-0")
				touch(b)
				b.Wait(long)
			},
		},
		{name: "only just changed", notExercised: ids(contract.StorageClaimRecreated), build: func(b *historytest.Builder) {
			lost(b)
			touch(b)
		}},
		{
			name: "the pod is out of range by then", notExercised: ids(contract.StorageClaimRecreated), build: func(b *historytest.Builder) {
				lost(b)
				b.Update("web", func(t *history.Set) { t.Start = 5 })
				settle(b, long)
			},
		},
		{
			name: "the pod went too", notExercised: ids(contract.StorageClaimRecreated), build: func(b *historytest.Builder) {
				lost(b)
				b.Operation(history.VerbDelete, history.Pods, "web-0")
				b.Remove(history.Pods, "web-0")
				touch(b)
				b.Scale("web", 0)
				settle(b, long)
			},
		},
	})
}
