package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// leaves requests a claim's deletion as the spec does; a finalizer keeps it.
func leaves(s *historytest.Builder, claim string) {
	s.Operation(history.VerbDelete, history.Claims, claim)
	s.Change(history.Claims, claim, func(e *history.Event) {
		now := s.Timestamp()
		e.DeletionTimestamp = &now
	})
}

// TestParallelWithReasonToWait: what a Parallel set does not wait for is readiness; other things may stand in the way of a pod.
func TestParallelWithReasonToWait(t *testing.T) {
	id := contract.OrderingParallel
	tales(t, []tale{
		{
			name: "the next is not wanted any more", idle: ids(id), tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.Pod("web-0")
				s.Wait(time.Second)
				s.Scale("web", 1)
				s.Wait(long)
			},
		},
		{
			name: "the set is gone", idle: ids(id), tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.Pod("web-0")
				s.DeleteSet("web")
				s.Wait(long)
			},
		},
		{
			name: "the pod was released", idle: ids(id), tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.Pod("web-0")
				s.Relabel("web-0", "app", "mine")
				s.Orphan("web-0")
				s.Wait(long)
			},
		},
		{
			name: "the claim of the next is on its way out", idle: ids(id), tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel, historytest.Claims("data"))
				s.Claim("data", "web-0")
				s.Claim("data", "web-1")
				leaves(s, "data-web-1")
				s.Pod("web-0")
				s.Wait(long)
			},
		},
		{
			name: "nothing stands in the way", broken: ids(id), atWork: true, tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel, historytest.Claims("data"))
				s.Claim("data", "web-0")
				s.Claim("data", "web-1")
				s.Pod("web-0")
				s.Wait(long)
			},
		},
		{
			name: "nothing shows that the controller was at work", doubted: ids(id), texts: []string{"nothing shows that the controller was at work"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.Pod("web-0")
				s.Wait(long)
			},
		},
		{
			name: "the next may have come and gone in a gap", doubted: ids(id), tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.Pod("web-0")
				s.Wait(time.Second)
				from := s.Now()
				s.Wait(long)
				s.Gap(history.Pods, from)
			},
		},
		{
			name: "a batch that waits for a claim of the one before", idle: ids(contract.IdentitySticky), tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.Parallel, historytest.Claims("data"))
				leaves(s, "data-web-0")
				for _, pod := range []string{"web-0", "web-1"} {
					s.DeleteByTest(pod)
					s.FinishDeletion(pod)
				}
				s.Wait(long)
			},
		},
		{
			name: "a batch that waits for nothing", atWork: true, broken: ids(contract.IdentitySticky), texts: []string{"web-1 (deleted at"}, tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.Parallel, historytest.Claims("data"))
				leaves(s, "data-web-2")
				s.DeleteByTest("web-1")
				s.FinishDeletion("web-1")
				s.Wait(long)
			},
		},
	})
}

func TestHaltOfWhatIsNotWantedProvesNothing(t *testing.T) {
	tales(t, []tale{
		{
			name: "scaled down before", idle: ids(contract.OrderingCreateHalts), tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(3))
				s.CreateReady("web-0")
				s.Pod("web-1")
				s.Wait(600 * time.Millisecond)
				s.Scale("web", 2)
				s.Wait(10 * time.Second)
				s.Ready("web-1")
			},
		},
	})
}

func TestRecordingCutShortAccusesNoParallelSet(t *testing.T) {
	s := historytest.New()
	s.Set("web", historytest.Replicas(2), historytest.Parallel)
	s.Pod("web-0")
	s.Wait(long)
	h := s.History()
	h.End.Complete = false
	for _, r := range judge.History(h) {
		for _, f := range r.Violations {
			t.Errorf("%s: expected no violation of a recording that is not complete, found: %s", r.Guarantee, f.Text)
		}
	}
}

