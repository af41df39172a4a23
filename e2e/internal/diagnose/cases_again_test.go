package diagnose_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// againCases are of pods that come and go, rollouts that stand still, and containers of one pod with different troubles.
func againCases() []built {
	// web-1 was ended some times, each time as another pod, and nothing says why.
	ended := func(t *testing.T, times int) state {
		t.Helper()
		s := running(t)
		for i := range times {
			e := s.said("web-1", "Killing", "Stopping container main", time.Duration(i+1)*3*time.Minute)
			e.Type, e.InvolvedObject.UID = corev1.EventTypeNormal, types.UID(fmt.Sprint("earlier-", i))
		}
		return s
	}
	// Another container beside main.
	beside := func(t *testing.T, status corev1.ContainerStatus) state {
		t.Helper()
		s := running(t)
		p := pod(s.State, "web-0")
		status.Name, status.RestartCount = "proxy", 2
		p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "proxy", Image: status.Image})
		p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, status)
		return s
	}
	waits := func(reason, message string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Image: "registry.example.com/proxy:1", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
	}
	// A rollout of which only web-0 is left, and nothing moves.
	halfway := func(t *testing.T, idle time.Duration) state {
		t.Helper()
		s := running(t)
		s.Events, s.StatefulSet.ManagedFields = nil, nil
		s.StatefulSet.Status.CurrentRevision = "web-old"
		pod(s.State, "web-0").Labels[appsv1.ControllerRevisionHashLabelKey] = "web-old"
		s.StatefulSet.CreationTimestamp = s.ago(240 * time.Hour)
		for i := range s.Pods {
			s.Pods[i].CreationTimestamp = s.ago(idle)
			for j := range s.Pods[i].Status.Conditions {
				s.Pods[i].Status.Conditions[j].LastTransitionTime = s.ago(idle)
			}
		}
		return s
	}
	peers := func(t *testing.T, from map[string]string) state {
		t.Helper()
		s := running(t)
		s.container("web-0", func(c *corev1.Container) {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"quorum"}}}}
		})
		s.unready("web-0", 3*time.Minute)
		s.said("web-0", "Unhealthy", "Readiness probe failed: no quorum", 2*time.Second)
		p := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "closed"}, Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}}}
		p.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: from}}}}}
		s.Policies = append(s.Policies, p)
		return s
	}
	const crash = "container: pod/web-0 has container main that ends again and again"
	return []built{
		{"a pod that is deleted again and again, and nobody says by whom", func(t *testing.T) state {
			t.Helper()
			return ended(t, 4)
		}, "controller: pod/web-1 was deleted 4 times within the last 1h, the last 3m ago, and not by the set's controller as far as its events tell", diagnose.Unknown},
		{"twin: its controller deleted it", func(t *testing.T) state {
			t.Helper()
			s := ended(t, 4)
			e := s.said("web", "SuccessfulDelete", "delete Pod web-1 in StatefulSet web successful", 3*time.Minute)
			e.Type, e.Count = corev1.EventTypeNormal, 4
			s.StatefulSet.ManagedFields = append(s.StatefulSet.ManagedFields, metav1.ManagedFieldsEntry{Manager: "argocd-controller", Operation: metav1.ManagedFieldsOperationUpdate, Time: new(s.ago(4 * time.Minute))})
			return s
		}, "controller: statefulset/web had its controller delete pod web-1 4 times within the last 1h, the last 3m ago: something changes its replicas or its template as often", diagnose.Note},
		{"twin: its controller undoes the rollout", func(t *testing.T) state {
			t.Helper()
			s := ended(t, 4)
			s.said("web", "SuccessfulDelete", "delete Pod web-1 in StatefulSet web successful", 3*time.Minute).Count = 4
			s.StatefulSet.Spec.PodManagementPolicy, s.StatefulSet.Spec.UpdateStrategy = appsv1.ParallelPodManagement, appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType}
			s.StatefulSet.Status.UpdateRevision = "web-new"
			return s
		}, "controller: statefulset/web creates pod web-1 at its former revision and deletes it for the rollout, again and again (4 times within the last 1h, the last 3m ago)", "rollout-undone"},
		{"twin: no rollout is under way", func(t *testing.T) state {
			t.Helper()
			s := ended(t, 4)
			s.said("web", "SuccessfulDelete", "delete Pod web-1 in StatefulSet web successful", 3*time.Minute).Count = 4
			s.StatefulSet.Spec.PodManagementPolicy, s.StatefulSet.Spec.UpdateStrategy = appsv1.ParallelPodManagement, appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType}
			return s
		}, "controller: statefulset/web had its controller delete pod web-1 4 times within the last 1h, the last 3m ago", diagnose.Note},
		{"twin: it was deleted once", func(t *testing.T) state {
			t.Helper()
			return ended(t, 1)
		}, "", ""},

		{"twin: its replicas are changed up and down", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			for i := range 3 {
				e := s.said("web-2", "Killing", "Stopping container main", time.Duration(i+1)*10*time.Minute)
				e.Type, e.InvolvedObject.UID = corev1.EventTypeNormal, types.UID(fmt.Sprint("earlier-", i))
			}
			s.said("web", "SuccessfulDelete", "delete Pod web-2 in StatefulSet web successful", 10*time.Minute).Count = 3
			return s
		}, "controller: statefulset/web had its controller delete pod web-2 3 times within the last 1h, the last 10m ago", diagnose.Note},
		{"a pod that its node does not take, again and again", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			for i := range 3 {
				s.said("web-1", "SysctlForbidden", `forbidden sysctl: "net.core.somaxconn" not allowlisted`, time.Duration(i+1)*10*time.Second).InvolvedObject.UID = types.UID(fmt.Sprint("earlier-", i))
			}
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-1" })
			return s
		}, `node: pod/web-1 was not taken by its node 3 times, the last 10s ago: SysctlForbidden: forbidden sysctl: "net.core.somaxconn" not allowlisted`, "pod-failed"},
		{"a strategy that the controller does not have", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Pods = nil
			s.StatefulSet.Spec.UpdateStrategy.Type = "Recreate"
			s.said("web", "UnknownStrategy", "statefulset shop/web uses Recreate strategy but feature gate StatefulSetRecreateStrategy is disabled", time.Minute)
			return s
		}, "controller: statefulset/web has the update strategy Recreate, which its controller does not have: ", "strategy-unknown"},
		{"a pod by hand that the set has taken over", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.said("web", "FailedUpdate", `update Pod web-0 in StatefulSet web failed error: Pod "web-0" is invalid: spec: Forbidden: pod updates may not change fields other than spec.containers[*].image`, time.Minute)
			return s
		}, "admission: statefulset/web has a pod that is not as it makes them, and cannot be made so: ", "pod-foreign"},
		{"a claim template that is not valid", func(t *testing.T) state {
			t.Helper()
			s := rejected(t, "")
			s.Events[len(s.Events)-1].Message = `create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: PersistentVolumeClaim "data-web-0" is invalid: spec.resources[storage]: Required value`
			return s
		}, "admission: statefulset/web has a template from which no valid claim can be made: spec.resources[storage]: Required value", "pod-invalid"},
		{"no word of the controller, and a quota that is used up", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Pods, s.Events, s.Unread = nil, nil, []diagnose.Unread{{What: "events", Why: "forbidden"}}
			s.Quotas = []corev1.ResourceQuota{{ObjectMeta: metav1.ObjectMeta{Name: "small"}, Status: corev1.ResourceQuotaStatus{
				Hard: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2")}, Used: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("2")},
			}}}
			return s
		}, "controller: statefulset/web lacks pod web-0, and nothing that was read says why", diagnose.Unknown},

		{"a program that ends, beside one whose image cannot be had", func(t *testing.T) state {
			t.Helper()
			s := beside(t, waits("ImagePullBackOff", "not found"))
			s.crashing("web-0", 1, time.Second)
			return s
		}, "image: pod/web-0 cannot pull the image registry.example.com/proxy:1 of container proxy", "image-pull"},
		{"twin: both end", func(t *testing.T) state {
			t.Helper()
			s := beside(t, waits("CrashLoopBackOff", ""))
			s.crashing("web-0", 1, time.Second)
			return s
		}, crash, "crash-loop"},
		{"a program that is not ready, beside one that ends", func(t *testing.T) state {
			t.Helper()
			s := beside(t, waits("CrashLoopBackOff", ""))
			s.container("web-0", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}}
			})
			s.unready("web-0", 3*time.Minute)
			s.said("web-0", "Unhealthy", "Readiness probe failed: connection refused", 2*time.Second)
			return s
		}, "container: pod/web-0 has container proxy that ends again and again", "crash-loop"},

		{"01 twin: an old claim, and a command that is not there", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.StatefulSet.CreationTimestamp, s.Pods[0].CreationTimestamp = s.ago(4*time.Minute), s.ago(4*time.Minute)
			s.crashing("web-0", 127, time.Second)
			return s
		}, crash + " (4 restarts, exit code 127)", "crash-loop"},

		{"01 twin: an old claim that is full", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.StatefulSet.CreationTimestamp, s.Pods[0].CreationTimestamp = s.ago(4*time.Minute), s.ago(4*time.Minute)
			s.crashing("web-0", 1, time.Second).LastTerminationState.Terminated.Message = "write /data/log: no space left on device"
			return s
		}, crash + " (4 restarts, exit code 1), and says: write /data/log: no space left on device", "crash-loop"},
		{"01 a login that is refused, with an old claim", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			s.StatefulSet.CreationTimestamp, s.Pods[0].CreationTimestamp = s.ago(4*time.Minute), s.ago(4*time.Minute)
			s.crashing("web-0", 1, time.Second).LastTerminationState.Terminated.Message = "FATAL: password authentication failed for user"
			return s
		}, "storage: persistentvolumeclaim/data-web-0 was made 6m", "earlier-data"},
		{"a rollout on which nothing has happened for hours", func(t *testing.T) state {
			t.Helper()
			return halfway(t, 5*time.Hour)
		}, "controller: statefulset/web is being rolled out, and nothing has happened for 5h although all its pods are Ready", diagnose.Unknown},
		{"twin: its pods are not available yet", func(t *testing.T) state {
			t.Helper()
			s := halfway(t, 5*time.Hour)
			s.StatefulSet.Spec.MinReadySeconds = 6 * 3600
			return s
		}, "rollout: statefulset/web is being rolled out, highest ordinal first, and waits until each pod has been Ready for 6h (minReadySeconds)", diagnose.Note},
		{"twin: it moved a moment ago", func(t *testing.T) state {
			t.Helper()
			return halfway(t, time.Minute)
		}, "rollout: statefulset/web is being rolled out, highest ordinal first", diagnose.Note},
		{"twin: the partition keeps it", func(t *testing.T) state {
			t.Helper()
			s := halfway(t, 5*time.Hour)
			s.StatefulSet.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))}
			return s
		}, "rollout: statefulset/web has the partition 1: pods below it keep their revision", diagnose.Note},
		{"twin: the pod is not below the partition", func(t *testing.T) state {
			t.Helper()
			s := halfway(t, time.Minute)
			pod(s.State, "web-1").Labels[appsv1.ControllerRevisionHashLabelKey] = "web-old"
			s.StatefulSet.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))}
			return s
		}, "rollout: statefulset/web is being rolled out, highest ordinal first, down to the partition 1", diagnose.Note},
		{"a change that the controller does not look at", func(t *testing.T) state {
			t.Helper()
			s := halfway(t, 5*time.Hour)
			pod(s.State, "web-0").Labels[appsv1.ControllerRevisionHashLabelKey] = s.StatefulSet.Status.UpdateRevision
			s.StatefulSet.Generation = s.StatefulSet.Status.ObservedGeneration + 1
			s.StatefulSet.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl-edit", Time: new(s.ago(time.Hour))}}
			return s
		}, "controller: statefulset/web was changed, and its controller has not looked at it since", diagnose.Unknown},

		{"a pod with which its node has not begun", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			p := pod(s.State, "web-1")
			s.unready("web-1", 5*time.Minute)
			p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: s.ago(5 * time.Minute)}}}
			return s
		}, "node: node/diag-worker has not begun with pod web-1, which was given to it 5m ago", "kubelet-idle"},
		{"a volume that failed once, some time ago", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			pod(s.State, "web-1").Status.Phase = corev1.PodPending
			s.waiting("web-1", "ContainerCreating", "")
			s.said("web-1", "FailedMount", `MountVolume.SetUp failed for volume "x" : mount failed: exit status 32`, 3*time.Minute).Count = 1
			return s
		}, "storage: pod/web-1 cannot use a volume: ", "volume-mount"},
		{"words of the scheduler that are of no node", func(t *testing.T) state {
			t.Helper()
			s := pending(t, `running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded`)
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name > "web-2" })
			*s.StatefulSet.Spec.Replicas = 3
			return s
		}, "scheduling: pod/web-2 is given no node, as the scheduler says: running PreBind plugin", diagnose.Unknown},

		{"short names under another service", func(t *testing.T) state {
			t.Helper()
			s := peers(t, map[string]string{"app": "web"})
			s.Names = []string{"web-0.web-headless"}
			return s
		}, `service: statefulset/web has serviceName "web", and its template asks for its pods' names under web-headless`, "other-service"},
		{"a policy that lets peers say nothing to each other", func(t *testing.T) state {
			t.Helper()
			s := peers(t, map[string]string{"app": "front"})
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
	}
}

