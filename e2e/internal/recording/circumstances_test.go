package recording_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
)

// ready is a node's condition Ready.
func ready(status corev1.ConditionStatus, reason string) []history.NodeCondition {
	return []history.NodeCondition{{Type: corev1.NodeReady, Status: status, Reason: reason, Transition: metav1.NewTime(time.Date(2026, 1, 2, 3, 5, 0, 0, time.UTC))}}
}

// onNode is a history of the set web with two pods, both on a node.
func onNode(b *historytest.Builder) {
	b.Add(&history.Event{Resource: history.Nodes, Meta: history.Meta{Name: "n1"}, Node: &history.Node{
		Conditions: ready(corev1.ConditionTrue, "KubeletReady"), Taints: []history.Taint{{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoSchedule}},
	}})
	b.Add(&history.Event{Resource: history.Nodes, Meta: history.Meta{Name: "n2"}, Node: &history.Node{Conditions: ready(corev1.ConditionFalse, "KubeletNotReady")}})
	b.Running("web", 2)
	for _, pod := range []string{"web-0", "web-1"} {
		b.Change(history.Pods, pod, func(e *history.Event) { e.Pod.Node = "n1" })
	}
	listed(b)
	b.Wait(time.Minute)
}

func node(b *historytest.Builder, f func(*history.Node)) {
	b.Change(history.Nodes, "n1", func(e *history.Event) { f(e.Node) })
}

// circumstances writes what was so of nodes and budgets.
func circumstances(r *recording.Recording) string {
	var out []string
	for _, a := range r.CircumstanceTotals() {
		text := a.Name + " " + a.What + " " + a.Total.Round(time.Second).String() + " " + strings.Join(a.Pods, ",")
		if a.Since {
			text += " since"
		}
		if a.Lasts {
			text += " lasts"
		}
		out = append(out, strings.Join(append([]string{text}, a.Whys...), "; "))
	}
	return strings.Join(out, "\n")
}

