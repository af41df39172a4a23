package diagnose_test

import (
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// runtimeCases are of what keeps a container from being made or started although its settings are there, and of why one ends.
func runtimeCases() []built {
	config := func(reason, message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", reason, message)
			return s
		}
	}
	cannotStart := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			last := s.crashing("web-0", 128, 0).LastTerminationState.Terminated
			last.Reason, last.Message = "StartError", "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "+message+": unknown"
			return s
		}
	}
	sandbox := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.only()
			pod(s.State, "web-0").Status.Phase = corev1.PodPending
			s.waiting("web-0", "ContainerCreating", "")
			s.said("web-0", "FailedCreatePodSandBox", message, 10*time.Second)
			return s
		}
	}
	mount := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := sandbox(message)(t)
			s.Events[len(s.Events)-1].Reason = "FailedMount"
			return s
		}
	}
	volume := func(reason, message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", reason, message)
			p := pod(s.State, "web-0")
			p.Spec.Volumes = append(p.Spec.Volumes, corev1.Volume{Name: "model", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "registry.example.com/models/small:1"}}})
			return s
		}
	}
	killed := func(ran time.Duration) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-0", 137, ran)
			s.container("web-0", func(c *corev1.Container) {
				c.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}, PeriodSeconds: 10, FailureThreshold: 3}
			})
			s.said("web-0", "Killing", "Container main failed liveness probe, will be restarted", 40*time.Second)
			s.said("web-0", "Unhealthy", "Liveness probe failed: dial tcp 10.0.0.7:80: connect: connection refused", 41*time.Second)
			return s
		}
	}
	const main = "container: pod/web-0 has container main "
	return []built{
		{
			"a mount below a file of the image", cannotStart(`unable to start container process: error during container init: error mounting "/var/lib/kubelet/pods/1/volume-subpaths/s/main/0" to rootfs at "/etc/hostname/my.cnf": open o_path procfd: open /run/x/rootfs/etc/hostname/my.cnf: not a directory`),
			main + "that cannot be started: its mount at /etc/hostname/my.cnf fails: not a directory", "cannot-start",
		},
		{
			"twin: a program that is not in the image", cannotStart(`unable to start container process: error during container init: exec: "/docker-entrypoint.sh": stat /docker-entrypoint.sh: no such file or directory`),
			main + `whose command cannot be started: exec: "/docker-entrypoint.sh": stat /docker-entrypoint.sh: no such file or directory`, "cannot-start",
		},
		{
			"twin: a working directory that is not in the image", cannotStart(`unable to start container process: error during container init: chdir to cwd ("/srv/app") set in config.json failed: no such file or directory`),
			main + "that cannot be started: its working directory /srv/app cannot be entered: no such file or directory", "cannot-start",
		},
		{
			"twin: a limit of memory in which nothing starts", cannotStart("unable to start container process: container init was OOM-killed (memory limit too low?)"),
			main + "whose memory limit is too low to start it at all", "out-of-memory",
		},
		{
			"twin: words that are not known", cannotStart("unable to start container process: error during container init: error setting rlimits for ready process: operation not permitted"),
			main + "that cannot be started: error setting rlimits for ready process: operation not permitted", "cannot-start",
		},

		{
			"a user that contradicts runAsNonRoot", config("CreateContainerConfigError", `container's runAsUser breaks non-root policy (pod: "web-0_shop(021091d0)", container: main)`),
			main + "that cannot be made: container's runAsUser breaks non-root policy", "container-config",
		},
		{
			"twin: a variable that a path names and nobody gives", config("CreateContainerConfigError", "missing value for PODNAME"),
			main + "that cannot be made: a subPathExpr of it names the variable PODNAME, which it does not have", "container-config",
		},

		{"a path below a volume that cannot be entered", func(t *testing.T) state {
			t.Helper()
			s := config("CreateContainerConfigError", `failed to prepare subPath for volumeMount "data" of container "main"`)(t)
			p := pod(s.State, "web-0")
			p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/var/lib/db/x", SubPath: "db/x"}}
			p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-web-0"}}}}
			return s
		}, main + "that cannot be made: the kubelet cannot make or enter its subPath db/x of volume data (claim data-web-0)", "container-config"},
		{
			"twin: a path that is none below a volume", config("CreateContainerConfigError", "unable to provision SubPath `/x`"),
			main + "that cannot be made: unable to provision SubPath", "container-config",
		},
		{
			"an image that is a volume, and cannot be pulled", volume("ImagePullBackOff", `Back-off pulling image "registry.example.com/models/small:1": ErrImagePull: dial tcp: lookup registry.example.com: no such host`),
			"image: pod/web-0 cannot pull the image registry.example.com/models/small:1 of its volume model, without which container main is not made: node diag-worker cannot reach the registry", "image-pull",
		},
		{
			"twin: the volume may not be pulled", volume("ErrImageNeverPull", `Container image "registry.example.com/models/small:1" is not present with pull policy of Never`),
			"image: pod/web-0 may not pull the image registry.example.com/models/small:1 of its volume model (pullPolicy Never)", "image-pull",
		},
		{"twin: the container's own image cannot be pulled", func(t *testing.T) state {
			t.Helper()
			s := volume("ImagePullBackOff", `Back-off pulling image "registry.example.com/web:2": ErrImagePull: not found`)(t)
			pod(s.State, "web-0").Status.ContainerStatuses[0].Image = "registry.example.com/web:2"
			return s
		}, "image: pod/web-0 cannot pull the image registry.example.com/web:2 of container main: the registry has no image of that name and tag", "image-pull"},

		{"an image that is looked up each time", func(t *testing.T) state {
			t.Helper()
			s := config("ImagePullBackOff", `Back-off pulling image "registry.example.com/web:2": ErrImagePull: dial tcp: i/o timeout`)(t)
			pod(s.State, "web-0").Status.ContainerStatuses[0].Image = "registry.example.com/web:2"
			s.container("web-0", func(c *corev1.Container) { c.ImagePullPolicy = corev1.PullAlways })
			return s
		}, "image: pod/web-0 cannot pull the image registry.example.com/web:2 of container main: node diag-worker cannot reach the registry", "image-pull"},

		{"a handler that the RuntimeClass names and the node does not have", func(t *testing.T) state {
			t.Helper()
			s := sandbox(`(combined from similar events): Failed to create pod sandbox: rpc error: code = Unknown desc = unable to get OCI runtime for sandbox "f344": no runtime for "kata" is configured`)(t)
			class := "isolated"
			pod(s.State, "web-0").Spec.RuntimeClassName = &class
			return s
		}, "node: pod/web-0 names the RuntimeClass isolated, whose handler kata the container runtime of node diag-worker does not have", "runtime-handler"},
		{
			"twin: user namespaces that the runtime does not have", sandbox("Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not support user namespaces"),
			"node: pod/web-0 gets no sandbox on node diag-worker: can't set `spec.hostUsers: false`, runtime does not support user namespaces", "pod-sandbox",
		},

		{
			"a path of the node that is not there", mount(`MountVolume.SetUp failed for volume "s" : hostPath type check failed, /srv/data is not a directory, unable to determine its type: path "/srv/data" does not exist`),
			`storage: pod/web-0 cannot use a volume: MountVolume.SetUp failed for volume "s" : hostPath type check failed, /srv/data is not a directory, unable to determine its type: path "/srv/data" does not exist`, "volume-mount",
		},
		{
			"twin: a file system that the node does not know", mount(`MountVolume.SetUp failed for volume "s" : mount failed: exit status 32 Mounting command: mount Mounting arguments: -t nfs 10.255.255.1:/x /var/lib/kubelet/pods/17/volumes/kubernetes.io~nfs/s Output: mount: /var/lib/kubelet/pods/17/volumes/kubernetes.io~nfs/s: unknown filesystem type 'nfs'.`),
			`storage: pod/web-0 cannot use a volume: MountVolume.SetUp failed for volume "s": mount: /var/lib/kubelet/pods/17/volumes/kubernetes.io~nfs/s: unknown filesystem type 'nfs'.`, "volume-mount",
		},

		{"a probe that speaks gRPC to a program that does not", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.unready("web-0", 3*time.Minute)
			s.container("web-0", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{GRPC: &corev1.GRPCAction{Port: 80}}, PeriodSeconds: 5}
			})
			s.said("web-0", "Unhealthy", `Readiness probe failed: timeout: failed to connect service "10.0.0.7:80" within 1s: context deadline exceeded`, 2*time.Second)
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails (gRPC health of :80, every 5 s): no answer in gRPC came within timeoutSeconds, 1 s (nothing speaks it there", "readiness-probe"},
		{
			"a liveness probe that ends what has not started yet", killed(32 * time.Second),
			main + "that is killed again and again since its liveness probe fails (4 restarts): nothing listens there (not yet, on another port, or on 127.0.0.1 alone); it is killed as early as the probe can have it", "liveness-probe",
		},
		{
			"twin: a liveness probe that ends what ran for long", killed(time.Hour),
			main + "that is killed again and again since its liveness probe fails (4 restarts): nothing listens there (not yet, on another port, or on 127.0.0.1 alone)", "liveness-probe",
		},
		{"twin: nobody says who killed it", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-0", 137, time.Hour)
			return s
		}, main + "that ends again and again (4 restarts, exit code 137): something killed the program (signal 9), and nothing that was read says what", "crash-loop"},
		{"twin: it ends without an error", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-0", 0, time.Second)
			return s
		}, main + "that ends again and again (4 restarts, exit code 0): the program ends without an error", "crash-loop"},
	}
}

