package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// terminateClaim requests a claim's deletion as the spec does; a finalizer keeps it.
func terminateClaim(b *historytest.Builder, claim string) {
	b.Operation(history.VerbDelete, history.Claims, claim)
	b.Change(history.Claims, claim, func(e *history.Event) {
		now := b.Timestamp()
		e.DeletionTimestamp = &now
	})
}

// TestParallelCreationBlocked: a Parallel set does not wait for readiness, but a terminating claim or a used name blocks a pod.
func TestParallelCreationBlocked(t *testing.T) {
	id := contract.OrderingParallel
	runCases(t, []testCase{
		{
			name: "the next pod is out of range by then", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.Pod("web-0")
				b.Wait(time.Second)
				b.Scale("web", 1)
				b.Wait(long)
			},
		},
		{
			name: "the set is gone", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.Pod("web-0")
				b.DeleteSet("web")
				b.Wait(long)
			},
		},
		{
			name: "the pod was released", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.Pod("web-0")
				b.Relabel("web-0", "app", "mine")
				b.Orphan("web-0")
				b.Wait(long)
			},
		},
		{
			name: "the claim of the next pod is terminating", notExercised: ids(id), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel, historytest.Claims("data"))
				b.Claim("data", "web-0")
				b.Claim("data", "web-1")
				terminateClaim(b, "data-web-1")
				b.Pod("web-0")
				b.Wait(long)
			},
		},
		{
			name: "nothing blocks the next pod", broken: ids(id), controllerActs: true, build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel, historytest.Claims("data"))
				b.Claim("data", "web-0")
				b.Claim("data", "web-1")
				b.Pod("web-0")
				b.Wait(long)
			},
		},
		{
			name: "nothing shows that the controller was at work", inconclusive: ids(id), texts: []string{"nothing shows that the controller was at work"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.Pod("web-0")
				b.Wait(long)
			},
		},
		{
			name: "a gap may hide the next pod", inconclusive: ids(id), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.Pod("web-0")
				b.Wait(time.Second)
				from := b.Now()
				b.Wait(long)
				b.Gap(history.Pods, from)
			},
		},
		{
			name: "a batch that waits for a claim of the lower pod", notExercised: ids(contract.IdentitySticky), build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Parallel, historytest.Claims("data"))
				terminateClaim(b, "data-web-0")
				for _, pod := range []string{"web-0", "web-1"} {
					b.DeleteByTest(pod)
					b.FinishDeletion(pod)
				}
				b.Wait(long)
			},
		},
		{
			name: "a batch that waits for nothing", controllerActs: true, broken: ids(contract.IdentitySticky), texts: []string{"web-1 (deleted at"}, build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Parallel, historytest.Claims("data"))
				terminateClaim(b, "data-web-2")
				b.DeleteByTest("web-1")
				b.FinishDeletion("web-1")
				b.Wait(long)
			},
		},
	})
}

func TestHaltOfUnwantedPodProvesNothing(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "scaled down before", notExercised: ids(contract.OrderingCreateHalts), build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3))
				b.CreateReady("web-0")
				b.Pod("web-1")
				b.Wait(600 * time.Millisecond)
				b.Scale("web", 2)
				b.Wait(10 * time.Second)
				b.Ready("web-1")
			},
		},
	})
}

func TestInterruptedRecordingConvictsNoParallelSet(t *testing.T) {
	b := historytest.New()
	b.Set("web", historytest.Replicas(2), historytest.Parallel)
	b.Pod("web-0")
	b.Wait(long)
	h := b.History()
	h.End.Complete = false
	for _, r := range judge.History(h) {
		for _, f := range r.Violations {
			t.Errorf("%s: expected no violation of a recording that is not complete, found: %s", r.Guarantee, f.Text)
		}
	}
}

