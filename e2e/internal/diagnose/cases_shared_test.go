package diagnose_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// TestMemoryOnDisk says of no volume on the node's disk that it counts as memory.
func TestMemoryOnDisk(t *testing.T) {
	for _, c := range sharedCases() {
		if c.name != "twin: one on the node's disk" {
			continue
		}
		if line := diagnose.Diagnose(c.state(t).State)[0].Line(); line != c.line {
			t.Errorf("expected %s, found %s", c.line, line)
		}
	}
}

// sharedCases are of ports that containers or pods share, of variables, of what volumes hide, and of what was changed beside the template.
func sharedCases() []built {
	says := func(said string, change func(state, *corev1.PodSpec)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-1", 1, time.Second).LastTerminationState.Terminated.Message = said
			change(s, &pod(s.State, "web-1").Spec)
			return s
		}
	}
	inNode := func(same bool) func(state, *corev1.PodSpec) {
		return func(s state, spec *corev1.PodSpec) {
			first := &pod(s.State, "web-0").Spec
			spec.HostNetwork, first.HostNetwork = true, true
			if first.NodeName = "elsewhere"; same {
				first.NodeName = spec.NodeName
			}
			s.Nodes = append(s.Nodes, *s.Nodes[0].DeepCopy())
			s.Nodes[len(s.Nodes)-1].Name = "elsewhere"
		}
	}
	outOf := func(medium corev1.StorageMedium) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-1", 137, time.Second).LastTerminationState.Terminated.Reason = "OOMKilled"
			s.container("web-1", func(c *corev1.Container) { c.Resources.Limits = memory("32Mi") })
			spec := &pod(s.State, "web-1").Spec
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{Medium: medium}}})
			spec.Containers[0].VolumeMounts = append(spec.Containers[0].VolumeMounts, corev1.VolumeMount{Name: "cache", MountPath: "/cache"})
			return s
		}
	}
	env := func(all ...corev1.EnvVar) func(state, *corev1.PodSpec) {
		return func(_ state, spec *corev1.PodSpec) { spec.Containers[0].Env = all }
	}
	missing := func(said, at string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			last := s.crashing("web-0", 128, 0).LastTerminationState.Terminated
			last.Reason, last.Message = "StartError", "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: "+said+": unknown"
			p := pod(s.State, "web-0")
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: p.Spec.Volumes[0].Name, MountPath: at}}
			return s
		}
	}
	changed := func(after bool) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			p := pod(s.State, "web-0")
			p.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(5 * time.Minute)}}
			s.Settings = []diagnose.Setting{{Name: "conf", Changed: s.ago(9 * time.Minute)}}
			if after {
				s.Settings[0].Changed = s.ago(2 * time.Minute)
			}
			for i := range s.Pods[1:] {
				s.Pods[i+1].Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(time.Minute)}}
			}
			return s
		}
	}
	image := func(template string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			p := pod(s.State, "web-0")
			p.Spec.Containers[0].Image = "registry.invalid/x:1"
			if template != "" {
				s.StatefulSet.Spec.Template.Spec.Containers[0].Image = template
			}
			s.waiting("web-0", "ImagePullBackOff", `Back-off pulling image "registry.invalid/x:1"`) // Its status has the image that ran before.
			return s
		}
	}
	// web-1's probe asks for web-0 by name.
	peer := func(said string, from map[string]string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Names, s.ProbeNames = []string{"web-0.web"}, nil
			s.container("web-1", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"sh"}}}, PeriodSeconds: 5}
			})
			s.Services[0].Spec.PublishNotReadyAddresses = true
			s.unready("web-1", 5*time.Minute)
			s.said("web-1", "Unhealthy", "Readiness probe failed: "+said, 5*time.Second)
			if from != nil {
				policy := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "closed", Namespace: s.Namespace}}
				policy.Spec.PodSelector.MatchLabels, policy.Spec.PolicyTypes = s.StatefulSet.Spec.Template.Labels, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
				policy.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: from}}}}}
				s.Policies = append(s.Policies, policy)
			}
			return s
		}
	}
	logged := func(said string) func(*testing.T) state {
		return says(said, func(_ state, spec *corev1.PodSpec) {
			mode := int32(0o755)
			spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "bin", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "bin"}, DefaultMode: &mode,
			}}})
			spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "bin", MountPath: "/s"}}
		})
	}
	waits := func(published bool) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := peer("dial tcp 10.0.0.7:8080: i/o", nil)(t)
			s.Services[0].Spec.PublishNotReadyAddresses = published
			s.Says = []diagnose.Says{{Pod: "web-1", Container: "main", Text: "still waiting for web-1"}}
			return s
		}
	}
	probes := func(said string, published bool) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := peer(said, nil)(t)
			s.Names, s.ProbeNames = []string{"web-$i.web.$NS.svc"}, []string{"web-$i.web.$NS.svc"}
			s.Services[0].Spec.PublishNotReadyAddresses = published
			return s
		}
	}
	name := func(names ...string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := says("cannot reach db", func(state, *corev1.PodSpec) {})(t)
			s.Names, s.Absent = names, []string{"elsewhere/db"}
			return s
		}
	}
	other := func(t *testing.T) state {
		t.Helper()
		s := says("bad flag", func(state, *corev1.PodSpec) {})(t)
		s.Names = []string{"db", "metrics.elsewhere.svc"}
		return s
	}
	sandbox := func(t *testing.T) state {
		t.Helper()
		s := running(t)
		s.only()
		pod(s.State, "web-0").Status.Phase = corev1.PodPending
		s.waiting("web-0", "ContainerCreating", "")
		s.said("web-0", "FailedCreatePodSandBox", "Failed to create pod sandbox: failed to construct FQDN from pod hostname and cluster domain, FQDN web-0.web.shop.svc.cluster.local is too long (64 characters is the max, 75 characters requested)", 5*time.Second)
		return s
	}
	const (
		ends  = "container: pod/web-1 has container main that ends again and again (4 restarts, exit code 1), and says: "
		inUse = "httpd: bind: Address already in use"
		fails = "readiness: pod/web-1 runs, and the readiness probe of container main fails (exec sh, every 5 s)"
		start = "container: pod/web-0 has container main whose command cannot be started: "
	)
	return []built{
		{"pods in the node's network with the same port", says(inUse, inNode(true)), ends + inUse + "; it is in the network of node diag-worker (hostNetwork), and so is web-0, with the same ports", "crash-loop"},
		{"twin: no other of the set's is on that node", says(inUse, inNode(false)), ends + inUse + "; it is in the network of node diag-worker (hostNetwork), where another program has the port", "crash-loop"},
		{"twin: another container of the pod", says(inUse, func(_ state, spec *corev1.PodSpec) {
			spec.Containers = append(spec.Containers, corev1.Container{Name: "metrics"})
		}), ends + inUse + "; the containers of a pod share its ports, and metrics may have it", "crash-loop"},
		{"a variable that the container does not have", says("cannot listen on $(POD_NAM).web", env(corev1.EnvVar{Name: "POD_NAME"})), "configuration: statefulset/web gives container main no variable POD_NAM, so that $(POD_NAM) is left as it is; pod web-1 has container main that ends", "variable-missing"},
		{"twin: it has it after the one that refers to it", says("cannot listen on $(POD_NAME).web", env(corev1.EnvVar{Name: "ADDRESS"}, corev1.EnvVar{Name: "POD_NAME"})), "configuration: statefulset/web gives container main the variable POD_NAME after one that refers to it, so that", "variable-missing"},
		{"twin: a variable of a shell", says("cannot listen on $POD_NAME.web", env()), ends + "cannot listen on $POD_NAME.web", "crash-loop"},

		{"a volume mounted over the image's programs", missing(`exec: "httpd": executable file not found in $PATH`, "/usr/bin/"), start + `exec: "httpd": executable file not found in $PATH; the volume data is mounted at /usr/bin, which hides what the image has there`, "cannot-start"},
		{"twin: over the program's own folder", missing(`exec: "/app/serve": stat /app/serve: no such file or directory`, "/app"), start + `exec: "/app/serve": stat /app/serve: no such file or directory; the volume data is mounted at /app, which hides`, "cannot-start"},
		{"a command of options alone", missing(`exec: "--config=/etc/app.conf": stat --config=/etc/app.conf: no such file or directory`, "/data"), start + `exec: "--config=/etc/app.conf": stat --config=/etc/app.conf: no such file or directory; its command is an option and no program`, "cannot-start"},
		{"twin: a command of one word", missing(`exec: "serve --config=/etc/app.conf": executable file not found in $PATH`, "/data"), start + `exec: "serve --config=/etc/app.conf": executable file not found in $PATH; its command is one word with spaces in it`, "cannot-start"},
		{"a volume that is kept in memory", outOf(corev1.StorageMediumMemory), "container: pod/web-1 has container main that uses more memory than its limit 32Mi and is killed (4 restarts); what it writes to its volume cache, an emptyDir that is kept in memory, counts as well", "out-of-memory"},
		{"twin: one on the node's disk", outOf(corev1.StorageMediumDefault), "container: pod/web-1 has container main that uses more memory than its limit 32Mi and is killed (4 restarts)", "out-of-memory"},
		{"a volume in memory that an earlier container filled", func(t *testing.T) state {
			t.Helper()
			s := outOf(corev1.StorageMediumMemory)(t)
			s.waiting("web-1", "RunContainerError", "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?)")
			return s
		}, "container: pod/web-1 has container main whose memory limit is too low to start it at all; what it writes to its volume cache, an emptyDir that is kept in memory, counts as well, and stays there when the container is made anew", "out-of-memory"},
		{"a script whose interpreter is not there, as newer runtimes say it", logged("exec /s/run.sh: no such file or directory"), "container: pod/web-1 has container main whose command /s/run.sh comes from configmap/bin, and is not there, or its first line names an interpreter that the image does not have", "cannot-start"},
		{"twin: a script that misses a file", logged("cat: can't open '/s/other': No such file or directory"), ends + "cat: can't open '/s/other': No such file or directory; configmap/bin is mounted at /s, which hides what the image has there", "file-access"},
		{"an upstream of nginx that does not exist", says(`nginx: [emerg] host not found in upstream "backend" in /etc/nginx/nginx.conf:2`, func(state, *corev1.PodSpec) {}), "service: service/backend does not exist, and pod web-1 asks for it: it cannot resolve backend, by its own words", "asked-service-missing"},
		{"members that wait for one another and say for whom", waits(false), "service: service/web publishes only Ready pods (publishNotReadyAddresses is not set), and pod web-1 asks for its own name before it is Ready: it waits for itself", "not-published"},
		{"twin: their names are published", waits(true), fails, "readiness-probe"},
		{"a ConfigMap that was changed since", changed(true), "configuration: configmap/conf was changed 2m ago, and pod web-0, which began before, still runs with what it was", diagnose.Note},
		{"twin: it was changed before", changed(false), "", ""},
		{"twin: its files are mounted as a whole", func(t *testing.T) state {
			t.Helper()
			s := changed(true)(t)
			s.Settings[0].Files = true
			return s
		}, "configuration: configmap/conf was changed 2m ago, and pod web-0 began before: the kubelet has put the new files in their place", diagnose.Note},
		{"an image that somebody gave the pod", image("registry.example.com/web:2"), "image: pod/web-0 cannot pull the image registry.invalid/x:1 of container main; the set's template, of which the pod is, has another image than registry.invalid/x:1", "pod-changed"},
		{"twin: it is the template's", image("registry.invalid/x:1"), "image: pod/web-0 cannot pull the image registry.invalid/x:1 of container main", "image-pull"},

		{"a policy that keeps pods from one that they ask for", peer("cannot reach web-0", map[string]string{"app": "client"}), "network: networkpolicy/closed selects the set's pods and lets them receive nothing from each other, and the set's template asks for pods of the set by name", "policy-peers"},
		{"twin: it lets them in", peer("cannot reach web-0", map[string]string{"app": "web"}), fails, "readiness-probe"},
		{"twin: it is refused", peer("web-0: connection refused", map[string]string{"app": "client"}), fails, "readiness-probe"},
		{"a probe that asks for names which its success publishes", probes("no address of web-0", false), "service: service/web publishes only Ready pods (publishNotReadyAddresses is not set), and the probe of pod web-1 asks for names of the set's pods before it is Ready", "not-published"},
		{"twin: they are published", probes("no address of web-0", true), fails, "readiness-probe"},
		{"twin: it says something else", probes("password expired", false), fails, "readiness-probe"},

		{"a service of another namespace that does not exist", name("db-0.db.elsewhere.svc"), "service: service/db does not exist in namespace elsewhere, though the set's template asks for db-0.db.elsewhere.svc", "asked-service-missing"},
		{"twin: it exists", name("db-0.db.there.svc"), ends, "crash-loop"},
		{"a short name of no service", name("db"), "service: service/db does not exist, though the set's template asks for db", "asked-service-missing"},
		{"twin: the program says that something else is wrong", other, ends + "bad flag", "crash-loop"},
		{"twin: the program says that something else is wrong, and a policy lets it ask no DNS", func(t *testing.T) state {
			t.Helper()
			s := other(t)
			policy := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "closed", Namespace: s.Namespace}}
			policy.Spec.PodSelector.MatchLabels, policy.Spec.PolicyTypes = s.StatefulSet.Spec.Template.Labels, []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}
			s.Policies = append(s.Policies, policy)
			return s
		}, ends + "bad flag", "crash-loop"},
		{"a name that is too long for a host", sandbox, "configuration: pod/web-0 cannot have its full name as its host name (setHostnameAsFQDN): failed to construct FQDN", "host-name"},
	}
}
