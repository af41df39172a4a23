package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// rolled tells of a set whose new template reached every pod.
func rolled(replicas int, options ...historytest.Option) func(*historytest.Builder) {
	return func(s *historytest.Builder) {
		s.Running("web", replicas, options...)
		s.NewTemplate("web", 2)
		for n := replicas - 1; n >= 0; n-- {
			s.Roll("web", n)
		}
	}
}

func TestUpdateOrder(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "highest first", tell: rolled(3),
			exercised: ids(contract.UpdateOrder, contract.UpdateOneAtATime, contract.UpdateComplete), idle: ids(contract.OrderingParallelUpdates, contract.UpdateMinReady),
		},
		{
			name: "a single pod shows no order", tell: rolled(1), exercised: ids(contract.UpdateComplete), idle: ids(contract.UpdateOrder, contract.UpdateOneAtATime),
		},
		{
			name: "before the status names the revision", exercised: ids(contract.UpdateOrder, contract.UpdateComplete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.ChangeTemplate("web", 2)
				s.Terminate("web-1")
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.FinishDeletion("web-1")
				s.CreateReady("web-1")
				s.Status("web")
				s.Roll("web", 0)
			},
		},
		{
			name: "lowest first", broken: ids(contract.UpdateOrder),
			texts: []string{"web-0 (revision web-1) was deleted for an update at rv ", "while the higher web-2 still ran revision web-1 and was not being replaced"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Roll("web", 0, 2, 1)
			},
		},
		{
			name: "one passed over", broken: ids(contract.UpdateOrder), texts: []string{"while the higher web-1 still ran"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Roll("web", 2, 0, 1)
			},
		},
		{
			name: "a lower pod lost meanwhile comes back at the new revision", exercised: ids(contract.UpdateComplete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Roll("web", 2)
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
				s.CreateReady("web-0")
				s.Status("web")
				s.Roll("web", 1)
			},
		},
		{
			name: "a template changed midway starts again from the top", exercised: ids(contract.UpdateOrder, contract.UpdateComplete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Roll("web", 2, 1)
				s.NewTemplate("web", 3)
				s.Roll("web", 2, 1, 0)
			},
		},
		{
			name: "a scale down takes precedence and is no update", idle: ids(contract.UpdateOrder),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Scale("web", 2)
				s.DeletePod("web-2")
			},
		},
		{
			name: "an older version of the spec within the lag", exercised: ids(contract.UpdateOrder),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Roll("web", 1)
				s.ChangeTemplate("web", 3)
				s.Terminate("web-0")
			},
		},
		{
			name: "what somebody else deletes is no update", idle: ids(contract.UpdateOrder, contract.UpdateOneAtATime),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.DeleteByTest("web-0")
			},
		},
	})
}

func TestUpdateOneAtATime(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "the updated one not Ready", broken: ids(contract.UpdateOneAtATime), texts: []string{"web-0 (revision web-1) was deleted for an update", "while web-1 was not Ready (Ready at rv"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.DeletePod("web-1")
				s.Pod("web-1")
				s.Terminate("web-0")
				s.Ready("web-1")
			},
		},
		{
			name: "all at once", broken: ids(contract.UpdateOneAtATime), texts: []string{"web-1 (revision web-1) was deleted", "while web-2 was terminating", "while web-1 was terminating"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Terminate("web-2")
				s.Terminate("web-1")
				s.Terminate("web-0")
			},
		},
		{
			name: "the updated one lost again within the lag", excused: ids(contract.UpdateOneAtATime),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Roll("web", 1)
				s.Unready("web-1")
				s.Terminate("web-0")
			},
		},
		{
			name: "several at once by maxUnavailable", exercised: ids(contract.UpdateMaxUnavailable), idle: ids(contract.UpdateOneAtATime, contract.UpdateOrder),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.MaxUnavailable("2"))
				s.NewTemplate("web", 2)
				s.Terminate("web-2")
				s.Terminate("web-1")
			},
		},
		{
			name: "more than maxUnavailable", broken: ids(contract.UpdateMaxUnavailable), texts: []string{"with it 3 pods were down through the rollout (web-1, web-2, web-3) where maxUnavailable is 2"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 4, historytest.MaxUnavailable("2"))
				s.NewTemplate("web", 2)
				s.Terminate("web-3")
				s.Terminate("web-2")
				s.Terminate("web-1")
			},
		},
		{
			name: "the replacement does not count as back before it is Ready", broken: ids(contract.UpdateMaxUnavailable),
			tell: func(s *historytest.Builder) {
				s.Running("web", 4, historytest.MaxUnavailable("2"))
				s.NewTemplate("web", 2)
				s.Terminate("web-3")
				s.Terminate("web-2")
				s.FinishDeletion("web-3")
				s.Pod("web-3")
				s.Terminate("web-1")
			},
		},
		{
			name: "a pod that fails by itself is not the rollout's", exercised: ids(contract.UpdateMaxUnavailable),
			tell: func(s *historytest.Builder) {
				s.Running("web", 4, historytest.MaxUnavailable("2"))
				s.NewTemplate("web", 2)
				s.Unready("web-0")
				s.Terminate("web-3")
				s.Terminate("web-2")
			},
		},
		{
			name: "a percentage is not judged", idle: ids(contract.UpdateMaxUnavailable, contract.UpdateOneAtATime),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.MaxUnavailable("34%"))
				s.NewTemplate("web", 2)
				s.Terminate("web-2")
				s.Terminate("web-1")
				s.Terminate("web-0")
			},
		},
	})
}

