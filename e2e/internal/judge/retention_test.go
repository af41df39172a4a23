package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestClaimsSurvive(t *testing.T) {
	data := historytest.Claims("data")
	replaced := func(between func(*historytest.Builder), options ...historytest.Option) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Running("web", 1, append(options, data)...)
			s.DeleteByTest("web-0")
			s.FinishDeletion("web-0")
			between(s)
			s.CreateReady("web-0")
			s.Status("web")
		}
	}
	lose := func(s *historytest.Builder) {
		s.DeleteClaim("data-web-0")
		s.Claim("data", "web-0")
	}
	tales(t, []tale{
		{
			name: "a replaced pod finds its claim", exercised: ids(contract.StorageDataSurvives), idle: ids(contract.StorageRetentionFailure, contract.StorageScaleKeeps),
			tell: replaced(func(*historytest.Builder) {}),
		},
		{name: "nothing was replaced", idle: ids(contract.StorageDataSurvives), tell: func(s *historytest.Builder) { s.Running("web", 1, data) }},
		{
			name: "the claim is deleted with the pod", broken: ids(contract.StorageDataSurvives), idle: ids(contract.StorageDataSurvives),
			texts: []string{"claim data-web-0 was deleted at rv", "although web-0 was still wanted"}, tell: replaced(lose),
		},
		{
			name: "another volume", broken: ids(contract.StorageDataSurvives), texts: []string{"its claim data-web-0, on volume pv-uid-2 before, is on volume \"pv-other\""},
			tell: replaced(func(s *historytest.Builder) { bind(s, "data-web-0", "pv-other") }),
		},
		{
			name: "the spec deletes the claim", idle: ids(contract.StorageDataSurvives),
			tell: replaced(func(s *historytest.Builder) {
				s.Operation(history.VerbDelete, history.Claims, "data-web-0")
				lose(s)
			}),
		},
		{
			name: "the spec deletes all claims", idle: ids(contract.StorageDataSurvives),
			tell: replaced(func(s *historytest.Builder) {
				s.Operation(history.VerbDelete, history.Claims, "")
				lose(s)
			}),
		},
		{name: "kept under whenScaled", exercised: ids(contract.StorageRetentionFailure), tell: replaced(func(*historytest.Builder) {}, historytest.WhenScaledDelete)},
		{name: "kept under whenDeleted", exercised: ids(contract.StorageRetentionFailure), tell: replaced(func(*historytest.Builder) {}, historytest.WhenDeletedDelete)},
		{name: "lost under whenScaled", broken: ids(contract.StorageRetentionFailure), texts: []string{"although web-0 was still wanted"}, tell: replaced(lose, historytest.WhenScaledDelete)},
		{name: "lost under whenDeleted", broken: ids(contract.StorageRetentionFailure), tell: replaced(lose, historytest.WhenDeletedDelete)},
		{
			name: "somebody else's claim", idle: ids(contract.StorageRetentionFailure, contract.StorageDataSurvives),
			tell: replaced(func(s *historytest.Builder) {
				s.SetController("data-web-0", "Widget", "mine", "uid-widget")
				lose(s)
			}, historytest.WhenDeletedDelete),
		},
	})
}

