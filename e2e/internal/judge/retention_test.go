package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/story"
)

func TestClaimsSurvive(t *testing.T) {
	data := story.Claims("data")
	replaced := func(between func(*story.Story), options ...story.Option) func(*story.Story) {
		return func(s *story.Story) {
			s.Running("web", 1, append(options, data)...)
			s.SpecDeletes("web-0")
			s.Gone("web-0")
			between(s)
			s.Up("web-0")
			s.Status("web")
		}
	}
	lose := func(s *story.Story) {
		s.Collect("data-web-0")
		s.Claim("data", "web-0")
	}
	tales(t, []tale{
		{
			name: "a replaced pod finds its claim", exercised: ids(guarantee.StorageDataSurvives), idle: ids(guarantee.StorageRetentionFailure, guarantee.StorageScaleKeeps),
			tell: replaced(func(*story.Story) {}),
		},
		{name: "nothing was replaced", idle: ids(guarantee.StorageDataSurvives), tell: func(s *story.Story) { s.Running("web", 1, data) }},
		{
			name: "the claim is deleted with the pod", broken: ids(guarantee.StorageDataSurvives), idle: ids(guarantee.StorageDataSurvives),
			texts: []string{"claim data-web-0 was deleted at rv", "although web-0 was still wanted"}, tell: replaced(lose),
		},
		{
			name: "another volume", broken: ids(guarantee.StorageDataSurvives), texts: []string{"its claim data-web-0, on volume pv-uid-2 before, is on volume \"pv-other\""},
			tell: replaced(func(s *story.Story) { bind(s, "data-web-0", "pv-other") }),
		},
		{
			name: "the spec deletes the claim", idle: ids(guarantee.StorageDataSurvives),
			tell: replaced(func(s *story.Story) {
				s.Mark(history.ActDelete, history.Claims, "data-web-0")
				lose(s)
			}),
		},
		{
			name: "the spec deletes all claims", idle: ids(guarantee.StorageDataSurvives),
			tell: replaced(func(s *story.Story) {
				s.Mark(history.ActDelete, history.Claims, "")
				lose(s)
			}),
		},
		{name: "kept under whenScaled", exercised: ids(guarantee.StorageRetentionFailure), tell: replaced(func(*story.Story) {}, story.WhenScaledDelete)},
		{name: "kept under whenDeleted", exercised: ids(guarantee.StorageRetentionFailure), tell: replaced(func(*story.Story) {}, story.WhenDeletedDelete)},
		{name: "lost under whenScaled", broken: ids(guarantee.StorageRetentionFailure), texts: []string{"although web-0 was still wanted"}, tell: replaced(lose, story.WhenScaledDelete)},
		{name: "lost under whenDeleted", broken: ids(guarantee.StorageRetentionFailure), tell: replaced(lose, story.WhenDeletedDelete)},
		{
			name: "somebody else's claim", idle: ids(guarantee.StorageRetentionFailure, guarantee.StorageDataSurvives),
			tell: replaced(func(s *story.Story) {
				s.Own("data-web-0", "Widget", "mine", "uid-widget")
				lose(s)
			}, story.WhenDeletedDelete),
		},
	})
}

