package diagnose_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// writtenCases are of what somebody else wrote: labels, budgets, replicas, a service of another name, name servers, a taint that stayed.
func writtenCases() []built {
	freed := func(t *testing.T, labels map[string]string) state {
		t.Helper()
		s := running(t)
		p := pod(s.State, "web-1")
		p.OwnerReferences = nil
		maps.Copy(p.Labels, labels)
		return s
	}
	budgets := func(t *testing.T, second *metav1.LabelSelector, expected int32) state {
		t.Helper()
		s := running(t)
		all := &metav1.LabelSelector{MatchLabels: s.StatefulSet.Spec.Template.Labels}
		one := policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: policyv1.PodDisruptionBudgetSpec{Selector: all}}
		one.Status = policyv1.PodDisruptionBudgetStatus{DisruptionsAllowed: 1, ExpectedPods: 2, CurrentHealthy: 2, DesiredHealthy: 1}
		two := policyv1.PodDisruptionBudget{ObjectMeta: metav1.ObjectMeta{Name: "b"}, Spec: policyv1.PodDisruptionBudgetSpec{Selector: second}}
		two.Status.ExpectedPods, two.Status.CurrentHealthy, two.Status.DesiredHealthy = expected, expected, expected
		s.Budgets = []policyv1.PodDisruptionBudget{one, two}
		if second == nil {
			s.Budgets[1].Spec.Selector = all
		}
		return s
	}
	scaler := func(name string) autoscalingv2.HorizontalPodAutoscaler {
		h := autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: name}}
		h.Spec.ScaleTargetRef = autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "StatefulSet", Name: "web"}
		h.Spec.MaxReplicas = 2
		return h
	}
	scaled := func(t *testing.T, message string) state {
		t.Helper()
		s := running(t)
		s.Autoscalers = []autoscalingv2.HorizontalPodAutoscaler{scaler("load")}
		s.said("load", "SuccessfulRescale", message, 3*time.Minute).InvolvedObject.Kind = "HorizontalPodAutoscaler"
		return s
	}
	blind := func(t *testing.T, reason string) state {
		t.Helper()
		s := running(t)
		h := scaler("load")
		h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
			Type: autoscalingv2.ScalingActive, Status: corev1.ConditionFalse, Reason: reason, Message: "no metrics known", LastTransitionTime: s.ago(5 * time.Minute),
		}}
		s.Autoscalers = []autoscalingv2.HorizontalPodAutoscaler{h}
		return s
	}
	unnamed := func(t *testing.T, selector map[string]string) state {
		t.Helper()
		s := running(t)
		s.Services[0].Name, s.Slices = "web-headless", nil
		if selector != nil {
			s.Services[0].Spec.Selector = selector
		}
		return s
	}
	servers := func(t *testing.T, server string) state {
		t.Helper()
		s := running(t)
		s.Names = []string{"kubernetes.default.svc"}
		s.StatefulSet.Spec.Template.Spec.DNSPolicy = corev1.DNSNone
		s.StatefulSet.Spec.Template.Spec.DNSConfig = &corev1.PodDNSConfig{Nameservers: []string{server}, Searches: []string{"svc.cluster.local"}}
		s.Resolver.Addresses = []string{"10.96.0.10"}
		s.container("web-0", func(c *corev1.Container) {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"nslookup"}}}}
		})
		s.unready("web-0", 3*time.Minute)
		s.said("web-0", "Unhealthy", "Readiness probe failed: not up", 2*time.Second)
		return s
	}
	peers := func(t *testing.T, names ...string) state {
		t.Helper()
		s := servers(t, "10.96.0.10")
		s.Names = names
		s.Pods = s.Pods[:1]
		return s
	}
	clients := func(t *testing.T, selector map[string]string) state {
		t.Helper()
		s := running(t)
		s.Services = append(s.Services, corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "web-read"}, Spec: corev1.ServiceSpec{Selector: selector}})
		return s
	}
	declared := func(t *testing.T, ready corev1.ConditionStatus) state {
		t.Helper()
		s := pending(t, "0/3 nodes are available: 3 node(s) had untolerated taint(s)")
		for i := range s.Nodes {
			for j := range s.Nodes[i].Status.Conditions {
				if c := &s.Nodes[i].Status.Conditions[j]; c.Type == corev1.NodeReady {
					c.Status = ready
				}
			}
			s.Nodes[i].Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeOutOfService, Value: "nodeshutdown", Effect: corev1.TaintEffectNoExecute}}
		}
		s.Pods = s.Pods[2:3]
		*s.StatefulSet.Spec.Replicas = 1
		s.Pods[0].Name = "web-0"
		return s
	}
	return []built{
		{"a pod whose labels somebody changed", func(t *testing.T) state {
			t.Helper()
			return freed(t, map[string]string{"app": "quarantine"})
		}, "controller: pod/web-1 has left the set, since its labels do not match the set's selector any more, and keeps the name that the set's pod needs: it has app=quarantine instead of web", "pod-released"},
		{"twin: an earlier set of the name left it, with other labels", func(t *testing.T) state {
			t.Helper()
			s := freed(t, map[string]string{"app": "quarantine"})
			s.StatefulSet.CreationTimestamp = s.ago(time.Minute)
			return s
		}, "controller: pod/web-1 was made before the set, and keeps the name that the set's pod needs: its labels do not match the set's selector: it has app=quarantine instead of web", "pod-released"},
		{"twin: a pod that somebody made by hand", func(t *testing.T) state {
			t.Helper()
			s := freed(t, nil)
			pod(s.State, "web-1").Labels = map[string]string{"app": "quarantine"}
			return s
		}, "controller: pod/web-1 has the name that the set's pod needs, and is not controlled by the set", "name-taken"},
		{"twin: a pod of another controller", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			o := &pod(s.State, "web-1").OwnerReferences[0]
			o.Kind, o.Name, o.UID = "Job", "restore", "other"
			return s
		}, "controller: pod/web-1 has the name that the set's pod needs, and is controlled by job/restore", "name-taken"},

		{"two budgets for the same pods, of which one counts them", func(t *testing.T) state {
			t.Helper()
			return budgets(t, nil, 0)
		}, "disruption: poddisruptionbudget/a shares pods with b: a pod under two budgets cannot be evicted at all", "several-budgets"},
		{"twin: the second is of other pods", func(t *testing.T) state {
			t.Helper()
			return budgets(t, &metav1.LabelSelector{MatchLabels: map[string]string{"app": "other"}}, 0)
		}, "", ""},

		{"an autoscaler that undoes what was written to replicas", func(t *testing.T) state {
			t.Helper()
			return scaled(t, "New size: 2; reason: Current number of replicas above Spec.MaxReplicas")
		}, "controller: horizontalpodautoscaler/load set the replicas back to 2, its maxReplicas, 3m ago: what somebody else wrote to replicas was out of its range", diagnose.Note},
		{"twin: it scaled for the load", func(t *testing.T) state {
			t.Helper()
			return scaled(t, "New size: 2; reason: cpu resource utilization (percentage of request) above target")
		}, "", ""},
		{"twin: it is of another set", func(t *testing.T) state {
			t.Helper()
			s := scaled(t, "New size: 2; reason: Current number of replicas above Spec.MaxReplicas")
			s.Autoscalers[0].Spec.ScaleTargetRef.Kind = "Deployment"
			return s
		}, "", ""},
		{"twin: there are two of them", func(t *testing.T) state {
			t.Helper()
			s := scaled(t, "New size: 2; reason: Current number of replicas above Spec.MaxReplicas")
			s.Autoscalers = append(s.Autoscalers, scaler("queue"))
			return s
		}, "controller: horizontalpodautoscaler/load is one of 2 autoscalers of the set", "several-autoscalers"},
		{"an autoscaler without figures", func(t *testing.T) state {
			t.Helper()
			return blind(t, "FailedGetResourceMetric")
		}, "controller: horizontalpodautoscaler/load cannot tell how many replicas there are to be: no metrics known", diagnose.Note},
		{"twin: it rests, since the set is scaled to 0", func(t *testing.T) state {
			t.Helper()
			return blind(t, "ScalingDisabled")
		}, "", ""},

		{"a service of another name that is meant", func(t *testing.T) state {
			t.Helper()
			return unnamed(t, nil)
		}, "service: service/web does not exist, though the set's serviceName names it; service web-headless is headless and selects the set's pods", "service-missing"},
		{"twin: the service is another set's", func(t *testing.T) state {
			t.Helper()
			s := unnamed(t, map[string]string{"app": "other"})
			s.StatefulSet.Spec.ServiceName = "db"
			return s
		}, "service: service/db does not exist, though the set's serviceName names it", "service-missing"},

		{"a service for clients that selects a label of an earlier version", func(t *testing.T) state {
			t.Helper()
			s := clients(t, map[string]string{"app": "web", "version": "v1"})
			s.StatefulSet.Spec.Template.Labels["version"] = "v2"
			return s
		}, "service: service/web-read selects no pod: it asks for version=v1, where the set's pods have v2", diagnose.Note},
		{"twin: a pod has the label", func(t *testing.T) state {
			t.Helper()
			s := clients(t, map[string]string{"app": "web", "role": "leader"})
			pod(s.State, "web-1").Labels["role"] = "leader"
			return s
		}, "", ""},
		{"twin: the service is of other pods", func(t *testing.T) state {
			t.Helper()
			return clients(t, map[string]string{"app": "reports"})
		}, "", ""},

		{"name servers of the pod's own", func(t *testing.T) state {
			t.Helper()
			return servers(t, "192.0.2.53")
		}, "dns: statefulset/web has dnsPolicy None and a dnsConfig without the cluster's DNS: its pods cannot resolve names of the cluster", "nodes-resolver"},
		{"twin: they are the cluster's", func(t *testing.T) state {
			t.Helper()
			return servers(t, "10.96.0.10")
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"twin: they are a cache on each node", func(t *testing.T) state {
			t.Helper()
			return servers(t, "169.254.20.10")
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},

		{"a pod that may wait for one that is made after it", func(t *testing.T) state {
			t.Helper()
			return peers(t, "web-1.web.$NAMESPACE.svc")
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails (exec nslookup, every 1 s): its command says: not up; the set's template asks for web-1 by name, made only when this pod is Ready (OrderedReady)", "readiness-probe"},
		{"twin: it asks for itself", func(t *testing.T) state {
			t.Helper()
			s := peers(t, "web-0.web.$NAMESPACE.svc")
			s.Services[0].Spec.PublishNotReadyAddresses = true
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails (exec nslookup, every 1 s): its command says: not up", "readiness-probe"},

		{"a node that is back, and still declared out of service", func(t *testing.T) state {
			t.Helper()
			return declared(t, corev1.ConditionTrue)
		}, "node: node/statefulset-conformance-control-plane is Ready, and still has the taint that declares it out of service, and pod web-0 fits on no other", "node-condition"},
		{"a node that says what is wrong with it", func(t *testing.T) state {
			t.Helper()
			s := declared(t, corev1.ConditionFalse)
			for i := range s.Nodes {
				s.Nodes[i].Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeNotReady, Effect: corev1.TaintEffectNoSchedule}}
				for j := range s.Nodes[i].Status.Conditions {
					s.Nodes[i].Status.Conditions[j].Message = "container runtime is down"
				}
			}
			return s
		}, "node: node/statefulset-conformance-control-plane takes no new pod (NotReady), and pod web-0 fits on no other: 3 that take no new pod (NotReady); it says of itself: container runtime is down", "node-condition"},
		{"twin: it is not back", func(t *testing.T) state {
			t.Helper()
			return declared(t, corev1.ConditionUnknown)
		}, "node: node/statefulset-conformance-control-plane takes no new pod (out of service), and pod web-0 fits on no other", "node-condition"},
	}
}

// TestWholeLines holds twins to all of their line, where what tells the cases apart is at its end.
func TestWholeLines(t *testing.T) {
	at := map[string]built{}
	for _, c := range slices.Concat(runtimeCases(), writtenCases(), probeCases(), wordCases(), answerCases()) {
		at[c.name] = c
	}
	for _, name := range []string{
		"twin: it asks for itself", "twin: the service is another set's", "twin: a liveness probe that ends what ran for long", "twin: a pod that somebody made by hand",
		"twin: it writes of itself", "twin: each has its own", "twin: a quota of all",
	} {
		found := diagnose.Diagnose(at[name].state(t).State)
		if len(found) == 0 || found[0].Line() != at[name].line {
			t.Errorf("%s: expected the line\n%s\nfound\n%v", name, at[name].line, found)
		}
	}
}
