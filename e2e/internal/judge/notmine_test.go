package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestAtMostOne(t *testing.T) {
	terminated := func(grace int64) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Running("web", 2)
			s.Scale("web", 1)
			s.Change(history.Pods, "web-1", func(e *history.Event) {
				now := s.Timestamp()
				e.DeletionTimestamp, e.DeletionGrace = &now, &grace
			})
			s.FinishDeletion("web-1")
		}
	}
	tales(t, []tale{
		{name: "the pod's own grace", exercised: ids(contract.IdentityAtMostOne), tell: terminated(historytest.Grace)},
		{name: "no grace", broken: ids(contract.IdentityAtMostOne), texts: []string{"web-1 was deleted at rv 109 (+0.9 s) with a grace period of 0 s while its containers ran, expected its own 30 s"}, tell: terminated(0)},
		{name: "less grace", broken: ids(contract.IdentityAtMostOne), tell: terminated(1)},
		{
			name: "removed at once", broken: ids(contract.IdentityAtMostOne),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 1)
				s.Remove(history.Pods, "web-1")
			},
		},
		{
			name: "a pod without a node is removed at once", idle: ids(contract.IdentityAtMostOne),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2))
				s.CreateReady("web-0")
				s.Pod("web-1")
				s.Scale("web", 1)
				s.Remove(history.Pods, "web-1")
			},
		},
		{
			name: "a failed pod is removed at once", idle: ids(contract.IdentityAtMostOne),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Fail("web-0")
				s.Remove(history.Pods, "web-0")
			},
		},
		{
			name: "stopped before the name is given away", exercised: ids(contract.IdentityAtMostOne),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "still running", broken: ids(contract.IdentityAtMostOne), texts: []string{"web-0 was given to a new pod at rv", "while container main of the old one (UID uid-2) was last seen running"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.DeleteByTest("web-0")
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "asked for no time to stop", idle: ids(contract.IdentityAtMostOne),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				for _, e := range s.History().Events {
					if e.Resource == history.Pods {
						e.Pod.Grace = new(int64(0))
					}
				}
				s.DeleteByTest("web-0")
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "forced by the spec", idle: ids(contract.IdentityAtMostOne),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Operation(history.VerbDelete, history.Pods, "web-0")
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "forced by the spec after a graceful try", idle: ids(contract.IdentityAtMostOne),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.DeleteByTest("web-0")
				s.Operation(history.VerbDelete, history.Pods, "web-0")
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "lost with its node", idle: ids(contract.IdentityAtMostOne),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Disrupt("web-0", "DeletionByTaintManager")
				s.Terminate("web-0")
				s.Remove(history.Pods, "web-0")
				s.CreateReady("web-0")
			},
		},
	})
}

func TestOwnership(t *testing.T) {
	tales(t, []tale{
		{name: "one controller", exercised: ids(contract.IdentityOwnership), tell: func(s *historytest.Builder) { s.Running("web", 1) }},
		{
			name: "seen before its set", exercised: ids(contract.IdentityOwnership),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				h := s.Get(history.Sets, "web")
				s.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{
					Name: "db-0", Owners: owner("db", "uid-db"), Labels: map[string]string{appsv1.StatefulSetPodNameLabel: "db-0", appsv1.PodIndexLabel: "0"},
				}, Pod: &history.Pod{Phase: corev1.PodPending, Hostname: "db-0"}})
				set := *h.Set
				set.Selector = map[string]string{"app": "db"}
				s.Add(&history.Event{Resource: history.Sets, Meta: history.Meta{Name: "db", UID: "uid-db", Generation: 1}, Set: &set})
			},
		},
		{
			name: "no controller", broken: ids(contract.IdentityOwnership), texts: []string{"web-1 was created at rv 106 (+0.6 s) for the set web without a controller reference"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 2)
				pod(s, "web-1", func(e *history.Event) { e.Owners = nil })
			},
		},
		{
			name: "the spec's own pod under a member's name", idle: ids(contract.IdentityOwnership),
			tell: func(s *historytest.Builder) {
				s.Set("web")
				s.Operation(history.VerbCreate, history.Pods, "web-0")
				pod(s, "web-0", func(e *history.Event) { e.Owners = nil })
			},
		},
		{
			name: "a set of another UID", broken: ids(contract.IdentityOwnership), texts: []string{"under the controller StatefulSet web with UID uid-old, which no set of the namespace has"},
			tell: func(s *historytest.Builder) {
				s.Set("web")
				pod(s, "web-0", func(e *history.Event) { e.Owners = owner("web", "uid-old") })
			},
		},
		{
			name: "two controllers", broken: ids(contract.IdentityOwnership), texts: []string{"with 2 controller references, expected exactly one"},
			tell: func(s *historytest.Builder) {
				s.Set("web")
				pod(s, "web-0", func(e *history.Event) { e.Owners = append(e.Owners, owner("db", "uid-db")...) })
			},
		},
	})
}