func TestScaleDownAndClaims(t *testing.T) {
	data := story.Claims("data")
	downAndUp := func(between func(*story.Story)) func(*story.Story) {
		return func(s *story.Story) {
			s.Running("web", 2, data)
			s.Scale("web", 1)
			s.End("web-1")
			s.Status("web")
			between(s)
			s.Scale("web", 2)
			s.Up("web-1")
			s.Status("web")
		}
	}
	down := func(s *story.Story) {
		s.Running("web", 2, data, story.WhenScaledDelete)
		s.Wait(5 * time.Second)
		s.Scale("web", 1)
		s.Own("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
	}
	tales(t, []tale{
		{name: "taken back", exercised: ids(guarantee.StorageScaleKeeps), idle: ids(guarantee.StorageDataSurvives), tell: downAndUp(func(*story.Story) {})},
		{
			name: "lost", broken: ids(guarantee.StorageScaleKeeps), texts: []string{"although the scale down that removed web-1 keeps its claims"},
			tell: downAndUp(func(s *story.Story) {
				s.Collect("data-web-1")
				s.Claim("data", "web-1")
			}),
		},
		{
			name: "lost, nothing scaled up", broken: ids(guarantee.StorageScaleKeeps), idle: ids(guarantee.StorageScaleKeeps),
			tell: func(s *story.Story) {
				s.Running("web", 2, data)
				s.Scale("web", 1)
				s.End("web-1")
				s.Collect("data-web-1")
				s.Status("web")
			},
		},
		{
			name: "the spec cleans up", idle: ids(guarantee.StorageScaleKeeps),
			tell: downAndUp(func(s *story.Story) {
				s.Mark(history.ActDelete, history.Claims, "data-web-1")
				s.Collect("data-web-1")
				s.Claim("data", "web-1")
			}),
		},
		{
			name: "deleted after the pod", exercised: ids(guarantee.StorageWhenScaledDelete), idle: ids(guarantee.StorageScaleKeeps),
			tell: func(s *story.Story) {
				down(s)
				s.End("web-1")
				s.Collect("data-web-1")
				settle(s, long)
			},
		},
		{
			name: "deleted before the pod is gone", broken: ids(guarantee.StorageWhenScaledDelete), texts: []string{"claim data-web-1 was deleted at rv 115 (+6.5 s) before its pod web-1 was gone (rv"},
			tell: func(s *story.Story) {
				down(s)
				s.Terminate("web-1")
				s.Collect("data-web-1")
				s.Wait(10 * time.Second)
				s.Gone("web-1")
				s.Status("web")
			},
		},
		{
			name: "taken back by the set and deleted with it", exercised: ids(guarantee.StorageWhenDeletedDelete), idle: ids(guarantee.StorageWhenScaledDelete),
			tell: func(s *story.Story) {
				s.Running("web", 2, data, story.WhenScaledDelete, story.WhenDeletedDelete)
				s.Scale("web", 1)
				s.Terminate("web-1")
				s.Scale("web", 2)
				s.Own("data-web-1", "StatefulSet", "web", s.Get(history.Sets, "web").UID)
				s.Mark(history.ActDelete, history.Sets, "web")
				s.DeleteSet("web")
				s.Collect("data-web-1")
				s.Wait(5 * time.Second)
				s.Gone("web-1")
				s.End("web-0")
			},
		},
		{
			name: "a little before the pod is gone", doubted: ids(guarantee.StorageWhenScaledDelete),
			tell: func(s *story.Story) {
				down(s)
				s.Terminate("web-1")
				s.Collect("data-web-1")
				s.Wait(time.Second)
				s.Gone("web-1")
				s.Status("web")
			},
		},
		{
			name: "kept", atWork: true, broken: ids(guarantee.StorageWhenScaledDelete), texts: []string{"claim data-web-1 was kept to the end of the recording, 65.5 s after a scale down with whenScaled: Delete had removed web-1"},
			tell: func(s *story.Story) {
				down(s)
				s.End("web-1")
				settle(s, long)
			},
		},
		{
			name: "not yet deleted", idle: ids(guarantee.StorageWhenScaledDelete),
			tell: func(s *story.Story) {
				down(s)
				s.End("web-1")
				settle(s, 5*time.Second)
			},
		},
		{
			name: "a claim without a pod", broken: ids(guarantee.StorageWhenScaledDelete), texts: []string{"although no scale down under whenScaled: Delete had removed web-5"},
			tell: func(s *story.Story) {
				s.Running("web", 1, data, story.WhenScaledDelete)
				s.Claim("data", "web-5")
				s.Collect("data-web-5")
			},
		},
		{
			name: "scaled up again at once", exercised: ids(guarantee.StorageWhenScaledDelete), idle: ids(guarantee.StorageRetentionFailure),
			tell: func(s *story.Story) {
				down(s)
				s.Terminate("web-1")
				s.Scale("web", 2)
				s.Gone("web-1")
				s.Wait(5 * time.Second)
				s.Collect("data-web-1")
				s.Claim("data", "web-1")
				s.Up("web-1")
				settle(s, long)
			},
		},
		{
			name: "the scale down arrives after its consequences", idle: ids(guarantee.StorageRetentionFailure),
			tell: func(s *story.Story) {
				s.Running("web", 2, data, story.WhenScaledDelete)
				s.Own("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
				s.Terminate("web-1")
				s.Collect("data-web-1")
				s.Scale("web", 1)
				s.Gone("web-1")
				s.Status("web")
			},
		},
		{
			name: "somebody else's claim is kept", idle: ids(guarantee.StorageWhenScaledDelete),
			tell: func(s *story.Story) {
				down(s)
				s.Own("data-web-1", "Widget", "mine", "uid-widget")
				s.End("web-1")
				settle(s, long)
			},
		},
	})
}

func TestSetDeletedAndClaims(t *testing.T) {
	data := story.Claims("data")
	gone := func(s *story.Story, options ...story.Option) {
		s.Running("web", 1, append(options, data)...)
		if s.Get(history.Sets, "web").Set.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
			s.Own("data-web-0", "StatefulSet", "web", s.Get(history.Sets, "web").UID)
		}
		s.Mark(history.ActDelete, history.Sets, "web")
		s.DeleteSet("web")
		s.End("web-0")
	}
	tales(t, []tale{
		{
			name: "kept and taken back", exercised: ids(guarantee.StorageDeleteKeeps), idle: ids(guarantee.StorageWhenDeletedDelete),
			tell: func(s *story.Story) {
				gone(s)
				s.Set("web", data)
				s.Up("web-0")
				s.Status("web")
			},
		},
		{name: "kept, not taken back", idle: ids(guarantee.StorageDeleteKeeps), tell: func(s *story.Story) { gone(s); s.Wait(long) }},
		{
			name: "lost", broken: ids(guarantee.StorageDeleteKeeps), texts: []string{"claim data-web-0 was deleted at rv", "although the deleted set web keeps its claims"},
			tell: func(s *story.Story) {
				gone(s)
				s.Collect("data-web-0")
			},
		},
		{
			name: "lost before the new set comes", broken: ids(guarantee.StorageDeleteKeeps),
			tell: func(s *story.Story) {
				gone(s)
				s.Wait(5 * time.Second)
				s.Collect("data-web-0")
				s.Set("web", data)
				s.Claim("data", "web-0")
				s.Up("web-0")
				s.Status("web")
			},
		},
		{
			name: "deleted with the set", exercised: ids(guarantee.StorageWhenDeletedDelete), idle: ids(guarantee.StorageDeleteKeeps),
			tell: func(s *story.Story) {
				gone(s, story.WhenDeletedDelete)
				s.Collect("data-web-0")
			},
		},
		{
			name: "deleted late, when a new set is there", exercised: ids(guarantee.StorageWhenDeletedDelete), idle: ids(guarantee.StorageDataSurvives, guarantee.StorageRetentionFailure),
			tell: func(s *story.Story) {
				gone(s, story.WhenDeletedDelete)
				s.Set("web", data)
				s.Wait(5 * time.Second)
				s.Collect("data-web-0")
				s.Claim("data", "web-0")
				s.Up("web-0")
				s.Status("web")
			},
		},
		{
			name: "kept against the policy", broken: ids(guarantee.StorageWhenDeletedDelete), texts: []string{"claim data-web-0, which the set web owned, was kept to the end of the recording"},
			tell: func(s *story.Story) {
				gone(s, story.WhenDeletedDelete)
				s.Wait(long)
			},
		},
		{
			name: "deleted though the set did not own it", broken: ids(guarantee.StorageWhenDeletedDelete), texts: []string{"although the deleted set web had not come to own it"},
			tell: func(s *story.Story) {
				gone(s, story.WhenDeletedDelete)
				s.Own("data-web-0", "", "", "")
				s.Collect("data-web-0")
			},
		},
		{
			name: "orphaned with the set", idle: ids(guarantee.StorageWhenDeletedDelete),
			tell: func(s *story.Story) {
				gone(s, story.WhenDeletedDelete)
				s.Own("data-web-0", "", "", "")
				s.Wait(long)
			},
		},
		{
			name: "a scale down's claim goes with a pod that another set adopted", idle: ids(guarantee.StorageDeleteKeeps),
			tell: func(s *story.Story) {
				s.Running("web", 2, data, story.WhenScaledDelete)
				s.Scale("web", 1)
				s.Own("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
				s.Mark(history.ActDelete, history.Sets, "web")
				s.Orphan("web-0")
				s.Orphan("web-1")
				s.DeleteSet("web")
				s.Set("web")
				s.Adopt("web-0", "web")
				s.Adopt("web-1", "web")
				s.End("web-1")
				s.Collect("data-web-1")
				s.Status("web")
			},
		},
		{
			name: "a scale down's claim outlives the set for a while", idle: ids(guarantee.StorageDeleteKeeps),
			tell: func(s *story.Story) {
				s.Running("web", 2, data, story.WhenScaledDelete)
				s.Scale("web", 1)
				s.Own("data-web-1", "Pod", "web-1", s.Get(history.Pods, "web-1").UID)
				s.Terminate("web-1")
				s.Mark(history.ActDelete, history.Sets, "web")
				s.DeleteSet("web")
				s.Gone("web-1")
				s.Collect("data-web-1")
				s.End("web-0")
			},
		},
	})
}
