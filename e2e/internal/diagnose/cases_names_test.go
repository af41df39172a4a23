package diagnose_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

func nameCases() []built {
	asks := func(t *testing.T, names ...string) state {
		t.Helper()
		s := running(t)
		s.Names = names
		s.Services[0].Spec.PublishNotReadyAddresses = true
		s.container("web-0", func(c *corev1.Container) {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sh"}}}}
		})
		s.unready("web-0", 3*time.Minute)
		s.said("web-0", "Unhealthy", "Readiness probe failed: not up", 2*time.Second)
		return s
	}
	selected := func(t *testing.T, app string) state {
		t.Helper()
		s := state{well(t), t}
		s.later(5 * time.Minute)
		other := pod(s.State, "web-1").DeepCopy()
		other.Name, other.UID, other.Labels = "reports-0", "r", map[string]string{"app": app, "part": "web"}
		other.OwnerReferences[0].Name, other.OwnerReferences[0].UID = "reports", "reports"
		s.Pods = append(s.Pods, *other)
		s.Slices[0].Endpoints = append(s.Slices[0].Endpoints, discoveryv1.Endpoint{TargetRef: &corev1.ObjectReference{Kind: "Pod", Name: "reports-0"}})
		return s
	}
	return []built{
		{"20 pods in the node's network ask the node's resolver", func(t *testing.T) state {
			t.Helper()
			s := asks(t, "web-0.web.$NAMESPACE.svc.cluster.local")
			s.StatefulSet.Spec.Template.Spec.HostNetwork = true
			return s
		}, "dns: statefulset/web has hostNetwork: true and dnsPolicy ClusterFirst, which means the node's resolver for such pods: its pods cannot resolve names of the cluster", "nodes-resolver"},
		{"20 the probe says that it did not resolve a name", func(t *testing.T) state {
			t.Helper()
			s := asks(t)
			s.StatefulSet.Spec.Template.Spec.HostNetwork = true
			s.Events[len(s.Events)-1].Message = "Readiness probe failed: cannot resolve web-0.web"
			return s
		}, "dns: statefulset/web has hostNetwork: true", "nodes-resolver"},
		{"20 dnsPolicy Default", func(t *testing.T) state {
			t.Helper()
			s := asks(t, "web-0.web.$NAMESPACE.svc")
			s.StatefulSet.Spec.Template.Spec.DNSPolicy = corev1.DNSDefault
			return s
		}, "dns: statefulset/web has dnsPolicy Default", "nodes-resolver"},
		{"20 twin: with ClusterFirstWithHostNet", func(t *testing.T) state {
			t.Helper()
			s := asks(t, "web-0.web.$NAMESPACE.svc")
			s.StatefulSet.Spec.Template.Spec.HostNetwork, s.StatefulSet.Spec.Template.Spec.DNSPolicy = true, corev1.DNSClusterFirstWithHostNet
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"20 twin: nothing tells that a name is needed", func(t *testing.T) state {
			t.Helper()
			s := asks(t)
			s.StatefulSet.Spec.Template.Spec.HostNetwork = true
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"20 twin: the image cannot be pulled", func(t *testing.T) state {
			t.Helper()
			s := asks(t, "web-0.web.$NAMESPACE.svc")
			s.StatefulSet.Spec.Template.Spec.HostNetwork = true
			s.waiting("web-0", "ImagePullBackOff", "not found")
			return s
		}, "image: pod/web-0 cannot pull the image", "image-pull"},

		{
			"33 a zone of another cluster", func(t *testing.T) state {
				t.Helper()
				return asks(t, "web-0.web.$NAMESPACE.svc.cluster.internal")
			},
			"dns: statefulset/web has a template that asks for names in cluster.internal, and the cluster's zone is cluster.local", "other-zone",
		},
		{"33 twin: the zone is the cluster's", func(t *testing.T) state {
			t.Helper()
			s := asks(t, "web-0.web.$NAMESPACE.svc.cluster.internal")
			s.Resolver.Zone = "cluster.internal"
			s.Resolver.Corefile = ""
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"33 twin: all pods are well", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Names = []string{"web-0.web.$NAMESPACE.svc.example.com"}
			return s
		}, "dns: statefulset/web has a template that asks for names in example.com, and the cluster's zone is cluster.local", diagnose.Note},
		{
			"33 twin: a name of another system", func(t *testing.T) state {
				t.Helper()
				return asks(t, "telemetry.prod.svc.example.com", "hooks.svc.example.com")
			},
			"readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe",
		},

		{
			"a pod's name under another service", func(t *testing.T) state {
				t.Helper()
				return asks(t, "$(hostname).web-headless.$NAMESPACE.svc")
			},
			`service: statefulset/web has serviceName "web", and its template asks for its pods' names under web-headless`, "other-service",
		},
		{
			"a pod's name in another namespace", func(t *testing.T) state {
				t.Helper()
				return asks(t, "web-0.web.prod.svc.cluster.local")
			},
			"service: statefulset/web has a template that asks for its pods' names in namespace prod, and is in ", "other-namespace",
		},
		{
			"16 twin: a service that is asked for and missing", func(t *testing.T) state {
				t.Helper()
				return asks(t, "db.$NAMESPACE.svc")
			},
			"service: service/db does not exist, though the set's template asks for db.$NAMESPACE.svc", "asked-service-missing",
		},
		{
			"twin: names of another set in another namespace", func(t *testing.T) state {
				t.Helper()
				return asks(t, "db-0.db.prod.svc", "db.prod.svc", "$SERVICE.$NAMESPACE.svc")
			},
			"readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe",
		},

		{
			"30 a service that selects another set's pods", func(t *testing.T) state {
				t.Helper()
				return selected(t, "web")
			},
			"service: service/web also selects reports-0 of statefulset/reports: its name leads to pods that are not the set's", "service-selects-others",
		},
		{"30 twin: sets that share a service by a label of their own", func(t *testing.T) state {
			t.Helper()
			s := selected(t, "reports")
			s.Services[0].Spec.Selector = map[string]string{"part": "web"}
			for i := range s.Pods {
				s.Pods[i].Labels["part"] = "web"
			}
			s.StatefulSet.Spec.Template.Labels["part"] = "web"
			return s
		}, "service: service/web also selects reports-0 of statefulset/reports", diagnose.Note},
		{"30 twin: the service leads to a port that no container has", func(t *testing.T) state {
			t.Helper()
			s := state{well(t), t}
			s.Services[0].Spec.Ports[0].TargetPort = intstr.FromString("http")
			return s
		}, `service: service/web leads port 8080 to a port named "http", which no container of the set has`, "service-port"},
	}
}
