package diagnose_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// clusterStates are of the cluster around the set: its DNS, its control plane, its policies, and what is being deleted.
func clusterStates() []built {
	// An init container waits for a name of the set's service.
	waits := func(t *testing.T) state {
		t.Helper()
		s := running(t)
		s.only()
		s.Names = []string{"$(hostname).web.$NAMESPACE.svc.cluster.local"}
		p := pod(s.State, "web-0")
		s.waiting("web-0", "PodInitializing", "")
		p.Spec.InitContainers = []corev1.Container{{Name: "wait"}}
		p.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "wait", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(5 * time.Minute)}}}}
		return s
	}
	policy := func(ports ...int) networkingv1.NetworkPolicy {
		p := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "closed"}, Spec: networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}}}
		for _, port := range ports {
			at := intstr.FromInt(port)
			p.Spec.Egress = append(p.Spec.Egress, networkingv1.NetworkPolicyEgressRule{Ports: []networkingv1.NetworkPolicyPort{{Port: &at}}})
		}
		return p
	}
	deleted := func(t *testing.T) state {
		t.Helper()
		s := running(t)
		at := s.ago(5 * time.Minute)
		s.StatefulSet.DeletionTimestamp, s.StatefulSet.Finalizers = &at, []string{"example.com/backup"}
		s.Pods = nil
		return s
	}
	// web-1 is not there, and its namespace is being deleted.
	ending := func(change func(state)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Events = nil
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-1" })
			at := s.ago(5 * time.Minute)
			s.NamespaceDeleted, s.NamespaceHeld = &at, []string{"Some resources are remaining: gadgets.example.com has 1 resource instances"}
			change(s)
			return s
		}
	}
	return []built{
		{"a service that is missing while an init container waits", func(t *testing.T) state {
			t.Helper()
			s := waits(t)
			s.Services = nil
			return s
		}, "service: service/web does not exist, though the set's serviceName names it", "service-missing"},
		{"a DNS that is down while an init container waits", func(t *testing.T) state {
			t.Helper()
			s := waits(t)
			none := int32(0)
			s.Resolver.Pods, s.Resolver.Deployments[0].Spec.Replicas = nil, &none
			return s
		}, "dns: deployment/coredns is scaled to 0, so nobody answers", "dns-down"},
		{"twin: a provider's DNS in place of the one that is scaled to 0", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			none := int32(0)
			s.Resolver.Pods, s.Resolver.Deployments[0].Spec.Replicas, s.Resolver.Addresses = nil, &none, nil
			return s
		}, "dns: deployment/coredns is scaled to 0", diagnose.Note},
		{"a policy that lets pods ask no DNS", func(t *testing.T) state {
			t.Helper()
			s := waits(t)
			s.Policies = []networkingv1.NetworkPolicy{policy(5432)}
			return s
		}, "network: networkpolicy/closed selects the set's pods and lets them send nothing to port 53", "policy-dns"},
		{"twin: a second policy allows it", func(t *testing.T) state {
			t.Helper()
			s := waits(t)
			s.Policies = []networkingv1.NetworkPolicy{policy(5432), policy(53)}
			return s
		}, "readiness: pod/web-0 waits for its init container wait", "init-container"},
		{"twin: the policy is of other pods", func(t *testing.T) state {
			t.Helper()
			s := waits(t)
			s.Policies = []networkingv1.NetworkPolicy{policy()}
			s.Policies[0].Spec.PodSelector.MatchLabels = map[string]string{"app": "other"}
			return s
		}, "readiness: pod/web-0 waits for its init container wait", "init-container"},

		{"a zone that is only in the Corefile", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Resolver.Zone = ""
			s.Resolver.Corefile = strings.ReplaceAll(s.Resolver.Corefile, "cluster.local", "db.example")
			return s
		}, "", ""},
		{"a Corefile that imports what was not read", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Resolver.Zone = ""
			s.Resolver.Corefile = ".:53 {\n    errors\n    import /etc/coredns/custom/*.override\n    forward . {$UPSTREAM}\n}\nimport /etc/coredns/custom/*.server\n"
			return s
		}, "", ""},
		{"a plugin that holds the nodes' names and passes on the others", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Resolver.Corefile = strings.Replace(s.Resolver.Corefile, "ready\n", "ready\n    hosts /etc/coredns/NodeHosts {\n      ttl 60\n      fallthrough\n    }\n", 1)
			return s
		}, "", ""},

		{"a lease of a control plane that once elected a leader", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			for i := range s.Leases {
				if s.Leases[i].Name == "kube-controller-manager" {
					at := metav1.NewMicroTime(s.Taken.Add(-240 * time.Hour))
					s.Leases[i].Spec.RenewTime = &at
				}
			}
			return s
		}, "", ""},
		{"twin: a lease that nobody has renewed since anything was done", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Events, s.StatefulSet.ManagedFields = nil, nil
			for i := range s.Leases {
				if s.Leases[i].Name == "kube-controller-manager" {
					at := metav1.NewMicroTime(s.Taken.Add(-5 * time.Minute))
					s.Leases[i].Spec.RenewTime = &at
				}
			}
			return s
		}, "controller: lease/kube-controller-manager has not been renewed for 5m", "controller-down"},

		{
			"a set that is being deleted and held", deleted,
			"termination: statefulset/web is being deleted, and held by its finalizers example.com/backup", "set-terminating",
		},
		{"a namespace that is being deleted", func(t *testing.T) state {
			t.Helper()
			return rejected(t, `pods "web-0" is forbidden: unable to create new content in namespace shop because it is being terminated`)
		}, "termination: namespace/shop is being deleted, so that nothing can be created in it", "namespace-terminating"},
		{"a namespace that is being deleted, of which no event can tell", ending(func(state) {}), "termination: namespace/diagnose-mdnhh is being deleted, so that nothing can be created in it, and what is there goes: Some resources are remaining: gadgets.example.com has 1", "namespace-terminating"},
		{"twin: it was deleted a moment ago", ending(func(s state) { at := s.ago(3 * time.Second); s.NamespaceDeleted = &at }), "termination: namespace/diagnose-mdnhh is being deleted", diagnose.Note},
		{"twin: a pod of the set is what holds it", ending(func(s state) {
			p, at := pod(s.State, "web-0"), s.ago(5*time.Minute)
			p.DeletionTimestamp, p.Finalizers = &at, []string{"example.com/backup"}
			p.Status.ContainerStatuses = nil
		}), "termination: pod/web-0 is held by its finalizer example.com/backup", "finalizer"},
		{"twin: the namespace stays, and nothing tells why a pod is not made", ending(func(s state) { s.NamespaceDeleted, s.NamespaceHeld = nil, nil }), "controller: statefulset/web lacks pod web-1, and nothing that was read says why", diagnose.Unknown},
		{"a claim of a pod that is not there is being deleted", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Pods = slices.DeleteFunc(s.Pods, func(p corev1.Pod) bool { return p.Name == "web-1" })
			at := s.ago(5 * time.Minute)
			s.claim("data-web-1").DeletionTimestamp, s.claim("data-web-1").Finalizers = &at, []string{"example.com/backup"}
			return s
		}, "storage: persistentvolumeclaim/data-web-1 is being deleted and held by its finalizers example.com/backup", "claim-terminating"},
		{"a pod that uses a long grace period", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			p := pod(s.State, "web-1")
			at, grace := metav1.NewTime(s.Taken.Add(50*time.Minute)), int64(3600)
			p.DeletionTimestamp, p.DeletionGracePeriodSeconds = &at, &grace
			p.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}}
			return s
		}, "termination: pod/web-1 is being deleted, and has until ", diagnose.Note},
		{"a secret for the registry that is missing", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", "ImagePullBackOff", "pull access denied, repository does not exist or may require authorization")
			s.said("web-0", "FailedToRetrieveImagePullSecret", `Unable to retrieve some image pull secrets (registry); attempting to pull the image may not succeed.`, time.Second)
			return s
		}, "image: pod/web-0 cannot pull the image", "image-pull"},
	}
}

