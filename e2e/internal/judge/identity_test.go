package judge_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// long is longer than the deadline of every omission.
const long = time.Minute

func TestNames(t *testing.T) {
	runCases(t, []testCase{
		{
			name: "from zero without a gap", exercised: ids(contract.IdentityName), notExercised: ids(contract.IdentityStartOrdinal),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "not yet at rest", notExercised: ids(contract.IdentityName),
			build: func(b *historytest.Builder) { b.Running("web", 3) },
		},
		{
			name: "from the start ordinal", exercised: ids(contract.IdentityName, contract.IdentityStartOrdinal),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Start(5))
				b.CreateReady("web-5")
				b.CreateReady("web-6")
				b.Status("web")
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "the start ordinal ignored", controllerActs: true, byAct: true, broken: ids(contract.IdentityStartOrdinal), texts: []string{"without web-5, web-6; it had web-0, web-1"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Start(5))
				b.CreateReady("web-0")
				b.CreateReady("web-1")
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "a start ordinal off by one", controllerActs: true, byAct: true, broken: ids(contract.IdentityStartOrdinal), texts: []string{"without web-1; it had web-2"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Start(1), historytest.Parallel)
				b.CreateReady("web-2")
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "a gap", controllerActs: true, byAct: true, broken: ids(contract.IdentityName), texts: []string{"web was at rest from +0.8 s for 65."},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(3), historytest.Parallel)
				b.CreateReady("web-0")
				b.CreateReady("web-1")
				b.CreateReady("web-3")
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "a gap at the beginning, which a status shows soon", controllerActs: true, byAct: true, broken: ids(contract.IdentityName), texts: []string{"without web-0; it had web-1, web-2"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.CreateReady("web-1")
				b.CreateReady("web-2")
				b.Status("web")
				b.Wait(judge.MinActDeadline + time.Second)
			},
		},
		{
			name: "a gap for a while", notExercised: ids(contract.IdentityName),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Parallel)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.Scale("web", 2)
				b.Status("web")
				b.Wait(judge.MinActDeadline - time.Second)
			},
		},
		{
			name: "a foreign name", controllerActs: true, broken: ids(contract.IdentityName), texts: []string{"without web-1; it had web-0, web-01"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(2), historytest.Parallel)
				b.CreateReady("web-0")
				b.CreateReady("web-01")
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "a name that a released pod still has", notExercised: ids(contract.IdentityStartOrdinal),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Update("web", func(t *history.Set) { t.Start = 1 })
				b.Pod("web-1")
				b.Status("web")
				b.Relabel("web-1", "app", "other")
				b.Orphan("web-1")
				b.Status("web")
				b.Wait(long)
			},
		},
		{
			name: "a new range that is not observed yet", notExercised: ids(contract.IdentityStartOrdinal),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Update("web", func(t *history.Set) { t.Start = 3 })
				b.Wait(long)
			},
		},
	})
}

// pod creates a pod as the controller does, changed by f.
func pod(b *historytest.Builder, name string, f func(*history.Event)) { f(b.Pod(name)) }

func TestLabels(t *testing.T) {
	without := func(label string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 1)
			b.Scale("web", 2)
			pod(b, "web-1", func(e *history.Event) { delete(e.Labels, label) })
		}
	}
	runCases(t, []testCase{
		{name: "own name and ordinal", exercised: ids(contract.IdentityLabels), build: func(b *historytest.Builder) { b.Running("web", 2) }},
		{name: "no name", broken: ids(contract.IdentityLabels), texts: []string{`web-1 was created at rv 106 (+0.6 s) with label statefulset.kubernetes.io/pod-name "", expected "web-1"`}, build: without(appsv1.StatefulSetPodNameLabel)},
		{name: "no ordinal", broken: ids(contract.IdentityLabels), texts: []string{`apps.kubernetes.io/pod-index "", expected "1"`}, build: without(appsv1.PodIndexLabel)},
		{
			name: "the ordinal of another pod", broken: ids(contract.IdentityLabels),
			build: func(b *historytest.Builder) {
				b.Set("web")
				pod(b, "web-0", func(e *history.Event) { e.Labels[appsv1.PodIndexLabel] = "7" })
			},
		},
		{
			name: "a cluster without the index label", exercised: ids(contract.IdentityLabels),
			build: func(b *historytest.Builder) {
				b.Set("web")
				pod(b, "web-0", func(e *history.Event) { delete(e.Labels, appsv1.PodIndexLabel) })
			},
		},
		{
			name: "changed by another client afterwards", exercised: ids(contract.IdentityLabels),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Relabel("web-0", appsv1.PodIndexLabel, "9")
			},
		},
	})
}

