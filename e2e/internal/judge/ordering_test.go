package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/story"
)

func ids(list ...guarantee.ID) []guarantee.ID { return list }

func TestOrderingOfCreation(t *testing.T) {
	tales(t, []tale{
		{
			name: "one after another", exercised: ids(guarantee.OrderingCreate), idle: ids(guarantee.OrderingScaleUp, guarantee.OrderingHeals, guarantee.OrderingCreateHalts),
			tell: func(s *story.Story) { s.Running("web", 3) },
		},
		{
			name: "a single pod shows no order", idle: ids(guarantee.OrderingCreate),
			tell: func(s *story.Story) { s.Running("web", 1) },
		},
		{
			name: "before the predecessor was Ready", broken: ids(guarantee.OrderingCreate), texts: []string{"web-2 was created at rv 107 (+0.7 s)", "while web-1 was not Ready (Ready at rv 108"},
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(3))
				s.Up("web-0")
				s.Status("web")
				s.Pod("web-1")
				s.Status("web")
				s.Pod("web-2")
				s.Ready("web-1")
			},
		},
		{
			name: "a predecessor skipped", broken: ids(guarantee.OrderingCreate), texts: []string{"while web-1 did not exist"},
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(3))
				s.Up("web-0")
				s.Pod("web-2")
			},
		},
		{
			name: "scale up in order", exercised: ids(guarantee.OrderingCreate, guarantee.OrderingScaleUp),
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.Scale("web", 4)
				s.Up("web-2")
				s.Up("web-3")
			},
		},
		{
			name: "scale up at once", broken: ids(guarantee.OrderingScaleUp),
			tell: func(s *story.Story) {
				s.Running("web", 1)
				s.Scale("web", 3)
				s.Pod("web-1")
				s.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost within the lag", excused: ids(guarantee.OrderingScaleUp),
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.Scale("web", 3)
				s.Unready("web-0")
				s.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost for longer and the status shows it", broken: ids(guarantee.OrderingScaleUp, guarantee.OrderingCreateHalts), texts: []string{"web-0 was no longer Ready"},
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.Unready("web-0")
				s.Status("web")
				s.Wait(3 * time.Second)
				s.Scale("web", 3)
				s.Pod("web-2")
			},
		},
		{
			name: "a predecessor lost for longer but the status does not show it", doubted: ids(guarantee.OrderingScaleUp, guarantee.OrderingCreateHalts),
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.Unready("web-0")
				s.Wait(3 * time.Second)
				s.Scale("web", 3)
				s.Pod("web-2")
			},
		},
		{
			name: "a gap may hide the readiness", doubted: ids(guarantee.OrderingCreate, guarantee.OrderingCreateHalts),
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(2))
				s.Pod("web-0")
				from := s.Now()
				s.Wait(time.Second)
				s.Gap(history.Pods, from)
				s.Pod("web-1")
			},
		},
		{
			name: "a gap before it hides nothing", broken: ids(guarantee.OrderingCreate),
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(2))
				s.Gap(history.Pods, s.Now())
				s.Wait(time.Second)
				s.Pod("web-0")
				s.Pod("web-1")
			},
		},
		{
			name: "no order under Parallel", exercised: ids(guarantee.OrderingParallel), idle: ids(guarantee.OrderingCreate),
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(2), story.Parallel)
				s.Pod("web-0")
				s.Pod("web-1")
			},
		},
		{
			name: "Parallel that waits", broken: ids(guarantee.OrderingParallel),
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(2), story.Parallel)
				s.Pod("web-0")
				s.Wait(40 * time.Second)
				s.Ready("web-0")
				s.Up("web-1")
			},
		},
	})
}

func TestOrderingHalts(t *testing.T) {
	halted := func(hold time.Duration) func(*story.Story) {
		return func(s *story.Story) {
			s.Set("web", story.Replicas(3))
			s.Up("web-0")
			s.Pod("web-1")
			s.Wait(hold)
			s.Ready("web-1")
			s.Up("web-2")
		}
	}
	tales(t, []tale{
		{name: "a long halt", exercised: ids(guarantee.OrderingCreateHalts), tell: halted(3 * time.Second)},
		{name: "a halt too short to tell", idle: ids(guarantee.OrderingCreateHalts), tell: halted(300 * time.Millisecond)},
		{
			name: "a controller that loses patience", broken: ids(guarantee.OrderingCreate, guarantee.OrderingCreateHalts), texts: []string{"5.1 s into a halt"},
			tell: func(s *story.Story) {
				s.Set("web", story.Replicas(3))
				s.Up("web-0")
				s.Pod("web-1")
				s.Wait(5 * time.Second)
				s.Pod("web-2")
			},
		},
		{
			name: "a scale down that waits for a pod that stays", exercised: ids(guarantee.OrderingScaleDownHalts, guarantee.OrderingScaleDown),
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Unready("web-0")
				s.Status("web")
				s.Scale("web", 2)
				s.Wait(4 * time.Second)
				s.Ready("web-0")
				s.End("web-2")
			},
		},
		{
			name: "a scale down that does not", broken: ids(guarantee.OrderingScaleDownHalts), texts: []string{"web-2 began to terminate for a scale down", "while the staying web-0 was no longer Ready"},
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Unready("web-0")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Scale("web", 2)
				s.End("web-2")
			},
		},
		{
			name: "two pods that are to go and are not Ready", exercised: ids(guarantee.OrderingScaleDownHalts, guarantee.OrderingScaleDown),
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Unready("web-1")
				s.Unready("web-2")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Scale("web", 1)
				s.Wait(4 * time.Second)
				s.Ready("web-2")
				s.End("web-2")
				s.End("web-1")
			},
		},
		{
			name: "a pod that is to go and is Ready goes before one that is not", idle: ids(guarantee.OrderingScaleDownHalts),
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Unready("web-1")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Scale("web", 1)
				s.End("web-2")
				s.End("web-1")
			},
		},
		{
			name: "of two pods that are to go and are not Ready the higher first", broken: ids(guarantee.OrderingScaleDownHalts),
			texts: []string{"not Ready itself, web-2 began to terminate for a scale down", "while the lower web-1 was no longer Ready"},
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Unready("web-1")
				s.Unready("web-2")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Scale("web", 1)
				s.End("web-2")
			},
		},
		{
			name: "the higher one, whose readiness was lost just before",
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Unready("web-1")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.Unready("web-2")
				s.Scale("web", 1)
				s.End("web-2")
				s.End("web-1")
			},
		},
	})
}

