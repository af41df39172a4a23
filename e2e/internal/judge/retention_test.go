package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestClaimsSurvive(t *testing.T) {
	data := historytest.Claims("data")
	var deleted types.UID // the pod that was replaced
	replaced := func(between func(*historytest.Builder), options ...historytest.Option) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1, append(options, data)...)
			deleted = b.Get(history.Pods, "web-0").UID
			b.DeleteByTest("web-0")
			b.FinishDeletion("web-0")
			between(b)
			b.CreateReady("web-0")
			b.Status("web")
		}
	}
	lose := func(b *historytest.Builder) {
		b.DeleteClaim("data-web-0")
		b.Claim("data", "web-0")
	}
	collect := func(b *historytest.Builder) {
		b.CollectClaim("data-web-0", "Pod", "web-0", deleted)
		b.Claim("data", "web-0")
	}
	runCases(t, []testCase{
		{
			name: "a replaced pod finds its claim", exercised: ids(contract.StorageDataSurvives), notExercised: ids(contract.StorageRetentionFailure, contract.StorageScaleKeeps),
			build: replaced(func(*historytest.Builder) {}),
		},
		{name: "nothing was replaced", notExercised: ids(contract.StorageDataSurvives), build: func(b *historytest.Builder) { b.Running("web", 1, data) }},
		{
			name: "the claim is deleted with the pod", broken: ids(contract.StorageDataSurvives), notExercised: ids(contract.StorageDataSurvives),
			texts: []string{"claim data-web-0 was deleted at rv", "although web-0 was still wanted"}, build: replaced(collect),
		},
		{
			name: "somebody deletes the claim", inconclusive: ids(contract.StorageDataSurvives), notExercised: ids(contract.StorageDataSurvives),
			texts: []string{"although web-0 was still wanted; but data-web-0 had no owner that was gone", "any client that may delete claims can have: the API server's audit log shows which did"},
			build: replaced(lose),
		},
		{
			name: "somebody deletes a claim whose owner is there", inconclusive: ids(contract.StorageDataSurvives), build: func(b *historytest.Builder) {
				b.Running("web", 1, data)
				b.CollectClaim("data-web-0", "Pod", "web-0", b.Get(history.Pods, "web-0").UID)
				for _, e := range b.History().Events {
					if e.Claim != nil && len(e.Owners) > 0 {
						e.Claim.OwnersWriter = "somebody"
					}
				}
			},
		},
		{
			name: "another volume", broken: ids(contract.StorageDataSurvives), texts: []string{"its claim data-web-0, on volume pv-uid-2 before, is on volume \"pv-other\""},
			build: replaced(func(b *historytest.Builder) { bind(b, "data-web-0", "pv-other") }),
		},
		{
			name: "the test deletes the claim", notExercised: ids(contract.StorageDataSurvives),
			build: replaced(func(b *historytest.Builder) {
				b.Operation(history.VerbDelete, history.Claims, "data-web-0")
				lose(b)
			}),
		},
		{
			name: "the test deletes all claims", notExercised: ids(contract.StorageDataSurvives),
			build: replaced(func(b *historytest.Builder) {
				b.Operation(history.VerbDelete, history.Claims, "")
				lose(b)
			}),
		},
		{name: "kept under whenScaled", exercised: ids(contract.StorageRetentionFailure), build: replaced(func(*historytest.Builder) {}, historytest.WhenScaledDelete)},
		{name: "kept under whenDeleted", exercised: ids(contract.StorageRetentionFailure), build: replaced(func(*historytest.Builder) {}, historytest.WhenDeletedDelete)},
		{name: "lost under whenScaled", broken: ids(contract.StorageRetentionFailure), texts: []string{"although web-0 was still wanted"}, build: replaced(collect, historytest.WhenScaledDelete)},
		{name: "lost under whenDeleted", broken: ids(contract.StorageRetentionFailure), build: replaced(collect, historytest.WhenDeletedDelete)},
		{
			name: "a claim of another owner", notExercised: ids(contract.StorageRetentionFailure, contract.StorageDataSurvives),
			build: replaced(func(b *historytest.Builder) {
				b.SetController("data-web-0", "Widget", "mine", "uid-widget")
				lose(b)
			}, historytest.WhenDeletedDelete),
		},
	})
}

