package diagnose_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// probeCases are of what probes are answered, of one that cannot be asked, and of members that write for whom they wait.
func probeCases() []built {
	get := corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(8080), Path: "/up"}}
	answered := func(said string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: get, PeriodSeconds: 5}
			})
			s.unready("web-0", 3*time.Minute)
			s.said("web-0", "Unhealthy", "Readiness probe failed: "+said, 2*time.Second)
			return s
		}
	}
	alive := func(port intstr.IntOrString, said string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) {
				c.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: port, Path: "/up"}}, PeriodSeconds: 5}
			})
			pod(s.State, "web-0").Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(9 * time.Minute)}}
			e := s.said("web-0", "Unhealthy", said, 2*time.Second)
			e.FirstTimestamp, e.Count = s.ago(8*time.Minute), 90
			return s
		}
	}
	// web-0 is not Ready, web-1 does not exist yet, and the program of web-0 writes something.
	writes := func(said string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := answered("HTTP probe failed with statuscode: 503")(t)
			*s.StatefulSet.Spec.Replicas = 2
			s.Services[0].Spec.PublishNotReadyAddresses = true
			s.Says = []diagnose.Says{{Pod: "web-0", Container: "main", Text: said}}
			return s
		}
	}
	const (
		fails  = "readiness: pod/web-0 runs, and the readiness probe of container main fails (HTTP GET :8080/up, every 5 s): "
		unwell = fails + "the program answers that it is not well (status 503), and its own log says why"
	)
	return []built{
		{"a probe that is answered with a status of its own", answered("HTTP probe failed with statuscode: 429"), fails + "the program answers with status 429, which is no success", "readiness-probe"},
		{"twin: with one that tells more", answered("HTTP probe failed with statuscode: 404"), fails + "the program answers and does not know the path", "readiness-probe"},
		{"twin: with what is no HTTP", answered(`Get "http://10.0.0.7:8080/up": readLoopPeekFailLocked: %!w(<nil>)`), fails + "the kubelet says: readLoopPeekFailLocked", "readiness-probe"},
		{"a liveness probe that cannot be asked", alive(intstr.FromString("http"), `Liveness probe errored and resulted in unknown state: port "http" not found`), "readiness: pod/web-0 is Ready now, and the liveness probe of its container main cannot be asked (HTTP GET :http/up, every 5 s); no port of the container is named http", diagnose.Note},
		{"twin: one that fails now and then", alive(intstr.FromInt32(8080), "Liveness probe failed: HTTP probe failed with statuscode: 503"), "readiness: pod/web-0 is Ready now, and the liveness probe of its container main has failed 90 times, the last 2s ago", diagnose.Note},
		{"a member that writes of one which is made after it", writes("Error while waiting for tables: {timeout_waiting_for_tables,['rabbit@web-1.web.shop.svc','rabbit@web-0.web.shop.svc']}"), unwell + "; what it writes names web-1, made only when this pod is Ready (OrderedReady): waiting for that is in vain", "readiness-probe"},
		{"twin: it writes of itself", writes("waiting for rabbit@web-0.web.shop.svc, web-10 and my-web-1"), unwell, "readiness-probe"},
	}
}
