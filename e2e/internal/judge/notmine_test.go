package judge_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestAtMostOne(t *testing.T) {
	terminated := func(grace int64) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 3)
			b.Scale("web", 1)
			for _, pod := range []string{"web-2", "web-1"} {
				b.Change(history.Pods, pod, func(e *history.Event) {
					end := metav1.NewTime(b.Timestamp().Add(time.Duration(grace) * time.Second))
					e.DeletionTimestamp, e.DeletionGrace = &end, &grace
				})
				b.ReportDeletion(pod)
				b.FinishDeletion(pod)
			}
		}
	}
	removed := func(pods ...string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 3)
			b.Scale("web", 1)
			for _, pod := range pods {
				b.Remove(history.Pods, pod)
			}
		}
	}
	runCases(t, []testCase{
		{name: "the pod's own grace period", exercised: ids(contract.IdentityAtMostOne), build: terminated(historytest.Grace)},
		{name: "no grace", broken: ids(contract.IdentityAtMostOne), texts: []string{"web-2 was deleted at rv 112 (+1.2 s) with a grace period of 0 s while its containers ran, expected its own 30 s"}, build: terminated(0)},
		{name: "less grace", broken: ids(contract.IdentityAtMostOne), build: terminated(1)},
		{name: "removed at once", broken: ids(contract.IdentityAtMostOne), build: removed("web-2", "web-1")},
		{name: "one removed at once, as somebody may have done just before the controller", notExercised: ids(contract.IdentityAtMostOne), build: removed("web-2")},
		{
			name: "removed at once by somebody", notExercised: ids(contract.IdentityAtMostOne),
			build: func(b *historytest.Builder) { b.ByOthers(func() { removed("web-2", "web-1")(b) }) },
		},
		{
			name: "a pod without a node is removed at once", notExercised: ids(contract.IdentityAtMostOne),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2))
				b.CreateReady("web-0")
				b.Pod("web-1")
				b.Scale("web", 1)
				b.Remove(history.Pods, "web-1")
			},
		},
		{
			name: "a failed pod is removed at once", notExercised: ids(contract.IdentityAtMostOne),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Fail("web-0")
				b.Remove(history.Pods, "web-0")
			},
		},
		{
			name: "stopped before the name is reused", exercised: ids(contract.IdentityAtMostOne),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "still running", inconclusive: ids(contract.IdentityAtMostOne), texts: []string{"web-0 was given to a new pod at rv", "while container main of the old one (UID uid-2) was last seen running"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.DeleteByTest("web-0")
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "a grace period of zero", notExercised: ids(contract.IdentityAtMostOne),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.DeleteByTest("web-0")
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
				for _, e := range b.Events() {
					switch e.Resource {
					case history.Pods:
						e.Pod.Grace = new(int64(0))
						if e.DeletionGrace != nil {
							e.DeletionGrace = new(int64(0))
						}
					case history.Sets:
						e.Set.PodGrace = new(int64(0))
					}
				}
			},
		},
		{
			name: "forced by the test", notExercised: ids(contract.IdentityAtMostOne),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Operation(history.VerbDelete, history.Pods, "web-0")
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "forced by the test after a graceful try", notExercised: ids(contract.IdentityAtMostOne),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.DeleteByTest("web-0")
				b.Operation(history.VerbDelete, history.Pods, "web-0")
				b.Remove(history.Pods, "web-0")
				b.CreateReady("web-0")
			},
		},
	})
}

