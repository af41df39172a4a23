package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestAdoption(t *testing.T) {
	orphans := func(b *historytest.Builder) {
		b.Running("web", 2)
		b.Operation(history.VerbDelete, history.Sets, "web")
		b.Orphan("web-0")
		b.Orphan("web-1")
		b.DeleteSet("web")
		b.Wait(10 * time.Second)
		b.Set("web", historytest.Replicas(2))
	}
	runCases(t, []testCase{
		{
			name: "adopted by the next set", exercised: ids(contract.LifecycleAdoption),
			build: func(b *historytest.Builder) {
				orphans(b)
				b.Adopt("web-0", "web")
				b.Adopt("web-1", "web")
				b.Status("web")
			},
		},
		{
			name: "left alone", broken: ids(contract.LifecycleAdoption), controllerActs: true,
			texts: []string{"web-1, without a controller since rv 110 (+0.9 s) and fit for the set web, was not adopted to the end of the recording, for 65."},
			build: func(b *historytest.Builder) {
				orphans(b)
				b.Adopt("web-0", "web")
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "replaced", broken: ids(contract.LifecycleAdoption), texts: []string{"web-0, without a controller since rv", "was deleted at rv", "instead of adopted"},
			build: func(b *historytest.Builder) {
				orphans(b)
				b.Status("web")
				b.DeletePod("web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "adopted and replaced", broken: ids(contract.LifecycleAdoption), texts: []string{"was adopted at rv"},
			build: func(b *historytest.Builder) {
				orphans(b)
				b.Adopt("web-0", "web")
				b.Adopt("web-1", "web")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.DeletePod("web-1")
				b.CreateReady("web-1")
				b.Status("web")
			},
		},
		{
			name: "an orphan of an older revision", notExercised: ids(contract.LifecycleAdoption),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Orphan("web-0")
				b.DeleteSet("web")
				b.Set("web", func(t *history.Set) { t.Status.CurrentRevision, t.Status.UpdateRevision = "web-2", "web-2" })
				b.Adopt("web-0", "web")
				b.Status("web")
				b.DeletePod("web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "an orphan out of range", notExercised: ids(contract.LifecycleAdoption),
			build: func(b *historytest.Builder) {
				b.Set("web")
				b.Operation(history.VerbCreate, history.Pods, "web-5")
				pod(b, "web-5", func(e *history.Event) { e.Owners = nil })
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "an orphan that the test deletes", notExercised: ids(contract.LifecycleAdoption),
			build: func(b *historytest.Builder) {
				orphans(b)
				b.Operation(history.VerbDelete, history.Pods, "web-0")
				b.DeletePod("web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "no set to adopt it", notExercised: ids(contract.LifecycleAdoption),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Orphan("web-0")
				b.DeleteSet("web")
				b.Wait(long)
			},
		},
	})
}

func TestRelease(t *testing.T) {
	released := func(b *historytest.Builder) {
		b.Running("web", 2)
		b.Relabel("web-1", "app", "other")
		b.Orphan("web-1")
		b.Status("web")
		b.Operation(history.VerbDelete, history.Pods, "web-1")
		b.DeletePod("web-1")
	}
	touched := func(b *historytest.Builder) {
		released(b)
		b.Wait(5 * time.Second)
		b.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"touched": "once"} })
	}
	runCases(t, []testCase{
		{
			name: "released, and a new pod under its name", exercised: ids(contract.LifecycleRelease),
			build: func(b *historytest.Builder) {
				released(b)
				b.CreateReady("web-1")
			},
		},
		{name: "released, the name still taken", notExercised: ids(contract.LifecycleRelease), build: func(b *historytest.Builder) {
			b.Running("web", 2)
			b.Relabel("web-1", "app", "other")
			b.Orphan("web-1")
			b.Wait(long)
		}},
		{name: "the set did not change", notExercised: ids(contract.LifecycleRelease), build: func(b *historytest.Builder) {
			released(b)
			b.Wait(long)
		}},
		{
			name: "no new pod although the set changed", controllerActs: true, broken: ids(contract.LifecycleRelease), texts: []string{"web-1 (released at rv 109 (+0.9 s)) was not replaced to the end of the recording"},
			build: func(b *historytest.Builder) {
				touched(b)
				b.Wait(long)
			},
		},
		{
			name: "never released", controllerActs: true, broken: ids(contract.LifecycleRelease), texts: []string{"web-1, whose labels the set web no longer selected from rv 108 (+0.8 s) on, was not released to the end of the recording"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Relabel("web-1", "app", "other")
				b.Wait(long)
			},
		},
		{
			name: "deleted instead", broken: ids(contract.LifecycleRelease), texts: []string{"was deleted at rv", "instead of released"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Relabel("web-1", "app", "other")
				b.Wait(5 * time.Second)
				b.Scale("web", 1)
				b.DeletePod("web-1")
			},
		},
		{
			name: "deleted at once, for which there is no other cause", broken: ids(contract.LifecycleRelease), texts: []string{"instead of released"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Status("web")
				b.Relabel("web-1", "app", "other")
				b.DeletePod("web-1")
				b.CreateReady("web-1")
				b.Status("web")
			},
		},
		{
			name: "deleted before the controller could know", excused: ids(contract.LifecycleRelease),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 1)
				b.Relabel("web-1", "app", "other")
				b.DeletePod("web-1")
			},
		},
		{
			name: "the label restored", notExercised: ids(contract.LifecycleRelease),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Relabel("web-1", "app", "other")
				b.Relabel("web-1", "app", "web")
				b.Wait(long)
			},
		},
		{
			name: "released, relabelled, adopted again and scaled down", notExercised: ids(contract.LifecycleRelease),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Relabel("web-1", "app", "other")
				b.Orphan("web-1")
				b.Wait(5 * time.Second)
				b.Relabel("web-1", "app", "web")
				b.Adopt("web-1", "web")
				b.Wait(5 * time.Second)
				b.Scale("web", 1)
				b.DeletePod("web-1")
			},
		},
		{
			name: "orphaned on purpose is not released", notExercised: ids(contract.LifecycleRelease),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Orphan("web-0")
				b.DeleteSet("web")
			},
		},
	})
}