// TestNodesAreToldWithOutages: what was so of a node with pods of a set on it is told with the outages of those pods, and an author is named only where the pod says so.
func TestNodesAreToldWithOutages(t *testing.T) {
	for name, tt := range map[string]struct {
		build         func(*historytest.Builder)
		circumstances string
		withOutage    string // of web-1
		told          string // in an act, or in the cause of the outage
		not           string
	}{
		"lost, and its pods taken away for the taint": {
			func(b *historytest.Builder) {
				node(b, func(n *history.Node) { n.Conditions = ready(corev1.ConditionUnknown, "NodeStatusUnknown") })
				b.Unready("web-1")
				b.Report(history.Report{Type: "Warning", Reason: "NodeNotReady", Reporter: "node-controller", Kind: "Pod", Object: "web-1", UID: b.Get(history.Pods, "web-1").UID})
				b.Wait(time.Minute)
				node(b, func(n *history.Node) {
					n.Taints = []history.Taint{{Key: corev1.TaintNodeUnreachable, Effect: corev1.TaintEffectNoExecute}}
				})
				b.Disrupt("web-0", "DeletionByTaintManager")
				b.ByOthers(func() { b.DeletePod("web-0") })
				b.Wait(time.Minute)
				b.Status("web")
			}, "n1 NotReady 2m1s web-0,web-1 lasts; NodeStatusUnknown", "node n1 was NotReady (NodeStatusUnknown) from 03:05:06 on",
			"taint manager, for a taint of node n1 (node.kubernetes.io/unreachable:NoExecute, NotReady since 03:05:00)", "",
		},
		"a pod that is not Ready since its node is not": {func(b *historytest.Builder) {
			b.Unready("web-1")
			b.Report(history.Report{Type: "Warning", Reason: "NodeNotReady", Reporter: "node-controller", Kind: "Pod", Object: "web-1", UID: b.Get(history.Pods, "web-1").UID})
			b.Wait(time.Minute)
			b.Status("web")
		}, "", "", "it was not Ready any more, since node n1 was not (NodeNotReady, reported by node-controller)", ""},
		"a report of long ago": {func(b *historytest.Builder) {
			b.Report(history.Report{Type: "Warning", Reason: "NodeNotReady", Reporter: "node-controller", Kind: "Pod", Object: "web-1", UID: b.Get(history.Pods, "web-1").UID})
			b.Wait(time.Minute)
			b.Unready("web-1")
			b.Wait(time.Minute)
			b.Status("web")
		}, "", "", "it was not Ready any more", "since node n1"},
		"drained": {func(b *historytest.Builder) {
			node(b, func(n *history.Node) { n.Unschedulable = true })
			b.Disrupt("web-1", "EvictionByEvictionAPI")
			b.ByOthers(func() { b.DeletePod("web-1") })
			b.Wait(time.Minute)
			b.CreateReady("web-1")
			node(b, func(n *history.Node) { n.Unschedulable = false })
		}, "n1 cordoned 1m1s web-0,web-1", "node n1 was cordoned from 03:05:06 to 03:06:07", "by eviction (kubectl drain for example; node n1 was cordoned)", ""},
		"deleted by whom nothing tells, while it was cordoned": {func(b *historytest.Builder) {
			node(b, func(n *history.Node) { n.Unschedulable = true })
			b.ByOthers(func() { b.DeletePod("web-1") })
			b.Wait(time.Minute)
			b.CreateReady("web-1")
		}, "n1 cordoned 1m1s web-0,web-1 lasts", "node n1 was cordoned from 03:05:06 on", "deleted pod web-1", "node n1"},
		"removed": {func(b *historytest.Builder) {
			b.Remove(history.Nodes, "n1")
			b.Disrupt("web-1", "DeletionByPodGC")
			b.ByOthers(func() { b.DeletePod("web-1") })
			b.Wait(time.Minute)
			b.Status("web")
		}, "n1 removed from the cluster 1m1s web-0,web-1 lasts", "node n1 was removed from the cluster from 03:05:06 on", "pod garbage collector, since node n1 is gone", "out of service"},
		"out of service": {
			func(b *historytest.Builder) {
				node(b, func(n *history.Node) {
					n.Taints = []history.Taint{{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute}}
				})
				b.Disrupt("web-1", "DeletionByPodGC")
				b.ByOthers(func() { b.DeletePod("web-1") })
			}, "n1 tainted node.kubernetes.io/out-of-service=nodeshutdown:NoExecute 1s web-0,web-1 lasts", "node n1 was tainted node.kubernetes.io/out-of-service=nodeshutdown:NoExecute from 03:05:06 on",
			"since node n1 is out of service", "gone",
		},
		"under pressure": {func(b *historytest.Builder) {
			node(b, func(n *history.Node) {
				n.Conditions = append(n.Conditions, history.NodeCondition{Type: corev1.NodeDiskPressure, Status: corev1.ConditionTrue})
			})
			b.Disrupt("web-1", "TerminationByKubelet")
			b.ByOthers(func() { b.DeletePod("web-1") })
		}, "", "", "kubelet of node n1 (DiskPressure)", ""},
		"a taint that comes": {func(b *historytest.Builder) {
			node(b, func(n *history.Node) {
				n.Taints = append(n.Taints, history.Taint{Key: "maintenance", Effect: corev1.TaintEffectNoSchedule})
			})
			b.Unready("web-1")
			b.Wait(time.Minute)
			b.Ready("web-1")
		}, "n1 tainted maintenance:NoSchedule 1m0s web-0,web-1 lasts", "node n1 was tainted maintenance:NoSchedule from 03:05:06 on", "", ""},
		"long before": {func(b *historytest.Builder) {
			node(b, func(n *history.Node) { n.Unschedulable = true })
			node(b, func(n *history.Node) { n.Unschedulable = false })
			b.Wait(time.Minute)
			b.Unready("web-1")
			b.Wait(time.Minute)
			b.Ready("web-1")
		}, "n1 cordoned 0s web-0,web-1", "", "", ""},
	} {
		r := recorded(func(b *historytest.Builder) { onNode(b); tt.build(b) })
		if got := circumstances(r); got != tt.circumstances {
			t.Errorf("%s: expected\n%s\nfound\n%s", name, tt.circumstances, got)
		}
		withOutage, told := "", ""
		for _, d := range r.OutageTotals() {
			if d.Pod == "web-1" {
				withOutage += strings.Join(d.Circumstances, ", ")
			}
			told += strings.Join(d.Causes, "\n") + "\n"
		}
		for _, a := range r.Acts {
			told += a.Who + ": " + a.What + "\n"
		}
		if withOutage != tt.withOutage {
			t.Errorf("%s: expected with the outage of web-1 %q, found %q", name, tt.withOutage, withOutage)
		}
		if !strings.Contains(told, tt.told) || (tt.not != "" && strings.Contains(told, tt.not)) {
			t.Errorf("%s: expected %q and not %q in\n%s", name, tt.told, tt.not, told)
		}
	}
}

