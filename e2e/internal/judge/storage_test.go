package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// pending creates a claim of the set web that nobody binds.
func pending(s *historytest.Builder, name string) {
	s.Add(&history.Event{Resource: history.Claims, Meta: history.Meta{Name: name, Labels: map[string]string{"app": "web"}}, Claim: &history.Claim{Phase: corev1.ClaimPending}})
}

func bind(s *historytest.Builder, name, volume string) {
	s.Change(history.Claims, name, func(e *history.Event) { e.Claim.Phase, e.Claim.Volume = corev1.ClaimBound, volume })
}

// settle lets the set web show its pods in its status, and then time pass.
func settle(s *historytest.Builder, d time.Duration) {
	s.Status("web")
	s.Wait(d)
}

func TestClaims(t *testing.T) {
	data := historytest.Claims("data")
	tales(t, []tale{
		{
			name: "one for each pod", exercised: ids(contract.StorageClaimPerPod, contract.StorageClaimLabels), idle: ids(contract.StorageTemplates, contract.StorageTemplateWins),
			tell: func(s *historytest.Builder) { s.Running("web", 2, data) },
		},
		{name: "no templates", idle: ids(contract.StorageClaimPerPod, contract.StorageClaimLabels), tell: func(s *historytest.Builder) { s.Running("web", 2) }},
		{
			name: "no pod is Ready yet", idle: ids(contract.StorageClaimPerPod),
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				s.Claim("data", "web-0")
				s.Pod("web-0")
			},
		},
		{
			name: "no claim", broken: ids(contract.StorageClaimPerPod), texts: []string{"web-0 became Ready at rv 103 (+0.3 s) although there was no claim data-web-0"},
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				s.CreateReady("web-0")
				s.Wait(5 * time.Second)
			},
		},
		{
			name: "the claim arrives late on its own watch", exercised: ids(contract.StorageClaimPerPod),
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				s.CreateReady("web-0")
				s.Claim("data", "web-0")
			},
		},
		{
			name: "a claim that the spec deletes before it is bound", exercised: ids(contract.StorageClaimPerPod),
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				pending(s, "data-web-0")
				s.Operation(history.VerbDelete, history.Claims, "data-web-0")
				s.DeleteClaim("data-web-0")
				s.Claim("data", "web-0")
				s.CreateReady("web-0")
				settle(s, 5*time.Second)
			},
		},
		{
			name: "a claim that is never bound", broken: ids(contract.StorageClaimPerPod), texts: []string{"web-0 became Ready at rv 104 (+0.4 s) although its claim data-web-0 was never Bound"},
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				pending(s, "data-web-0")
				s.CreateReady("web-0")
				s.Wait(5 * time.Second)
			},
		},
		{
			name: "one volume for two", broken: ids(contract.StorageClaimPerPod), texts: []string{"claim data-web-1 was Bound at rv 107 (+0.7 s) to volume pv-1, to which data-web-0 was Bound already (rv 103, +0.3 s)"},
			tell: func(s *historytest.Builder) {
				s.Set("web", data, historytest.Replicas(2))
				pending(s, "data-web-0")
				bind(s, "data-web-0", "pv-1")
				s.CreateReady("web-0")
				pending(s, "data-web-1")
				bind(s, "data-web-1", "pv-1")
				s.CreateReady("web-1")
			},
		},
		{
			name: "a volume used again", exercised: ids(contract.StorageClaimPerPod),
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				pending(s, "data-web-0")
				bind(s, "data-web-0", "pv-1")
				s.Operation(history.VerbDelete, history.Claims, "data-web-0")
				s.DeleteClaim("data-web-0")
				pending(s, "data-web-0")
				bind(s, "data-web-0", "pv-1")
				s.CreateReady("web-0")
			},
		},
		{
			name: "no labels", broken: ids(contract.StorageClaimLabels), texts: []string{`claim data-web-0 was created at rv 102 (+0.2 s) with label app "", expected "web" as in the set's selector`},
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				s.Claim("data", "web-0").Labels["app"] = "late"
				delete(s.History().Events[1].Labels, "app")
			},
		},
		{
			name: "another's labels", broken: ids(contract.StorageClaimLabels),
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				s.Claim("data", "web-0")
				s.History().Events[1].Labels["app"] = "db"
			},
		},
		{
			name: "a claim that the spec made", idle: ids(contract.StorageClaimLabels),
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				s.Operation(history.VerbCreate, "", "data-web-0")
				s.Claim("data", "web-0")
				delete(s.History().Events[1].Labels, "app")
			},
		},
		{
			name: "a claim out of range", idle: ids(contract.StorageClaimLabels),
			tell: func(s *historytest.Builder) {
				s.Set("web", data)
				s.Claim("data", "web-7")
				delete(s.History().Events[1].Labels, "app")
			},
		},
	})
}

