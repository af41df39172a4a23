package diagnose_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// configCases are of what a pod needs before its program can run: its image, its settings, a command that is there.
func configCases() []built {
	const name = "registry.example.com/shop/web:2"
	pull := func(words string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", "ImagePullBackOff", `Back-off pulling image "`+name+`": ErrImagePull: `+words).Image = name
			return s
		}
	}
	config := func(reason, message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", reason, message)
			return s
		}
	}
	mount := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			p := pod(s.State, "web-0")
			p.Status.Phase = corev1.PodPending
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "web-tls"}}})
			s.waiting("web-0", "ContainerCreating", "")
			s.said("web-0", "FailedMount", message, 10*time.Second)
			return s
		}
	}
	sandbox := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := mount("")(t)
			s.Events[len(s.Events)-1].Reason, s.Events[len(s.Events)-1].Message = "FailedCreatePodSandBox", message
			return s
		}
	}
	const cannot = "image: pod/web-0 cannot pull the image " + name + " of container main: "
	return []built{
		{
			"an image that the registry does not have", pull(`rpc error: code = NotFound desc = failed to pull and unpack image "` + name + `": failed to resolve reference "` + name + `": ` + name + `: not found`),
			cannot + "the registry has no image of that name and tag", "image-pull",
		},
		{
			"twin: an image that the registry has for other architectures", pull(`rpc error: code = NotFound desc = failed to pull and unpack image "` + name + `": no match for platform in manifest: not found`),
			cannot + "the registry does not have it for the architecture of node diag-worker", "image-pull",
		},
		{
			"twin: too many pulls, of an image whose digest has 401 in it", pull(`rpc error: code = Unknown desc = failed to pull and unpack image "x@sha256:a401b403": unexpected status code 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit.`),
			cannot + "the registry limits how much is pulled", "image-pull",
		},
		{
			"twin: no credentials for a registry that asks for some", pull(`rpc error: code = Unknown desc = failed to pull and unpack image "` + name + `": failed to resolve reference "` + name + `": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials`),
			cannot + "the registry refuses: ", "image-pull",
		},
		{
			"twin: a registry whose certificate the node does not trust", pull(`failed to do request: Head "https://registry.example.com/v2/shop/web/manifests/2": tls: failed to verify certificate: x509: certificate signed by unknown authority`),
			cannot + "node diag-worker does not trust the registry's certificate", "image-pull",
		},
		{
			"twin: a registry that speaks HTTP", pull(`failed to do request: Head "https://registry.example.com/v2/shop/web/manifests/2": http: server gave HTTP response to HTTPS client`),
			cannot + "the registry speaks HTTP, and node diag-worker is configured for HTTPS", "image-pull",
		},
		{
			"twin: the node's disk is full", pull(`rpc error: code = Unknown desc = failed to pull and unpack image "` + name + `": failed to extract layer sha256:404: write /var/lib/containerd/x: no space left on device`),
			cannot + "the disk of node diag-worker is full", "image-pull",
		},
		{
			"twin: the registry's name is not resolved", pull(`failed to do request: Head "https://registry.example.com/v2/": dial tcp: lookup registry.example.com on 10.0.0.2:53: no such host`),
			cannot + "node diag-worker cannot reach the registry", "image-pull",
		},
		{"twin: the words are in an older event than the newest", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", "ImagePullBackOff", `Back-off pulling image "`+name+`"`).Image = name
			s.said("web-0", "Failed", `Failed to pull image "`+name+`": rpc error: code = NotFound desc = `+name+`: not found`, 20*time.Second)
			s.said("web-0", "Failed", "Error: ImagePullBackOff", 5*time.Second)
			return s
		}, cannot + "the registry has no image of that name and tag", "image-pull"},
		{
			"twin: nothing tells why", pull("rpc error: code = Unknown desc = something else"),
			"image: pod/web-0 cannot pull the image " + name + " of container main", "image-pull",
		},

		{
			"a ConfigMap that is missing", config("CreateContainerConfigError", `configmap "settings" not found`),
			"configuration: configmap/settings does not exist, and container main of pod web-0 needs it", "config-missing",
		},
		{
			"twin: a Secret that is missing", config("CreateContainerConfigError", `secret "web-credentials" not found`),
			"configuration: secret/web-credentials does not exist, and container main of pod web-0 needs it", "config-missing",
		},
		{
			"twin: a Secret without the key", config("CreateContainerConfigError", "couldn't find key password in Secret shop/web-credentials"),
			"configuration: secret/web-credentials has no key password, which container main of pod web-0 needs", "config-missing",
		},
		{
			"twin: an image that wants to be root", config("CreateContainerConfigError", `container has runAsNonRoot and image will run as root (pod: "web-0_shop(1)", container: main)`),
			"container: pod/web-0 has container main that cannot be made: container has runAsNonRoot and image will run as root", "container-config",
		},
		{
			"twin: a runtime that does not answer in time", config("CreateContainerError", "context deadline exceeded"),
			"node: pod/web-0 has container main that node diag-worker does not make in time: context deadline exceeded", "runtime-slow",
		},
		{
			"twin: a name that an earlier attempt still has", config("CreateContainerError", `failed to reserve container name "main_web-0_shop_1_0": name "main_web-0_shop_1_0" is reserved for "45c"`),
			"node: pod/web-0 has container main that node diag-worker does not make in time", "runtime-slow",
		},
		{
			"a command that the image does not have, while it is tried", config("RunContainerError", `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "serve": executable file not found in $PATH`),
			`container: pod/web-0 has container main whose command cannot be started: exec: "serve": executable file not found in $PATH`, "cannot-start",
		},
		{"the same between two attempts", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			last := s.crashing("web-0", 128, 0).LastTerminationState.Terminated
			last.Reason, last.Message = "StartError", `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "serve": executable file not found in $PATH`
			return s
		}, `container: pod/web-0 has container main whose command cannot be started: exec: "serve": executable file not found in $PATH`, "cannot-start"},
		{
			"twin: a mount that cannot be made", config("RunContainerError", `failed to create containerd task: OCI runtime create failed: error mounting "/var/lib/kubelet/pods/1/volume-subpaths/x" to rootfs at "/etc/app.conf": not a directory: Are you trying to mount a directory onto a file (or vice-versa)?`),
			"container: pod/web-0 has container main that cannot be started: its mount at /etc/app.conf fails: not a directory", "container-config",
		},

		{
			"a Secret to mount that is missing", mount(`MountVolume.SetUp failed for volume "tls" : secret "web-tls" not found`),
			"configuration: secret/web-tls does not exist, and volume tls of pod web-0 needs it", "config-missing",
		},
		{
			"twin: it has not the key", mount(`MountVolume.SetUp failed for volume "tls" : references non-existent secret key: tls.key`),
			"configuration: secret/web-tls has no key tls.key, which volume tls of pod web-0 needs", "config-missing",
		},
		{
			"twin: a server that does not answer", mount(`MountVolume.SetUp failed for volume "tls" : mount failed: exit status 32 mount.nfs: Connection timed out`),
			`storage: pod/web-0 cannot use a volume: MountVolume.SetUp failed for volume "tls" : mount failed`, "volume-mount",
		},
		{
			"a network without addresses", sandbox(`Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "1": plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container`),
			"network: pod/web-0 gets no network on node diag-worker: ", "pod-network",
		},
		{
			"twin: a runtime handler that the node does not have", sandbox(`Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for "gvisor" is configured`),
			"node: pod/web-0 names a RuntimeClass whose handler gvisor the container runtime of node diag-worker does not have", "runtime-handler",
		},
		{
			"twin: the image of the sandbox", sandbox(`Failed to create pod sandbox: rpc error: code = DeadlineExceeded desc = failed to start sandbox "1": failed to get sandbox image "registry.k8s.io/pause:3.10": failed to pull image "registry.k8s.io/pause:3.10": dial tcp 34.96.108.209:443: i/o timeout`),
			"image: node/diag-worker cannot get the sandbox image registry.k8s.io/pause:3.10, without which no pod starts there", "sandbox-image",
		},
	}
}