// TestBudgetsThatAllowNone: a budget is told that selects pods of a set, once the disruption controller has computed it.
func TestBudgetsThatAllowNone(t *testing.T) {
	budget := func(name string, selects map[string]string, f func(*history.Budget)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			is := &history.Budget{Selector: &metav1.LabelSelector{MatchLabels: selects}, Computed: true, Allowed: 1, Healthy: 2, Desired: 1, Expected: 2}
			b.Add(&history.Event{Resource: history.Budgets, Meta: history.Meta{Name: name}, Budget: is})
			b.Change(history.Budgets, name, func(e *history.Event) { f(e.Budget) })
			b.Wait(30 * time.Second)
			b.Change(history.Budgets, name, func(e *history.Event) { e.Budget.Allowed, e.Budget.Computed = 1, true })
		}
	}
	none := func(b *history.Budget) { b.Allowed, b.Healthy = 0, 1 }
	app := map[string]string{"app": "web"}
	for name, tt := range map[string]struct {
		build func(*historytest.Builder)
		want  string
	}{
		"allows none": {budget("web", app, none), "web allowed no disruption 30s web-0,web-1; 1 of 2 pods were Ready, and 1 had to be"},
		"evicts one": {
			budget("web", app, func(b *history.Budget) { b.Allowed, b.Evicting = 0, 1 }),
			"web allowed no disruption 30s web-0,web-1; 2 of 2 pods were Ready, and 1 had to be; 1 had just been evicted",
		},
		"of other pods":    {budget("db", map[string]string{"app": "db"}, none), ""},
		"of all pods":      {budget("all", nil, none), "all allowed no disruption 30s web-0,web-1; 1 of 2 pods were Ready, and 1 had to be"},
		"not computed yet": {budget("web", app, func(b *history.Budget) { none(b); b.Computed = false }), ""},
		"of no pods":       {budget("web", app, func(b *history.Budget) { none(b); b.Expected = 0 }), ""},
	} {
		if got := circumstances(recorded(func(b *historytest.Builder) { onNode(b); tt.build(b) })); got != tt.want {
			t.Errorf("%s: expected %q, found %q", name, tt.want, got)
		}
	}
}

// TestCircumstancesGoOnAcrossHistories: what two histories show of one interval is one.
func TestCircumstancesGoOnAcrossHistories(t *testing.T) {
	first, second := historytest.New(), historytest.New()
	onNode(first)
	node(first, func(n *history.Node) { n.Unschedulable = true })
	node(first, func(n *history.Node) {
		n.Taints = append(n.Taints, history.Taint{Key: "new", Effect: corev1.TaintEffectNoSchedule})
	})
	first.Wait(time.Minute)
	first.Status("web")
	onNode(second)
	node(second, func(n *history.Node) { n.Unschedulable = true })
	node(second, func(n *history.Node) {
		n.Taints = append(n.Taints, history.Taint{Key: "new", Effect: corev1.TaintEffectNoSchedule})
	})
	for _, e := range second.Events() {
		e.Change = history.Listed
	}
	second.Wait(time.Minute)
	node(second, func(n *history.Node) { n.Unschedulable, n.Taints = false, nil })
	one, two := asRecorded(first.History()), asRecorded(second.History())
	two.Header.Start = one.Header.Start.Add(one.Duration()).Add(-2 * time.Second)
	until := one.Header.Start.Add(one.Duration())
	two.Header.Start = until.Add(-two.Events[0].At)
	r := recording.New([]string{"shop"}, "")
	r.Add(one, "1", recording.Span{Until: until}, all)
	r.Add(two, "2", recording.Span{From: until}, all)
	const want = "n1 cordoned 2m0s web-0,web-1\nn1 tainted new:NoSchedule 2m0s web-0,web-1"
	if got := circumstances(r); got != want {
		t.Errorf("expected\n%s\nfound\n%s", want, got)
	}
}