// A policy that keeps the set's pods from each other is worth knowing while they are not Ready, and decides nothing: what they ask is not known.
func TestPoliciesBetweenPeers(t *testing.T) {
	for from, want := range map[string]bool{"front": true, "web": false} {
		all := againCases()
		s := all[slices.IndexFunc(all, func(b built) bool { return b.name == "a policy that lets peers say nothing to each other" })].state(t)
		s.Policies[0].Spec.Ingress[0].From[0].PodSelector.MatchLabels["app"] = from
		found := diagnose.Diagnose(s.State)
		has := slices.ContainsFunc(found, func(f diagnose.Finding) bool { return f.Object.Name == "closed" && f.Cause == diagnose.Note })
		if has != want || found[0].Cause != "readiness-probe" {
			t.Errorf("from %s: expected a note of the policy: %t, found\n%s", from, want, text(s.State, found))
		}
	}
	// A second policy may allow what the first leaves out.
	all := againCases()
	s := all[slices.IndexFunc(all, func(b built) bool { return b.name == "a policy that lets peers say nothing to each other" })].state(t)
	open := *s.Policies[0].DeepCopy()
	open.Name, open.Spec.Ingress = "open", []networkingv1.NetworkPolicyIngressRule{{}}
	s.Policies = append(s.Policies, open)
	if found := diagnose.Diagnose(s.State); len(found) != 1 {
		t.Errorf("expected no note of a policy beside one that allows it, found\n%s", text(s.State, found))
	}
}

// A line that only begins as expected may say too much.
func TestNothingIsAddedWhereNothingIsToBeAdded(t *testing.T) {
	all := slices.Concat(endCases(), placementCases())
	for name, part := range map[string]string{
		"twin: the port is the one that it declares":    "the container declares",
		"twin: the rule is about other pods":            "keeps the set's own pods apart",
		"more than is left":                             "however empty",
		"a limit of memory that is met every few hours": "node diag-worker",
	} {
		at := slices.IndexFunc(all, func(b built) bool { return b.name == name })
		if at < 0 {
			t.Fatalf("no case %q", name)
		}
		s := all[at].state(t)
		if line := diagnose.Diagnose(s.State)[0].Line(); strings.Contains(line, part) {
			t.Errorf("%s: expected no %q in %s", name, part, line)
		}
	}
}
