package diagnose_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

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
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) { probe(c) })
			s.crashing("web-0", 0, 10*time.Second)
			s.said("web-0", "Unhealthy", "Startup probe failed: ", 30*time.Second)
			s.said("web-0", "Killing", "Container main failed startup probe, will be restarted", 30*time.Second)
			return s
		}, "container: pod/web-0 has container main that is killed again and again since its startup probe does not succeed within 10 s (5 × 2 s) (4 restarts)", "startup-probe"},
		{"06 between two runs, after the first", func(t *testing.T) state {
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
			s := running(t)
			s.only()
			s.Events = nil
			s.container("web-0", func(c *corev1.Container) { probe(c) })
			s.crashing("web-0", 137, 10*time.Second)
			return s
		}, "container: pod/web-0 has container main that is killed again and again since its startup probe", "startup-probe"},
		{"06 twin: it has a startup probe, and ends by itself", func(t *testing.T) state {
			s := running(t)
			s.only()
			s.container("web-0", func(c *corev1.Container) { probe(c) })
			s.crashing("web-0", 3, 2*time.Second)
			s.said("web-0", "Unhealthy", "Startup probe failed: ", 30*time.Second)
			return s
		}, "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 3)", "crash-loop"},
		{"06 twin: it starts, and its liveness probe fails later", func(t *testing.T) state {
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
			s := running(t)
			c := s.crashing("web-1", 1, 20*time.Second)
			c.Ready, c.State = true, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(time.Second)}}
			for i := range pod(s.State, "web-1").Status.Conditions {
				pod(s.State, "web-1").Status.Conditions[i].Status = corev1.ConditionTrue
			}
			return s
		}, "container: pod/web-1 has container main that ends again and again (4 restarts, exit code 1)", "crash-loop"},

		{"16 an init container that does not end", func(t *testing.T) state { return initializing(t, 5*time.Minute) },
			"readiness: pod/web-0 waits for its init container wait-for-name, which has been running for 5m and has not ended", "init-container"},
		{"16 an init container that began a moment ago", func(t *testing.T) state { return initializing(t, 20*time.Second) },
			"readiness: pod/web-0 waits for its init container wait-for-name, which has been running for 20s and has not ended", diagnose.Note},
		{"16 twin: an init container that ends again and again", func(t *testing.T) state {
			s := initializing(t, time.Second)
			c := &pod(s.State, "web-0").Status.InitContainerStatuses[0]
			c.RestartCount = 3
			c.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 2, Reason: "Error", FinishedAt: s.ago(20 * time.Second)}
			return s
		}, "container: pod/web-0 has init container wait-for-name that ends again and again (3 restarts, exit code 2)", "crash-loop"},
		{"16 twin: a sidecar whose startup probe fails", func(t *testing.T) state {
			s := initializing(t, 5*time.Minute)
			p, always := pod(s.State, "web-0"), corev1.ContainerRestartPolicyAlways
			p.Spec.InitContainers[0].RestartPolicy = &always
			probe(&p.Spec.InitContainers[0])
			s.said("web-0", "Unhealthy", "Startup probe failed: ", 10*time.Second)
			return s
		}, "container: pod/web-0 runs, and the startup probe of sidecar wait-for-name fails", "startup-probe"},

		{"18 a postStart hook that does not return", func(t *testing.T) state {
			s := creating(t, hook)
			s.said("web-0", "Started", "Container started", 5*time.Minute).Type = corev1.EventTypeNormal
			return s
		}, "container: pod/web-0 has container main that was started 5m ago and is not reported as running: its postStart hook has not returned", "post-start-hook"},
		{"18 the same a moment after", func(t *testing.T) state {
			s := creating(t, hook)
			s.said("web-0", "Started", "Container started", 20*time.Second).Type = corev1.EventTypeNormal
			return s
		}, "container: pod/web-0 has container main that was started 20s ago and is not reported as running: its postStart hook has not returned", diagnose.Note},
		{"18 twin: the image is being pulled", func(t *testing.T) state {
			s := creating(t, hook)
			s.said("web-0", "Pulling", `Pulling image "big"`, 3*time.Minute).Type = corev1.EventTypeNormal
			return s
		}, "image: pod/web-0 has been pulling the image", diagnose.Note},
		{"18 twin: the hook fails", func(t *testing.T) state {
			s := creating(t, hook)
			s.crashing("web-0", 137, time.Second)
			s.said("web-0", "FailedPostStartHook", "PostStartHook failed", 30*time.Second)
			s.said("web-0", "Killing", "FailedPostStartHook", 30*time.Second)
			return s
		}, "container: pod/web-0 has container main that is killed since its postStart hook fails (4 restarts)", "post-start-hook"},

		{"31 pods of the name are evicted for their own disk, and the present one is Ready", func(t *testing.T) state {
			return evicted(t, 3, `Container main exceeded its local ephemeral storage limit "8Mi". `)
		}, "container: pod/web-0 was evicted 3 times, the last 20s ago: container main exceeded its ephemeral-storage limit 8Mi", "ephemeral-storage"},
		{"31 the present pod has just been made", func(t *testing.T) state {
			s := evicted(t, 3, `Pod ephemeral local storage usage exceeds the total limit of containers 8Mi. `)
			p := pod(s.State, "web-0")
			p.CreationTimestamp = s.ago(2 * time.Second)
			p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionFalse, LastTransitionTime: p.CreationTimestamp}}}
			return s
		}, "container: pod/web-0 was evicted 3 times, the last 20s ago: its containers exceeded their ephemeral-storage limit 8Mi", "ephemeral-storage"},
		{"31 the present pod is the evicted one", func(t *testing.T) state {
			s := evicted(t, 0, "")
			p := pod(s.State, "web-0")
			p.Status.Phase, p.Status.Reason, p.Status.Message = corev1.PodFailed, "Evicted", `Usage of EmptyDir volume "scratch" exceeds the limit "8Mi". `
			return s
		}, "container: pod/web-0 was evicted: its emptyDir volume scratch exceeded the limit 8Mi", "ephemeral-storage"},
		{"31 once, and the present pod is Ready", func(t *testing.T) state {
			return evicted(t, 1, `Container main exceeded its local ephemeral storage limit "8Mi". `)
		}, "container: pod/web-0 was evicted once, 20s ago: container main exceeded its ephemeral-storage limit 8Mi", diagnose.Note},
		{"31 twin: the node runs short", func(t *testing.T) state {
			return evicted(t, 2, "The node was low on resource: ephemeral-storage. Threshold quantity: 1, available: 0. ")
		}, "node: pod/web-0 was evicted 2 times, the last 20s ago: node diag-worker ran short of ephemeral-storage", "node-pressure"},
		{"a node that has no room for the pod it was given", func(t *testing.T) state {
			s := running(t)
			p := pod(s.State, "web-0")
			p.Status.Phase, p.Status.Reason, p.Status.Message = corev1.PodFailed, "NodeAffinity", "Pod was rejected: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"
			return s
		}, "node: pod/web-0 has ended: NodeAffinity: Pod was rejected: Predicate NodeAffinity failed", "pod-failed"},
		{"an image for another architecture", func(t *testing.T) state {
			s := running(t)
			last := s.crashing("web-0", 128, 0).LastTerminationState.Terminated
			last.Reason, last.Message = "StartError", "failed to create containerd task: exec /app: exec format error"
			return s
		}, "container: pod/web-0 has container main whose program is not made for its node: exec format error", "cannot-start"},
		{"31 twin: pods of a higher priority", func(t *testing.T) state {
			s := evicted(t, 2, "")
			for i := range s.Events[len(s.Events)-2:] {
				e := &s.Events[len(s.Events)-2+i]
				e.Reason, e.Message = "Preempted", "Preempted by pod 1 on node diag-worker"
			}
			return s
		}, "scheduling: pod/web-0 was ended from outside 2 times, the last 20s ago: a pod of a higher priority took its place", "preempted"},
	}
}