// TestFiguresOfLostNodes: figures need the nodes of a recording, which timelines do without.
func TestFiguresOfLostNodes(t *testing.T) {
	r := recorded(func(b *historytest.Builder) {
		b.Unstimulated(true)
		onNode(b)
		b.Wait(time.Minute)
		b.Unready("web-0")
		node(b, func(n *history.Node) { n.Conditions = ready(corev1.ConditionUnknown, "NodeStatusUnknown") })
		b.Wait(9 * time.Second)
		b.Ready("web-0")
		b.Update("web", func(*history.Set) {})
		b.Status("web")
	})
	n := slices.IndexFunc(r.Figures, func(f figures.Figure) bool { return f.Kind == figures.NodeLost })
	if n < 0 || r.Figures[n].Count != 1 || r.Figures[n].Max < 9 || r.Figures[n].Max > 10 {
		t.Errorf("expected the 9 s of the pod, found %+v", r.Figures)
	}
	if n := slices.IndexFunc(r.Figures, func(f figures.Figure) bool { return f.Kind == figures.SetObserved }); n < 0 {
		t.Errorf("expected the controller's reaction, found %+v", r.Figures)
	}
}

// TestUnreadNodesLeaveNothingOpen: no judge looks at nodes and budgets, so that without the right to read them what is broken stays broken.
func TestUnreadNodesLeaveNothingOpen(t *testing.T) {
	broken := func(gap ...history.Resource) int {
		return len(recorded(func(b *historytest.Builder) {
			b.Running("db", 1)
			b.Wait(time.Minute)
			b.Set("web", historytest.Replicas(2))
			b.Pod("web-0")
			b.Wait(10 * time.Second)
			b.Pod("web-1")
			b.Wait(time.Minute)
			b.Ready("web-0")
			b.Ready("web-1")
			for _, r := range gap {
				b.Gap(r, 0)
			}
		}).Broken)
	}
	if n, with := broken(), broken(history.Nodes, history.Budgets); n == 0 || with != n {
		t.Errorf("expected what is broken in both, found %d and %d", n, with)
	}
	if n := broken(history.Services); n != 0 {
		t.Errorf("expected what the judges rest on to leave it open, found %d", n)
	}
}

// TestGapsOfNodesEndNoBeginning: a recording has begun when what judges rest on is listed, whatever is missing of nodes before.
func TestGapsOfNodesEndNoBeginning(t *testing.T) {
	found := func(gap bool) (broken, open int) {
		b := historytest.New()
		if gap {
			b.Gap(history.Nodes, 0)
		}
		b.Wait(time.Minute)
		b.Running("db", 1)
		b.Set("web", historytest.Replicas(2))
		listed(b)
		b.Pod("web-0")
		b.Pod("web-1")
		b.Wait(10 * time.Second)
		b.Ready("web-0")
		b.Ready("web-1")
		r := recording.New([]string{"shop"}, "")
		r.Add(b.History(), "histories/shop.jsonl", recording.Span{}, all)
		return len(r.Broken), len(r.Open)
	}
	broken, open := found(false)
	if b, o := found(true); open == 0 || b != broken || o != open {
		t.Errorf("expected %d broken and %d open, found %d and %d", broken, open, b, o)
	}
}