func owner(set, uid string) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: set, UID: types.UID(uid), Controller: &yes}}
}

func TestNotMine(t *testing.T) {
	sharing := func(s *historytest.Builder) {
		s.Set("web")
		s.Set("db", func(t *history.Set) { t.Selector = map[string]string{"app": "web"} })
		s.CreateReady("web-0")
		s.CreateReady("db-0")
		s.Relabel("db-0", "app", "web")
		s.Status("web")
		s.Status("db")
	}
	foreign := func(s *historytest.Builder, name string) {
		s.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{
			Name: name, Labels: map[string]string{"app": "web"}, Owners: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "rs", UID: "uid-rs", Controller: new(true)}},
		}, Pod: &history.Pod{Phase: corev1.PodPending}})
	}
	tales(t, []tale{
		{
			name: "two sets share a selector", exercised: ids(contract.IdentityNotMine),
			tell: func(s *historytest.Builder) {
				sharing(s)
				s.Wait(long)
			},
		},
		{name: "no time to look", idle: ids(contract.IdentityNotMine), tell: sharing},
		{name: "nobody else's pods", idle: ids(contract.IdentityNotMine), tell: func(s *historytest.Builder) { s.Running("web", 2); s.Wait(long) }},
		{
			name: "taken over", broken: ids(contract.IdentityNotMine), texts: []string{"web-0 was controlled by StatefulSet web (UID uid-1) and at rv 110 (+1.0 s) by the set db"},
			tell: func(s *historytest.Builder) {
				sharing(s)
				s.Adopt("web-0", "db")
			},
		},
		{
			name: "taken from a replica set", broken: ids(contract.IdentityNotMine), texts: []string{"controlled by ReplicaSet rs"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				foreign(s, "web-1")
				s.Adopt("web-1", "web")
			},
		},
		{
			name: "another set's pod deleted", broken: ids(contract.IdentityNotMine), texts: []string{"web-0 of the set web was deleted at rv", "while the set db with the same selector lived"},
			tell: func(s *historytest.Builder) {
				sharing(s)
				s.Wait(long)
				s.DeletePod("web-0")
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{
			name: "another set scales down", exercised: ids(contract.IdentityNotMine),
			tell: func(s *historytest.Builder) {
				sharing(s)
				s.Wait(long)
				s.Scale("web", 0)
				s.DeletePod("web-0")
			},
		},
		{
			name: "another set updates", exercised: ids(contract.IdentityNotMine),
			tell: func(s *historytest.Builder) {
				sharing(s)
				s.Wait(long)
				s.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:2"} })
				s.DeletePod("web-0")
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.CreateReady("web-0")
			},
		},
		{
			name: "another set starts an update and goes back", exercised: ids(contract.IdentityNotMine),
			tell: func(s *historytest.Builder) {
				sharing(s)
				s.Wait(long)
				s.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:2"} })
				s.Update("web", func(t *history.Set) { t.Template.Images = map[string]string{"main": "image:1"} })
				s.DeletePod("web-0")
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{
			name: "a pod whose owner nobody recorded", doubted: ids(contract.IdentityNotMine),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				foreign(s, "web-1")
				s.Wait(long)
				s.Terminate("web-1")
			},
		},
		{
			name: "an orphan may be adopted", idle: ids(contract.IdentityNotMine),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Orphan("web-0")
				s.Adopt("web-0", "web")
				s.Wait(long)
			},
		},
	})
}

func TestStartMoves(t *testing.T) {
	moved := func(s *historytest.Builder) {
		s.Running("web", 2)
		s.Update("web", func(t *history.Set) { t.Start = 2 })
	}
	tales(t, []tale{
		{
			name: "the new range first, then the old from the top", exercised: ids(contract.IdentityStartMoves), idle: ids(contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				moved(s)
				s.CreateReady("web-2")
				s.CreateReady("web-3")
				s.DeletePod("web-1")
				s.DeletePod("web-0")
			},
		},
		{
			name: "the old range before the new is Ready", broken: ids(contract.IdentityStartMoves), texts: []string{"the start ordinal had moved and web-1 began to terminate at rv", "while web-3 was not Ready"},
			tell: func(s *historytest.Builder) {
				moved(s)
				s.CreateReady("web-2")
				s.Pod("web-3")
				s.DeletePod("web-1")
			},
		},
		{
			name: "the lower of the old range first", broken: ids(contract.IdentityStartMoves), texts: []string{"web-0 began to terminate at rv", "while the higher web-1, out of range too, still existed"},
			tell: func(s *historytest.Builder) {
				moved(s)
				s.CreateReady("web-2")
				s.CreateReady("web-3")
				s.DeletePod("web-0")
				s.DeletePod("web-1")
			},
		},
		{
			name: "downwards", exercised: ids(contract.IdentityStartMoves), idle: ids(contract.OrderingScaleDown),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Start(2), historytest.Replicas(2))
				s.CreateReady("web-2")
				s.CreateReady("web-3")
				s.Update("web", func(t *history.Set) { t.Start = 1 })
				s.CreateReady("web-1")
				s.DeletePod("web-3")
			},
		},
		{
			name: "an update when the start had only just moved", idle: ids(contract.IdentityStartMoves),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Update("web", func(t *history.Set) { t.Start = 2 })
				s.DeletePod("web-1")
			},
		},
		{
			name: "a scale down moves nothing", idle: ids(contract.IdentityStartMoves),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 1)
				s.DeletePod("web-1")
			},
		},
		{
			name: "a pod lost on the way comes back first", exercised: ids(contract.IdentityStartMoves), excused: ids(contract.IdentityStartMoves),
			tell: func(s *historytest.Builder) {
				moved(s)
				s.CreateReady("web-2")
				s.CreateReady("web-3")
				s.Unready("web-3")
				s.DeletePod("web-1")
				s.Ready("web-3")
				s.DeletePod("web-0")
			},
		},
	})
}

func TestAdoptedPodsCountForOrder(t *testing.T) {
	tales(t, []tale{
		{
			name: "a new set goes on after the pods it adopts", exercised: ids(contract.OrderingCreate),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Operation(history.VerbDelete, history.Sets, "web")
				s.Orphan("web-0")
				s.Orphan("web-1")
				s.DeleteSet("web")
				s.Wait(10 * time.Second)
				s.Set("web", historytest.Replicas(3))
				s.Adopt("web-0", "web")
				s.Adopt("web-1", "web")
				s.CreateReady("web-2")
			},
		},
		{
			name: "a set that goes on without a released pod", broken: ids(contract.OrderingScaleUp, contract.OrderingCreateHalts), texts: []string{"while web-1 was released (since rv"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Relabel("web-1", "app", "other")
				s.Orphan("web-1")
				s.Status("web")
				s.Wait(10 * time.Second)
				s.Scale("web", 3)
				s.CreateReady("web-2")
			},
		},
	})
}