func TestParallelUpdates(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "one after another", tell: rolled(3, historytest.Parallel),
			exercised: ids(contract.OrderingParallelUpdates, contract.UpdateOrder), idle: ids(contract.UpdateOneAtATime),
		},
		{
			name: "not waiting", broken: ids(contract.OrderingParallelUpdates), texts: []string{"web-0 (revision web-1) was deleted for an update", "while web-1 was not Ready"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Parallel)
				s.Wait(5 * time.Second)
				s.NewTemplate("web", 2)
				s.DeletePod("web-1")
				s.Pod("web-1")
				s.DeletePod("web-0")
			},
		},
		{
			name: "all at once", broken: ids(contract.OrderingParallelUpdates),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Parallel)
				s.Wait(5 * time.Second)
				s.NewTemplate("web", 2)
				s.Terminate("web-1")
				s.Terminate("web-0")
			},
		},
		{
			name: "all at once, once a status told that they were available", broken: ids(contract.OrderingParallelUpdates),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Parallel, historytest.MinReady(4))
				s.Wait(5 * time.Second)
				s.Status("web")
				s.Wait(700 * time.Millisecond)
				s.NewTemplate("web", 2)
				s.Terminate("web-1")
				s.Terminate("web-0")
			},
		},
		{
			name: "all at once, so soon that their controller may take them for broken", idle: ids(contract.OrderingParallelUpdates),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Parallel, historytest.MinReady(4))
				s.Wait(5 * time.Second)
				s.NewTemplate("web", 2)
				s.Terminate("web-1")
				s.Terminate("web-0")
			},
		},
		{
			name: "broken old pods first, as since 1.37", idle: ids(contract.OrderingParallelUpdates),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.Parallel)
				s.Unready("web-0")
				s.Unready("web-1")
				s.Status("web")
				s.NewTemplate("web", 2)
				s.Terminate("web-1")
				s.Terminate("web-0")
			},
		},
	})
}

func TestUpdateMinReady(t *testing.T) {
	wait := func(d time.Duration, options ...historytest.Option) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Set("web", append(options, historytest.Replicas(2), historytest.MinReady(8))...)
			s.CreateReady("web-0")
			s.Wait(9 * time.Second)
			s.CreateReady("web-1")
			s.Wait(9 * time.Second)
			s.Status("web")
			s.NewTemplate("web", 2)
			s.DeletePod("web-1")
			s.CreateReady("web-1")
			s.Wait(d)
			s.DeletePod("web-0")
		}
	}
	liveTales(t, []tale{
		{name: "long enough", exercised: ids(contract.UpdateMinReady), tell: wait(8 * time.Second)},
		{name: "longer", exercised: ids(contract.UpdateMinReady), tell: wait(20 * time.Second)},
		{name: "within the resolution of a second", exercised: ids(contract.UpdateMinReady), tell: wait(7500 * time.Millisecond)},
		{name: "not at all", broken: ids(contract.UpdateMinReady), texts: []string{"while the updated web-1 had been Ready for 0s of the 8s that minReadySeconds asks for"}, tell: wait(0)},
		{name: "too short", broken: ids(contract.UpdateMinReady), tell: wait(4 * time.Second)},
		{name: "too short under Parallel, as up to 1.33", broken: ids(contract.UpdateMinReady), exercised: ids(contract.OrderingParallelUpdates), tell: wait(4*time.Second, historytest.Parallel)},
	})
}

func TestUpdateHalts(t *testing.T) {
	halted := func(hold time.Duration, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Running("web", 3)
			s.NewTemplate("web", 2)
			s.DeletePod("web-2")
			s.Pod("web-2")
			s.Wait(hold)
			then(s)
		}
	}
	liveTales(t, []tale{
		{name: "a long halt", exercised: ids(contract.UpdateHalts), tell: halted(4*time.Second, func(s *historytest.Builder) { s.Ready("web-2") })},
		{name: "to the end", exercised: ids(contract.UpdateHalts), tell: halted(4*time.Second, func(*historytest.Builder) {})},
		{name: "too short to tell", idle: ids(contract.UpdateHalts), tell: halted(300*time.Millisecond, func(s *historytest.Builder) { s.Ready("web-2") })},
		{
			name: "going back does not free it", exercised: ids(contract.UpdateHalts), tell: halted(4*time.Second, func(s *historytest.Builder) {
				s.ChangeTemplate("web", 1)
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-1" })
				s.Wait(time.Minute)
			}),
		},
		{
			name: "a controller that loses patience", broken: ids(contract.UpdateHalts, contract.UpdateOneAtATime), texts: []string{"5.1 s into a halt: the updated web-2 was not Ready (and never became so)"},
			tell: halted(5*time.Second, func(s *historytest.Builder) { s.Terminate("web-1") }),
		},
		{
			name: "and skips one", broken: ids(contract.UpdateHalts, contract.UpdateOneAtATime, contract.UpdateOrder),
			tell: halted(5*time.Second, func(s *historytest.Builder) { s.Terminate("web-0") }),
		},
	})
}
