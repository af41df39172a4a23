package diagnose_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// evictorCases are of pods that something evicts for reasons of its own, and of what an autoscaler of requests writes to pods.
func evictorCases() []built {
	const vpa = "Pod resources updated by web-vpa: container 0: cpu request, memory request"
	annotated := func(p *corev1.Pod) { p.Annotations = map[string]string{"vpaUpdates": vpa} }
	// web-1 was ended as earlier pods, and somebody says so.
	evicted := func(t *testing.T, times int, reason, message, component string) state {
		t.Helper()
		s := running(t)
		for i := range times {
			e := s.said("web-1", reason, message, time.Duration(i+1)*5*time.Minute)
			e.Type, e.InvolvedObject.UID, e.Source = corev1.EventTypeNormal, types.UID("earlier-"+string(rune('a'+i))), corev1.EventSource{Component: component}
		}
		return s
	}
	ended := func(t *testing.T, change func(*corev1.Pod)) state {
		t.Helper()
		s := evicted(t, 3, "Killing", "Stopping container main", "kubelet")
		change(pod(s.State, "web-1"))
		return s
	}
	// web-2 has no node, and asks for more than there is.
	asks := func(t *testing.T, request string, change func(*corev1.Pod)) state {
		t.Helper()
		s := pending(t, "0/3 nodes are available: 3 Insufficient memory.")
		p := pod(s.State, "web-2")
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("900Gi")}
		s.StatefulSet.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(request)}
		change(p)
		return s
	}
	leaks := func(t *testing.T, limit, template string, change func(*corev1.Pod)) state {
		t.Helper()
		s := running(t)
		s.crashing("web-0", 137, time.Second).LastTerminationState.Terminated.Reason = "OOMKilled"
		p := pod(s.State, "web-0")
		p.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
		s.StatefulSet.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(template)}
		change(p)
		return s
	}
	nothing := func(*corev1.Pod) {}
	const (
		outside = "pod/web-1 was ended from outside 2 times, the last 5m ago: "
		oom     = "container: pod/web-0 has container main that uses more memory than its limit 64Mi and is killed (4 restarts)"
		again   = "controller: pod/web-1 was deleted 3 times within the last 1h, the last 5m ago, and not by the set's controller as far as its events tell"
	)
	return []built{
		{"pods that the updater of an autoscaler evicts", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 2, "EvictedByVPA", "Pod was evicted by VPA Updater to apply resource recommendation.", "vpa-updater")
		}, "controller: " + outside + "a VerticalPodAutoscaler gives pods other requests by ending them", "autoscaler-evicts"},
		{"twin: the descheduler", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 2, "LowNodeUtilization", "pod eviction from diag-worker node by sigs.k8s.io/descheduler", "")
		}, "disruption: " + outside + "the descheduler moves it (LowNodeUtilization: pod eviction from diag-worker node by sigs.k8s.io/descheduler)", "descheduler-evicts"},
		{"twin: the descheduler, of a pod with requests of an autoscaler's", func(t *testing.T) state {
			t.Helper()
			s := evicted(t, 2, "Descheduled", "pod evicted by sigs.k8s.io/deschedulerNodeTaint", "sigs.k8s.io.descheduler")
			annotated(pod(s.State, "web-1"))
			return s
		}, "disruption: " + outside + "the descheduler moves it", "descheduler-evicts"},
		{"twin: the descheduler tried and failed", func(t *testing.T) state {
			t.Helper()
			s := evicted(t, 2, "EvictionFailed", "pod eviction from diag-worker node by sigs.k8s.io/descheduler failed: forbidden", "")
			for i := range s.Events {
				if s.Events[i].Reason == "EvictionFailed" {
					s.Events[i].Type = corev1.EventTypeWarning
				}
			}
			return s
		}, "", ""},
		{"twin: the cluster autoscaler", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 2, "ScaleDown", "deleting pod for node scale down", "cluster-autoscaler")
		}, "disruption: " + outside + "the cluster autoscaler removes its node (deleting pod for node scale down)", "scale-down-evicts"},
		{"twin: Karpenter", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 2, "Evicted", "Evicted pod", "karpenter")
		}, "disruption: pod/web-1 was evicted 2 times, the last 5m ago: Karpenter removes or replaces its node (Evicted pod)", "karpenter-evicts"},
		{"twin: Karpenter, past what holds a pod", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 2, "Disrupted", "Deleting the pod to accommodate the terminationTime of the node.", "karpenter")
		}, "disruption: " + outside + "Karpenter removes or replaces its node (Deleting the pod to accommodate the terminationTime of the node.)", "karpenter-evicts"},
		{"twin: a kubelet that is short of memory", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			for i := range 2 {
				s.said("web-1", "Evicted", "The node was low on resource: memory. Threshold quantity: 100Mi, available: 1Mi. ", time.Duration(i+1)*5*time.Minute).InvolvedObject.UID = types.UID("earlier-" + string(rune('a'+i)))
			}
			return s
		}, "node: pod/web-1 was evicted 2 times, the last 5m ago: node diag-worker ran short of memory", "node-pressure"},
		{"twin: once, and it is Ready again", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 1, "ScaleDown", "deleting pod for node scale down", "cluster-autoscaler")
		}, "disruption: pod/web-1 was ended from outside once, 5m ago: the cluster autoscaler removes its node", diagnose.Note},
		{"pods that are deleted again and again, with requests of an autoscaler's", func(t *testing.T) state {
			t.Helper()
			return ended(t, annotated)
		}, again, diagnose.Unknown},
		{"twin: an act of the set's autoscaler of nodes that failed: the pod is the same", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.said("web-1", "ScaleDown", "deleting pod for node scale down", 5*time.Minute).Type = corev1.EventTypeNormal
			return s
		}, "", ""},

		{"a pod that fits nowhere since an autoscaler raised its requests", func(t *testing.T) state {
			t.Helper()
			return asks(t, "1Gi", annotated)
		}, "scheduling: pod/web-2 fits on none of 3 nodes: 3 with too little memory left, 1 with a taint that the pod does not tolerate; no node has 900Gi of memory at all, however empty; its requests are not those of the set's template: a VerticalPodAutoscaler has raised them (memory 900Gi instead of 1Gi)", "resources"},
		{"twin: the template asks for as much", func(t *testing.T) state {
			t.Helper()
			s := asks(t, "900Gi", annotated)
			return s
		}, "scheduling: pod/web-2 fits on none of 3 nodes: 3 with too little memory left, 1 with a taint that the pod does not tolerate; no node has 900Gi", "resources"},
		{"twin: something else raised them", func(t *testing.T) state {
			t.Helper()
			return asks(t, "1Gi", nothing)
		}, "scheduling: pod/web-2 fits on none of 3 nodes: 3 with too little memory left, 1 with a taint that the pod does not tolerate; no node has 900Gi", "resources"},

		{"a limit that an autoscaler lowered", func(t *testing.T) state {
			t.Helper()
			return leaks(t, "64Mi", "1Gi", annotated)
		}, oom + "; a VerticalPodAutoscaler has lowered it from the 1Gi of the set's template", "out-of-memory"},
		{"twin: the template's limit", func(t *testing.T) state {
			t.Helper()
			return leaks(t, "64Mi", "64Mi", annotated)
		}, oom, "out-of-memory"},
		{"twin: something else lowered it", func(t *testing.T) state {
			t.Helper()
			return leaks(t, "64Mi", "1Gi", nothing)
		}, oom, "out-of-memory"},
	}
}

// TestAutoscalersAreNamedOnlyWhereTheyAct: a twin's first line may go on, but not with the autoscaler.
func TestAutoscalersAreNamedOnlyWhereTheyAct(t *testing.T) {
	for _, c := range evictorCases() {
		s := c.state(t)
		found := diagnose.Diagnose(s.State)
		if len(found) == 0 {
			continue
		}
		says := func(line string) bool { return strings.Contains(line, "VerticalPodAutoscaler") }
		if says(found[0].Line()) != says(c.line) {
			t.Errorf("%s: expected the autoscaler to be named as in\n%s\nfound\n%s", c.name, c.line, found[0].Line())
		}
	}
}
