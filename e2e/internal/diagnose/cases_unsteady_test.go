package diagnose_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// unsteadyCases are of probes that have not been asked yet, ask somebody else, or fail now and then.
func unsteadyCases() []built {
	get := corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(8080), Path: "/"}}
	named := func(host string) corev1.ProbeHandler {
		return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(8080), Path: "/", Host: host}}
	}
	// web-0 runs, and its readiness probe has not succeeded for some time.
	young := func(probe *corev1.Probe, since time.Duration) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.Events = nil
			s.container("web-0", func(c *corev1.Container) { c.ReadinessProbe = probe })
			s.unready("web-0", since).State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(since)}}
			return s
		}
	}
	refused := func(host string, change func(*corev1.PodSpec)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := young(&corev1.Probe{ProbeHandler: named(host), PeriodSeconds: 5}, 5*time.Minute)(t)
			s.said("web-0", "Unhealthy", `Readiness probe failed: Get "http://127.0.0.1:8080/": dial tcp 127.0.0.1:8080: connect: connection refused`, 5*time.Second)
			change(&pod(s.State, "web-0").Spec)
			return s
		}
	}
	// web-0 is Ready, and a probe of its failed some times.
	flaps := func(first, last time.Duration, count int32) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: get, PeriodSeconds: 5, TimeoutSeconds: 1, FailureThreshold: 3}
				c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("20m")}
			})
			p := pod(s.State, "web-0")
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(9 * time.Minute)}}
			for i := range p.Status.Conditions {
				p.Status.Conditions[i].LastTransitionTime = s.ago(5 * time.Minute)
			}
			e := s.said("web-0", "Unhealthy", `Readiness probe failed: Get "http://10.0.0.7:8080/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`, last)
			e.FirstTimestamp, e.Count = s.ago(first), count
			return s
		}
	}
	killed := func(limit string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) {
				c.LivenessProbe = &corev1.Probe{ProbeHandler: get, PeriodSeconds: 5, FailureThreshold: 2}
				c.StartupProbe = &corev1.Probe{ProbeHandler: get, PeriodSeconds: 5}
				c.Resources.Limits = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(limit)}
			})
			s.crashing("web-0", 143, 12*time.Second)
			s.said("web-0", "Killing", "Container main failed liveness probe, will be restarted", 35*time.Second)
			return s
		}
	}
	const (
		runs  = "readiness: pod/web-0 runs for 1m30s, and the readiness probe of container main "
		fails = "readiness: pod/web-0 runs, and the readiness probe of container main fails (HTTP GET :8080/, every 5 s): nothing listens there (not yet, on another port, or on 127.0.0.1 alone)"
		ready = "readiness: pod/web-0 is Ready now, and the readiness probe of its container main has failed "
		kills = "container: pod/web-0 has container main that is killed again and again since its liveness probe fails (4 restarts)"
	)
	return []built{
		{
			"a probe that has not begun", young(&corev1.Probe{ProbeHandler: get, InitialDelaySeconds: 300, PeriodSeconds: 10}, 90*time.Second),
			runs + "begins 5m after the start (initialDelaySeconds): it cannot be Ready before", diagnose.Note,
		},
		{
			"twin: a probe that has to succeed many times", young(&corev1.Probe{ProbeHandler: get, PeriodSeconds: 30, SuccessThreshold: 10}, 90*time.Second),
			runs + "begins at once and has to succeed 10 times in a row, every 30 s", diagnose.Note,
		},
		{"twin: one that failed at first, and succeeds since", func(t *testing.T) state {
			t.Helper()
			s := young(&corev1.Probe{ProbeHandler: get, PeriodSeconds: 30, SuccessThreshold: 10}, 150*time.Second)(t)
			s.said("web-0", "Unhealthy", `Readiness probe failed: Get "http://10.0.0.7:8080/": dial tcp 10.0.0.7:8080: connect: connection refused`, 120*time.Second)
			return s
		}, "readiness: pod/web-0 runs for 2m30s, and the readiness probe of container main begins at once and has to succeed 10 times in a row", diagnose.Note},
		{"twin: it fails still", func(t *testing.T) state {
			t.Helper()
			s := young(&corev1.Probe{ProbeHandler: get, PeriodSeconds: 30, SuccessThreshold: 10}, 150*time.Second)(t)
			s.said("web-0", "Unhealthy", `Readiness probe failed: Get "http://10.0.0.7:8080/": dial tcp 10.0.0.7:8080: connect: connection refused`, 20*time.Second)
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails (HTTP GET :8080/, every 30 s): nothing listens there", "readiness-probe"},
		{
			"twin: it has begun long ago", young(&corev1.Probe{ProbeHandler: get, InitialDelaySeconds: 30, PeriodSeconds: 10}, 90*time.Second),
			"readiness: pod/web-0 runs, and the readiness probe of container main has not succeeded for 1m30s", "readiness-probe",
		},
		{
			"a probe that asks the node's own address", refused("127.0.0.1", func(*corev1.PodSpec) {}),
			fails + "; it asks 127.0.0.1 (host), which is the node itself, since the kubelet asks, and not the pod", "readiness-probe",
		},
		{
			"twin: a probe that asks another host", refused("shop.example.com", func(*corev1.PodSpec) {}),
			fails + "; it asks shop.example.com (host), as the kubelet finds it from the node, and not the pod", "readiness-probe",
		},
		{
			"a probe that fails now and then", flaps(4*time.Minute, 10*time.Second, 5),
			ready + "5 times, the last 10s ago (HTTP GET :8080/, every 5 s): no answer came within timeoutSeconds, 1 s (the program is too slow, hangs, or is not reached there); its limit of CPU is 20m", diagnose.Note,
		},
		{"twin: it failed until the program was up", flaps(8*time.Minute+55*time.Second, 5*time.Minute+10*time.Second, 40), "", ""},
		{"twin: it failed once", flaps(10*time.Second, 10*time.Second, 1), "", ""},
		{"twin: it failed before the pod was Ready, and had succeeded before", flaps(8*time.Minute, 5*time.Minute+10*time.Second, 30), ready + "30 times", diagnose.Note},
		{"a liveness probe that ends a program with hardly any CPU", killed("10m"), kills + "; its limit of CPU is 10m", "liveness-probe"},
		{"twin: it has enough", killed("500m"), kills, "liveness-probe"},
		{"a liveness probe that the program answers", func(t *testing.T) state {
			t.Helper()
			s := killed("500m")(t)
			s.container("web-0", func(c *corev1.Container) { c.StartupProbe = nil })
			s.said("web-0", "Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 404", 36*time.Second)
			return s
		}, kills + ": the program answers and does not know the path", "liveness-probe"},
	}
}

// TestProbesOfThePodItself says of none that it asks somebody else, and of no container that it is short of CPU that has enough.
func TestProbesOfThePodItself(t *testing.T) {
	for _, c := range unsteadyCases() {
		if c.name != "a probe that asks the node's own address" && c.name != "twin: it has enough" && c.name != "a liveness probe that the program answers" {
			continue
		}
		s := c.state(t)
		pod(s.State, "web-0").Spec.HostNetwork = true
		if line := diagnose.Diagnose(s.State)[0].Line(); strings.Contains(line, "as early as") || strings.Contains(line, "(host)") || strings.Contains(line, "CPU") {
			t.Errorf("%s, in the node's network: %s", c.name, line)
		}
	}
}

// endingCases are of pods that take long to end.
func endingCases() []built {
	ending := func(command ...string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			p := pod(s.State, "web-1")
			at, grace := metav1.NewTime(s.Taken.Add(8*time.Minute)), int64(600)
			p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &at, &grace
			p.Spec.Containers[0].Command = command
			return s
		}
	}
	const until = "termination: pod/web-1 is being deleted, and has until "
	return []built{
		{"a shell that takes no notice of SIGTERM", ending("/bin/sh", "-c", "prepare; serve --port 80"), until, diagnose.Note},
		{"twin: a shell that gives its place to the program", ending("/bin/sh", "-c", "prepare; exec serve --port 80"), until, diagnose.Note},
	}
}

// TestShellsThatEndSlowly names the shell where the program is one.
func TestShellsThatEndSlowly(t *testing.T) {
	for i, c := range endingCases() {
		line := diagnose.Diagnose(c.state(t).State)[0].Line()
		if got := strings.HasSuffix(line, "the program of container main is a shell, which as process 1 takes no notice of SIGTERM and does not pass it on"); got != (i == 0) {
			t.Errorf("%s: %s", c.name, line)
		}
	}
}
