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

// long is longer than anything may take that has to come.
const long = time.Minute

func TestNames(t *testing.T) {
	tales(t, []tale{
		{
			name: "from zero without a gap", exercised: ids(contract.IdentityName), idle: ids(contract.IdentityStartOrdinal),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "not yet at rest", idle: ids(contract.IdentityName),
			tell: func(s *historytest.Builder) { s.Running("web", 3) },
		},
		{
			name: "from the start ordinal", exercised: ids(contract.IdentityName, contract.IdentityStartOrdinal),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Start(5))
				s.CreateReady("web-5")
				s.CreateReady("web-6")
				s.Status("web")
				s.Wait(3 * time.Second)
			},
		},
		{
			name: "the start ordinal ignored", broken: ids(contract.IdentityStartOrdinal), texts: []string{"without web-5, web-6; it had web-0, web-1"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Start(5))
				s.CreateReady("web-0")
				s.CreateReady("web-1")
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "a start ordinal off by one", broken: ids(contract.IdentityStartOrdinal), texts: []string{"without web-1; it had web-2"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Start(1), historytest.Parallel)
				s.CreateReady("web-2")
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "a gap", broken: ids(contract.IdentityName), texts: []string{"web was at rest from +0.8 s for 60.0 s with 3 pods, all Ready, but without web-2; it had web-0, web-1, web-3"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(3), historytest.Parallel)
				s.CreateReady("web-0")
				s.CreateReady("web-1")
				s.CreateReady("web-3")
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "a gap at the beginning, which a status tells of soon", broken: ids(contract.IdentityName), texts: []string{"without web-0; it had web-1, web-2"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.CreateReady("web-1")
				s.CreateReady("web-2")
				s.Status("web")
				s.Wait(judge.MinActDeadline + time.Second)
			},
		},
		{
			name: "a gap for a while", idle: ids(contract.IdentityName),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.CreateReady("web-1")
				s.CreateReady("web-2")
				s.Status("web")
				s.Wait(judge.MinActDeadline - time.Second)
			},
		},
		{
			name: "a foreign name", broken: ids(contract.IdentityName), texts: []string{"without web-1; it had web-0, web-01"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Parallel)
				s.CreateReady("web-0")
				s.CreateReady("web-01")
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "a name that a released pod still has", idle: ids(contract.IdentityStartOrdinal),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Update("web", func(t *history.Set) { t.Start = 1 })
				s.Pod("web-1")
				s.Status("web")
				s.Relabel("web-1", "app", "other")
				s.Orphan("web-1")
				s.Status("web")
				s.Wait(long)
			},
		},
		{
			name: "a new range that is not observed yet", idle: ids(contract.IdentityStartOrdinal),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Update("web", func(t *history.Set) { t.Start = 3 })
				s.Wait(long)
			},
		},
	})
}

// pod creates a pod as the controller does, changed by f.
func pod(s *historytest.Builder, name string, f func(*history.Event)) { f(s.Pod(name)) }

func TestLabels(t *testing.T) {
	without := func(label string) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Running("web", 1)
			s.Scale("web", 2)
			pod(s, "web-1", func(e *history.Event) { delete(e.Labels, label) })
		}
	}
	tales(t, []tale{
		{name: "own name and ordinal", exercised: ids(contract.IdentityLabels), tell: func(s *historytest.Builder) { s.Running("web", 2) }},
		{name: "no name", broken: ids(contract.IdentityLabels), texts: []string{`web-1 was created at rv 106 (+0.6 s) with label statefulset.kubernetes.io/pod-name "", expected "web-1"`}, tell: without(appsv1.StatefulSetPodNameLabel)},
		{name: "no ordinal", broken: ids(contract.IdentityLabels), texts: []string{`apps.kubernetes.io/pod-index "", expected "1"`}, tell: without(appsv1.PodIndexLabel)},
		{
			name: "another's ordinal", broken: ids(contract.IdentityLabels),
			tell: func(s *historytest.Builder) {
				s.Set("web")
				pod(s, "web-0", func(e *history.Event) { e.Labels[appsv1.PodIndexLabel] = "7" })
			},
		},
		{
			name: "a cluster without the index label", exercised: ids(contract.IdentityLabels),
			tell: func(s *historytest.Builder) {
				s.Set("web")
				pod(s, "web-0", func(e *history.Event) { delete(e.Labels, appsv1.PodIndexLabel) })
			},
		},
		{
			name: "changed by somebody afterwards", exercised: ids(contract.IdentityLabels),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Relabel("web-0", appsv1.PodIndexLabel, "9")
			},
		},
	})
}

