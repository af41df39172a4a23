package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func ids(list ...contract.ID) []contract.ID { return list }

func TestOrderingOfCreation(t *testing.T) {
	tales(t, []tale{
		{
			name: "one after another", exercised: ids(contract.OrderingCreate), idle: ids(contract.OrderingScaleUp, contract.OrderingHeals, contract.OrderingCreateHalts),
			tell: func(s *historytest.Builder) { s.Running("web", 3) },
		},
		{
			name: "a single pod shows no order", idle: ids(contract.OrderingCreate),
			tell: func(s *historytest.Builder) { s.Running("web", 1) },
		},
		{
			name: "before the predecessor was Ready", broken: ids(contract.OrderingCreate), texts: []string{"web-2 was created at rv 107 (+0.7 s)", "while web-1 was not Ready (Ready at rv 108"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(3))
				s.CreateReady("web-0")
				s.Status("web")
				s.Pod("web-1")
				s.Status("web")
				s.Pod("web-2")
				s.Ready("web-1")
			},
		},
		{
			name: "a predecessor skipped", broken: ids(contract.OrderingCreate), texts: []string{"while web-1 did not exist"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(3))
				s.CreateReady("web-0")
				s.Pod("web-2")
			},
		},
		{
			name: "scale up in order", exercised: ids(contract.OrderingCreate, contract.OrderingScaleUp),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 4)
				s.CreateReady("web-2")
				s.CreateReady("web-3")
			},
		},
		{
			name: "scale up at once", broken: ids(contract.OrderingScaleUp),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 3)
				s.Pod("web-1")
				s.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost within the lag", excused: ids(contract.OrderingScaleUp),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 3)
				s.Unready("web-0")
				s.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost for longer and the status shows it", broken: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts), texts: []string{"web-0 was no longer Ready"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Unready("web-0")
				s.Status("web")
				s.Wait(3 * time.Second)
				s.Scale("web", 3)
				s.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost for longer but the status does not show it", doubted: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Unready("web-0")
				s.Wait(3 * time.Second)
				s.Scale("web", 3)
				s.Pod("web-2")
			},
		},
		{
			name: "a gap may hide the readiness", doubted: ids(contract.OrderingCreate, contract.OrderingCreateHalts),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2))
				s.Pod("web-0")
				from := s.Now()
				s.Wait(time.Second)
				s.Gap(history.Pods, from)
				s.Pod("web-1")
			},
		},
		{
			name: "a gap before it hides nothing", broken: ids(contract.OrderingCreate),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2))
				s.Gap(history.Pods, s.Now())
				s.Wait(time.Second)
				s.Pod("web-0")
				s.Pod("web-1")
			},
		},
		{
			name: "no order under Parallel", exercised: ids(contract.OrderingParallel), idle: ids(contract.OrderingCreate),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.Pod("web-0")
				s.Pod("web-1")
			},
		},
		{
			name: "Parallel that waits", broken: ids(contract.OrderingParallel),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.Pod("web-0")
				s.Wait(20 * time.Second)
				s.Running("elsewhere", 1)
				s.Wait(20 * time.Second)
				s.Ready("web-0")
				s.CreateReady("web-1")
			},
		},
	})
}

func TestOrderingHalts(t *testing.T) {
	halted := func(hold time.Duration) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Set("web", historytest.Replicas(3))
			s.CreateReady("web-0")
			s.Pod("web-1")
			s.Wait(hold)
			s.Ready("web-1")
			s.CreateReady("web-2")
		}
	}
	tales(t, []tale{
		{name: "a long halt", exercised: ids(contract.OrderingCreateHalts), tell: halted(3 * time.Second)},
		{name: "a halt too short to tell", idle: ids(contract.OrderingCreateHalts), tell: halted(300 * time.Millisecond)},
		{
			name: "a controller that loses patience", broken: ids(contract.OrderingCreate, contract.OrderingCreateHalts), texts: []string{"5.1 s into a halt"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(3))
				s.CreateReady("web-0")
				s.Pod("web-1")
				s.Wait(5 * time.Second)
				s.Pod("web-2")
			},
		},
		{
			name: "a scale down that waits for a pod that stays", exercised: ids(contract.OrderingScaleDownHalts, contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Unready("web-0")
				s.Status("web")
				s.Scale("web", 2)
				s.Wait(4 * time.Second)
				s.Ready("web-0")
				s.DeletePod("web-2")
			},
		},
		{
			name: "a scale down that does not", broken: ids(contract.OrderingScaleDownHalts), texts: []string{"web-2 began to terminate for a scale down", "while the staying web-0 was no longer Ready"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Unready("web-0")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Scale("web", 2)
				s.DeletePod("web-2")
			},
		},
		{
			name: "two pods that are to go and are not Ready", exercised: ids(contract.OrderingScaleDownHalts, contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Unready("web-1")
				s.Unready("web-2")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Scale("web", 1)
				s.Wait(4 * time.Second)
				s.Ready("web-2")
				s.DeletePod("web-2")
				s.DeletePod("web-1")
			},
		},
		{
			name: "a pod that is to go and is Ready goes before one that is not", idle: ids(contract.OrderingScaleDownHalts),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Unready("web-1")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Scale("web", 1)
				s.DeletePod("web-2")
				s.DeletePod("web-1")
			},
		},
		{
			name: "of two pods that are to go and are not Ready the higher first", broken: ids(contract.OrderingScaleDownHalts),
			texts: []string{"not Ready itself, web-2 began to terminate for a scale down", "while the lower web-1 was no longer Ready"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Unready("web-1")
				s.Unready("web-2")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Scale("web", 1)
				s.DeletePod("web-2")
			},
		},
		{
			name: "the higher one, whose readiness was lost just before",
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Unready("web-1")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Unready("web-2")
				s.Scale("web", 1)
				s.DeletePod("web-2")
				s.DeletePod("web-1")
			},
		},
	})
}