func TestSticky(t *testing.T) {
	lost := func(b *historytest.Builder) {
		b.Running("web", 2, historytest.Claims("data"))
		b.DeleteByTest("web-1")
		b.FinishDeletion("web-1")
		b.Status("web")
	}
	runCases(t, []testCase{
		{
			name: "replaced with the same identity", exercised: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				lost(b)
				b.CreateReady("web-1")
			},
		},
		{name: "nothing was lost", notExercised: ids(contract.IdentitySticky), build: func(b *historytest.Builder) { b.Running("web", 2); b.Wait(long) }},
		{
			name: "another hostname", broken: ids(contract.IdentitySticky), texts: []string{`web-1 (deleted at rv`, `came back at rv`, `with another identity: hostname "web-1-b", expected "web-1"`},
			build: func(b *historytest.Builder) {
				lost(b)
				pod(b, "web-1", func(e *history.Event) { e.Pod.Hostname = "web-1-b" })
			},
		},
		{
			name: "the claim of another pod", broken: ids(contract.IdentitySticky, contract.StorageClaimPerPod), texts: []string{`for volume data the claim "data-web-0", expected "data-web-1"`},
			build: func(b *historytest.Builder) {
				lost(b)
				pod(b, "web-1", func(e *history.Event) { e.Pod.Claims["data"] = "data-web-0" })
			},
		},
		{
			name: "other labels", broken: ids(contract.IdentitySticky, contract.IdentityLabels),
			build: func(b *historytest.Builder) {
				lost(b)
				pod(b, "web-1", func(e *history.Event) { e.Labels[appsv1.StatefulSetPodNameLabel] = "web-x" })
			},
		},
		{
			name: "never replaced", controllerActs: true, broken: ids(contract.IdentitySticky), texts: []string{"web-1 (deleted at rv", "was not replaced to the end of the recording", "for 65.5 s"},
			build: func(b *historytest.Builder) {
				lost(b)
				b.Wait(long)
			},
		},
		{
			name: "never replaced, by a controller that may not be running", inconclusive: ids(contract.IdentitySticky),
			texts: []string{"was not replaced to the end of the recording", "but nothing shows that the controller was at work"},
			build: func(b *historytest.Builder) {
				lost(b)
				b.Wait(long)
			},
		},
		{
			name: "never replaced, by a controller that has only just become active", inconclusive: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Wait(long)
				b.Running("db", 1)
				b.Wait(time.Second)
			},
		},
		{name: "not yet replaced", notExercised: ids(contract.IdentitySticky), build: lost},
		{
			name: "a predecessor that is not Ready blocks the pod", notExercised: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Unready("web-0")
				b.Wait(long)
			},
		},
		{
			name: "a terminating claim blocks the pod", notExercised: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Operation(history.VerbDelete, history.Claims, "data-web-1")
				b.Change(history.Claims, "data-web-1", func(e *history.Event) { e.DeletionTimestamp = &metav1.Time{Time: b.Timestamp().Time} })
				b.Wait(long)
			},
		},
		{
			name: "a terminating claim blocked the pod and its removal triggers no sync", notExercised: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Wait(time.Second)
				b.Operation(history.VerbDelete, history.Claims, "data-web-1")
				b.DeleteClaim("data-web-1")
				b.Wait(long)
			},
		},
		{
			name: "a terminating claim blocked the pod until the set changed", controllerActs: true, broken: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Wait(time.Second)
				b.Operation(history.VerbDelete, history.Claims, "data-web-1")
				b.DeleteClaim("data-web-1")
				b.Wait(time.Second)
				b.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"touched": "once"} })
				b.Wait(long)
			},
		},
		{
			name: "removed by a scale down", notExercised: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 1)
				b.DeletePod("web-1")
				b.Wait(long)
			},
		},
		{
			name: "removed and wanted again", notExercised: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 1)
				b.DeletePod("web-1")
				b.Scale("web", 2)
				b.CreateReady("web-1")
			},
		},
		{
			name: "gone with its set", notExercised: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.DeleteSet("web")
				b.DeletePod("web-0")
				b.DeletePod("web-1")
				b.Wait(long)
			},
		},
		{
			name: "a gap may hide the new pod", inconclusive: ids(contract.IdentitySticky),
			build: func(b *historytest.Builder) {
				lost(b)
				b.Wait(long / 2)
				from := b.Now()
				b.Wait(time.Second)
				b.Gap(history.Pods, from)
				b.Wait(long / 2)
			},
		},
	})
}