func TestScaleDownAndClaims(t *testing.T) {
	data := historytest.Claims("data")
	downAndUp := func(between func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Running("web", 2, data)
			s.Scale("web", 1)
			s.DeletePod("web-1")
			s.Status("web")
			between(s)
			s.Scale("web", 2)
			s.CreateReady("web-1")
			s.Status("web")
		}
	}
	down := func(s *historytest.Builder) {
		s.Running("web", 2, data, historytest.WhenScaledDelete)
		s.Wait(5 * time.Second)
		s.Scale("web", 1)
		s.SetController("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
	}
	tales(t, []tale{
		{name: "taken back", exercised: ids(contract.StorageScaleKeeps), idle: ids(contract.StorageDataSurvives), tell: downAndUp(func(*historytest.Builder) {})},
		{
			name: "lost", broken: ids(contract.StorageScaleKeeps), texts: []string{"although the scale down that removed web-1 keeps its claims"},
			tell: downAndUp(func(s *historytest.Builder) {
				s.DeleteClaim("data-web-1")
				s.Claim("data", "web-1")
			}),
		},
		{
			name: "lost, nothing scaled up", broken: ids(contract.StorageScaleKeeps), idle: ids(contract.StorageScaleKeeps),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, data)
				s.Scale("web", 1)
				s.DeletePod("web-1")
				s.DeleteClaim("data-web-1")
				s.Status("web")
			},
		},
		{
			name: "the spec cleans up", idle: ids(contract.StorageScaleKeeps),
			tell: downAndUp(func(s *historytest.Builder) {
				s.Operation(history.VerbDelete, history.Claims, "data-web-1")
				s.DeleteClaim("data-web-1")
				s.Claim("data", "web-1")
			}),
		},
		{
			name: "deleted after the pod", exercised: ids(contract.StorageWhenScaledDelete), idle: ids(contract.StorageScaleKeeps),
			tell: func(s *historytest.Builder) {
				down(s)
				s.DeletePod("web-1")
				s.DeleteClaim("data-web-1")
				settle(s, long)
			},
		},
		{
			name: "deleted before the pod is gone", broken: ids(contract.StorageWhenScaledDelete), texts: []string{"claim data-web-1 was deleted at rv 115 (+6.5 s) before its pod web-1 was gone (rv"},
			tell: func(s *historytest.Builder) {
				down(s)
				s.Terminate("web-1")
				s.DeleteClaim("data-web-1")
				s.Wait(10 * time.Second)
				s.FinishDeletion("web-1")
				s.Status("web")
			},
		},
		{
			name: "taken back by the set and deleted with it", exercised: ids(contract.StorageWhenDeletedDelete), idle: ids(contract.StorageWhenScaledDelete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, data, historytest.WhenScaledDelete, historytest.WhenDeletedDelete)
				s.Scale("web", 1)
				s.Terminate("web-1")
				s.Scale("web", 2)
				s.SetController("data-web-1", "StatefulSet", "web", s.Get(history.Sets, "web").UID)
				s.Operation(history.VerbDelete, history.Sets, "web")
				s.DeleteSet("web")
				s.DeleteClaim("data-web-1")
				s.Wait(5 * time.Second)
				s.FinishDeletion("web-1")
				s.DeletePod("web-0")
			},
		},
		{
			name: "a little before the pod is gone", doubted: ids(contract.StorageWhenScaledDelete),
			tell: func(s *historytest.Builder) {
				down(s)
				s.Terminate("web-1")
				s.DeleteClaim("data-web-1")
				s.Wait(time.Second)
				s.FinishDeletion("web-1")
				s.Status("web")
			},
		},
		{
			name: "kept", atWork: true, broken: ids(contract.StorageWhenScaledDelete), texts: []string{"claim data-web-1 was kept to the end of the recording, 65.5 s after a scale down with whenScaled: Delete had removed web-1"},
			tell: func(s *historytest.Builder) {
				down(s)
				s.DeletePod("web-1")
				settle(s, long)
			},
		},
		{
			name: "not yet deleted", idle: ids(contract.StorageWhenScaledDelete),
			tell: func(s *historytest.Builder) {
				down(s)
				s.DeletePod("web-1")
				settle(s, 5*time.Second)
			},
		},
		{
			name: "a claim without a pod", broken: ids(contract.StorageWhenScaledDelete), texts: []string{"although no scale down under whenScaled: Delete had removed web-5"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 1, data, historytest.WhenScaledDelete)
				s.Claim("data", "web-5")
				s.DeleteClaim("data-web-5")
			},
		},
		{
			name: "scaled up again at once", exercised: ids(contract.StorageWhenScaledDelete), idle: ids(contract.StorageRetentionFailure),
			tell: func(s *historytest.Builder) {
				down(s)
				s.Terminate("web-1")
				s.Scale("web", 2)
				s.FinishDeletion("web-1")
				s.Wait(5 * time.Second)
				s.DeleteClaim("data-web-1")
				s.Claim("data", "web-1")
				s.CreateReady("web-1")
				settle(s, long)
			},
		},
		{
			name: "the scale down arrives after its consequences", idle: ids(contract.StorageRetentionFailure),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, data, historytest.WhenScaledDelete)
				s.SetController("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
				s.Terminate("web-1")
				s.DeleteClaim("data-web-1")
				s.Scale("web", 1)
				s.FinishDeletion("web-1")
				s.Status("web")
			},
		},
		{
			name: "somebody else's claim is kept", idle: ids(contract.StorageWhenScaledDelete),
			tell: func(s *historytest.Builder) {
				down(s)
				s.SetController("data-web-1", "Widget", "mine", "uid-widget")
				s.DeletePod("web-1")
				settle(s, long)
			},
		},
	})
}

