package diagnose_test

import (
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// nodesWith are nodes with a driver each, "" for none: name and driver in turn.
func nodesWith(pairs ...string) []storagev1.CSINode {
	var out []storagev1.CSINode
	for i := 0; i < len(pairs); i += 2 {
		n := storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: pairs[i]}}
		if pairs[i+1] != "" {
			n.Spec.Drivers = []storagev1.CSINodeDriver{{Name: pairs[i+1]}}
		}
		out = append(out, n)
	}
	return out
}

func startCases() []built {
	probe := func(c *corev1.Container) *corev1.Probe {
		p := &corev1.Probe{PeriodSeconds: 2, FailureThreshold: 5, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"test", "-e", "/tmp/up"}}}}
		c.StartupProbe = p
		return p
	}
	hook := func(c *corev1.Container) { c.Lifecycle = &corev1.Lifecycle{PostStart: &corev1.LifecycleHandler{}} }
	creating := func(t *testing.T, lifecycle func(*corev1.Container)) state {
		t.Helper()
		s := running(t)
		s.only()
		s.Events = nil
		pod(s.State, "web-0").Status.Phase = corev1.PodPending
		s.waiting("web-0", "ContainerCreating", "")
		s.container("web-0", lifecycle)
		return s
	}
	initializing := func(t *testing.T, ran time.Duration) state {
		t.Helper()
		s := running(t)
		s.only()
		s.Events = nil
		p := pod(s.State, "web-0")
		p.Status.Phase = corev1.PodPending
		s.waiting("web-0", "PodInitializing", "")
		p.Spec.InitContainers = []corev1.Container{{Name: "wait-for-name"}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "wait-for-name", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(ran)}}}}
		return s
	}
	evicted := func(t *testing.T, times int, message string) state {
		t.Helper()
		s := running(t)
		for i := range times {
			s.said("web-0", "Evicted", message, time.Duration(i+1)*20*time.Second).InvolvedObject.UID = types.UID(fmt.Sprint(i))
		}
		return s
	}
	return []built{
		{"06 a startup probe that gives too little time", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) { probe(c) })
			s.crashing("web-0", 0, 10*time.Second)
			s.said("web-0", "Unhealthy", "Startup probe failed: ", 30*time.Second)
			s.said("web-0", "Killing", "Container main failed startup probe, will be restarted", 30*time.Second)
			return s
		}, "container: pod/web-0 has container main that is killed again and again since its startup probe does not succeed within 10 s (5 × 2 s) (4 restarts)", "startup-probe"},
		{"06 between two runs, after the first", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) { probe(c) })
			c := s.crashing("web-0", 137, 10*time.Second)
			c.RestartCount, c.State = 1, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(2 * time.Second)}}
			s.said("web-0", "Unhealthy", "Startup probe failed: ", 30*time.Second)
			s.said("web-0", "Killing", "Container main failed startup probe, will be restarted", 30*time.Second)
			return s
		}, "container: pod/web-0 has container main that was killed since its startup probe does not succeed within 10 s", "startup-probe"},
		{"06 after its events are gone", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.Events = nil
			s.container("web-0", func(c *corev1.Container) { probe(c) })
			s.crashing("web-0", 137, 10*time.Second)
			return s
		}, "container: pod/web-0 has container main that is killed again and again since its startup probe", "startup-probe"},
		{"06 twin: it has a startup probe, and ends by itself", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) { probe(c) })
			s.crashing("web-0", 3, 2*time.Second)
			s.said("web-0", "Unhealthy", "Startup probe failed: ", 30*time.Second)
			return s
		}, "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 3)", "crash-loop"},
		{"06 twin: it was killed for its probe once, and ends by itself since", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) { probe(c) })
			s.crashing("web-0", 3, 2*time.Second)
			s.said("web-0", "Killing", "Container main failed startup probe, will be restarted", 10*time.Minute)
			return s
		}, "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 3)", "crash-loop"},
		{"06 twin: it starts, and its liveness probe fails later", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) { c.LivenessProbe = probe(c) })
			s.crashing("web-0", 137, 90*time.Second)
			s.said("web-0", "Unhealthy", "Startup probe failed: ", 2*time.Minute)
			s.said("web-0", "Unhealthy", "Liveness probe failed: ", 30*time.Second)
			s.said("web-0", "Killing", "Container main failed liveness probe, will be restarted", 30*time.Second)
			return s
		}, "container: pod/web-0 has container main that is killed again and again since its liveness probe fails", "liveness-probe"},
		{"a pod that is Ready between two crashes", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			c := s.crashing("web-1", 1, 20*time.Second)
			c.Ready, c.State = true, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(time.Second)}}
			for i := range pod(s.State, "web-1").Status.Conditions {
				pod(s.State, "web-1").Status.Conditions[i].Status = corev1.ConditionTrue
			}
			return s
		}, "container: pod/web-1 has container main that ends again and again (4 restarts, exit code 1)", "crash-loop"},

		{
			"16 an init container that does not end", func(t *testing.T) state {
				t.Helper()
				return initializing(t, 5*time.Minute)
			},
			"readiness: pod/web-0 waits for its init container wait-for-name, which has been running for 5m and has not ended", "init-container",
		},
		{
			"16 an init container that began a moment ago", func(t *testing.T) state {
				t.Helper()
				return initializing(t, 20*time.Second)
			},
			"readiness: pod/web-0 waits for its init container wait-for-name, which has been running for 20s and has not ended", diagnose.Note,
		},
		{"16 twin: an init container that ends again and again", func(t *testing.T) state {
			t.Helper()
			s := initializing(t, time.Second)
			c := &pod(s.State, "web-0").Status.InitContainerStatuses[0]
			c.RestartCount = 3
			c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error", FinishedAt: s.ago(20 * time.Second)}
			return s
		}, "container: pod/web-0 has init container wait-for-name that ends again and again (3 restarts, exit code 2)", "crash-loop"},
		{"16 twin: a sidecar whose startup probe fails", func(t *testing.T) state {
			t.Helper()
			s := initializing(t, 5*time.Minute)
			p, always := pod(s.State, "web-0"), corev1.ContainerRestartPolicyAlways
			p.Spec.InitContainers[0].RestartPolicy = &always
			probe(&p.Spec.InitContainers[0])
			s.said("web-0", "Unhealthy", "Startup probe failed: ", 10*time.Second)
			return s
		}, "container: pod/web-0 runs, and the startup probe of sidecar wait-for-name fails", "startup-probe"},

		{"18 a postStart hook that does not return", func(t *testing.T) state {
			t.Helper()
			s := creating(t, hook)
			s.said("web-0", "Started", "Container started", 5*time.Minute).Type = corev1.EventTypeNormal
			return s
		}, "container: pod/web-0 has container main that was started 5m ago and is not reported as running: its postStart hook has not returned", "post-start-hook"},
		{"18 the same a moment after", func(t *testing.T) state {
			t.Helper()
			s := creating(t, hook)
			s.said("web-0", "Started", "Container started", 20*time.Second).Type = corev1.EventTypeNormal
			return s
		}, "container: pod/web-0 has container main that was started 20s ago and is not reported as running: its postStart hook has not returned", diagnose.Note},
		{"18 twin: the image is being pulled", func(t *testing.T) state {
			t.Helper()
			s := creating(t, hook)
			s.said("web-0", "Pulling", `Pulling image "big"`, 3*time.Minute).Type = corev1.EventTypeNormal
			return s
		}, "image: pod/web-0 has been pulling the image", diagnose.Note},
		{"18 twin: the hook fails", func(t *testing.T) state {
			t.Helper()
			s := creating(t, hook)
			s.crashing("web-0", 137, time.Second)
			s.said("web-0", "FailedPostStartHook", "PostStartHook failed", 30*time.Second)
			s.said("web-0", "Killing", "FailedPostStartHook", 30*time.Second)
			return s
		}, "container: pod/web-0 has container main that is killed since its postStart hook fails (4 restarts)", "post-start-hook"},

		{"31 pods of the name are evicted for their own disk, and the present one is Ready", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 3, `Container main exceeded its local ephemeral storage limit "8Mi". `)
		}, "container: pod/web-0 was evicted 3 times, the last 20s ago: container main exceeded its ephemeral-storage limit 8Mi", "ephemeral-storage"},
		{"31 the present pod has just been made", func(t *testing.T) state {
			t.Helper()
			s := evicted(t, 3, `Pod ephemeral local storage usage exceeds the total limit of containers 8Mi. `)
			p := pod(s.State, "web-0")
			p.CreationTimestamp = s.ago(2 * time.Second)
			p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: p.CreationTimestamp}}}
			return s
		}, "container: pod/web-0 was evicted 3 times, the last 20s ago: its containers exceeded their ephemeral-storage limit 8Mi", "ephemeral-storage"},
		{"31 the present pod is the evicted one", func(t *testing.T) state {
			t.Helper()
			s := evicted(t, 0, "")
			p := pod(s.State, "web-0")
			p.Status.Phase, p.Status.Reason, p.Status.Message = corev1.PodFailed, "Evicted", `Usage of EmptyDir volume "scratch" exceeds the limit "8Mi". `
			return s
		}, "container: pod/web-0 was evicted: its emptyDir volume scratch exceeded the limit 8Mi", "ephemeral-storage"},
		{"31 once, and the present pod is Ready", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 1, `Container main exceeded its local ephemeral storage limit "8Mi". `)
		}, "container: pod/web-0 was evicted once, 20s ago: container main exceeded its ephemeral-storage limit 8Mi", diagnose.Note},
		{"31 twin: the node runs short", func(t *testing.T) state {
			t.Helper()
			return evicted(t, 2, "The node was low on resource: ephemeral-storage. Threshold quantity: 1, available: 0. ")
		}, "node: pod/web-0 was evicted 2 times, the last 20s ago: node diag-worker ran short of ephemeral-storage", "node-pressure"},
		{"a node that has no room for the pod it was given", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			p := pod(s.State, "web-0")
			p.Status.Phase, p.Status.Reason, p.Status.Message = corev1.PodFailed, "NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
			return s
		}, "node: pod/web-0 has ended: NodeAffinity: Pod was rejected: Predicate NodeAffinity failed", "pod-failed"},
		{"an image for another architecture", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			last := s.crashing("web-0", 128, 0).LastTerminationState.Terminated
			last.Reason, last.Message = "StartError", "failed to create containerd task: exec /app: exec format error"
			return s
		}, "container: pod/web-0 has container main whose program is not made for its node: exec format error", "cannot-start"},
		{"31 twin: pods of a higher priority", func(t *testing.T) state {
			t.Helper()
			s := evicted(t, 2, "")
			for i := range s.Events[len(s.Events)-2:] {
				e := &s.Events[len(s.Events)-2+i]
				e.Reason, e.Message = "Preempted", "Preempted by pod 1 on node diag-worker"
			}
			return s
		}, "scheduling: pod/web-0 was ended from outside 2 times, the last 20s ago: a pod of a higher priority took its place", "preempted"},
	}
}