// TestStaleClaims: under whenScaled: Delete a claim that its pod came to own goes with the pod, a new pod waits for that, and nothing wakes
// the controller when it is done.
func TestStaleClaims(t *testing.T) {
	running := func(s *historytest.Builder) {
		s.Running("web", 2, historytest.Claims("data"), historytest.WhenScaledDelete)
	}
	owned := func(s *historytest.Builder) {
		running(s)
		s.SetController("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
	}
	ended := func(s *historytest.Builder) {
		s.DeleteByTest("web-1")
		s.FinishDeletion("web-1")
	}
	failed := func(s *historytest.Builder) {
		s.Fail("web-1")
		s.DeletePod("web-1")
	}
	collected := func(s *historytest.Builder) {
		s.Remove(history.Claims, "data-web-1")
		s.Wait(time.Second)
	}
	sticky, replaced, kept := contract.IdentitySticky, contract.LifecycleFailed, contract.StorageRetentionFailure
	tales(t, []tale{
		{name: "deleted and back on its claim", exercised: ids(sticky, kept), tell: func(s *historytest.Builder) { running(s); ended(s); s.CreateReady("web-1") }},
		{name: "failed and back on its claim", exercised: ids(replaced, kept), tell: func(s *historytest.Builder) { running(s); failed(s); s.CreateReady("web-1") }},
		{name: "deleted and not back", atWork: true, broken: ids(sticky), tell: func(s *historytest.Builder) { running(s); ended(s); s.Wait(long) }},
		{name: "failed and not back", atWork: true, broken: ids(replaced), tell: func(s *historytest.Builder) { running(s); failed(s); s.Wait(long) }},
		{name: "failed and not removed", atWork: true, broken: ids(replaced), tell: func(s *historytest.Builder) { owned(s); s.Fail("web-1"); s.Wait(long) }},
		{name: "deleted, its claim goes with it", idle: ids(sticky), tell: func(s *historytest.Builder) { owned(s); ended(s); s.Wait(long) }},
		{name: "failed, its claim goes with it", idle: ids(replaced), tell: func(s *historytest.Builder) { owned(s); failed(s); s.Wait(long) }},
		{
			name: "deleted, and nobody tells of the claim's end", idle: ids(sticky), broken: ids(kept), tell: func(s *historytest.Builder) {
				owned(s)
				ended(s)
				collected(s)
				s.Wait(long)
			},
		},
		{
			name: "deleted, and the set was touched after the claim's end", atWork: true, broken: ids(sticky, kept), tell: func(s *historytest.Builder) {
				owned(s)
				ended(s)
				collected(s)
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "scaled down and wanted again before it was gone", idle: ids(sticky), tell: func(s *historytest.Builder) {
				running(s)
				s.Scale("web", 1)
				s.SetController("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
				s.Terminate("web-1")
				s.Wait(4 * time.Second)
				s.Scale("web", 2)
				s.FinishDeletion("web-1")
				s.DeleteClaim("data-web-1")
				s.Wait(long)
			},
		},
	})
}

func TestUpdatesThatNobodyCouldSee(t *testing.T) {
	beyond, onDelete := contract.UpdatePartitionBeyond, contract.UpdateOnDelete
	stay := func(option historytest.Option, before, after func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Running("web", 2, option)
			before(s)
			s.NewTemplate("web", 2)
			after(s)
			s.Wait(4 * time.Second)
		}
	}
	none := func(*historytest.Builder) {}
	unready := func(s *historytest.Builder) { s.Unready("web-1") }
	back := func(s *historytest.Builder) { s.NewTemplate("web", 1) }
	tales(t, []tale{
		{name: "beyond a partition", exercised: ids(beyond), tell: stay(historytest.Partition(5), none, none)},
		{name: "beyond a partition, one not Ready", idle: ids(beyond), tell: stay(historytest.Partition(5), unready, none)},
		{name: "beyond a partition, one that is lost in the midst", idle: ids(beyond), tell: stay(historytest.Partition(5), none, unready)},
		{name: "beyond a partition, the template that the pods have", idle: ids(beyond), tell: stay(historytest.Partition(5), none, back)},
		{name: "under OnDelete", exercised: ids(onDelete), tell: stay(historytest.OnDelete, none, none)},
		{name: "under OnDelete, one not Ready", idle: ids(onDelete), tell: stay(historytest.OnDelete, unready, none)},
		{name: "under OnDelete, the template that the pods have", idle: ids(onDelete), tell: stay(historytest.OnDelete, none, back)},
		{
			name: "beyond a partition that is raised with the template", broken: ids(beyond), tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Update("web", func(t *history.Set) { t.Partition, t.Template.Images = 5, map[string]string{"main": "image:2"} })
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.Terminate("web-1")
			},
		},
		{
			name: "a partition that is raised late", exercised: ids(contract.UpdateOrder), tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Update("web", func(t *history.Set) { t.Partition = 5 })
				s.Terminate("web-1")
			},
		},
	})
}

func TestSetThatDoesNotGoOn(t *testing.T) {
	id := contract.StorageUnboundBlocks
	ready := func(s *historytest.Builder) {
		s.Set("web", historytest.Replicas(3), historytest.Claims("data"))
		s.Claim("data", "web-0")
		s.CreateReady("web-0")
		pending(s, "data-web-1")
		s.Pod("web-1")
		s.Wait(10 * time.Second)
		bind(s, "data-web-1", "pv-1")
		s.Ready("web-1")
	}
	tales(t, []tale{
		{name: "when the claim is bound", atWork: true, broken: ids(id), texts: []string{"all pods to web-1 were Ready, and for 65.4 s, to the end of the recording, web-2 was not created"}, tell: func(s *historytest.Builder) {
			ready(s)
			s.Wait(long)
		}},
		{name: "because it has all that it wants", tell: func(s *historytest.Builder) {
			ready(s)
			s.Scale("web", 2)
			s.Wait(long)
		}},
		{name: "because the next claim is on its way out", tell: func(s *historytest.Builder) {
			ready(s)
			pending(s, "data-web-2")
			leaves(s, "data-web-2")
			s.Wait(long)
		}},
		{name: "because the name is taken", tell: func(s *historytest.Builder) {
			ready(s)
			s.Operation(history.VerbCreate, history.Pods, "web-2")
			pod(s, "web-2", func(e *history.Event) { e.Owners = nil })
			s.Relabel("web-2", "app", "mine")
			s.Wait(long)
		}},
		{name: "until it was asked to", exercised: ids(id), tell: func(s *historytest.Builder) {
			ready(s)
			s.Wait(time.Second)
			s.Claim("data", "web-2")
			s.CreateReady("web-2")
			s.Wait(long)
		}},
	})
}