// What is said of a pod's own image, hook or grace period is not in the first line alone.
func TestWhyAndAdvice(t *testing.T) {
	for _, c := range []struct{ name, part string }{
		{"a secret for the registry that is missing", "a secret that imagePullSecrets names could not be read"},
		{"a pod that uses a long grace period", "its grace period is 1h, and its containers use it (container main has a preStop hook)"},
		{"02 a volume that belongs to an earlier claim of the name", `kubectl patch pv by-hand --type json -p '[{"op":"remove","path":"/spec/claimRef/uid"}]'`},
		{"02 a volume that belongs to a claim of another name", `kubectl patch pv by-hand --type json -p '[{"op":"remove","path":"/spec/claimRef"}]'`},
		{"03 twin: below the partition a new pod would be the same", "lower the partition to 1 first"},
		{"13 a host port that others have", "or choose another port, or move kube-system/proxy-a and kube-system/proxy-b away"},
		{"13 a host port that the set's own pods have", "or have as many nodes that take ordinary pods as the set has replicas"},
		{"14 a volume and a rule that exclude each other", "give each pod a claim of its own"},
		{"16 an init container that does not end", "set publishNotReadyAddresses: true on the service"},
		{"twin: the autoscaler may add no more", "the autoscaler adds no node for it"},
		{"no word of the controller, and a quota that is used up", "a quota of the namespace is used up"},
		{"a program of another user than root, without a group for its files", "set fsGroup"},
		{"a volume in a zone whose nodes have different troubles", "the data are kept meanwhile"},
		{"14 twin: the volume's node is cordoned", "if the node is gone for good its data is too"},
		{"a program that says why it ends", "set fsGroup (and runAsUser"},
		{"a program that was told to end", "its liveness probe (exec check, every 10 s) may be what ends it"},
		{"a program that was told to end", "something told the program to end (SIGTERM)"},
		{"nodes whose disks are full", "free the disk of node statefulset-conformance-worker"},
		{"a claim for which a node was chosen that is gone", "annotate pvc data-web-2 volume.kubernetes.io/selected-node-"},
		{"a pod that the scheduler never saw, since its template names the node", "nodeSelector kubernetes.io/hostname"},
		{"claims that all name the same volume", "without volumeName in volumeClaimTemplates"},
		{"twin: a Secret without the key", "add the key to it"},
		{"twin: an image that wants to be root", "runAsUser"},
		{"a program that has nothing more to do", "what a set runs has to go on"},
		{"a pod of the newest revision that crashes, while those of the one before are Ready", "rollout undo statefulset/web, then"},
		{"a pod of the newest revision that crashes, while those of the one before are Ready", "what its command names was not found"},
		{"twin: a claim of the claim templates that was deleted", "delete the pod: the controller makes claim and pod again"},
		{"35 pods that stay since one before them is not Ready", "delete the pods that are to go by hand, the highest first"},
	} {
		all := slices.Concat(storageCases(), startCases(), scheduleCases(), controllerCases(), clusterStates(), configCases(), endCases(), placementCases(), claimCases(), severalCases(), againCases())
		at := slices.IndexFunc(all, func(b built) bool { return b.name == c.name })
		if at < 0 {
			t.Fatalf("no case %q", c.name)
		}
		s := all[at].state(t)
		if got := text(s.State, diagnose.Diagnose(s.State)); !strings.Contains(got, c.part) {
			t.Errorf("%s: expected %q in\n%s", c.name, c.part, got)
		}
	}
}