func TestTemplates(t *testing.T) {
	two := historytest.Claims("data", "log")
	own := func(t *history.Set) { t.PodVolumes = []string{"data"} }
	mount := func(claims map[string]string, options ...historytest.Option) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Set("web", options...)
			pod(s, "web-0", func(e *history.Event) { e.Pod.Claims = claims })
		}
	}
	tales(t, []tale{
		{name: "several claims", exercised: ids(contract.StorageTemplates, contract.StorageClaimPerPod), tell: func(s *historytest.Builder) { s.Running("web", 1, two) }},
		{
			name: "a claim left out", broken: ids(contract.StorageTemplates), texts: []string{`web-0 was created at rv 102 (+0.2 s) with the claim "" as its volume log, expected "log-web-0"`},
			tell: mount(map[string]string{"data": "data-web-0"}, two),
		},
		{name: "claims mixed up", broken: ids(contract.StorageTemplates), tell: mount(map[string]string{"data": "log-web-0", "log": "data-web-0"}, two)},
		{name: "another volume beside them", idle: ids(contract.StorageTemplates), tell: mount(map[string]string{"data": "data-web-0", "log": "log-web-0", "x": "y"}, two)},
		{name: "the template wins", exercised: ids(contract.StorageTemplateWins), tell: func(s *historytest.Builder) { s.Running("web", 1, historytest.Claims("data"), own) }},
		{name: "the pod's volume wins", broken: ids(contract.StorageTemplateWins), tell: mount(nil, historytest.Claims("data"), own)},
		{name: "another claim wins", broken: ids(contract.StorageTemplateWins), texts: []string{`with the claim "mine" as its volume data, expected "data-web-0"`}, tell: mount(map[string]string{"data": "mine"}, historytest.Claims("data"), own)},
		{
			name: "a volume of another name", idle: ids(contract.StorageTemplateWins),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1, historytest.Claims("data"), func(t *history.Set) { t.PodVolumes = []string{"scratch"} })
			},
		},
	})
}

func TestUnboundBlocks(t *testing.T) {
	waiting := func(s *historytest.Builder) {
		s.Set("web", historytest.Replicas(3), historytest.Claims("data"))
		s.Claim("data", "web-0")
		s.CreateReady("web-0")
		pending(s, "data-web-1")
		s.Pod("web-1")
		s.Status("web")
	}
	another := func(s *historytest.Builder) {
		s.Operation(history.VerbDelete, history.Claims, "data-web-1")
		s.DeleteClaim("data-web-1")
		pending(s, "data-web-1")
	}
	tales(t, []tale{
		{
			name: "blocked until it is bound", exercised: ids(contract.StorageUnboundBlocks), tell: func(s *historytest.Builder) {
				waiting(s)
				s.Wait(10 * time.Second)
				bind(s, "data-web-1", "pv-1")
				s.Ready("web-1")
			},
		},
		{
			name: "blocked until a claim that can be bound took the place", exercised: ids(contract.StorageUnboundBlocks), tell: func(s *historytest.Builder) {
				waiting(s)
				s.Wait(10 * time.Second)
				another(s)
				bind(s, "data-web-1", "pv-1")
				s.Ready("web-1")
			},
		},
		{
			name: "ran before the claim that took the place was bound", broken: ids(contract.StorageUnboundBlocks),
			texts: []string{"before its claim data-web-1 was Bound at"}, tell: func(s *historytest.Builder) {
				waiting(s)
				another(s)
				s.Ready("web-1")
				settle(s, 10*time.Second)
				bind(s, "data-web-1", "pv-1")
			},
		},
		{
			name: "the next one does not wait for the claim that took the place", broken: ids(contract.StorageUnboundBlocks, contract.OrderingCreate, contract.OrderingCreateHalts),
			texts: []string{"while claim data-web-1 of web-1 was not Bound"}, tell: func(s *historytest.Builder) {
				waiting(s)
				s.Wait(10 * time.Second)
				another(s)
				s.Pod("web-2")
			},
		},
		{
			name: "bound at once", idle: ids(contract.StorageUnboundBlocks), tell: func(s *historytest.Builder) {
				waiting(s)
				bind(s, "data-web-1", "pv-1")
				s.Ready("web-1")
			},
		},
		{
			name: "never bound", idle: ids(contract.StorageUnboundBlocks), tell: func(s *historytest.Builder) {
				waiting(s)
				s.Wait(long)
			},
		},
		{
			name: "ran first", broken: ids(contract.StorageUnboundBlocks), texts: []string{"web-1 was Running at rv 109 (+0.9 s) before its claim data-web-1 was Bound at rv 111 (+11.1 s)"},
			tell: func(s *historytest.Builder) {
				waiting(s)
				s.Ready("web-1")
				settle(s, 10*time.Second)
				bind(s, "data-web-1", "pv-1")
			},
		},
		{
			name: "ran without", broken: ids(contract.StorageUnboundBlocks), texts: []string{"before its claim data-web-1 was Bound, which it never was"},
			tell: func(s *historytest.Builder) {
				waiting(s)
				s.Change(history.Pods, "web-1", func(e *history.Event) { e.Pod.Phase = corev1.PodRunning })
				settle(s, long)
			},
		},
		{
			name: "the next one does not wait", broken: ids(contract.StorageUnboundBlocks, contract.OrderingCreate, contract.OrderingCreateHalts),
			texts: []string{"web-2 was created at rv 109 (+10.9 s) while claim data-web-1 of web-1 was not Bound: web-1 was not Ready"},
			tell: func(s *historytest.Builder) {
				waiting(s)
				s.Wait(10 * time.Second)
				s.Pod("web-2")
			},
		},
		{
			name: "the binding arrives late on its own watch", exercised: ids(contract.StorageClaimPerPod), tell: func(s *historytest.Builder) {
				waiting(s)
				s.Ready("web-1")
				bind(s, "data-web-1", "pv-1")
			},
		},
		{
			name: "the binding arrives very late", doubted: ids(contract.StorageUnboundBlocks), tell: func(s *historytest.Builder) {
				waiting(s)
				s.Ready("web-1")
				s.Wait(time.Second)
				bind(s, "data-web-1", "pv-1")
			},
		},
	})
}

