package judge_test

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestReplacement(t *testing.T) {
	failed := func(s *historytest.Builder) {
		s.Running("web", 2)
		s.Fail("web-1")
		s.Status("web")
	}
	tales(t, []tale{
		{
			name: "a failed pod is replaced", exercised: ids(contract.LifecycleFailed), idle: ids(contract.LifecycleSucceeded, contract.LifecycleEvicted, contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				failed(s)
				s.Remove(history.Pods, "web-1")
				s.CreateReady("web-1")
			},
		},
		{
			name: "a failed pod stays", atWork: true, broken: ids(contract.LifecycleFailed), texts: []string{"web-1 (Failed at rv 108 (+0.8 s)) was not replaced to the end of the recording", "for 65.5 s"},
			tell: func(s *historytest.Builder) {
				failed(s)
				s.Wait(long)
			},
		},
		{
			name: "a failed pod is removed and nothing comes", atWork: true, broken: ids(contract.LifecycleFailed),
			tell: func(s *historytest.Builder) {
				failed(s)
				s.Remove(history.Pods, "web-1")
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "a failed pod behind one that is not Ready", idle: ids(contract.LifecycleFailed),
			tell: func(s *historytest.Builder) {
				failed(s)
				s.Unready("web-0")
				s.Wait(long)
			},
		},
		{
			name: "the end of a deletion is no failure", exercised: ids(contract.IdentitySticky), idle: ids(contract.LifecycleFailed),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.DeleteByTest("web-0")
				s.Fail("web-0")
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "a succeeded pod is replaced", exercised: ids(contract.LifecycleSucceeded), idle: ids(contract.LifecycleFailed),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Succeed("web-0")
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "a succeeded pod stays", atWork: true, broken: ids(contract.LifecycleSucceeded), texts: []string{"web-0 (Succeeded at rv"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Succeed("web-0")
				s.Wait(long)
			},
		},
		{
			name: "a succeeded pod comes back as somebody else", broken: ids(contract.LifecycleSucceeded), texts: []string{`another identity: hostname "other", expected "web-0"`},
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Succeed("web-0")
				s.Remove(history.Pods, "web-0")
				pod(s, "web-0", func(e *history.Event) { e.Pod.Hostname = "other" })
			},
		},
		{
			name: "a succeeded pod of a set that is scaled down", idle: ids(contract.LifecycleSucceeded),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Succeed("web-1")
				s.Scale("web", 1)
				s.Remove(history.Pods, "web-1")
				s.Wait(long)
			},
		},
	})
}

func TestEviction(t *testing.T) {
	evicted := func(s *historytest.Builder) {
		s.Running("web", 2)
		s.Evict("web-0")
		s.FinishDeletion("web-0")
		s.Status("web")
	}
	tales(t, []tale{
		{
			name: "replaced", exercised: ids(contract.LifecycleEvicted), idle: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				evicted(s)
				s.CreateReady("web-0")
			},
		},
		{
			name: "not replaced", atWork: true, broken: ids(contract.LifecycleEvicted), texts: []string{"web-0 (evicted at rv"},
			tell: func(s *historytest.Builder) {
				evicted(s)
				s.Wait(long)
			},
		},
		{
			name: "replaced by somebody else", broken: ids(contract.LifecycleEvicted),
			tell: func(s *historytest.Builder) {
				evicted(s)
				pod(s, "web-0", func(e *history.Event) { e.Pod.Subdomain = "elsewhere" })
			},
		},
		{
			name: "refused", idle: ids(contract.LifecycleEvicted),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Operation(history.VerbEvict, history.Pods, "web-0")
				s.Wait(long)
			},
		},
		{
			name: "preempted is not evicted", exercised: ids(contract.IdentitySticky), idle: ids(contract.LifecycleEvicted),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Disrupt("web-0", "PreemptionByScheduler")
				s.DeletePod("web-0")
				s.CreateReady("web-0")
			},
		},
	})
}

func TestCrashes(t *testing.T) {
	tales(t, []tale{
		{
			name: "restarted in place", exercised: ids(contract.LifecycleCrashInPlace),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Crash("web-0")
				s.Restart("web-0")
			},
		},
		{name: "no crash", idle: ids(contract.LifecycleCrashInPlace), tell: func(s *historytest.Builder) { s.Running("web", 2) }},
		{
			name: "replaced instead", broken: ids(contract.LifecycleCrashInPlace), texts: []string{"web-0 was deleted by its controller at rv", "after a container had crashed (rv 108, +0.8 s)"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Crash("web-0")
				s.Status("web")
				s.DeletePod("web-0")
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{
			name: "replaced after it had restarted", broken: ids(contract.LifecycleCrashInPlace),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Crash("web-1")
				s.Restart("web-1")
				s.DeletePod("web-1")
				s.CreateReady("web-1")
				s.Status("web")
			},
		},
		{
			name: "crashed and deleted by the spec", idle: ids(contract.LifecycleCrashInPlace),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Crash("web-0")
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "crashed and scaled down", idle: ids(contract.LifecycleCrashInPlace),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Crash("web-1")
				s.Scale("web", 1)
				s.DeletePod("web-1")
			},
		},
		{
			name: "crashed and updated, the status late", idle: ids(contract.LifecycleCrashInPlace),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Crash("web-0")
				s.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:2"} })
				s.DeletePod("web-0")
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.CreateReady("web-0")
			},
		},
		{
			name: "crashed and evicted", exercised: ids(contract.LifecycleEvicted),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Crash("web-0")
				s.Evict("web-0")
				s.FinishDeletion("web-0")
				s.CreateReady("web-0")
			},
		},
	})
}
