package preflight

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

func TestStartProblem(t *testing.T) {
	waiting := func(reason string) *corev1.Pod {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "dns-client"}, Spec: corev1.PodSpec{NodeName: "n1"}}
		pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "m"}}}}
		return pod
	}
	because := func(reason, message string) *corev1.Pod {
		pod := waiting(reason)
		pod.Status.ContainerStatuses[0].State.Waiting.Message = message
		return pod
	}
	noProgram := waiting("")
	noProgram.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{Reason: "StartError", Message: `exec: "etcd": executable file not found`}}
	failed := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "NodeAffinity"}}
	for name, c := range map[string]struct {
		pod   *corev1.Pod
		want  string
		usage bool
	}{
		"no status yet": {pod: &corev1.Pod{}},
		"is created":    {pod: waiting("ContainerCreating")},
		"no image":      {because("ErrImagePull", "m: not found"), "expected node n1 to pull it, found ErrImagePull: m: not found; name one that the nodes can pull with BUSYBOX_IMAGE= or a mirror with IMAGE_MIRROR=", true},
		"rate limited":  {pod: because("ErrImagePull", "toomanyrequests: You have reached your pull rate limit")},
		"registry away": {pod: because("ErrImagePull", "unexpected status from HEAD request: 503 Service Unavailable")},
		"slow registry": {pod: because("ImagePullBackOff", `Back-off pulling image "a": ErrImagePull: failed to pull: net/http: TLS handshake timeout`)},
		"backs off":     {pod: because("ImagePullBackOff", `Back-off pulling image "a"`)},
		"no such tag":   {because("ImagePullBackOff", `Back-off pulling image "a": ErrImagePull: failed to resolve reference: a: not found`), "found ImagePullBackOff", true},
		"not allowed":   {because("ErrImagePull", "pull access denied, repository does not exist or may require authorization"), "IMAGE_MIRROR=, or give the nodes credentials with PULL_SECRET=file", true},
		"other architecture": {
			because("ErrImagePull", "failed to pull and unpack image: no match for platform in manifest: not found"),
			"not found; name one for the node's architecture with BUSYBOX_IMAGE=, or keep pods to nodes of the image's with NODE_SELECTOR=kubernetes.io/arch=", true,
		},
		"image malformed": {waiting("InvalidImageName"), "found InvalidImageName", true},
		"runs as root":    {waiting("CreateContainerConfigError"), "expected it to start as pod dns-client", true},
		"has no program":  {noProgram, `expected it to start as pod dns-client of the fixtures on node n1, found RunContainerError: exec: "etcd": executable file not found; name another with BUSYBOX_IMAGE=`, true},
		"ends":            {failed, "found it Failed: NodeAffinity", false},
	} {
		p := testProber()
		if got := p.startProblem(probes()[0], c.pod); got != nil && got.Usage {
			t.Errorf("%s: expected an image that nobody named to be no wrong use, found %v", name, got)
		}
		p.settings.NamedImages.Busybox = "mirror/busybox:1"
		got := p.startProblem(probes()[0], c.pod)
		switch {
		case c.want == "" && got != nil:
			t.Errorf("%s: expected no problem, found %v", name, got)
		case c.want != "" && (got == nil || !strings.Contains(got.Text, c.want) || got.Usage != c.usage):
			t.Errorf("%s: expected %q, found %v", name, c.want, got)
		}
	}
}

// A pull ends the first check only where no later try can change the answer; what passes by itself has until the limit of the probes.
func TestPullsThatMayStillSucceed(t *testing.T) {
	for message, passes := range map[string]bool{
		"m": true,
		`failed to do request: Head "https://r/v2/a/manifests/1": dial tcp 192.0.2.1:443: connect: connection refused`: true,
		"dial tcp: lookup registry.example on 10.0.0.2:53: no such host":                                               true,
		"lookup registry.example on 10.0.0.2:53: server misbehaving":                                                   true,
		`failed to do request: Head "https://r/v2/a/manifests/1": EOF`:                                                 true,
		"pull QPS exceeded": true,
		"unexpected status code 500 Internal Server Error": true,
		"429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit; access denied until then": true,
		"rpc error: code = NotFound desc = failed to resolve reference: r/a:1: not found":                                                          false,
		"reading manifest 1 in r/a: manifest unknown":                                                                                              false,
		"unexpected status code 401 Unauthorized":                                                                                                  false,
		"unexpected status code [manifests 1]: 403 Forbidden":                                                                                      false,
		"requested access to the resource is denied":                                                                                               false,
		"no match for platform in manifest sha256:0":                                                                                               false,
		"tls: failed to verify certificate: x509: certificate signed by unknown authority":                                                         false,
	} {
		for _, reason := range []string{"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable"} {
			if got := mayPullLater(&corev1.ContainerStateWaiting{Reason: reason, Message: message}); got != passes {
				t.Errorf("%s: %s: expected %t, found %t", reason, message, passes, got)
			}
		}
		if mayPullLater(&corev1.ContainerStateWaiting{Reason: "ErrImageNeverPull", Message: message}) {
			t.Errorf("expected no pull where none is allowed: %s", message)
		}
	}
}

// At the limit the last answer is said, with what helps, and is wrong use only where a person chose the image.
func TestPullThatDoesNotSucceedInTime(t *testing.T) {
	pod := &corev1.Pod{Spec: corev1.PodSpec{NodeName: "n1"}}
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{
		Reason: "ImagePullBackOff", Message: `Back-off pulling image "a": ErrImagePull: dial tcp: connect: connection refused`,
	}}}}
	p := testProber()
	got := p.timeoutProblem(probes()[0], pod, time.Minute, "", wait.ErrorInterrupted(nil))
	for _, want := range []string{"within 1m0s, found: on node n1 it waits: ImagePullBackOff", "connection refused; if that passes, try again", "LIMITS=probe=5m", "BUSYBOX_IMAGE= or a mirror with IMAGE_MIRROR="} {
		if !strings.Contains(got.Text, want) {
			t.Errorf("expected %q, found %s", want, got.Text)
		}
	}
	if got.Usage {
		t.Errorf("expected an image that nobody named to be no wrong use, found %+v", got)
	}
	p.settings.NamedImages.Busybox = "a"
	if !p.timeoutProblem(probes()[0], pod, time.Minute, "", wait.ErrorInterrupted(nil)).Usage {
		t.Error("expected an image that a person named to be wrong use")
	}
}