func TestNotMine(t *testing.T) {
	sharing := func(b *historytest.Builder) {
		b.Set("web")
		b.Set("db", func(t *history.Set) { t.Selector = map[string]string{"app": "web"} })
		b.CreateReady("web-0")
		b.CreateReady("db-0")
		b.Relabel("db-0", "app", "web")
		b.Status("web")
		b.Status("db")
	}
	foreign := func(b *historytest.Builder, name string) {
		b.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{
			Name: name, Labels: map[string]string{"app": "web"}, Owners: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "rs", UID: "uid-rs", Controller: new(true)}},
		}, Pod: &history.Pod{Phase: corev1.PodPending}})
	}
	runCases(t, []testCase{
		{
			name: "two sets share a selector", exercised: ids(contract.IdentityNotMine),
			build: func(b *historytest.Builder) {
				sharing(b)
				b.Wait(long)
			},
		},
		{name: "no time for a sync", notExercised: ids(contract.IdentityNotMine), build: sharing},
		{name: "no pods of other owners", notExercised: ids(contract.IdentityNotMine), build: func(b *historytest.Builder) { b.Running("web", 2); b.Wait(long) }},
		{
			name: "taken over", broken: ids(contract.IdentityNotMine), texts: []string{"web-0 was controlled by StatefulSet web (UID uid-1) and at rv 110 (+1.0 s) by the set db"},
			build: func(b *historytest.Builder) {
				sharing(b)
				b.Adopt("web-0", "db")
			},
		},
		{
			name: "taken from a ReplicaSet", broken: ids(contract.IdentityNotMine), texts: []string{"controlled by ReplicaSet rs"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				foreign(b, "web-1")
				b.Adopt("web-1", "web")
			},
		},
		{
			name: "an orphan of another name adopted", broken: ids(contract.IdentityNotMine), texts: []string{"other-0, which nobody controlled and whose name is not web-<ordinal>, was adopted at rv"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{Name: "other-0", Labels: map[string]string{"app": "web"}}, Pod: &history.Pod{Phase: corev1.PodPending}})
				b.Adopt("other-0", "web")
			},
		},
		{
			name: "another set's pod deleted", broken: ids(contract.IdentityNotMine), texts: []string{"web-0 of the set web was deleted at rv", "while the set db with the same selector lived"},
			build: func(b *historytest.Builder) {
				sharing(b)
				b.Wait(long)
				b.DeletePod("web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "another set scales down", exercised: ids(contract.IdentityNotMine),
			build: func(b *historytest.Builder) {
				sharing(b)
				b.Wait(long)
				b.Scale("web", 0)
				b.DeletePod("web-0")
			},
		},
		{
			name: "another set updates", exercised: ids(contract.IdentityNotMine),
			build: func(b *historytest.Builder) {
				sharing(b)
				b.Wait(long)
				b.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:2"} })
				b.DeletePod("web-0")
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.CreateReady("web-0")
			},
		},
		{
			name: "another set starts an update and reverts it", exercised: ids(contract.IdentityNotMine),
			build: func(b *historytest.Builder) {
				sharing(b)
				b.Wait(long)
				b.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:2"} })
				b.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:1"} })
				b.DeletePod("web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "another set starts an update and reverts it, which no status shows to be observed", exercised: ids(contract.IdentityNotMine),
			build: func(b *historytest.Builder) {
				sharing(b)
				b.Wait(long)
				b.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:2"} })
				b.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:1"} })
				b.Wait(long)
				b.DeletePod("web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "a pod whose owner is not recorded", inconclusive: ids(contract.IdentityNotMine),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				foreign(b, "web-1")
				b.Wait(long)
				b.Terminate("web-1")
			},
		},
		{
			name: "an orphan may be adopted", notExercised: ids(contract.IdentityNotMine),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Orphan("web-0")
				b.Adopt("web-0", "web")
				b.Wait(long)
			},
		},
	})
}

func TestStartMoves(t *testing.T) {
	moved := func(b *historytest.Builder) {
		b.Running("web", 2)
		b.Update("web", func(t *history.Set) { t.Start = 2 })
	}
	runCases(t, []testCase{
		{
			name: "the new range first, then the old from the top", exercised: ids(contract.IdentityStartMoves), notExercised: ids(contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				moved(b)
				b.CreateReady("web-2")
				b.CreateReady("web-3")
				b.DeletePod("web-1")
				b.DeletePod("web-0")
			},
		},
		{
			name: "the old range before the new is Ready", broken: ids(contract.IdentityStartMoves), texts: []string{"the start ordinal had moved and web-1 began to terminate at rv", "while web-3 was not Ready"},
			build: func(b *historytest.Builder) {
				moved(b)
				b.CreateReady("web-2")
				b.Pod("web-3")
				b.DeletePod("web-1")
			},
		},
		{
			name: "the lower of the old range first", broken: ids(contract.IdentityStartMoves), texts: []string{"web-0 began to terminate at rv", "while the higher web-1, out of range too, still existed"},
			build: func(b *historytest.Builder) {
				moved(b)
				b.CreateReady("web-2")
				b.CreateReady("web-3")
				b.DeletePod("web-0")
				b.DeletePod("web-1")
			},
		},
		{
			name: "downwards", exercised: ids(contract.IdentityStartMoves), notExercised: ids(contract.OrderingScaleDown),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Start(2), historytest.Replicas(2))
				b.CreateReady("web-2")
				b.CreateReady("web-3")
				b.Update("web", func(t *history.Set) { t.Start = 1 })
				b.CreateReady("web-1")
				b.DeletePod("web-3")
			},
		},
		{
			name: "an update when the start had only just moved", notExercised: ids(contract.IdentityStartMoves),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Update("web", func(t *history.Set) { t.Start = 2 })
				b.DeletePod("web-1")
			},
		},
		{
			// Only where a pod that is gone cannot be among those that the status counts does that show that the new one is.
			name: "a pod that may be as unknown to the controller as the end of another", excused: ids(contract.IdentityStartMoves),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Update("web", func(t *history.Set) { t.Start, t.Replicas = 9, 1 })
				b.CreateReady("web-9")
				b.Status("web")
				b.Scale("web", 2)
				b.DeletePod("web-2")
				b.CreateReady("web-10")
				b.Update("web", func(t *history.Set) { t.Start, t.Replicas = 2, 0 })
				b.Change(history.Sets, "web", func(e *history.Event) { e.Set.Status.Replicas = 4 })
				b.DeletePod("web-9")
			},
		},
		{
			name: "a scale down moves nothing", notExercised: ids(contract.IdentityStartMoves),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 1)
				b.DeletePod("web-1")
			},
		},
		{
			name: "a pod lost meanwhile is replaced first", exercised: ids(contract.IdentityStartMoves), excused: ids(contract.IdentityStartMoves),
			build: func(b *historytest.Builder) {
				moved(b)
				b.CreateReady("web-2")
				b.CreateReady("web-3")
				b.Unready("web-3")
				b.DeletePod("web-1")
				b.Ready("web-3")
				b.DeletePod("web-0")
			},
		},
	})
}

func TestAdoptedPodsCountForOrder(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "a new set goes on after the pods it adopts", exercised: ids(contract.LifecycleAdoption), notExercised: ids(contract.OrderingCreate),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Operation(history.VerbDelete, history.Sets, "web")
				b.Orphan("web-0")
				b.Orphan("web-1")
				b.DeleteSet("web")
				b.Wait(10 * time.Second)
				b.Set("web", historytest.Replicas(3))
				b.Adopt("web-0", "web")
				b.Adopt("web-1", "web")
				b.CreateReady("web-2")
			},
		},
		{
			name: "a set that goes on without a released pod", broken: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts), texts: []string{"while web-1 was released (since rv"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Relabel("web-1", "app", "other")
				b.Orphan("web-1")
				b.Status("web")
				b.Wait(10 * time.Second)
				b.Scale("web", 3)
				b.CreateReady("web-2")
			},
		},
	})
}