func TestScaleDownAndClaims(t *testing.T) {
	data := historytest.Claims("data")
	var removed types.UID // the pod that was scaled down
	downAndUp := func(between func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 2, data)
			b.Scale("web", 1)
			removed = b.Get(history.Pods, "web-1").UID
			b.DeletePod("web-1")
			b.Status("web")
			between(b)
			b.Scale("web", 2)
			b.CreateReady("web-1")
			b.Status("web")
		}
	}
	down := func(b *historytest.Builder) {
		b.Running("web", 2, data, historytest.WhenScaledDelete)
		b.Wait(5 * time.Second)
		b.Scale("web", 1)
		b.SetController("data-web-1", "Pod", "web-1", b.Get(history.Pods, "web-1").UID)
	}
	runCases(t, []testCase{
		{name: "used again", exercised: ids(contract.StorageScaleKeeps), notExercised: ids(contract.StorageDataSurvives), build: downAndUp(func(*historytest.Builder) {})},
		{
			name: "lost", broken: ids(contract.StorageScaleKeeps), texts: []string{"although the scale down that removed web-1 keeps its claims"},
			build: downAndUp(func(b *historytest.Builder) {
				b.CollectClaim("data-web-1", "Pod", "web-1", removed)
				b.Claim("data", "web-1")
			}),
		},
		{
			name: "somebody deletes the claim", inconclusive: ids(contract.StorageScaleKeeps), build: downAndUp(func(b *historytest.Builder) {
				b.DeleteClaim("data-web-1")
				b.Claim("data", "web-1")
			}),
		},
		{
			name: "lost, nothing scaled up", broken: ids(contract.StorageScaleKeeps), notExercised: ids(contract.StorageScaleKeeps),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, data)
				b.Scale("web", 1)
				uid := b.Get(history.Pods, "web-1").UID
				b.DeletePod("web-1")
				b.CollectClaim("data-web-1", "Pod", "web-1", uid)
				b.Status("web")
			},
		},
		{
			name: "the test cleans up", notExercised: ids(contract.StorageScaleKeeps),
			build: downAndUp(func(b *historytest.Builder) {
				b.Operation(history.VerbDelete, history.Claims, "data-web-1")
				b.DeleteClaim("data-web-1")
				b.Claim("data", "web-1")
			}),
		},
		{
			name: "deleted after the pod", exercised: ids(contract.StorageWhenScaledDelete), notExercised: ids(contract.StorageScaleKeeps),
			build: func(b *historytest.Builder) {
				down(b)
				b.DeletePod("web-1")
				b.DeleteClaim("data-web-1")
				settle(b, long)
			},
		},
		{
			name: "somebody deletes it before the pod is gone, and it is not protected", inconclusive: ids(contract.StorageWhenScaledDelete), broken: ids(contract.StorageInUseProtection), texts: []string{"claim data-web-1 was deleted at rv 115 (+6.5 s) before its pod web-1 was gone (rv"},
			build: func(b *historytest.Builder) {
				down(b)
				b.Terminate("web-1")
				b.DeleteClaim("data-web-1")
				b.Wait(10 * time.Second)
				b.FinishDeletion("web-1")
				b.Status("web")
			},
		},
		{
			name: "owned by the set again and deleted with it", exercised: ids(contract.StorageWhenDeletedDelete), notExercised: ids(contract.StorageWhenScaledDelete),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, data, historytest.WhenScaledDelete, historytest.WhenDeletedDelete)
				b.Scale("web", 1)
				b.Terminate("web-1")
				b.Scale("web", 2)
				b.SetController("data-web-1", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.DeleteSet("web")
				b.DeleteClaim("data-web-1")
				b.Wait(5 * time.Second)
				b.FinishDeletion("web-1")
				b.DeletePod("web-0")
			},
		},
		{
			name: "a little before the pod is gone", inconclusive: ids(contract.StorageWhenScaledDelete, contract.StorageInUseProtection),
			build: func(b *historytest.Builder) {
				down(b)
				b.Terminate("web-1")
				b.DeleteClaim("data-web-1")
				b.Wait(time.Second)
				b.FinishDeletion("web-1")
				b.Status("web")
			},
		},
		{
			name: "kept", controllerActs: true, broken: ids(contract.StorageWhenScaledDelete), texts: []string{"claim data-web-1 was kept to the end of the recording, 65.5 s after a scale down with whenScaled: Delete had removed web-1"},
			build: func(b *historytest.Builder) {
				down(b)
				b.DeletePod("web-1")
				settle(b, long)
			},
		},
		{
			name: "kept, and nothing shows that the garbage collector was at work", inconclusive: ids(contract.StorageWhenScaledDelete), build: func(b *historytest.Builder) {
				down(b)
				b.DeletePod("web-1")
				b.Wait(long)
			},
		},
		{
			name: "not yet deleted", notExercised: ids(contract.StorageWhenScaledDelete),
			build: func(b *historytest.Builder) {
				down(b)
				b.DeletePod("web-1")
				settle(b, 5*time.Second)
			},
		},
		{
			name: "somebody deletes a claim without a pod", inconclusive: ids(contract.StorageWhenScaledDelete), texts: []string{"although no scale down under whenScaled: Delete had removed web-5"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1, data, historytest.WhenScaledDelete)
				b.Claim("data", "web-5")
				b.DeleteClaim("data-web-5")
			},
		},
		{
			name: "scaled up again at once", exercised: ids(contract.StorageWhenScaledDelete), notExercised: ids(contract.StorageRetentionFailure),
			build: func(b *historytest.Builder) {
				down(b)
				b.Terminate("web-1")
				b.Scale("web", 2)
				b.FinishDeletion("web-1")
				b.Wait(5 * time.Second)
				b.DeleteClaim("data-web-1")
				b.Claim("data", "web-1")
				b.CreateReady("web-1")
				settle(b, long)
			},
		},
		{
			name: "the scale down is recorded after the deletions", notExercised: ids(contract.StorageRetentionFailure),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, data, historytest.WhenScaledDelete)
				b.SetController("data-web-1", "Pod", "web-1", b.Get(history.Pods, "web-1").UID)
				b.Terminate("web-1")
				b.DeleteClaim("data-web-1")
				b.Scale("web", 1)
				b.FinishDeletion("web-1")
				b.Status("web")
			},
		},
		{
			name: "a claim of another owner is retained", notExercised: ids(contract.StorageWhenScaledDelete),
			build: func(b *historytest.Builder) {
				down(b)
				b.SetController("data-web-1", "Widget", "mine", "uid-widget")
				b.DeletePod("web-1")
				settle(b, long)
			},
		},
	})
}