func TestSetDeletedAndClaims(t *testing.T) {
	data := historytest.Claims("data")
	gone := func(s *historytest.Builder, options ...historytest.Option) {
		s.Running("web", 1, append(options, data)...)
		if s.Get(history.Sets, "web").Set.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
			s.SetController("data-web-0", "StatefulSet", "web", s.Get(history.Sets, "web").UID)
		}
		s.Operation(history.VerbDelete, history.Sets, "web")
		s.DeleteSet("web")
		s.DeletePod("web-0")
	}
	tales(t, []tale{
		{
			name: "kept and taken back", exercised: ids(contract.StorageDeleteKeeps), idle: ids(contract.StorageWhenDeletedDelete),
			tell: func(s *historytest.Builder) {
				gone(s)
				s.Set("web", data)
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{name: "kept, not taken back", idle: ids(contract.StorageDeleteKeeps), tell: func(s *historytest.Builder) { gone(s); s.Wait(long) }},
		{
			name: "lost", broken: ids(contract.StorageDeleteKeeps), texts: []string{"claim data-web-0 was deleted at rv", "although the deleted set web keeps its claims"},
			tell: func(s *historytest.Builder) {
				gone(s)
				s.DeleteClaim("data-web-0")
			},
		},
		{
			name: "lost before the new set comes", broken: ids(contract.StorageDeleteKeeps),
			tell: func(s *historytest.Builder) {
				gone(s)
				s.Wait(5 * time.Second)
				s.DeleteClaim("data-web-0")
				s.Set("web", data)
				s.Claim("data", "web-0")
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{
			name: "deleted with the set", exercised: ids(contract.StorageWhenDeletedDelete), idle: ids(contract.StorageDeleteKeeps),
			tell: func(s *historytest.Builder) {
				gone(s, historytest.WhenDeletedDelete)
				s.DeleteClaim("data-web-0")
			},
		},
		{
			name: "deleted late, when a new set is there", exercised: ids(contract.StorageWhenDeletedDelete), idle: ids(contract.StorageDataSurvives, contract.StorageRetentionFailure),
			tell: func(s *historytest.Builder) {
				gone(s, historytest.WhenDeletedDelete)
				s.Set("web", data)
				s.Wait(5 * time.Second)
				s.DeleteClaim("data-web-0")
				s.Claim("data", "web-0")
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{
			name: "nothing shows that the garbage collector was at work", doubted: ids(contract.StorageWhenDeletedDelete), tell: func(s *historytest.Builder) {
				gone(s, historytest.WhenDeletedDelete)
				s.Wait(long)
			},
		},
		{
			name: "kept against the policy", broken: ids(contract.StorageWhenDeletedDelete), atWork: true, texts: []string{"claim data-web-0, which the set web owned, was kept to the end of the recording"},
			tell: func(s *historytest.Builder) {
				gone(s, historytest.WhenDeletedDelete)
				s.Wait(long)
			},
		},
		{
			name: "deleted though the set did not own it", broken: ids(contract.StorageWhenDeletedDelete), texts: []string{"although the deleted set web had not come to own it"},
			tell: func(s *historytest.Builder) {
				gone(s, historytest.WhenDeletedDelete)
				s.SetController("data-web-0", "", "", "")
				s.DeleteClaim("data-web-0")
			},
		},
		{
			name: "orphaned with the set", idle: ids(contract.StorageWhenDeletedDelete),
			tell: func(s *historytest.Builder) {
				gone(s, historytest.WhenDeletedDelete)
				s.SetController("data-web-0", "", "", "")
				s.Wait(long)
			},
		},
		{
			name: "a scale down's claim goes with a pod that another set adopted", idle: ids(contract.StorageDeleteKeeps),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, data, historytest.WhenScaledDelete)
				s.Scale("web", 1)
				s.SetController("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
				s.Operation(history.VerbDelete, history.Sets, "web")
				s.Orphan("web-0")
				s.Orphan("web-1")
				s.DeleteSet("web")
				s.Set("web")
				s.Adopt("web-0", "web")
				s.Adopt("web-1", "web")
				s.DeletePod("web-1")
				s.DeleteClaim("data-web-1")
				s.Status("web")
			},
		},
		{
			name: "a scale down's claim outlives the set for a while", idle: ids(contract.StorageDeleteKeeps),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, data, historytest.WhenScaledDelete)
				s.Scale("web", 1)
				s.SetController("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
				s.Terminate("web-1")
				s.Operation(history.VerbDelete, history.Sets, "web")
				s.DeleteSet("web")
				s.FinishDeletion("web-1")
				s.DeleteClaim("data-web-1")
				s.DeletePod("web-0")
			},
		},
	})
}