func controllerCases() []built {
	// web-1 is of a revision that the set has left, and cannot pull its image.
	left := func(t *testing.T) state {
		t.Helper()
		s := running(t)
		c := s.waiting("web-1", "ImagePullBackOff", "not found")
		c.Image = "registry.invalid/shop/web:2"
		p := pod(s.State, "web-1")
		p.Spec.Containers[0].Image = c.Image
		p.Labels[appsv1.ControllerRevisionHashLabelKey] = "web-bad"
		return s
	}
	// web-0 is not Ready, and the set is to have one pod.
	scaled := func(t *testing.T) state {
		t.Helper()
		s := running(t)
		s.container("web-0", func(c *corev1.Container) {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}}
		})
		third := pod(s.State, "web-1").DeepCopy()
		third.Name, third.UID = "web-2", "web-2"
		s.Pods = append(s.Pods, *third)
		s.unready("web-0", 3*time.Minute)
		s.said("web-0", "Unhealthy", "Readiness probe failed: connection refused", 2*time.Second)
		*s.StatefulSet.Spec.Replicas = 1
		return s
	}
	return []built{
		{"03 a broken pod of a revision that the set has left", left,
			"rollout: pod/web-1 is broken and of a revision that the set has left (web-bad, now web-7c98cf7c44; its image registry.invalid/shop/web:2 is no longer in the template), and OrderedReady waits for it", "forced-rollback"},
		{"03 twin: the template has the image still", func(t *testing.T) state {
			s := left(t)
			pod(s.State, "web-1").Labels[appsv1.ControllerRevisionHashLabelKey] = s.StatefulSet.Status.UpdateRevision
			return s
		}, "image: pod/web-1 cannot pull the image registry.invalid/shop/web:2 of container main", "image-pull"},
		{"03 twin: below the partition a new pod would be the same", func(t *testing.T) state {
			s := left(t)
			two := int32(2)
			s.StatefulSet.Spec.UpdateStrategy.RollingUpdate.Partition = &two
			return s
		}, "image: pod/web-1 cannot pull the image registry.invalid/shop/web:2 of container main", "image-pull"},
		{"03 twin: its node is lost, which no deletion mends", func(t *testing.T) state {
			s := left(t)
			s.Leases = slices.DeleteFunc(s.Leases, func(o coordination) bool { return o.Name == "diag-worker" })
			for i := range s.Nodes[0].Status.Conditions {
				if c := &s.Nodes[0].Status.Conditions[i]; c.Type == corev1.NodeReady {
					c.Status = corev1.ConditionUnknown
				}
			}
			return s
		}, "node: node/diag-worker has been silent for", "node-lost"},

		{"35 pods that stay since one before them is not Ready", scaled,
			"readiness: pod/web-0 runs, and the readiness probe of container main fails (TCP connection to :80, every 1 s); web-1 and web-2 are to go and stay until it is Ready (OrderedReady)", "readiness-probe"},
		{"35 twin: under Parallel they need not wait", func(t *testing.T) state {
			s := scaled(t)
			s.StatefulSet.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
			for _, n := range []string{"web-1", "web-2"} {
				at := s.ago(5 * time.Minute)
				pod(s.State, n).DeletionTimestamp, pod(s.State, n).Finalizers = &at, []string{"example.com/backup"}
				pod(s.State, n).Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
			}
			s.container("web-0", func(c *corev1.Container) { c.ReadinessProbe = nil })
			for i := range pod(s.State, "web-0").Status.Conditions {
				pod(s.State, "web-0").Status.Conditions[i].Status = corev1.ConditionTrue
			}
			return s
		}, "termination: pod/web-2 is held by its finalizer example.com/backup", "finalizer"},
		{"35 twin: two pods that are to go are not Ready", func(t *testing.T) state {
			s := scaled(t)
			for i := range pod(s.State, "web-0").Status.Conditions {
				pod(s.State, "web-0").Status.Conditions[i].Status = corev1.ConditionTrue
			}
			pod(s.State, "web-0").Status.ContainerStatuses[0].Ready = true
			s.crashing("web-1", 1, time.Second)
			s.crashing("web-2", 1, time.Second)
			return s
		}, "container: pod/web-1 has container main that ends again and again (4 restarts, exit code 1); web-1 and web-2 are to go and stay", "crash-loop"},
		{"a pod that is Ready and not available yet", func(t *testing.T) state {
			s := running(t)
			s.StatefulSet.Spec.MinReadySeconds = 3600
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-1" })
			return s
		}, "controller: pod/web-0 is Ready, and the controller goes on only when it has been so for 1h (minReadySeconds)", diagnose.Note},
	}
}

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
			s := asks(t, "web-0.web.$NAMESPACE.svc.cluster.local")
			s.StatefulSet.Spec.Template.Spec.HostNetwork = true
			return s
		}, "dns: statefulset/web has hostNetwork: true and dnsPolicy ClusterFirst, which means the node's resolver for such pods: its pods cannot resolve names of the cluster", "nodes-resolver"},
		{"20 the probe says that it did not resolve a name", func(t *testing.T) state {
			s := asks(t)
			s.StatefulSet.Spec.Template.Spec.HostNetwork = true
			s.Events[len(s.Events)-1].Message = "Readiness probe failed: cannot resolve web-0.web"
			return s
		}, "dns: statefulset/web has hostNetwork: true", "nodes-resolver"},
		{"20 dnsPolicy Default", func(t *testing.T) state {
			s := asks(t, "web-0.web.$NAMESPACE.svc")
			s.StatefulSet.Spec.Template.Spec.DNSPolicy = corev1.DNSDefault
			return s
		}, "dns: statefulset/web has dnsPolicy Default", "nodes-resolver"},
		{"20 twin: with ClusterFirstWithHostNet", func(t *testing.T) state {
			s := asks(t, "web-0.web.$NAMESPACE.svc")
			s.StatefulSet.Spec.Template.Spec.HostNetwork, s.StatefulSet.Spec.Template.Spec.DNSPolicy = true, corev1.DNSClusterFirstWithHostNet
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"20 twin: nothing tells that a name is needed", func(t *testing.T) state {
			s := asks(t)
			s.StatefulSet.Spec.Template.Spec.HostNetwork = true
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"20 twin: the image cannot be pulled", func(t *testing.T) state {
			s := asks(t, "web-0.web.$NAMESPACE.svc")
			s.StatefulSet.Spec.Template.Spec.HostNetwork = true
			s.waiting("web-0", "ImagePullBackOff", "not found")
			return s
		}, "image: pod/web-0 cannot pull the image", "image-pull"},

		{"33 a zone of another cluster", func(t *testing.T) state { return asks(t, "web-0.web.$NAMESPACE.svc.cluster.internal") },
			"dns: statefulset/web has a template that asks for names in cluster.internal, and the cluster's zone is cluster.local", "other-zone"},
		{"33 twin: the zone is the cluster's", func(t *testing.T) state {
			s := asks(t, "web-0.web.$NAMESPACE.svc.cluster.internal")
			s.Resolver.Zone = "cluster.internal"
			s.Resolver.Corefile = ""
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"33 twin: all pods are well", func(t *testing.T) state {
			s := running(t)
			s.Names = []string{"telemetry.svc.example.com"}
			return s
		}, "dns: statefulset/web has a template that asks for names in example.com, and the cluster's zone is cluster.local", diagnose.Note},

		{"a pod's name under another service", func(t *testing.T) state { return asks(t, "$(hostname).web-headless.$NAMESPACE.svc") },
			`service: statefulset/web has serviceName "web", and its template asks for its pods' names under web-headless`, "other-service"},
		{"a pod's name in another namespace", func(t *testing.T) state { return asks(t, "web-0.web.prod.svc.cluster.local") },
			"service: statefulset/web has a template that asks for its pods' names in namespace prod, and is in ", "other-namespace"},
		{"16 twin: a service that is asked for and missing", func(t *testing.T) state { return asks(t, "db.$NAMESPACE.svc") },
			"service: service/db does not exist, though the set's template asks for db.$NAMESPACE.svc", "asked-service-missing"},
		{"twin: names of another set in another namespace", func(t *testing.T) state { return asks(t, "db-0.db.prod.svc", "db.prod.svc", "$SERVICE.$NAMESPACE.svc") },
			"readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},

		{"30 a service that selects another set's pods", func(t *testing.T) state { return selected(t, "web") },
			"service: service/web also selects reports-0 of statefulset/reports: its name leads to pods that are not the set's", "service-selects-others"},
		{"30 twin: sets that share a service by a label of their own", func(t *testing.T) state {
			s := selected(t, "reports")
			s.Services[0].Spec.Selector = map[string]string{"part": "web"}
			for i := range s.Pods {
				s.Pods[i].Labels["part"] = "web"
			}
			s.StatefulSet.Spec.Template.Labels["part"] = "web"
			return s
		}, "service: service/web also selects reports-0 of statefulset/reports", diagnose.Note},
		{"30 twin: the service leads to a port that no container has", func(t *testing.T) state {
			s := state{well(t), t}
			s.Services[0].Spec.Ports[0].TargetPort = intstr.FromString("http")
			return s
		}, `service: service/web leads port 8080 to a port named "http", which no container of the set has`, "service-port"},
	}
}