func TestSetDeletedAndClaims(t *testing.T) {
	data := historytest.Claims("data")
	gone := func(b *historytest.Builder, options ...historytest.Option) types.UID {
		b.Running("web", 1, append(options, data)...)
		if b.Get(history.Sets, "web").Set.WhenDeleted == appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
			b.SetController("data-web-0", "StatefulSet", "web", b.Get(history.Sets, "web").UID)
		}
		b.Operation(history.VerbDelete, history.Sets, "web")
		uid := b.DeleteSet("web")
		b.DeletePod("web-0")
		return uid
	}
	runCases(t, []testCase{
		{
			name: "retained and used again", exercised: ids(contract.StorageDeleteKeeps), notExercised: ids(contract.StorageWhenDeletedDelete),
			build: func(b *historytest.Builder) {
				gone(b)
				b.Set("web", data)
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{name: "retained, not used again", notExercised: ids(contract.StorageDeleteKeeps), build: func(b *historytest.Builder) { gone(b); b.Wait(long) }},
		{
			name: "lost", broken: ids(contract.StorageDeleteKeeps), texts: []string{"claim data-web-0 was deleted at rv", "although the deleted set web keeps its claims"},
			build: func(b *historytest.Builder) {
				b.CollectClaim("data-web-0", "StatefulSet", "web", gone(b))
			},
		},
		{
			name: "somebody deletes the claim", inconclusive: ids(contract.StorageDeleteKeeps), build: func(b *historytest.Builder) {
				gone(b)
				b.DeleteClaim("data-web-0")
			},
		},
		{
			name: "lost before the new set comes", broken: ids(contract.StorageDeleteKeeps),
			build: func(b *historytest.Builder) {
				uid := gone(b)
				b.Wait(5 * time.Second)
				b.CollectClaim("data-web-0", "StatefulSet", "web", uid)
				b.Set("web", data)
				b.Claim("data", "web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "deleted with the set", exercised: ids(contract.StorageWhenDeletedDelete), notExercised: ids(contract.StorageDeleteKeeps),
			build: func(b *historytest.Builder) {
				gone(b, historytest.WhenDeletedDelete)
				b.DeleteClaim("data-web-0")
			},
		},
		{
			name: "deleted late, when a new set is there", exercised: ids(contract.StorageWhenDeletedDelete), notExercised: ids(contract.StorageDataSurvives, contract.StorageRetentionFailure),
			build: func(b *historytest.Builder) {
				gone(b, historytest.WhenDeletedDelete)
				b.Set("web", data)
				b.Wait(5 * time.Second)
				b.DeleteClaim("data-web-0")
				b.Claim("data", "web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "nothing shows that the garbage collector was at work", inconclusive: ids(contract.StorageWhenDeletedDelete), build: func(b *historytest.Builder) {
				gone(b, historytest.WhenDeletedDelete)
				b.Wait(long)
			},
		},
		{
			name: "kept against the policy", broken: ids(contract.StorageWhenDeletedDelete), controllerActs: true, texts: []string{"claim data-web-0, which the set web owned, was kept to the end of the recording"},
			build: func(b *historytest.Builder) {
				gone(b, historytest.WhenDeletedDelete)
				b.Wait(long)
			},
		},
		{
			name: "somebody deletes it when the set does not own it", inconclusive: ids(contract.StorageWhenDeletedDelete), texts: []string{"although the deleted set web had not come to own it"},
			build: func(b *historytest.Builder) {
				gone(b, historytest.WhenDeletedDelete)
				b.SetController("data-web-0", "", "", "")
				b.DeleteClaim("data-web-0")
			},
		},
		{
			name: "orphaned with the set", notExercised: ids(contract.StorageWhenDeletedDelete),
			build: func(b *historytest.Builder) {
				gone(b, historytest.WhenDeletedDelete)
				b.SetController("data-web-0", "", "", "")
				b.Wait(long)
			},
		},
		{
			name: "a scale down's claim goes with a pod that another set adopted", notExercised: ids(contract.StorageDeleteKeeps),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, data, historytest.WhenScaledDelete)
				b.Scale("web", 1)
				b.SetController("data-web-1", "Pod", "web-1", b.Get(history.Pods, "web-1").UID)
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.Orphan("web-0")
				b.Orphan("web-1")
				b.DeleteSet("web")
				b.Set("web")
				b.Adopt("web-0", "web")
				b.Adopt("web-1", "web")
				b.DeletePod("web-1")
				b.DeleteClaim("data-web-1")
				b.Status("web")
			},
		},
		{
			name: "a scale down's claim outlives the set for a while", notExercised: ids(contract.StorageDeleteKeeps),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, data, historytest.WhenScaledDelete)
				b.Scale("web", 1)
				b.SetController("data-web-1", "Pod", "web-1", b.Get(history.Pods, "web-1").UID)
				b.Terminate("web-1")
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.DeleteSet("web")
				b.FinishDeletion("web-1")
				b.DeleteClaim("data-web-1")
				b.DeletePod("web-0")
			},
		},
	})
}
