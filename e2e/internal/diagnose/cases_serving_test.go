package diagnose_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// servingCases are of services beside the set's own, of services that the set's pods wait for, and of what containers are told of services.
func servingCases() []built {
	// A service for clients that selects the set's pods.
	client := func(t *testing.T, change func(*corev1.Service)) state {
		t.Helper()
		s := running(t)
		service := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web-clients", Namespace: s.Namespace, CreationTimestamp: s.ago(time.Hour)}}
		service.Spec.Selector, service.Spec.ClusterIP, service.Spec.Type = s.StatefulSet.Spec.Template.Labels, "10.96.7.7", corev1.ServiceTypeClusterIP
		service.Spec.Ports = []corev1.ServicePort{{Port: 80}}
		for i := range s.Pods {
			s.Pods[i].Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
		}
		s.StatefulSet.Spec.Template.Spec.Containers[0].Ports = []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}
		change(&service)
		s.Services = append(s.Services, service)
		return s
	}
	// An init container that asks for a service, whose pods have a label.
	asks := func(t *testing.T, label string, ready bool) state {
		t.Helper()
		s := running(t)
		s.Names = []string{"zk." + s.Namespace + ".svc"}
		other := pod(s.State, "web-1").DeepCopy()
		other.Name, other.UID, other.OwnerReferences, other.Labels = "zk-0", "zk", nil, map[string]string{"app": label}
		s.only()
		p := pod(s.State, "web-0")
		p.Spec.InitContainers = []corev1.Container{{Name: "wait"}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "wait", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(5 * time.Minute)}}}}
		p.Status.Phase = corev1.PodPending
		s.waiting("web-0", "PodInitializing", "")
		service := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "zk", Namespace: s.Namespace}}
		service.Spec.Selector, service.Spec.ClusterIP = map[string]string{"app": "zk"}, "10.96.7.8"
		s.Services = append(s.Services, service)
		s.Pods = append(s.Pods, *other)
		if !ready {
			s.unready("zk-0", time.Hour)
		}
		return s
	}
	says := func(t *testing.T, said string) state {
		t.Helper()
		s := running(t)
		s.only()
		s.crashing("web-0", 1, time.Second).LastTerminationState.Terminated.Message = said
		service := corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "my-redis", Namespace: s.Namespace}}
		service.Spec.Selector, service.Spec.ClusterIP = map[string]string{"app": "redis"}, "10.96.7.9"
		s.Services = append(s.Services, service)
		return s
	}
	const (
		ends   = "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: "
		number = "FATAL: port 'tcp://10.96.7.9:6379' argument couldn't be parsed into an integer"
	)
	return []built{
		{"a service for clients that leads to a port by a name which no container has", func(t *testing.T) state {
			t.Helper()
			return client(t, func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromString("mysql") })
		}, `service: service/web-clients leads port 80 to a port named "mysql", which no container of the set has`, "service-port"},
		{"twin: another's pods, which it selects as well, have it", func(t *testing.T) state {
			t.Helper()
			s := client(t, func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromString("mysql") })
			other := pod(s.State, "web-1").DeepCopy()
			other.Name, other.UID, other.OwnerReferences = "exporter-7f", "e", nil
			s.Pods = append(s.Pods, *other)
			return s
		}, "", ""},
		{"a service for clients that leads to a port which is not declared", func(t *testing.T) state {
			t.Helper()
			return client(t, func(*corev1.Service) {})
		}, "service: service/web-clients leads port 80 to port 80 of the set's pods, and their containers declare 8080 http", diagnose.Note},
		{"twin: it is declared", func(t *testing.T) state {
			t.Helper()
			return client(t, func(s *corev1.Service) { s.Spec.Ports[0].TargetPort = intstr.FromInt32(8080) })
		}, "", ""},
		{"twin: without an address of its own its ports lead nobody", func(t *testing.T) state {
			t.Helper()
			return client(t, func(s *corev1.Service) { s.Spec.ClusterIP = corev1.ClusterIPNone })
		}, "", ""},
		{"a load balancer that nobody makes", func(t *testing.T) state {
			t.Helper()
			return client(t, func(s *corev1.Service) {
				s.Spec.Ports[0].TargetPort, s.Spec.Type = intstr.FromString("http"), corev1.ServiceTypeLoadBalancer
			})
		}, "service: service/web-clients has waited for its load balancer for 1h", diagnose.Note},
		{"twin: one that is there", func(t *testing.T) state {
			t.Helper()
			return client(t, func(s *corev1.Service) {
				s.Spec.Ports[0].TargetPort, s.Spec.Type = intstr.FromString("http"), corev1.ServiceTypeLoadBalancer
				s.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "192.0.2.1"}}
			})
		}, "", ""},

		{"a service of the set's without a selector", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Services[0].Spec.Selector = nil
			s.Slices = nil
			return s
		}, "service: service/web has no selector, and nobody has made endpoints for it: it leads to no pod of the set", "service-selector"},
		{"twin: somebody makes its endpoints", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Services[0].Spec.Selector = nil
			return s
		}, "", ""},
		{"twin: its endpoints were not read", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Services[0].Spec.Selector = nil
			s.Slices = nil
			s.Unread = append(s.Unread, diagnose.Unread{What: "endpointslices", Why: "forbidden"})
			return s
		}, "", ""},

		{"an init container that waits for a service without pods", func(t *testing.T) state {
			t.Helper()
			return asks(t, "zookeeper", true)
		}, "service: service/zk selects app=zk, which no pod has, and the set's template asks for zk.", "asked-service-unserved"},
		{"an init container that waits for pods that are not Ready", func(t *testing.T) state {
			t.Helper()
			return asks(t, "zk", false)
		}, "service: service/zk leads to no Ready pod (zk-0 not Ready), and the set's template asks for zk.", "asked-service-unserved"},
		{"twin: they are Ready", func(t *testing.T) state {
			t.Helper()
			return asks(t, "zk", true)
		}, "readiness: pod/web-0 waits for its init container wait", "init-container"},
		{"twin: the set's pods end for another reason", func(t *testing.T) state {
			t.Helper()
			s := says(t, "unknown flag: --zk")
			s.Names = []string{"my-redis." + s.Namespace + ".svc"}
			return s
		}, ends + "unknown flag: --zk", "crash-loop"},
		{"a program that says that it was refused", func(t *testing.T) state {
			t.Helper()
			s := says(t, "cannot connect: connection refused")
			s.Names = []string{"my-redis." + s.Namespace + ".svc"}
			return s
		}, "service: service/my-redis selects app=redis, which no pod has, and the set's template asks for my-redis.", "asked-service-unserved"},

		{"a variable of a service that a program takes for its own", func(t *testing.T) state {
			t.Helper()
			return says(t, number)
		}, "configuration: statefulset/web has its containers told of service my-redis in variables such as MY_REDIS_PORT=tcp://10.96.7.9:6379 (enableServiceLinks), and the program of pod web-0 takes that for a setting of its own", "service-links"},
		{"twin: the variables are off", func(t *testing.T) state {
			t.Helper()
			s, no := says(t, number), false
			pod(s.State, "web-0").Spec.EnableServiceLinks = &no
			return s
		}, ends + number, "crash-loop"},
		{"twin: it is no service's address", func(t *testing.T) state {
			t.Helper()
			return says(t, "port 'tcp://10.1.1.1:6379' is invalid")
		}, ends + "port 'tcp://10.1.1.1:6379' is invalid", "crash-loop"},
		{"twin: it means the service and does not reach it", func(t *testing.T) state {
			t.Helper()
			return says(t, "cannot reach tcp://10.96.7.9:6379")
		}, ends + "cannot reach tcp://10.96.7.9:6379", "crash-loop"},
	}
}

func TestServicesThatConcernASet(t *testing.T) {
	template := map[string]string{"app": "web", "tier": "db"}
	for name, c := range map[string]struct {
		selector map[string]string
		names    []string
		want     bool
	}{
		"that selects its pods":           {map[string]string{"app": "web"}, nil, true},
		"that asks for one label more":    {map[string]string{"app": "web", "role": "leader"}, nil, true},
		"of another":                      {map[string]string{"app": "zk"}, nil, false},
		"of another, which it asks for":   {map[string]string{"app": "zk"}, []string{"zk.shop.svc"}, true},
		"of that name in other namespace": {map[string]string{"app": "zk"}, []string{"zk.other.svc"}, false},
		"of which it asks for a pod":      {map[string]string{"app": "zk"}, []string{"zk-0.zk.shop.svc"}, false},
	} {
		s := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "zk"}, Spec: corev1.ServiceSpec{Selector: c.selector}}
		if got := diagnose.Concerns(s, "web", template, "shop", c.names); got != c.want {
			t.Errorf("a service %s: expected %t, found %t", name, c.want, got)
		}
	}
}
