package diagnose_test

import (
	"testing"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

type coordination = coordinationv1.Lease

func scheduleCases() []built {
	const tail = ". preemption: 0/3 nodes are available: 1 Preemption is not helpful for scheduling, 2 No preemption victims found for incoming pod."
	ports := func(t *testing.T, holders ...string) state {
		t.Helper()
		s := pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't have free ports for the requested pod ports"+tail)
		pod(s.State, "web-2").Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 8080, HostPort: 18080, Protocol: corev1.ProtocolTCP}}
		for i, h := range holders {
			s.Usage[i+1].HostPorts = []diagnose.PortUse{{Port: 18080, Protocol: corev1.ProtocolTCP, Pod: h}}
		}
		return s
	}
	// All pods share a claim whose volume can be used on the first worker only.
	shared := func(t *testing.T, name, said string) state {
		t.Helper()
		s := pending(t, said+tail)
		volume := corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: "pv"}}
		volume.Spec.ClaimRef = &corev1.ObjectReference{Namespace: s.Namespace, Name: name}
		volume.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "kubernetes.io/hostname", Operator: corev1.NodeSelectorOpIn, Values: []string{"statefulset-conformance-worker"}}},
		}}}}
		s.Volumes = append(s.Volumes, volume)
		claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: s.Namespace}}
		claim.Spec.VolumeName, claim.Status.Phase = "pv", corev1.ClaimBound
		s.Claims = append(s.Claims, claim)
		pod(s.State, "web-2").Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: name}}}}
		return s
	}
	spread := func(t *testing.T, key, said string) state {
		t.Helper()
		s := pending(t, said+tail)
		pod(s.State, "web-2").Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule}}
		return s
	}
	const rules = "0/3 nodes are available: 1 node(s) didn't match PersistentVolume's node affinity, 1 node(s) didn't match pod anti-affinity rules, 1 node(s) had untolerated taint(s)"
	return []built{
		{"13 a host port that the set's own pods have", func(t *testing.T) state {
			t.Helper()
			s := ports(t)
			s.Usage[1].HostPorts = []diagnose.PortUse{{Port: 18080, Protocol: corev1.ProtocolTCP, Pod: s.Namespace + "/web-0"}}
			s.Usage[2].HostPorts = []diagnose.PortUse{{Port: 18080, Protocol: corev1.ProtocolTCP, Pod: s.Namespace + "/web-1"}}
			return s
		}, "scheduling: pod/web-2 wants host port 18080, which is taken on each of the 2 nodes that could take it, by web-0 and web-1", "host-port"},
		{
			"13 a host port that others have", func(t *testing.T) state {
				t.Helper()
				return ports(t, "kube-system/proxy-a", "kube-system/proxy-b")
			},
			"scheduling: pod/web-2 wants host port 18080, which is taken on each of the 2 nodes that could take it, by kube-system/proxy-a and kube-system/proxy-b", "host-port",
		},
		{
			"13 who has the port was not read", func(t *testing.T) state {
				t.Helper()
				return ports(t)
			},
			"scheduling: pod/web-2 fits on no node, as the scheduler says: 0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't have free ports", "host-port",
		},
		{"13 twin: the nodes are tainted, and their ports are free", func(t *testing.T) state {
			t.Helper()
			s := ports(t)
			for i := range s.Nodes {
				s.Nodes[i].Spec.Taints = append(s.Nodes[i].Spec.Taints, corev1.Taint{Key: "reserved", Effect: corev1.TaintEffectNoSchedule})
			}
			return s
		}, "scheduling: pod/web-2 fits on none of 3 nodes: 3 with a taint that the pod does not tolerate", "taint"},

		{
			"14 a volume and a rule that exclude each other", func(t *testing.T) state {
				t.Helper()
				return shared(t, "shared", rules)
			},
			"storage: persistentvolumeclaim/shared can be used only on statefulset-conformance-worker, where web-0 already runs, and there pod web-2 is kept away: didn't match pod anti-affinity rules", "volume-confines",
		},
		{"14 a pod that volume confines to a node whose words are those of older schedulers", func(t *testing.T) state {
			t.Helper()
			return shared(t, "shared", "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 1 node(s) didn't satisfy existing pods anti-affinity rules, 1 node(s) had volume node affinity conflict")
		}, "storage: persistentvolumeclaim/shared can be used only on statefulset-conformance-worker, where web-0 already runs, and there pod web-2 is kept away: didn't satisfy existing pods", "volume-confines"},
		{"14 twin: the rule alone", func(t *testing.T) state {
			t.Helper()
			return pending(t, "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod anti-affinity rules"+tail)
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: ", "pod-anti-affinity"},
		{"14 twin: the volume's node is cordoned", func(t *testing.T) state {
			t.Helper()
			s := shared(t, "shared", "0/3 nodes are available: 1 node(s) were unschedulable, 1 node(s) didn't match PersistentVolume's node affinity, 1 node(s) had untolerated taint(s)")
			s.Nodes[1].Spec.Unschedulable = true
			return s
		}, "storage: persistentvolume/pv can be used only on nodes with kubernetes.io/hostname In statefulset-conformance-worker, and node statefulset-conformance-worker is cordoned", "volume-node-affinity"},

		{"a claim for one pod only", func(t *testing.T) state {
			t.Helper()
			s := shared(t, "shared", "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod")
			s.Volumes[0].Spec.NodeAffinity = nil
			s.Claims[0].Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
			pod(s.State, "web-0").Spec.Volumes = pod(s.State, "web-2").Spec.Volumes
			return s
		}, "storage: persistentvolumeclaim/shared may be used by one pod only (ReadWriteOncePod), and pod web-0 uses it: pod web-2 waits", "claim-in-use"},
		{"a local volume on a node that cannot take the pod", func(t *testing.T) state {
			t.Helper()
			s := shared(t, "data-web-2", "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't find available persistent volumes to bind")
			s.Claims[0].Spec.VolumeName, s.Claims[0].Status.Phase = "", corev1.ClaimPending
			local, wait := "local", storagev1.VolumeBindingWaitForFirstConsumer
			s.Claims[0].Spec.StorageClassName = &local
			s.Classes = append(s.Classes, storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: local}, Provisioner: "kubernetes.io/no-provisioner", VolumeBindingMode: &wait})
			s.Volumes[0].Spec.ClaimRef, s.Volumes[0].Spec.StorageClassName = nil, local
			return s
		}, `storage: persistentvolumeclaim/data-web-2 finds no volume of class "local" that can be used on a node that could take pod web-2`, "no-volume-in-reach"},

		{"28 no node has the label to spread over", func(t *testing.T) state {
			t.Helper()
			return spread(t, "topology.kubernetes.io/zone", "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod topology spread constraints (missing required label)")
		}, "scheduling: pod/web-2 fits on none of 3 nodes: 3 without the label topology.kubernetes.io/zone, over which its topologySpreadConstraints spread it", "topology-label"},
		{"28 twin: the spread is uneven", func(t *testing.T) state {
			t.Helper()
			return spread(t, "kubernetes.io/hostname", "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't match pod topology spread constraints")
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: ", "topology-spread"},
		{"28 twin: the label is on no node, and the rule is a wish", func(t *testing.T) state {
			t.Helper()
			s := spread(t, "topology.kubernetes.io/zone", "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient example.com/gpu")
			pod(s.State, "web-2").Spec.TopologySpreadConstraints[0].WhenUnsatisfiable = corev1.ScheduleAnyway
			return s
		}, "scheduling: pod/web-2 fits on no node, as the scheduler says: ", "resources"},
	}
}