func TestOrderingOfScaleDown(t *testing.T) {
	tales(t, []tale{
		{
			name: "highest first", exercised: ids(guarantee.OrderingScaleDown), idle: ids(guarantee.TerminationReverse),
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Scale("web", 1)
				s.End("web-2")
				s.End("web-1")
			},
		},
		{
			name: "before the higher one is gone", broken: ids(guarantee.OrderingScaleDown), texts: []string{"web-1 began to terminate", "while the higher web-2 still existed (gone at rv"},
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Scale("web", 1)
				s.Terminate("web-2")
				s.Terminate("web-1")
				s.Gone("web-2")
			},
		},
		{
			name: "lowest first", broken: ids(guarantee.OrderingScaleDown),
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Scale("web", 1)
				s.End("web-1")
				s.End("web-2")
			},
		},
		{
			name: "lowest first under OnDelete, where an update that is pending is no excuse", broken: ids(guarantee.OrderingScaleDown),
			tell: func(s *story.Story) {
				s.Running("web", 3, story.OnDelete)
				s.NewTemplate("web", 2)
				s.Scale("web", 1)
				s.End("web-1")
				s.End("web-2")
			},
		},
		{
			name: "lowest first below a partition, where an update that is pending is no excuse", broken: ids(guarantee.OrderingScaleDown),
			tell: func(s *story.Story) {
				s.Running("web", 3, story.Partition(3))
				s.NewTemplate("web", 2)
				s.Scale("web", 1)
				s.End("web-1")
				s.End("web-2")
			},
		},
		{
			name: "what the spec deletes is nobody's fault", idle: ids(guarantee.OrderingScaleDown),
			tell: func(s *story.Story) {
				s.Running("web", 3)
				s.Scale("web", 1)
				s.SpecDeletes("web-1")
			},
		},
		{
			name: "to zero in reverse", exercised: ids(guarantee.TerminationReverse, guarantee.OrderingScaleDown),
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.Scale("web", 0)
				s.End("web-1")
				s.End("web-0")
			},
		},
		{
			name: "to zero all at once", broken: ids(guarantee.TerminationReverse, guarantee.OrderingScaleDown),
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.Scale("web", 0)
				s.Terminate("web-0")
				s.Terminate("web-1")
			},
		},
		{
			name: "no order when the set is deleted", idle: ids(guarantee.OrderingScaleDown, guarantee.TerminationReverse),
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.DeleteSet("web")
				s.End("web-0")
				s.End("web-1")
			},
		},
	})
}

func TestOrderingHeals(t *testing.T) {
	tales(t, []tale{
		{
			name: "the lower first", exercised: ids(guarantee.OrderingHeals),
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.SpecDeletes("web-0")
				s.SpecDeletes("web-1")
				s.Gone("web-0")
				s.Gone("web-1")
				s.Up("web-0")
				s.Up("web-1")
			},
		},
		{
			name: "the higher first", broken: ids(guarantee.OrderingHeals), texts: []string{"web-1 was created", "while web-0 was gone"},
			tell: func(s *story.Story) {
				s.Running("web", 2)
				s.SpecDeletes("web-0")
				s.SpecDeletes("web-1")
				s.Gone("web-0")
				s.Gone("web-1")
				s.Status("web")
				s.Wait(3 * time.Second)
				s.Up("web-1")
			},
		},
	})
}

func TestChangeOfMind(t *testing.T) {
	tales(t, []tale{
		{
			name: "up and down again", exercised: ids(guarantee.OrderingChangeOfMind),
			tell: func(s *story.Story) {
				s.Running("web", 1)
				s.Scale("web", 3)
				s.Up("web-1")
				s.Scale("web", 1)
				s.End("web-1")
			},
		},
		{
			name: "order lost in between", broken: ids(guarantee.OrderingChangeOfMind, guarantee.OrderingScaleUp),
			tell: func(s *story.Story) {
				s.Running("web", 1)
				s.Scale("web", 2)
				s.Pod("web-1")
				s.Scale("web", 3)
				s.Pod("web-2")
			},
		},
	})
}
