package diagnose_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// saidCases are of what the command of a probe writes, and of names that what fails asks for.
func saidCases() []built {
	probed := func(t *testing.T, handler corev1.ProbeHandler, message string) state {
		t.Helper()
		s := running(t)
		s.only()
		s.container("web-0", func(c *corev1.Container) { c.ReadinessProbe = &corev1.Probe{ProbeHandler: handler, PeriodSeconds: 5} })
		s.unready("web-0", 3*time.Minute)
		s.said("web-0", "Unhealthy", "Readiness probe "+message, 2*time.Second)
		return s
	}
	exec := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			return probed(t, corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"cat", "/tmp/ready"}}}, message)
		}
	}
	get := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			return probed(t, corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Port: intstr.FromInt32(8080), Path: "/"}}, message)
		}
	}
	// Two pods, each of which becomes Ready when it finds the other by name.
	peers := func(t *testing.T, message string) state {
		t.Helper()
		s := running(t)
		s.Services[0].Spec.PublishNotReadyAddresses = false
		s.StatefulSet.Spec.PodManagementPolicy = "Parallel"
		for _, name := range []string{"web-0", "web-1"} {
			s.container(name, func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sh"}}}, PeriodSeconds: 5}
			})
			s.unready(name, 3*time.Minute)
			s.said(name, "Unhealthy", message, 2*time.Second)
		}
		return s
	}
	const (
		fails    = "readiness: pod/web-0 runs, and the readiness probe of container main fails (exec cat, every 5 s)"
		http     = "readiness: pod/web-0 runs, and the readiness probe of container main fails (HTTP GET :8080/, every 5 s)"
		nxdomain = "Readiness probe failed: ** server can't find web-1.web.shop.svc.cluster.local: NXDOMAIN"
	)
	return []built{
		{
			"a probe's command does not find its file", exec("failed: cat: can't open '/tmp/ready': No such file or directory\n"),
			fails + ": its command says: cat: can't open '/tmp/ready': No such file or directory", "readiness-probe",
		},
		{
			"twin: the probe's command is not in the image", exec(`errored and resulted in unknown state: rpc error: code = Unknown desc = failed to exec in container: OCI runtime exec failed: exec failed: unable to start container process: exec: "cat": executable file not found in $PATH`),
			fails + ": the image does not have the program that the probe runs", "readiness-probe",
		},
		{
			"twin: neither is it at its path", exec(`errored: OCI runtime exec failed: exec failed: unable to start container process: exec: "/bin/grpc_health_probe": stat /bin/grpc_health_probe: no such file or directory: unknown`),
			fails + ": the image does not have the program that the probe runs", "readiness-probe",
		},
		{
			"twin: the probe's shell does not find what it is to run", exec("failed: sh: pg_isready: not found\n"),
			fails + ": its command calls pg_isready, which the image does not have", "readiness-probe",
		},
		{
			"twin: bash says so in other words", exec("failed: bash: line 1: mysqladmin: command not found\n"),
			fails + ": its command calls mysqladmin, which the image does not have", "readiness-probe",
		},
		{
			"twin: the program in it is not well", exec("failed: LOADING Redis is loading the dataset in memory\n"),
			fails + ": its command says: LOADING Redis is loading the dataset in memory", "readiness-probe",
		},
		{
			"twin: what it says holds a password", exec("failed: cannot log in, password: hunter2\n"),
			fails + ": its command says: cannot log in, password: (not saved)", "readiness-probe",
		},
		{"twin: it says nothing", exec("failed: "), fails, "readiness-probe"},
		{
			"a startup probe whose command does not find its file", func(t *testing.T) state {
				t.Helper()
				s := running(t)
				s.only()
				s.container("web-0", func(c *corev1.Container) {
					c.StartupProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"cat"}}}, PeriodSeconds: 5, FailureThreshold: 6}
				})
				s.crashing("web-0", 137, 30*time.Second)
				s.said("web-0", "Unhealthy", "Startup probe failed: cat: can't open '/tmp/ready': No such file or directory", 40*time.Second)
				s.said("web-0", "Killing", "Container main failed startup probe, will be restarted", 35*time.Second)
				return s
			},
			"container: pod/web-0 has container main that is killed again and again since its startup probe does not succeed within 30 s (6 × 5 s) (4 restarts): its command says: cat: can't open '/tmp/ready': No such file or directory", "startup-probe",
		},
		{
			"a server that wants TLS answers 400", get("failed: HTTP probe failed with statuscode: 400"),
			http + ": the program answers that it does not understand the request", "readiness-probe",
		},
		{
			"twin: the program is overloaded", get("failed: HTTP probe failed with statuscode: 503"),
			http + ": the program answers that it is not well (status 503)", "readiness-probe",
		},
		{
			"twin: it closes the connection", get(`failed: Get "http://10.0.0.7:8080/": EOF`),
			http + ": the program closes the connection without an answer: it speaks another protocol there, or is not up yet", "readiness-probe",
		},

		{"pods that find each other by name before they are Ready", func(t *testing.T) state {
			t.Helper()
			return peers(t, nxdomain)
		}, "service: service/web publishes only Ready pods (publishNotReadyAddresses is not set), and pod web-0 asks for web-1, which is not Ready either: the name resolves only once it is", "not-published"},
		{"a pod that looks for itself", func(t *testing.T) state {
			t.Helper()
			s := peers(t, "Readiness probe failed: lookup web-0.web.shop.svc: no such host")
			s.ready("web-1")
			s.only()
			return s
		}, "service: service/web publishes only Ready pods (publishNotReadyAddresses is not set), and pod web-0 asks for its own name before it is Ready: it waits for itself", "not-published"},
		{"twin: the service publishes them", func(t *testing.T) state {
			t.Helper()
			s := peers(t, nxdomain)
			s.Services[0].Spec.PublishNotReadyAddresses = true
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"twin: the other is Ready", func(t *testing.T) state {
			t.Helper()
			s := peers(t, nxdomain)
			s.ready("web-1")
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"twin: the other cannot start for another reason", func(t *testing.T) state {
			t.Helper()
			s := peers(t, nxdomain)
			s.waiting("web-1", "ImagePullBackOff", "not found")
			return s
		}, "image: pod/web-1 cannot pull the image", "image-pull"},
		{"twin: they resolve each other and do not agree", func(t *testing.T) state {
			t.Helper()
			return peers(t, "Readiness probe failed: web-1.web.shop.svc: connection refused")
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
	}
}