func TestNamesInATemplate(t *testing.T) {
	spec := corev1.PodSpec{
		InitContainers: []corev1.Container{{Command: []string{"sh", "-c", `until nslookup "$(hostname).web.$NAMESPACE.svc.cluster.local"; do sleep 1; done`}}},
		Containers: []corev1.Container{{
			Args: []string{"--config=/etc/web-0.json", "--peers=web-0=http://web-0.peers:2380,web-1=http://web-1.web", "--me=$HOSTNAME.web", "--seeds=web-0.web.$(NAMESPACE).svc.db.example:9042,web-1.web.shop.svc"}, Env: []corev1.EnvVar{{Name: "URL", Value: "http://web.shop.svc.cluster.internal:80/x.svc2"}},
			ReadinessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"ping", "${POD}.web.svc."}}}},
		}},
	}
	want := []string{"$(hostname).web.$NAMESPACE.svc.cluster.local", "$HOSTNAME.web", "${POD}.web.svc", "web-0.peers", "web-0.web.$(NAMESPACE).svc.db.example", "web-1.web", "web-1.web.shop.svc", "web.shop.svc.cluster.internal"}
	set := appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.StatefulSetSpec{ServiceName: "web", Template: corev1.PodTemplateSpec{Spec: spec}}}
	if got := diagnose.NamesIn(&set); !slices.Equal(got, want) {
		t.Errorf("expected %q, found %q", want, got)
	}
}
