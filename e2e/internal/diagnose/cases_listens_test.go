package diagnose_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// listenCases are of services whose selector and ports look right, and of what the set's pods say of where they listen.
func listenCases() []built {
	const (
		line  = "service: service/web-clients leads port 80 to port 8080 of the set's pods, and "
		wrong = "service: service/web-clients leads port 80 to port 9000 of the set's pods, and their containers declare 8080 http"
	)
	client := func(target int32, said string, change func(state)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			service := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web-clients", Namespace: s.Namespace, CreationTimestamp: s.ago(time.Hour)}}
			service.Spec.Selector, service.Spec.ClusterIP, service.Spec.Type = s.StatefulSet.Spec.Template.Labels, "10.96.7.7", corev1.ServiceTypeClusterIP
			service.Spec.Ports = []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(target)}}
			s.Services = append(s.Services, service)
			for _, name := range []string{"web-0", "web-1"} {
				s.container(name, func(c *corev1.Container) {
					c.ReadinessProbe, c.Ports = nil, []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
				})
			}
			if said != "" {
				s.Listens = []diagnose.Says{{Pod: "web-0", Container: "main", Text: said}}
			}
			change(s)
			return s
		}
	}
	nothing := func(state) {}
	probe := func(port intstr.IntOrString) func(state) {
		return func(s state) {
			s.container("web-0", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: port}}}
			})
		}
	}
	beside := func(s state) {
		spec := &s.StatefulSet.Spec.Template.Spec
		spec.Containers = append(spec.Containers, corev1.Container{Name: "proxy"})
	}
	return []built{
		{"pods that say that they listen on what they declare, and a service that leads elsewhere", client(9000, "Server listening on port 8080", nothing), wrong + ", on which they listen by their own words", "service-port"},
		{"twin: nobody says where they listen", client(9000, "", nothing), wrong, diagnose.Note},
		{"twin: they say that they listen there", client(9000, "Server listening on 0.0.0.0:9000", nothing), "", ""},
		{"twin: their readiness rests on that port", client(9000, "", probe(intstr.FromInt32(9000))), "", ""},
		{"pods that listen for themselves alone", client(8080, "Uvicorn running on http://127.0.0.1:8080 (Press CTRL+C to quit)", nothing), line + "there they listen on the address of the pod's own loopback alone, by their own words: Uvicorn running on http://127.0.0.1:8080", "listens-locally"},
		{"twin: for others as well", client(8080, "listening on 127.0.0.1:8080\nlistening on *:8080", nothing), "", ""},
		{"twin: their probe is answered from outside", client(8080, "listening on 127.0.0.1:8080", probe(intstr.FromString("http"))), "", ""},
		{"twin: a container beside it may lead there", client(8080, "listening on 127.0.0.1:8080", beside), "", ""},
		{"pods that say that they listen elsewhere", client(8080, "listening on port 3000", nothing), line + "what they write tells of port 3000 alone: listening on port 3000", diagnose.Note},
		{"twin: it is their metrics that are elsewhere", client(8080, "metrics listening on port 3000", nothing), "", ""},
		{"twin: they tell of both", client(8080, "metrics: listening on :3000\nlistening on :8080", nothing), "", ""},
		{"twin: they say that they connect to it", client(8080, "12:30:01 connected to 10.0.0.1:3000, listening for changes", nothing), "", ""},
		{"twin: the service has no address of its own", client(8080, "listening on port 3000", func(s state) {
			service := &s.Services[len(s.Services)-1]
			service.Spec.ClusterIP, service.Spec.Ports[0].Port = corev1.ClusterIPNone, 8080
		}), "", ""},
	}
}

func TestLinesThatTellOfPorts(t *testing.T) {
	for line, want := range map[string]bool{
		`LOG:  listening on IPv4 address "0.0.0.0", port 5432`:                             true,
		"1:M 02 Jan 2026 12:30:01.000 * Running mode=standalone, port=6379.":               true,
		"Tomcat started on port(s): 8080 (http) with context path ''":                      true,
		"[INFO] Listening at: http://0.0.0.0:8000 (7)":                                     true,
		"12:30:45 INFO ready and listening":                                                false,
		"2026-01-02T12:30:45Z serving requests":                                            false,
		"failed to listen on :8080":                                                        false,
		"connected to 10.0.0.1:5432, listening":                                            false,
		"the port is 8080":                                                                 false,
		`{"level":"info","msg":"serving client traffic","address":"[::]:2379"}`:            true,
		"/usr/sbin/mysqld: ready for connections. Version: '8.4.0'  socket: '' port: 3306": true,
	} {
		if got := diagnose.SaysListening(line); got != want {
			t.Errorf("%q: expected %t, found %t", line, want, got)
		}
	}
}
