package judge_test

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestOwnership(t *testing.T) {
	runCases(t, []testCase{
		{name: "one controller", exercised: ids(contract.IdentityOwnership), build: func(b *historytest.Builder) { b.Running("web", 1) }},
		{
			name: "seen before its set", exercised: ids(contract.IdentityOwnership),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				h := b.Get(history.Sets, "web")
				b.Add(&history.Event{Resource: history.Pods, Meta: history.Meta{
					Name: "db-0", Owners: owner("db", "uid-db"), Labels: map[string]string{appsv1.StatefulSetPodNameLabel: "db-0", appsv1.PodIndexLabel: "0"},
				}, Pod: &history.Pod{Phase: corev1.PodPending, Hostname: "db-0", Subdomain: h.Set.ServiceName}})
				set := *h.Set
				set.Selector = map[string]string{"app": "db"}
				b.Add(&history.Event{Resource: history.Sets, Meta: history.Meta{Name: "db", UID: "uid-db", Generation: 1}, Set: &set})
			},
		},
		{
			name: "no controller", broken: ids(contract.IdentityOwnership), texts: []string{"web-1 was created at rv 106 (+0.6 s) for the set web without a controller reference"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				pod(b, "web-1", func(e *history.Event) { e.Owners = nil })
			},
		},
		{
			name: "the test's own pod with the name of a replica", notExercised: ids(contract.IdentityOwnership),
			build: func(b *historytest.Builder) {
				b.Set("web")
				b.Operation(history.VerbCreate, history.Pods, "web-0")
				pod(b, "web-0", func(e *history.Event) { e.Owners = nil })
			},
		},
		{
			name: "a set of another UID", broken: ids(contract.IdentityOwnership), texts: []string{"under the controller StatefulSet web with UID uid-old, which no set of the namespace has"},
			build: func(b *historytest.Builder) {
				b.Set("web")
				pod(b, "web-0", func(e *history.Event) { e.Owners = owner("web", "uid-old") })
			},
		},
		{
			name: "two controllers", broken: ids(contract.IdentityOwnership), texts: []string{"with 2 controller references, expected exactly one"},
			build: func(b *historytest.Builder) {
				b.Set("web")
				pod(b, "web-0", func(e *history.Event) { e.Owners = append(e.Owners, owner("db", "uid-db")...) })
			},
		},
	})
}