func TestOrderingOfScaleDown(t *testing.T) {
	tales(t, []tale{
		{
			name: "highest first", exercised: ids(contract.OrderingScaleDown), idle: ids(contract.TerminationReverse),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Scale("web", 1)
				s.DeletePod("web-2")
				s.DeletePod("web-1")
			},
		},
		{
			name: "before the higher one is gone", broken: ids(contract.OrderingScaleDown), texts: []string{"web-1 began to terminate", "while the higher web-2 still existed (gone at rv"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Scale("web", 1)
				s.Terminate("web-2")
				s.Terminate("web-1")
				s.FinishDeletion("web-2")
			},
		},
		{
			name: "lowest first", broken: ids(contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Scale("web", 1)
				s.DeletePod("web-1")
				s.DeletePod("web-2")
			},
		},
		{
			name: "lowest first under OnDelete, where an update that is pending is no excuse", broken: ids(contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.OnDelete)
				s.NewTemplate("web", 2)
				s.Scale("web", 1)
				s.DeletePod("web-1")
				s.DeletePod("web-2")
			},
		},
		{
			name: "lowest first below a partition, where an update that is pending is no excuse", broken: ids(contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.Partition(3))
				s.NewTemplate("web", 2)
				s.Scale("web", 1)
				s.DeletePod("web-1")
				s.DeletePod("web-2")
			},
		},
		{
			name: "what the spec deletes is nobody's fault", idle: ids(contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Scale("web", 1)
				s.DeleteByTest("web-1")
			},
		},
		{
			name: "to zero in reverse", exercised: ids(contract.TerminationReverse, contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 0)
				s.DeletePod("web-1")
				s.DeletePod("web-0")
			},
		},
		{
			name: "to zero all at once", broken: ids(contract.TerminationReverse, contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 0)
				s.Terminate("web-0")
				s.Terminate("web-1")
			},
		},
		{
			name: "no order when the set is deleted", idle: ids(contract.OrderingScaleDown, contract.TerminationReverse),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.DeleteSet("web")
				s.DeletePod("web-0")
				s.DeletePod("web-1")
			},
		},
	})
}

func TestOrderingHeals(t *testing.T) {
	tales(t, []tale{
		{
			name: "the lower first", exercised: ids(contract.OrderingHeals),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.DeleteByTest("web-0")
				s.DeleteByTest("web-1")
				s.FinishDeletion("web-0")
				s.FinishDeletion("web-1")
				s.CreateReady("web-0")
				s.CreateReady("web-1")
			},
		},
		{
			name: "the higher first", broken: ids(contract.OrderingHeals), texts: []string{"web-1 was created", "while web-0 was gone"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.DeleteByTest("web-0")
				s.DeleteByTest("web-1")
				s.FinishDeletion("web-0")
				s.FinishDeletion("web-1")
				s.Status("web")
				s.Wait(3 * time.Second)
				s.CreateReady("web-1")
			},
		},
	})
}

func TestChangeOfMind(t *testing.T) {
	tales(t, []tale{
		{
			name: "up and down again", exercised: ids(contract.OrderingChangeOfMind),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 3)
				s.CreateReady("web-1")
				s.Scale("web", 1)
				s.DeletePod("web-1")
			},
		},
		{
			name: "order lost in between", broken: ids(contract.OrderingChangeOfMind, contract.OrderingScaleUp),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 2)
				s.Pod("web-1")
				s.Scale("web", 3)
				s.Pod("web-2")
			},
		},
	})
}