func TestClaimRecreated(t *testing.T) {
	lost := func(s *historytest.Builder) {
		s.Set("web", historytest.Claims("data"))
		pending(s, "data-web-0")
		s.Pod("web-0")
		settle(s, 5*time.Second)
		s.Operation(history.VerbDelete, history.Claims, "data-web-0")
		s.DeleteClaim("data-web-0")
	}
	touch := func(s *historytest.Builder) {
		s.Wait(5 * time.Second)
		s.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"touched": "once"} })
	}
	tales(t, []tale{
		{
			name: "made again", exercised: ids(contract.StorageClaimRecreated), tell: func(s *historytest.Builder) {
				lost(s)
				touch(s)
				pending(s, "data-web-0")
			},
		},
		{name: "nobody touched the set", idle: ids(contract.StorageClaimRecreated), tell: func(s *historytest.Builder) {
			lost(s)
			s.Wait(long)
		}},
		{
			name: "not made again", atWork: true, broken: ids(contract.StorageClaimRecreated), texts: []string{"claim data-web-0 was gone at rv", "under the Pending web-0, the set was touched at rv"},
			tell: func(s *historytest.Builder) {
				lost(s)
				touch(s)
				s.Wait(long)
			},
		},
		{
			name: "not made again of several", atWork: true, broken: ids(contract.StorageClaimRecreated),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Claims("data", "log"), historytest.Parallel)
				pending(s, "data-web-0")
				pending(s, "log-web-0")
				s.Pod("web-0")
				settle(s, 5*time.Second)
				s.Operation(history.VerbDelete, history.Claims, "log-web-0")
				s.DeleteClaim("log-web-0")
				touch(s)
				s.Wait(long)
			},
		},
		{name: "only just touched", idle: ids(contract.StorageClaimRecreated), tell: func(s *historytest.Builder) {
			lost(s)
			touch(s)
		}},
		{
			name: "the pod is not wanted any more", idle: ids(contract.StorageClaimRecreated), tell: func(s *historytest.Builder) {
				lost(s)
				s.Update("web", func(t *history.Set) { t.Start = 5 })
				settle(s, long)
			},
		},
		{
			name: "the pod went too", idle: ids(contract.StorageClaimRecreated), tell: func(s *historytest.Builder) {
				lost(s)
				s.Operation(history.VerbDelete, history.Pods, "web-0")
				s.Remove(history.Pods, "web-0")
				touch(s)
				s.Scale("web", 0)
				settle(s, long)
			},
		},
	})
}