func TestHostname(t *testing.T) {
	other := func(e *history.Event) { e.Pod.Hostname = "web" }
	runCases(t, []testCase{
		{name: "the creation alone proves nothing", notExercised: ids(contract.IdentityHostname), build: func(b *historytest.Builder) { b.Running("web", 2) }},
		{
			name: "an added pod has the name of its set as hostname", broken: ids(contract.IdentityHostname),
			texts: []string{`web-2 was created at`, `with hostname "web", expected its name`},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Scale("web", 3)
				pod(b, "web-2", other)
			},
		},
		{
			name: "the first pod has the name of its set as hostname", broken: ids(contract.IdentityHostname),
			build: func(b *historytest.Builder) {
				b.Set("web")
				pod(b, "web-0", other)
			},
		},
		{
			name: "the template asks for the name of its node", notExercised: ids(contract.IdentityHostname),
			build: func(b *historytest.Builder) {
				b.Set("web", func(t *history.Set) { t.FreeHostname = true })
				pod(b, "web-0", other)
			},
		},
		{
			name: "no hostname, so that it is the pod's name", notExercised: ids(contract.IdentityHostname),
			build: func(b *historytest.Builder) {
				b.Set("web")
				pod(b, "web-0", func(e *history.Event) { e.Pod.Hostname = "" })
			},
		},
	})
}

func TestOverrides(t *testing.T) {
	named := func(t *history.Set) { t.PodHostname, t.PodSubdomain = "mine", "elsewhere" }
	runCases(t, []testCase{
		{name: "the identity wins", exercised: ids(contract.IdentityOverrides), build: func(b *historytest.Builder) { b.Running("web", 1, named) }},
		{name: "nothing to override", notExercised: ids(contract.IdentityOverrides), build: func(b *historytest.Builder) { b.Running("web", 1) }},
		{
			name: "the template's own hostname", notExercised: ids(contract.IdentityOverrides),
			build: func(b *historytest.Builder) { b.Running("web", 1, func(t *history.Set) { t.PodHostname = "web-0" }) },
		},
		{
			name: "the template's hostname wins", broken: ids(contract.IdentityOverrides), texts: []string{`hostname "mine" and subdomain "web", expected "web-0" and "web" although the template says "mine" and "elsewhere"`},
			build: func(b *historytest.Builder) {
				b.Set("web", named)
				pod(b, "web-0", func(e *history.Event) { e.Pod.Hostname = "mine" })
			},
		},
		{
			name: "the template's subdomain wins", broken: ids(contract.IdentityOverrides),
			build: func(b *historytest.Builder) {
				b.Set("web", named)
				pod(b, "web-0", func(e *history.Event) { e.Pod.Subdomain = "elsewhere" })
			},
		},
	})
}
