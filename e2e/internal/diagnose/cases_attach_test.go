package diagnose_test

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// attachCases are of volumes that do not reach their pod, and of programs that are not started for what surrounds them.
func attachCases() []built {
	creating := func(t *testing.T) state {
		t.Helper()
		s := running(t)
		s.only()
		pod(s.State, "web-0").Status.Phase = corev1.PodPending
		s.waiting("web-0", "ContainerCreating", "")
		return s
	}
	says := func(reason, message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := creating(t)
			s.said("web-0", reason, message, 10*time.Second)
			return s
		}
	}
	attach := func(message string) func(*testing.T) state {
		return says("FailedAttachVolume", `AttachVolume.Attach failed for volume "pvc-1" : `+message)
	}
	mount := func(message string) func(*testing.T) state {
		return says("FailedMount", `MountVolume.SetUp failed for volume "x" : `+message)
	}
	ends := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.crashing("web-0", 1, time.Second).LastTerminationState.Terminated.Message = message
			return s
		}
	}
	starts := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", "RunContainerError", `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: `+message)
			return s
		}
	}
	hook := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.waiting("web-0", "PostStartHookError", message).RestartCount = 3
			s.said("web-0", "FailedPostStartHook", "PostStartHook failed", 30*time.Second)
			return s
		}
	}
	failed := func(reason, message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := running(t)
			p := pod(s.State, "web-1")
			p.Status.Phase, p.Status.Reason, p.Status.Message = corev1.PodFailed, reason, message
			return s
		}
	}
	old := func(message string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := ends(message)(t)
			s.only()
			s.StatefulSet.CreationTimestamp, s.Pods[0].CreationTimestamp = s.ago(4*time.Minute), s.ago(4*time.Minute)
			return s
		}
	}
	sandbox := func(message string) func(*testing.T) state {
		return says("FailedCreatePodSandBox", "Failed to create pod sandbox: rpc error: "+message)
	}
	const (
		waited = "Unable to attach or mount volumes: unmounted volumes=[data], unattached volumes=[], failed to process volumes=[]: context deadline exceeded"
		killed = "container: pod/web-0 has container main that is killed since its postStart hook fails (3 restarts)"
		crash  = "container: pod/web-0 has container main that ends again and again"
	)
	return []built{
		{"a node that has as many volumes as it may", attach("rpc error: code = ResourceExhausted desc = Attachment limit exceeded for instance i-0"), "storage: node/diag-worker cannot have another volume attached, and pod web-0 was given it", "volume-limit"},
		{"twin: a driver whose controller does not answer", attach("timed out waiting for external-attacher of disks.example.com CSI driver to attach volume vol-1"), "storage: pod/web-0 waits for a volume that nobody attaches: the controller of driver disks.example.com does not answer", "attacher-down"},
		{"twin: a disk that is gone", attach("rpc error: code = NotFound desc = volume vol-1 not found"), "storage: pod/web-0 needs a volume that the storage does not have any more", "volume-gone"},
		{"twin: a machine that the storage does not find", attach("rpc error: code = NotFound desc = instance i-0 not found"), "storage: pod/web-0 cannot use a volume: ", "volume-mount"},
		{"twin: an attachment that is still being taken away", attach("volume attachment is being deleted"), "storage: pod/web-0 waits for a volume whose earlier attachment to its node is still being taken away", "detaching"},
		{"twin: it is attached to another node", attach("rpc error: code = FailedPrecondition desc = volume vol-1 is already attached to node other"), "storage: pod/web-0 waits for a volume that is still attached to another node", "volume-attached-elsewhere"},

		{"files whose owner is still being changed, for longer than a kubelet waits", func(t *testing.T) state {
			t.Helper()
			s := says("VolumePermissionChangeInProgress", "Setting volume ownership for x is taking longer than expected, consider using OnRootMismatch")(t)
			s.said("web-0", "FailedMount", waited, time.Second)
			return s
		}, "storage: pod/web-0 waits until the ownership of the files on a volume has been changed to its fsGroup", diagnose.Note},
		{"twin: nothing says what takes so long", says("FailedMount", waited), "storage: pod/web-0 cannot use a volume: Unable to attach or mount volumes: unmounted volumes=[data]", "volume-mount"},
		{"a service account that was deleted since", mount(`failed to fetch token: serviceaccounts "web" not found`), "admission: serviceaccount/web does not exist any more, and pod web-0 needs a token of it", "no-service-account"},
		{"twin: a ConfigMap", mount(`configmap "web" not found`), "configuration: configmap/web does not exist, and volume x of pod web-0 needs it", "config-missing"},

		{"an environment that is too long", starts("error during container init: exec /bin/sh: argument list too long"), "container: pod/web-0 has container main that cannot be started: argument list too long", "cannot-start"},
		{"twin: the program is not there", starts(`exec: "/bin/sh": stat /bin/sh: no such file or directory`), "container: pod/web-0 has container main whose command cannot be started: exec", "cannot-start"},
		{"a program that runs another, with an environment that is too long", ends("exec /usr/bin/java: argument list too long"), crash, "crash-loop"},
		{"a certificate that has expired", ends("x509: certificate has expired or is not yet valid"), crash, "crash-loop"},
		{"twin: one that nobody vouches for", ends("x509: certificate signed by unknown authority"), crash, "crash-loop"},

		{"a hook that fails and says why", hook(`Exec lifecycle hook ([sh -c /init.sh]) for Container "main" in Pod "web-0_shop(1)" failed - error: command 'sh -c /init.sh' exited with 7: , message: "cannot reach db\n"`), killed + ": exited with 7, and says: cannot reach db", "post-start-hook"},
		{"twin: a hook that asks by HTTP", hook(`HTTP lifecycle hook (/up) for Container "main" in Pod "web-0_shop(1)" failed - error: Get "http://10.0.0.1:80/up": dial tcp 10.0.0.1:80: connect: connection refused`), killed + ": Get", "post-start-hook"},
		{"twin: a hook of which nothing is told", hook("PostStartHook failed"), killed, "post-start-hook"},

		{"an old claim, and a program that does not reach another", old("dial tcp 10.96.0.9:5432: connect: connection refused"), crash, "crash-loop"},
		{"twin: an old claim, and a right that its service account lacks", old(`configmaps is forbidden: User "system:serviceaccount:shop:default" cannot list resource "configmaps"`), crash, "crash-loop"},
		{"twin: an old claim, and an argument that it does not know", old("unknown flag: --foo"), crash, "crash-loop"},
		{"twin: an old claim, and a login that is refused", old("password authentication failed"), "storage: persistentvolumeclaim/data-web-0 was made ", "earlier-data"},
		{"twin: an old claim, and words that nobody knows", old("oops"), "storage: persistentvolumeclaim/data-web-0 was made ", "earlier-data"},

		{"a runtime that is still busy with an earlier attempt", sandbox(`code = Unknown desc = failed to reserve sandbox name "web-0_shop_u_0": name "web-0_shop_u_0" is reserved for "ab"`), "node: pod/web-0 gets no sandbox on node diag-worker: failed to reserve sandbox name", "runtime-slow"},
		{"twin: it does not answer", sandbox("code = DeadlineExceeded desc = context deadline exceeded"), "node: pod/web-0 gets no sandbox on node diag-worker: ", "runtime-slow"},
		{"twin: the network does not answer", sandbox(`code = DeadlineExceeded desc = failed to setup network for sandbox "ab": plugin type="calico" failed (add): timed out`), "network: pod/web-0 gets no network on node diag-worker", "pod-network"},
		{"twin: what the node's kernel does not do", sandbox("code = Unknown desc = failed to create containerd task: unable to apply cgroup configuration"), "node: pod/web-0 gets no sandbox on node diag-worker: ", "pod-sandbox"},

		{"a pod that ended for others by the kubelet's choice", failed("Preempting", "Preempted in order to admit critical pod"), "node: pod/web-1 has ended: Preempting: Preempted in order to admit critical pod", "pod-failed"},
		{"a pod that ended as its node shut down", failed("Terminated", "Pod was terminated in response to imminent node shutdown."), "node: pod/web-1 has ended: Terminated: Pod was terminated in response to imminent node shutdown.", "pod-failed"},
		{"twin: a device that is not well", failed("UnexpectedAdmissionError", "Allocate failed due to can't allocate unhealthy devices nvidia.com/gpu, which is unexpected"), "node: pod/web-1 has ended: UnexpectedAdmissionError: Allocate failed", "pod-failed"},
	}
}

