package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestAdoption(t *testing.T) {
	orphans := func(s *historytest.Builder) {
		s.Running("web", 2)
		s.Operation(history.VerbDelete, history.Sets, "web")
		s.Orphan("web-0")
		s.Orphan("web-1")
		s.DeleteSet("web")
		s.Wait(10 * time.Second)
		s.Set("web", historytest.Replicas(2))
	}
	tales(t, []tale{
		{
			name: "adopted by the next set", exercised: ids(contract.LifecycleAdoption),
			tell: func(s *historytest.Builder) {
				orphans(s)
				s.Adopt("web-0", "web")
				s.Adopt("web-1", "web")
				s.Status("web")
			},
		},
		{
			name: "left alone", broken: ids(contract.LifecycleAdoption), texts: []string{"web-1, without a controller since rv 110 (+0.9 s) and fit for the set web, was not adopted to the end of the recording, for 60.2 s"},
			tell: func(s *historytest.Builder) {
				orphans(s)
				s.Adopt("web-0", "web")
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "replaced", broken: ids(contract.LifecycleAdoption), texts: []string{"web-0, without a controller since rv", "was deleted at rv", "instead of adopted"},
			tell: func(s *historytest.Builder) {
				orphans(s)
				s.Status("web")
				s.DeletePod("web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "adopted and replaced", broken: ids(contract.LifecycleAdoption), texts: []string{"was adopted at rv"},
			tell: func(s *historytest.Builder) {
				orphans(s)
				s.Adopt("web-0", "web")
				s.Adopt("web-1", "web")
				s.Status("web")
				s.Wait(4 * time.Second)
				s.DeletePod("web-1")
				s.CreateReady("web-1")
				s.Status("web")
			},
		},
		{
			name: "an orphan of an older revision", idle: ids(contract.LifecycleAdoption),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Orphan("web-0")
				s.DeleteSet("web")
				s.Set("web", func(t *history.Set) { t.Status.CurrentRevision, t.Status.UpdateRevision = "web-2", "web-2" })
				s.Adopt("web-0", "web")
				s.Status("web")
				s.DeletePod("web-0")
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{
			name: "an orphan out of range", idle: ids(contract.LifecycleAdoption),
			tell: func(s *historytest.Builder) {
				s.Set("web")
				s.Operation(history.VerbCreate, history.Pods, "web-5")
				pod(s, "web-5", func(e *history.Event) { e.Owners = nil })
				s.CreateReady("web-0")
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "an orphan that the spec deletes", idle: ids(contract.LifecycleAdoption),
			tell: func(s *historytest.Builder) {
				orphans(s)
				s.Operation(history.VerbDelete, history.Pods, "web-0")
				s.DeletePod("web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "no set to adopt it", idle: ids(contract.LifecycleAdoption),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Orphan("web-0")
				s.DeleteSet("web")
				s.Wait(long)
			},
		},
	})
}

func TestRelease(t *testing.T) {
	released := func(s *historytest.Builder) {
		s.Running("web", 2)
		s.Relabel("web-1", "app", "other")
		s.Orphan("web-1")
		s.Status("web")
		s.Operation(history.VerbDelete, history.Pods, "web-1")
		s.DeletePod("web-1")
	}
	touched := func(s *historytest.Builder) {
		released(s)
		s.Wait(5 * time.Second)
		s.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"touched": "once"} })
	}
	tales(t, []tale{
		{
			name: "released, and a new pod under its name", exercised: ids(contract.LifecycleRelease),
			tell: func(s *historytest.Builder) {
				released(s)
				s.CreateReady("web-1")
			},
		},
		{name: "released, the name still taken", idle: ids(contract.LifecycleRelease), tell: func(s *historytest.Builder) {
			s.Running("web", 2)
			s.Relabel("web-1", "app", "other")
			s.Orphan("web-1")
			s.Wait(long)
		}},
		{name: "nobody touched the set", idle: ids(contract.LifecycleRelease), tell: func(s *historytest.Builder) {
			released(s)
			s.Wait(long)
		}},
		{
			name: "no new pod although the set was touched", atWork: true, broken: ids(contract.LifecycleRelease), texts: []string{"web-1 (released at rv 109 (+0.9 s)) was not replaced to the end of the recording"},
			tell: func(s *historytest.Builder) {
				touched(s)
				s.Wait(long)
			},
		},
		{
			name: "never released", atWork: true, broken: ids(contract.LifecycleRelease), texts: []string{"web-1, whose labels the set web no longer selected from rv 108 (+0.8 s) on, was not released to the end of the recording"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Relabel("web-1", "app", "other")
				s.Wait(long)
			},
		},
		{
			name: "deleted instead", broken: ids(contract.LifecycleRelease), texts: []string{"was deleted at rv", "instead of released"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Relabel("web-1", "app", "other")
				s.Wait(5 * time.Second)
				s.Scale("web", 1)
				s.DeletePod("web-1")
			},
		},
		{
			name: "deleted at once, for which there is no other cause", broken: ids(contract.LifecycleRelease), texts: []string{"instead of released"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Status("web")
				s.Relabel("web-1", "app", "other")
				s.DeletePod("web-1")
				s.CreateReady("web-1")
				s.Status("web")
			},
		},
		{
			name: "deleted before the controller could know", excused: ids(contract.LifecycleRelease),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 1)
				s.Relabel("web-1", "app", "other")
				s.DeletePod("web-1")
			},
		},
		{
			name: "the label put back", idle: ids(contract.LifecycleRelease),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Relabel("web-1", "app", "other")
				s.Relabel("web-1", "app", "web")
				s.Wait(long)
			},
		},
		{
			name: "orphaned on purpose is not released", idle: ids(contract.LifecycleRelease),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Orphan("web-0")
				s.DeleteSet("web")
			},
		},
	})
}