// ready makes a pod Ready, and its container run, a moment ago.
func (s state) ready(name string) {
	p := pod(s.State, name)
	for i := range p.Status.Conditions {
		p.Status.Conditions[i].Status = corev1.ConditionTrue
	}
	c := &p.Status.ContainerStatuses[0]
	c.Ready, c.State = true, corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(time.Second)}}
}

func memory(size string) corev1.ResourceList {
	return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(size)}
}

// endCases are of containers that end or are not ready.
func endCases() []built {
	ends := func(code int32, reason string, change func(state, *corev1.ContainerStatus)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			c := s.crashing("web-0", code, 2*time.Second)
			c.LastTerminationState.Terminated.Reason = reason
			if change != nil {
				change(s, c)
			}
			return s
		}
	}
	probed := func(change func(*corev1.Container)) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.Events = nil
			s.container("web-0", change)
			c := s.unready("web-0", 8*time.Minute)
			c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(8 * time.Minute)}}
			return s
		}
	}
	probe := &corev1.Probe{PeriodSeconds: 10, FailureThreshold: 3, ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"check"}}}}
	limited := func(s state, _ *corev1.ContainerStatus) {
		s.container("web-0", func(c *corev1.Container) { c.Resources.Limits = memory("64Mi") })
	}
	return []built{
		{"a container above its own limit of memory", ends(137, "OOMKilled", limited), "container: pod/web-0 has container main that uses more memory than its limit 64Mi and is killed", "out-of-memory"},
		{
			"twin: a container without a limit, whose node has run out of memory", ends(137, "OOMKilled", nil),
			"node: node/diag-worker ran out of memory, and container main of pod web-0, which has no limit, was killed (4 restarts)", "node-out-of-memory",
		},
		{"twin: the limit is the pod's", ends(137, "OOMKilled", func(s state, _ *corev1.ContainerStatus) {
			pod(s.State, "web-0").Spec.Resources = &corev1.ResourceRequirements{Limits: memory("96Mi")}
		}), "container: pod/web-0 has container main that is killed, since the pod uses more memory than its limit 96Mi", "out-of-memory"},
		{"a limit of memory that is met every few hours", ends(137, "OOMKilled", func(s state, c *corev1.ContainerStatus) {
			limited(s, c)
			c.LastTerminationState.Terminated.StartedAt, c.LastTerminationState.Terminated.FinishedAt = s.ago(9*time.Hour), s.ago(3*time.Hour)
			s.ready("web-0")
		}), "container: pod/web-0 has container main that uses more memory than its limit 64Mi and is killed", "out-of-memory"},
		{"twin: a container that was restarted with its node", ends(255, "Unknown", func(s state, c *corev1.ContainerStatus) {
			c.LastTerminationState.Terminated.StartedAt, c.LastTerminationState.Terminated.FinishedAt = s.ago(9*time.Hour), s.ago(3*time.Hour)
			s.ready("web-0")
		}), "", ""},
		{"a program that says why it ends", ends(1, "Error", func(_ state, c *corev1.ContainerStatus) {
			c.LastTerminationState.Terminated.Message = "starting\ninitdb: error: could not create directory \"/data/pg\": Permission denied\n"
		}), `container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: starting initdb: error: could not create directory "/data/pg": Permission denied`, "crash-loop"},
		{"twin: it says something that nobody knows", ends(1, "Error", func(_ state, c *corev1.ContainerStatus) {
			c.LastTerminationState.Terminated.Message = strings.Repeat("trace ", 200) + "exiting"
		}), "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: ... trace trace", "crash-loop"},
		{"a program that was told to end", ends(143, "Error", func(s state, _ *corev1.ContainerStatus) {
			s.Events = nil
			s.container("web-0", func(c *corev1.Container) { c.LivenessProbe = probe })
		}), "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 143)", "crash-loop"},
		{"a program of another user than root, without a group for its files", ends(1, "Error", func(s state, _ *corev1.ContainerStatus) {
			pod(s.State, "web-0").Spec.SecurityContext = &corev1.PodSecurityContext{RunAsUser: new(int64(1001))}
		}), "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1)", "crash-loop"},
		{"a program that has nothing more to do", ends(0, "Completed", nil), "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 0)", "crash-loop"},

		{
			"a readiness probe whose events are gone", probed(func(c *corev1.Container) { c.ReadinessProbe = probe }),
			"readiness: pod/web-0 runs, and the readiness probe of container main has not succeeded for 8m (exec check, every 10 s)", "readiness-probe",
		},
		{
			"a probe that asks another port than the program has", probed(func(c *corev1.Container) {
				c.Ports = []corev1.ContainerPort{{ContainerPort: 5432, Name: "db"}}
				c.ReadinessProbe = &corev1.Probe{PeriodSeconds: 10, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(5433)}}}
			}),
			"readiness: pod/web-0 runs, and the readiness probe of container main has not succeeded for 8m (TCP connection to :5433, every 10 s); it asks port 5433, and the container declares 5432 db", "readiness-probe",
		},
		{
			"twin: a port by a name that none has", probed(func(c *corev1.Container) {
				c.Ports = []corev1.ContainerPort{{ContainerPort: 5432, Name: "db"}}
				c.ReadinessProbe = &corev1.Probe{PeriodSeconds: 10, ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/up", Port: intstr.FromString("http")}}}
			}),
			"readiness: pod/web-0 runs, and the readiness probe of container main has not succeeded for 8m (HTTP GET :http/up, every 10 s); no port of the container is named http", "readiness-probe",
		},
		{
			"twin: the port is the one that it declares", probed(func(c *corev1.Container) {
				c.Ports = []corev1.ContainerPort{{ContainerPort: 5432, Name: "db"}}
				c.ReadinessProbe = &corev1.Probe{PeriodSeconds: 10, ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString("db")}}}
			}),
			"readiness: pod/web-0 runs, and the readiness probe of container main has not succeeded for 8m (TCP connection to :db, every 10 s)", "readiness-probe",
		},
		{"twin: the container has just begun", func(t *testing.T) state {
			t.Helper()
			s := probed(func(c *corev1.Container) { c.ReadinessProbe = probe })(t)
			c := s.unready("web-0", 20*time.Second)
			c.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: s.ago(20 * time.Second)}}
			return s
		}, "readiness: pod/web-0 has been under way for 20s, without a sign of an error", diagnose.Note},
		{
			"twin: it has no probe", probed(func(*corev1.Container) {}),
			"readiness: pod/web-0 is not Ready, and nothing that was read says why", diagnose.Unknown,
		},
	}
}

// A reference to a Secret may be any text, and a command with it is for people to copy.
func TestCommandsHoldNoCommandOfOthers(t *testing.T) {
	s := running(t)
	s.waiting("web-0", "CreateContainerConfigError", "couldn't find key password in Secret shop/a;reboot")
	f := diagnose.Diagnose(s.State)[0]
	if f.Cause != "config-missing" || !strings.HasSuffix(f.Look[0], " describe secret 'a;reboot'") {
		t.Errorf("expected the command to quote the name, found %q", f.Look)
	}
}