func TestReferencesOfNewObjects(t *testing.T) {
	podWith := func(change func(*metav1.OwnerReference)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web")
			pod(b, "web-0", func(e *history.Event) { change(&e.Owners[0]) })
		}
	}
	further := func(e *history.Event) {
		e.Owners = append(e.Owners, metav1.OwnerReference{APIVersion: "v1", Kind: "Service", Name: "web", UID: "uid-service"})
	}
	revision := func(change func(*history.Event)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web")
			change(b.Revision("web", 1, 1))
			b.Status("web")
		}
	}
	runCases(t, []testCase{
		{
			name: "blockOwnerDeletion unset", broken: ids(contract.IdentityOwnership), texts: []string{"web-0 was created at rv 102 (+0.2 s) with a controller reference without blockOwnerDeletion"},
			build: podWith(func(o *metav1.OwnerReference) { o.BlockOwnerDeletion = nil }),
		},
		{
			name: "blockOwnerDeletion false", broken: ids(contract.IdentityOwnership), texts: []string{"without blockOwnerDeletion"},
			build: podWith(func(o *metav1.OwnerReference) { o.BlockOwnerDeletion = new(bool) }),
		},
		{
			name: "another kind", broken: ids(contract.IdentityOwnership), texts: []string{"reference to the controller apps/v1 ReplicaSet web by the UID of the apps/v1 StatefulSet web"},
			build: podWith(func(o *metav1.OwnerReference) { o.Kind = "ReplicaSet" }),
		},
		{
			name: "another API group", broken: ids(contract.IdentityOwnership), texts: []string{"reference to the controller v1 StatefulSet web"},
			build: podWith(func(o *metav1.OwnerReference) { o.APIVersion = "v1" }),
		},
		{
			name: "another name", broken: ids(contract.IdentityOwnership), texts: []string{"reference to the controller apps/v1 StatefulSet db by the UID of the apps/v1 StatefulSet web"},
			build: podWith(func(o *metav1.OwnerReference) { o.Name = "db" }),
		},
		{
			name: "a further owner", broken: ids(contract.IdentityOwnership), texts: []string{"web-0 was created at rv 102 (+0.2 s) with the further owner Service web (UID uid-service)"},
			build: func(b *historytest.Builder) {
				b.Set("web")
				pod(b, "web-0", further)
			},
		},
		{
			name: "a further owner that somebody adds later", exercised: ids(contract.IdentityOwnership),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Change(history.Pods, "web-0", further)
			},
		},
		{
			name: "of the test's own pod", exercised: ids(contract.IdentityOwnership),
			build: func(b *historytest.Builder) {
				b.Set("web")
				b.Operation(history.VerbCreate, history.Pods, "web-0")
				pod(b, "web-0", further)
			},
		},
		{
			name: "of a pod that is adopted", exercised: ids(contract.IdentityOwnership),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Orphan("web-0")
				b.Adopt("web-0", "web")
			},
		},
		{
			name: "of a pod that is adopted, blockOwnerDeletion unset", broken: ids(contract.IdentityOwnership), texts: []string{"web-0 was adopted at rv 106 (+0.6 s) with a controller reference without blockOwnerDeletion"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Orphan("web-0")
				b.Change(history.Pods, "web-0", func(e *history.Event) {
					e.Owners = owner("web", string(b.Get(history.Sets, "web").UID))
					e.Owners[0].BlockOwnerDeletion = nil
				})
			},
		},
		{
			name: "of a revision that is adopted, of another API group", broken: ids(contract.IdentityOwnership), texts: []string{"was adopted at rv", "reference to the controller v1 StatefulSet web"},
			build: func(b *historytest.Builder) {
				b.Set("web")
				r := b.Revision("web", 1, 1).Name
				b.Change(history.Revisions, r, func(e *history.Event) { e.Owners = nil })
				b.Change(history.Revisions, r, func(e *history.Event) {
					e.Owners = owner("web", string(b.Get(history.Sets, "web").UID))
					e.Owners[0].APIVersion = "v1"
				})
				b.Status("web")
			},
		},
		{
			name: "of another kind, of the test's own pod", notExercised: ids(contract.IdentityOwnership),
			build: func(b *historytest.Builder) {
				b.Set("web")
				b.Operation(history.VerbCreate, history.Pods, "web-0")
				pod(b, "web-0", func(e *history.Event) { e.Owners[0].Kind = "ReplicaSet" })
			},
		},
		{name: "a revision", exercised: ids(contract.IdentityOwnership), build: revision(func(*history.Event) {})},
		{
			name: "a revision with a further owner", broken: ids(contract.IdentityOwnership), texts: []string{"web-1 was created at rv 102 (+0.2 s) with the further owner Service web"},
			build: revision(further),
		},
		{
			name: "a revision without blockOwnerDeletion", broken: ids(contract.IdentityOwnership), texts: []string{"web-1 was created at rv 102 (+0.2 s) with a controller reference without"},
			build: revision(func(e *history.Event) { e.Owners[0].BlockOwnerDeletion = nil }),
		},
		{
			name: "a revision that no status names, which anybody may have made", notExercised: ids(contract.IdentityOwnership),
			build: func(b *historytest.Builder) {
				b.Set("web")
				further(b.Revision("web", 7, 7))
			},
		},
	})
}

func owner(set, uid string) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "StatefulSet", Name: set, UID: types.UID(uid), Controller: &yes, BlockOwnerDeletion: &yes}}
}