// TestStaleClaims: under whenScaled: Delete a claim with an ownerReference to its pod is collected with the pod, a new pod waits for
// that, and the claim's removal triggers no sync.
func TestStaleClaims(t *testing.T) {
	running := func(b *historytest.Builder) {
		b.Running("web", 2, historytest.Claims("data"), historytest.WhenScaledDelete)
	}
	owned := func(b *historytest.Builder) {
		running(b)
		b.SetController("data-web-1", "Pod", "web-1", b.Get(history.Pods, "web-1").UID).Claim.OwnersWriter = "somebody"
	}
	ended := func(b *historytest.Builder) {
		b.DeleteByTest("web-1")
		b.FinishDeletion("web-1")
	}
	failed := func(b *historytest.Builder) {
		b.Fail("web-1")
		b.DeletePod("web-1")
	}
	collected := func(b *historytest.Builder) {
		b.Remove(history.Claims, "data-web-1")
		b.Wait(time.Second)
	}
	sticky, replaced, kept := contract.IdentitySticky, contract.LifecycleFailed, contract.StorageRetentionFailure
	runCases(t, []testCase{
		{name: "deleted and replaced with its claim", exercised: ids(sticky, kept), build: func(b *historytest.Builder) { running(b); ended(b); b.CreateReady("web-1") }},
		{name: "failed and replaced with its claim", exercised: ids(replaced, kept), build: func(b *historytest.Builder) { running(b); failed(b); b.CreateReady("web-1") }},
		{name: "deleted and not replaced", controllerActs: true, broken: ids(sticky), build: func(b *historytest.Builder) { running(b); ended(b); b.Wait(long) }},
		{name: "failed and not replaced", controllerActs: true, broken: ids(replaced), build: func(b *historytest.Builder) { running(b); failed(b); b.Wait(long) }},
		{name: "failed and not removed", controllerActs: true, broken: ids(replaced), build: func(b *historytest.Builder) { owned(b); b.Fail("web-1"); b.Wait(long) }},
		{name: "deleted, its claim goes with it", notExercised: ids(sticky), build: func(b *historytest.Builder) { owned(b); ended(b); b.Wait(long) }},
		{name: "failed, its claim goes with it", notExercised: ids(replaced), build: func(b *historytest.Builder) { owned(b); failed(b); b.Wait(long) }},
		{
			name: "deleted, and the claim's removal triggers no sync", notExercised: ids(sticky), broken: ids(kept), build: func(b *historytest.Builder) {
				owned(b)
				ended(b)
				collected(b)
				b.Wait(long)
			},
		},
		{
			name: "deleted, and the set changed after the claim's removal", controllerActs: true, byAct: true, broken: ids(sticky, kept), build: func(b *historytest.Builder) {
				owned(b)
				ended(b)
				collected(b)
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "scaled down and wanted again before it was gone", notExercised: ids(sticky), build: func(b *historytest.Builder) {
				running(b)
				b.Scale("web", 1)
				b.SetController("data-web-1", "Pod", "web-1", b.Get(history.Pods, "web-1").UID)
				b.Terminate("web-1")
				b.Wait(4 * time.Second)
				b.Scale("web", 2)
				b.FinishDeletion("web-1")
				b.DeleteClaim("data-web-1")
				b.Wait(long)
			},
		},
	})
}

func TestUpdatesThatNothingShows(t *testing.T) {
	beyond, onDelete := contract.UpdatePartitionBeyond, contract.UpdateOnDelete
	unchanged := func(option historytest.Option, before, after func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, option)
			before(b)
			b.NewTemplate("web", 2)
			after(b)
			b.Wait(4 * time.Second)
		}
	}
	none := func(*historytest.Builder) {}
	unready := func(b *historytest.Builder) { b.Unready("web-1") }
	revert := func(b *historytest.Builder) { b.NewTemplate("web", 1) }
	runCases(t, []testCase{
		{name: "beyond a partition", exercised: ids(beyond), build: unchanged(historytest.Partition(5), none, none)},
		{name: "beyond a partition, one not Ready", notExercised: ids(beyond), build: unchanged(historytest.Partition(5), unready, none)},
		{name: "beyond a partition, one that is lost meanwhile", notExercised: ids(beyond), build: unchanged(historytest.Partition(5), none, unready)},
		{name: "beyond a partition, the template that the pods have", notExercised: ids(beyond), build: unchanged(historytest.Partition(5), none, revert)},
		{name: "under OnDelete", exercised: ids(onDelete), build: unchanged(historytest.OnDelete, none, none)},
		{name: "under OnDelete, one not Ready", notExercised: ids(onDelete), build: unchanged(historytest.OnDelete, unready, none)},
		{name: "under OnDelete, the template that the pods have", notExercised: ids(onDelete), build: unchanged(historytest.OnDelete, none, revert)},
		{
			name: "beyond a partition that is raised with the template", broken: ids(beyond), build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Update("web", func(t *history.Set) { t.Partition, t.Template.Images = 5, map[string]string{"main": "image:2"} })
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Terminate("web-1")
			},
		},
		{
			name: "a partition that is raised late", excused: ids(contract.UpdateOrder), build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Update("web", func(t *history.Set) { t.Partition = 5 })
				b.Terminate("web-1")
			},
		},
	})
}

func TestNextPodAfterBoundClaim(t *testing.T) {
	id := contract.StorageUnboundBlocks
	ready := func(b *historytest.Builder) {
		b.Set("web", historytest.Replicas(3), historytest.Claims("data"))
		b.Claim("data", "web-0")
		b.CreateReady("web-0")
		pending(b, "data-web-1")
		b.Pod("web-1")
		b.Wait(10 * time.Second)
		bind(b, "data-web-1", "pv-1")
		b.Ready("web-1")
	}
	runCases(t, []testCase{
		{name: "once the claim is bound", controllerActs: true, broken: ids(id), texts: []string{"all pods to web-1 were Ready, and for 65.4 s, to the end of the recording, web-2 was not created"}, build: func(b *historytest.Builder) {
			ready(b)
			b.Wait(long)
		}},
		{name: "because it has all its replicas", build: func(b *historytest.Builder) {
			ready(b)
			b.Scale("web", 2)
			b.Wait(long)
		}},
		{name: "because the next claim is terminating", build: func(b *historytest.Builder) {
			ready(b)
			pending(b, "data-web-2")
			terminateClaim(b, "data-web-2")
			b.Wait(long)
		}},
		{name: "because the name is taken", build: func(b *historytest.Builder) {
			ready(b)
			b.Operation(history.VerbCreate, history.Pods, "web-2")
			pod(b, "web-2", func(e *history.Event) { e.Owners = nil })
			b.Relabel("web-2", "app", "mine")
			b.Wait(long)
		}},
		{name: "until the claim exists", exercised: ids(id), build: func(b *historytest.Builder) {
			ready(b)
			b.Wait(time.Second)
			b.Claim("data", "web-2")
			b.CreateReady("web-2")
			b.Wait(long)
		}},
	})
}