// What is said beside the first line.
func TestAdviceOfAttachments(t *testing.T) {
	for name, part := range map[string]string{
		"an environment that is too long":                                           "enableServiceLinks: false",
		"a program that runs another, with an environment that is too long":         "enableServiceLinks: false",
		"a pod that ended for others by the kubelet's choice":                       "a PriorityClass that is not below that of what takes their place",
		"a certificate that has expired":                                            "a certificate is not valid at this time",
		"twin: one that nobody vouches for":                                         "it does not trust a certificate",
		"twin: nothing says what takes so long":                                     "no event says what takes so long",
		"a pod that ended as its node shut down":                                    "wait until node diag-worker is up again",
		"twin: a device that is not well":                                           "a device that its plugin calls unhealthy",
		"a node that has as many volumes as it may":                                 "cordon the node and delete the pod",
		"twin: a hook of which nothing is told":                                     "what the hook wrote is in no event",
		"files whose owner is still being changed, for longer than a kubelet waits": "OnRootMismatch",
	} {
		found := false
		for _, c := range attachCases() {
			if c.name == name {
				s := c.state(t)
				if got := text(s.State, diagnose.Diagnose(s.State)); !strings.Contains(got, part) {
					t.Errorf("%s: expected %q in\n%s", name, part, got)
				}
				found = true
			}
		}
		if !found {
			t.Errorf("no case %q", name)
		}
	}
}
