package diagnose_test

import (
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

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
	// The same pod found no node that has as much as it asks for.
	homeless := func(t *testing.T) (state, *corev1.Pod) {
		t.Helper()
		s := left(t)
		p := pod(s.State, "web-1")
		p.Spec.Volumes, p.Spec.NodeName, p.Status.Phase, p.Status.ContainerStatuses = nil, "", corev1.PodPending, nil
		for i := range p.Status.Conditions {
			if c := &p.Status.Conditions[i]; c.Type == corev1.PodScheduled {
				c.Status, c.Message = corev1.ConditionFalse, "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available"
			}
		}
		return s, p
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
		{
			"03 a broken pod of a revision that the set has left", left,
			"rollout: pod/web-1 is broken and of a revision that the set has left (web-bad, now web-7c98cf7c44; its image registry.invalid/shop/web:2 is no longer in the template), and OrderedReady waits for it", "forced-rollback",
		},
		{"03 twin: the pod is of the newest revision, and has another image", func(t *testing.T) state {
			t.Helper()
			s := left(t)
			pod(s.State, "web-1").Labels[appsv1.ControllerRevisionHashLabelKey] = s.StatefulSet.Status.UpdateRevision
			return s
		}, "image: pod/web-1 cannot pull the image registry.invalid/shop/web:2 of container main: the registry has no image of that name and tag; the set's template, of which the pod is, has another image", "pod-changed"},
		{"03 twin: the newest template has the same image", func(t *testing.T) state {
			t.Helper()
			s := left(t)
			s.StatefulSet.Spec.Template.Spec.Containers[0].Image = "registry.invalid/shop/web:2"
			pod(s.State, "web-1").Spec.Containers[0].Image = "registry.invalid/shop/web:2"
			return s
		}, "image: pod/web-1 cannot pull the image registry.invalid/shop/web:2 of container main", "image-pull"},
		{"03 twin: no node has room, and the newest template asks for as much", func(t *testing.T) state {
			t.Helper()
			s, _ := homeless(t)
			s.container("web-1", func(c *corev1.Container) {
				c.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100")}
			})
			return s
		}, "scheduling: pod/web-1 fits on none of 1 node: 1 with too little cpu left", "resources"},
		{"03 twin: the newest template asks for less", func(t *testing.T) state {
			t.Helper()
			s, p := homeless(t)
			p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100")}
			return s
		}, "rollout: pod/web-1 is broken and of a revision that the set has left", "forced-rollback"},
		{"03 twin: below the partition a new pod would be the same", func(t *testing.T) state {
			t.Helper()
			s := left(t)
			two := int32(2)
			s.StatefulSet.Spec.UpdateStrategy.RollingUpdate.Partition = &two
			return s
		}, "image: pod/web-1 cannot pull the image registry.invalid/shop/web:2 of container main", "image-pull"},
		{"03 twin: its node is lost, which no deletion mends", func(t *testing.T) state {
			t.Helper()
			s := left(t)
			s.Leases = slices.DeleteFunc(s.Leases, func(o coordination) bool { return o.Name == "diag-worker" })
			for i := range s.Nodes[0].Status.Conditions {
				if c := &s.Nodes[0].Status.Conditions[i]; c.Type == corev1.NodeReady {
					c.Status = corev1.ConditionUnknown
				}
			}
			return s
		}, "node: node/diag-worker has been silent for", "node-lost"},

		{
			"35 pods that stay since one before them is not Ready", scaled,
			"readiness: pod/web-0 runs, and the readiness probe of container main fails (TCP connection to :80, every 1 s): nothing listens there (not yet, on another port, or on 127.0.0.1 alone); web-1 and web-2 are to go and stay until it is Ready (OrderedReady)", "readiness-probe",
		},
		{"35 twin: under Parallel they need not wait", func(t *testing.T) state {
			t.Helper()
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
			t.Helper()
			s := scaled(t)
			for i := range pod(s.State, "web-0").Status.Conditions {
				pod(s.State, "web-0").Status.Conditions[i].Status = corev1.ConditionTrue
			}
			pod(s.State, "web-0").Status.ContainerStatuses[0].Ready = true
			s.crashing("web-1", 1, time.Second)
			s.crashing("web-2", 1, time.Second)
			return s
		}, "container: pod/web-1 has container main that ends again and again (4 restarts, exit code 1); web-1 and web-2 are to go and stay", "crash-loop"},
		{"a pod of an earlier revision that may not be deleted", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			pod(s.State, "web-1").Labels[appsv1.ControllerRevisionHashLabelKey] = "web-old"
			s.said("web", "FailedDelete", `delete Pod web-1 in StatefulSet web failed error: admission webhook "keep.example.com" denied the request: it is being backed up`, 10*time.Second)
			return s
		}, "admission: webhook/keep.example.com rejects the set's pod web-1 being deleted: its webhook keep.example.com says: it is being backed up", "webhook-denies"},
		{"a pod that is Ready and not available yet", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.StatefulSet.Spec.MinReadySeconds = 3600
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-1" })
			return s
		}, "controller: pod/web-0 is Ready, and the controller goes on only when it has been so for 1h (minReadySeconds)", diagnose.Note},
	}
}