func TestSticky(t *testing.T) {
	lost := func(s *historytest.Builder) {
		s.Running("web", 2, historytest.Claims("data"))
		s.DeleteByTest("web-1")
		s.FinishDeletion("web-1")
		s.Status("web")
	}
	tales(t, []tale{
		{
			name: "comes back as it was", exercised: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.CreateReady("web-1")
			},
		},
		{name: "nothing was lost", idle: ids(contract.IdentitySticky), tell: func(s *historytest.Builder) { s.Running("web", 2); s.Wait(long) }},
		{
			name: "another hostname", broken: ids(contract.IdentitySticky), texts: []string{`web-1 (deleted at rv`, `came back at rv`, `with another identity: hostname "web-1-b", expected "web-1"`},
			tell: func(s *historytest.Builder) {
				lost(s)
				pod(s, "web-1", func(e *history.Event) { e.Pod.Hostname = "web-1-b" })
			},
		},
		{
			name: "another's claim", broken: ids(contract.IdentitySticky, contract.StorageClaimPerPod), texts: []string{`for volume data the claim "data-web-0", expected "data-web-1"`},
			tell: func(s *historytest.Builder) {
				lost(s)
				pod(s, "web-1", func(e *history.Event) { e.Pod.Claims["data"] = "data-web-0" })
			},
		},
		{
			name: "other labels", broken: ids(contract.IdentitySticky, contract.IdentityLabels),
			tell: func(s *historytest.Builder) {
				lost(s)
				pod(s, "web-1", func(e *history.Event) { e.Labels[appsv1.StatefulSetPodNameLabel] = "web-x" })
			},
		},
		{
			name: "never comes back", atWork: true, broken: ids(contract.IdentitySticky), texts: []string{"web-1 (deleted at rv", "was not replaced to the end of the recording", "for 65.5 s"},
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Wait(long)
			},
		},
		{
			name: "never comes back, of a controller that may be away", doubted: ids(contract.IdentitySticky),
			texts: []string{"was not replaced to the end of the recording", "but nothing shows that the controller was at work"},
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Wait(long)
			},
		},
		{
			name: "never comes back, of a controller that has only just shown itself", doubted: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Wait(long)
				s.Running("db", 1)
				s.Wait(time.Second)
			},
		},
		{name: "not yet back", idle: ids(contract.IdentitySticky), tell: lost},
		{
			name: "a predecessor is in the way", idle: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Unready("web-0")
				s.Wait(long)
			},
		},
		{
			name: "a claim on its way out is in the way", idle: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Operation(history.VerbDelete, history.Claims, "data-web-1")
				s.Change(history.Claims, "data-web-1", func(e *history.Event) { e.DeletionTimestamp = &metav1.Time{Time: s.Timestamp().Time} })
				s.Wait(long)
			},
		},
		{
			name: "a claim was in the way and its end woke nobody", idle: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Wait(time.Second)
				s.Operation(history.VerbDelete, history.Claims, "data-web-1")
				s.DeleteClaim("data-web-1")
				s.Wait(long)
			},
		},
		{
			name: "a claim was in the way until the set was touched", atWork: true, broken: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Wait(time.Second)
				s.Operation(history.VerbDelete, history.Claims, "data-web-1")
				s.DeleteClaim("data-web-1")
				s.Wait(time.Second)
				s.Change(history.Sets, "web", func(e *history.Event) { e.Labels = map[string]string{"touched": "once"} })
				s.Wait(long)
			},
		},
		{
			name: "removed by a scale down", idle: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 1)
				s.DeletePod("web-1")
				s.Wait(long)
			},
		},
		{
			name: "removed and wanted again", idle: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 1)
				s.DeletePod("web-1")
				s.Scale("web", 2)
				s.CreateReady("web-1")
			},
		},
		{
			name: "gone with its set", idle: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.DeleteSet("web")
				s.DeletePod("web-0")
				s.DeletePod("web-1")
				s.Wait(long)
			},
		},
		{
			name: "a gap may hide the new pod", doubted: ids(contract.IdentitySticky),
			tell: func(s *historytest.Builder) {
				lost(s)
				s.Wait(long / 2)
				from := s.Now()
				s.Wait(time.Second)
				s.Gap(history.Pods, from)
				s.Wait(long / 2)
			},
		},
	})
}

func TestHostname(t *testing.T) {
	other := func(e *history.Event) { e.Pod.Hostname = "web" }
	tales(t, []tale{
		{name: "what is asked for alone counts", idle: ids(contract.IdentityHostname), tell: func(s *historytest.Builder) { s.Running("web", 2) }},
		{
			name: "a pod that is added is called after its set", broken: ids(contract.IdentityHostname),
			texts: []string{`web-2 was created at`, `with hostname "web", expected its name`},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Scale("web", 3)
				pod(s, "web-2", other)
			},
		},
		{
			name: "the first pod is called after its set", broken: ids(contract.IdentityHostname),
			tell: func(s *historytest.Builder) {
				s.Set("web")
				pod(s, "web-0", other)
			},
		},
		{
			name: "the template asks for the name of its node", idle: ids(contract.IdentityHostname),
			tell: func(s *historytest.Builder) {
				s.Set("web", func(t *history.Set) { t.FreeHostname = true })
				pod(s, "web-0", other)
			},
		},
		{
			name: "none is given, so that it is the name", idle: ids(contract.IdentityHostname),
			tell: func(s *historytest.Builder) {
				s.Set("web")
				pod(s, "web-0", func(e *history.Event) { e.Pod.Hostname = "" })
			},
		},
	})
}

func TestOverrides(t *testing.T) {
	named := func(t *history.Set) { t.PodHostname, t.PodSubdomain = "mine", "elsewhere" }
	tales(t, []tale{
		{name: "the identity wins", exercised: ids(contract.IdentityOverrides), tell: func(s *historytest.Builder) { s.Running("web", 1, named) }},
		{name: "nothing to override", idle: ids(contract.IdentityOverrides), tell: func(s *historytest.Builder) { s.Running("web", 1) }},
		{
			name: "the template's own hostname", idle: ids(contract.IdentityOverrides),
			tell: func(s *historytest.Builder) { s.Running("web", 1, func(t *history.Set) { t.PodHostname = "web-0" }) },
		},
		{
			name: "the template's hostname wins", broken: ids(contract.IdentityOverrides), texts: []string{`hostname "mine" and subdomain "web", expected "web-0" and "web" although the template says "mine" and "elsewhere"`},
			tell: func(s *historytest.Builder) {
				s.Set("web", named)
				pod(s, "web-0", func(e *history.Event) { e.Pod.Hostname = "mine" })
			},
		},
		{
			name: "the template's subdomain wins", broken: ids(contract.IdentityOverrides),
			tell: func(s *historytest.Builder) {
				s.Set("web", named)
				pod(s, "web-0", func(e *history.Event) { e.Pod.Subdomain = "elsewhere" })
			},
		},
	})
}
