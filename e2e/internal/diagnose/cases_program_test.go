package diagnose_test

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// programCases are of scripts that come from a ConfigMap, of what a template says past the scheduler, and of where a volume stays.
func programCases() []built {
	script := func(mode int32, mounted, message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			last := s.crashing("web-0", 128, 0).LastTerminationState.Terminated
			last.Reason, last.Message = "StartError", "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: "+message+": unknown"
			p := pod(s.State, "web-0")
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "bin", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "scripts"}, DefaultMode: &mode,
			}}})
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "bin", MountPath: mounted}}
			return s
		}
	}
	named := func(t *testing.T, node string) state {
		t.Helper()
		s := running(t)
		s.only()
		p := pod(s.State, "web-0")
		p.Spec.NodeName, p.Status.Phase = "worker-99", corev1.PodPending
		s.unready("web-0", 3*time.Minute)
		s.StatefulSet.Spec.Template.Spec.NodeName = node
		return s
	}
	refused := func(t *testing.T, node string) state {
		t.Helper()
		s := running(t)
		s.only()
		for _, uid := range []types.UID{"a", "b"} {
			s.said("web-0", "NodeAffinity", "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector", 5*time.Second).InvolvedObject.UID = uid
		}
		s.StatefulSet.Spec.Template.Spec.NodeName = node
		return s
	}
	full := func(t *testing.T, limit string) state {
		t.Helper()
		s := running(t)
		s.only()
		pod(s.State, "web-0").Status.Phase = corev1.PodPending
		s.waiting("web-0", "ContainerCreating", "")
		for _, file := range []string{"token", "ca.crt"} {
			s.said("web-0", "FailedMount", `MountVolume.SetUp failed for volume "kube-api-access-x" : write /var/lib/kubelet/pods/7/volumes/kubernetes.io~projected/kube-api-access-x/..1/`+file+`: no space left on device`, 5*time.Second).Count = 1
		}
		s.container("web-0", func(c *corev1.Container) {
			c.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
		})
		return s
	}
	// The volume of web-2's claim can be used on the first worker alone.
	elsewhere := func(t *testing.T, change func(*corev1.Pod, *corev1.Node)) state {
		t.Helper()
		s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match PersistentVolume's node affinity")
		const worker = "statefulset-conformance-worker"
		volume := corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv"}}
		volume.Spec.ClaimRef = &corev1.ObjectReference{Namespace: s.Namespace, Name: "data-web-2"}
		volume.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "kubernetes.io/hostname", Operator: corev1.NodeSelectorOpIn, Values: []string{worker}}},
		}}}}
		s.Volumes = append(s.Volumes, volume)
		claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-web-2", Namespace: s.Namespace}}
		claim.Spec.VolumeName, claim.Status.Phase = "pv", corev1.ClaimBound
		s.Claims = append(s.Claims, claim)
		p := pod(s.State, "web-2")
		p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-web-2"}}}}
		for i := range s.Nodes {
			if s.Nodes[i].Name == worker {
				change(p, &s.Nodes[i])
			}
		}
		return s
	}
	const main = "container: pod/web-0 has container main whose command "
	return []built{
		{
			"a script of a ConfigMap that may not be executed", script(0o644, "/s", `exec: "/s/run.sh": permission denied`),
			main + "/s/run.sh comes from configmap/scripts, and may not be executed: its volume bin gives files the mode 0644", "cannot-start",
		},
		{
			"twin: its volume lets files be executed", script(0o755, "/s", `exec: "/s/run.sh": permission denied`),
			main + `cannot be started: exec: "/s/run.sh": permission denied`, "cannot-start",
		},
		{
			"twin: it is the image's", script(0o644, "/scripts", `exec: "/s/run.sh": permission denied`),
			main + `cannot be started: exec: "/s/run.sh": permission denied`, "cannot-start",
		},
		{
			"twin: a script without a first line", script(0o755, "/s", `exec /s/run.sh: exec format error`),
			main + "/s/run.sh comes from configmap/scripts, and has no first line that says what runs it (#!): exec format error", "cannot-start",
		},
		{
			"twin: a program of the image for another architecture", script(0o755, "/s", `exec /usr/bin/db: exec format error`),
			"container: pod/web-0 has container main whose program is not made for its node: exec format error", "cannot-start",
		},
		{
			"twin: an interpreter that is not there", script(0o755, "/s/", `exec /s/run.sh: no such file or directory`),
			main + "/s/run.sh comes from configmap/scripts, and is not there, or its first line names an interpreter that the image does not have", "cannot-start",
		},
		{
			"twin: a working directory that is a file", script(0o644, "/s", "mkdir /etc/hostname: not a directory"),
			"container: pod/web-0 has container main that cannot be started: its working directory or a mount at /etc/hostname cannot be made: not a directory", "cannot-start",
		},

		{"a node that the template names and that does not exist", func(t *testing.T) state {
			t.Helper()
			return named(t, "worker-99")
		}, "node: node/worker-99 does not exist, and the set's template names it (nodeName)", "node-named"},
		{"twin: the scheduler chose it, and it went", func(t *testing.T) state {
			t.Helper()
			return named(t, "")
		}, "node: node/worker-99 does not exist any more, and a pod is still on it", "node-gone"},
		{"a node that the template names and whose labels the pod does not want", func(t *testing.T) state {
			t.Helper()
			return refused(t, "diag-worker")
		}, "node: pod/web-0 was not taken by its node 2 times, the last 5s ago: NodeAffinity: Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector; the set's template gives it the node diag-worker past the scheduler (nodeName)", "pod-failed"},

		{"a limit of memory without a unit", func(t *testing.T) state {
			t.Helper()
			return full(t, "128")
		}, "container: pod/web-0 has container main with the memory limit 128, in which not even its volumes of settings have room", "out-of-memory"},
		{"twin: the limit is large, and the node is full", func(t *testing.T) state {
			t.Helper()
			return full(t, "128Mi")
		}, `storage: pod/web-0 cannot use a volume: MountVolume.SetUp failed for volume "kube-api-access-x"`, "volume-mount"},

		{"a node selector that leads away from the pod's volume", func(t *testing.T) state {
			t.Helper()
			return elsewhere(t, func(p *corev1.Pod, _ *corev1.Node) {
				p.Spec.NodeSelector = map[string]string{"kubernetes.io/hostname": "statefulset-conformance-worker2"}
			})
		}, "storage: persistentvolume/pv can be used only on nodes with kubernetes.io/hostname In statefulset-conformance-worker, and node statefulset-conformance-worker lacks the labels that the pod's nodeSelector or affinity asks for; the pod asks for kubernetes.io/hostname=statefulset-conformance-worker2", "volume-node-affinity"},
		{"twin: the volume's node is cordoned", func(t *testing.T) state {
			t.Helper()
			return elsewhere(t, func(_ *corev1.Pod, n *corev1.Node) { n.Spec.Unschedulable = true })
		}, "storage: persistentvolume/pv can be used only on nodes with kubernetes.io/hostname In statefulset-conformance-worker, and node statefulset-conformance-worker is cordoned", "volume-node-affinity"},
	}
}

// TestNamesBehindSubstitutions finds the names of services in what shells put together.
func TestNamesBehindSubstitutions(t *testing.T) {
	for command, want := range map[string]string{
		"until nslookup db.$(cat /var/run/secrets/kubernetes.io/serviceaccount/namespace).svc.cluster.local; do sleep 1; done": "db.$().svc.cluster.local",
		"ping $(hostname -s).web.shop.svc": "$(hostname).web.shop.svc",
		"ping `hostname`.web.shop.svc":     "$(hostname).web.shop.svc",
		"ping $(POD).web.shop.svc":         "$(POD).web.shop.svc",
	} {
		var set appsv1.StatefulSet
		set.Name = "web"
		set.Spec.Template.Spec.Containers = []corev1.Container{{Command: []string{"sh", "-c", command}}}
		if got := diagnose.NamesIn(&set); len(got) != 1 || got[0] != want {
			t.Errorf("%s: expected %s, found %v", command, want, got)
		}
	}
}