// TestAdvice holds what to do to the cause where several causes share their line's words.
func TestAdvice(t *testing.T) {
	byName := map[string]built{}
	for _, c := range runtimeCases() {
		byName[c.name] = c
	}
	for name, part := range map[string]string{
		"an image that is looked up each time":                             "imagePullPolicy IfNotPresent",
		"a user that contradicts runAsNonRoot":                             "runAsUser is 0 and runAsNonRoot is true",
		"twin: user namespaces that the runtime does not have":             "take hostUsers: false out",
		"a path of the node that is not there":                             "make /srv/data on node diag-worker and on all others",
		"twin: a file system that the node does not know":                  "nfs-common",
		"a liveness probe that ends what has not started yet":              "give it a startupProbe",
		"twin: a variable that a path names and nobody gives":              "give the container that variable in env",
		"twin: the container's own image cannot be pulled":                 "fix the image's name or tag",
		"twin: a program that is not in the image":                         "correct command and args",
		"twin: the volume may not be pulled":                               "pullPolicy of the volume",
		"a mount below a file of the image":                                "compare mountPath and subPath",
		"twin: a limit of memory in which nothing starts":                  "raise resources.limits.memory",
		"twin: a working directory that is not in the image":               "correct workingDir",
		"a handler that the RuntimeClass names and the node does not have": "configure the handler",
	} {
		found := diagnose.Diagnose(byName[name].state(t).State)
		if len(found) == 0 || !strings.Contains(strings.Join(found[0].Do, "\n"), part) {
			t.Errorf("%s: expected to be told: %s; found %v", name, part, found)
		}
	}
	s := running(t)
	s.only()
	s.crashing("web-0", 1, time.Second)
	yes, user := true, int64(1000)
	s.container("web-0", func(c *corev1.Container) {
		c.SecurityContext = &corev1.SecurityContext{ReadOnlyRootFilesystem: &yes, RunAsUser: &user}
	})
	advice := func() string { return strings.Join(diagnose.Diagnose(s.State)[0].Do, "\n") }
	const byHand = "delete pod web-0"
	do := advice()
	for _, part := range []string{"its root file system is read-only", "set fsGroup", byHand} {
		if !strings.Contains(do, part) {
			t.Errorf("expected a container that ends with 1 to be looked at for what it may write, and to be told: %s; found %s", part, do)
		}
	}
	s.StatefulSet.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
	if do := advice(); strings.Contains(do, byHand) {
		t.Errorf("expected of pods that are updated in parallel that a change of the template reaches them, found %s", do)
	}
}
