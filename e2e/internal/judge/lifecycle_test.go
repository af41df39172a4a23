package judge_test

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestReplacement(t *testing.T) {
	failed := func(b *historytest.Builder) {
		b.Running("web", 2)
		b.Fail("web-1")
		b.Status("web")
	}
	runCases(t, []testCase{
		{
			name: "a failed pod is replaced", exercised: ids(contract.LifecycleFailed), notExercised: ids(contract.LifecycleSucceeded, contract.LifecycleEvicted, contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				failed(b)
				b.Remove(history.Pods, "web-1")
				b.CreateReady("web-1")
			},
		},
		{
			name: "a failed pod stays", controllerActs: true, broken: ids(contract.LifecycleFailed), texts: []string{"web-1 (Failed at rv 108 (+0.8 s)) was not replaced to the end of the recording", "for 65.5 s"},
			build: func(b *historytest.Builder) {
				failed(b)
				b.Wait(long)
			},
		},
		{
			name: "a failed pod is removed and not replaced", controllerActs: true, broken: ids(contract.LifecycleFailed),
			build: func(b *historytest.Builder) {
				failed(b)
				b.Remove(history.Pods, "web-1")
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "a failed pod behind one that is not Ready", notExercised: ids(contract.LifecycleFailed),
			build: func(b *historytest.Builder) {
				failed(b)
				b.Unready("web-0")
				b.Wait(long)
			},
		},
		{
			name: "the end of a deletion is no failure", exercised: ids(contract.IdentitySticky), notExercised: ids(contract.LifecycleFailed),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.DeleteByTest("web-0")
				b.Fail("web-0")
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "a succeeded pod is replaced", exercised: ids(contract.LifecycleSucceeded), notExercised: ids(contract.LifecycleFailed),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Succeed("web-0")
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "a succeeded pod stays", controllerActs: true, broken: ids(contract.LifecycleSucceeded), texts: []string{"web-0 (Succeeded at rv"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Succeed("web-0")
				b.Wait(long)
			},
		},
		{
			name: "a succeeded pod is replaced by one with another identity", broken: ids(contract.LifecycleSucceeded), texts: []string{`another identity: hostname "other", expected "web-0"`},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Succeed("web-0")
				b.Remove(history.Pods, "web-0")
				pod(b, "web-0", func(e *history.Event) { e.Pod.Hostname = "other" })
			},
		},
		{
			name: "a succeeded pod of a set that is scaled down", notExercised: ids(contract.LifecycleSucceeded),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Succeed("web-1")
				b.Scale("web", 1)
				b.Remove(history.Pods, "web-1")
				b.Wait(long)
			},
		},
	})
}

func TestEviction(t *testing.T) {
	evicted := func(b *historytest.Builder) {
		b.Running("web", 2)
		b.Evict("web-0")
		b.FinishDeletion("web-0")
		b.Status("web")
	}
	runCases(t, []testCase{
		{
			name: "replaced", exercised: ids(contract.LifecycleEvicted), notExercised: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				evicted(b)
				b.CreateReady("web-0")
			},
		},
		{
			name: "not replaced", controllerActs: true, broken: ids(contract.LifecycleEvicted), texts: []string{"web-0 (evicted at rv"},
			build: func(b *historytest.Builder) {
				evicted(b)
				b.Wait(long)
			},
		},
		{
			name: "replaced by a pod with another identity", broken: ids(contract.LifecycleEvicted),
			build: func(b *historytest.Builder) {
				evicted(b)
				pod(b, "web-0", func(e *history.Event) { e.Pod.Subdomain = "elsewhere" })
			},
		},
		{
			name: "refused", notExercised: ids(contract.LifecycleEvicted),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Operation(history.VerbEvict, history.Pods, "web-0")
				b.Wait(long)
			},
		},
		{
			name: "preempted is not evicted", exercised: ids(contract.IdentitySticky), notExercised: ids(contract.LifecycleEvicted),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Disrupt("web-0", "PreemptionByScheduler")
				b.DeletePod("web-0")
				b.CreateReady("web-0")
			},
		},
	})
}

func TestCrashes(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "restarted in place", exercised: ids(contract.LifecycleCrashInPlace),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Crash("web-0")
				b.Restart("web-0")
			},
		},
		{name: "no crash", notExercised: ids(contract.LifecycleCrashInPlace), build: func(b *historytest.Builder) { b.Running("web", 2) }},
		{
			name: "replaced instead", broken: ids(contract.LifecycleCrashInPlace), texts: []string{"web-0 was deleted by its controller at rv", "after a container had crashed (rv 108, +0.8 s)"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Crash("web-0")
				b.Status("web")
				b.DeletePod("web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "replaced after it had restarted", broken: ids(contract.LifecycleCrashInPlace),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Crash("web-1")
				b.Restart("web-1")
				b.DeletePod("web-1")
				b.CreateReady("web-1")
				b.Status("web")
			},
		},
		{
			name: "crashed and deleted by the test", notExercised: ids(contract.LifecycleCrashInPlace),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Crash("web-0")
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "crashed and scaled down", notExercised: ids(contract.LifecycleCrashInPlace),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Crash("web-1")
				b.Scale("web", 1)
				b.DeletePod("web-1")
			},
		},
		{
			name: "crashed and updated, the status late", notExercised: ids(contract.LifecycleCrashInPlace),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Crash("web-0")
				b.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:2"} })
				b.DeletePod("web-0")
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.CreateReady("web-0")
			},
		},
		{
			name: "crashed and evicted", exercised: ids(contract.LifecycleEvicted),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Crash("web-0")
				b.Evict("web-0")
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
			},
		},
	})
}
