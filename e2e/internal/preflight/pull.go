package preflight

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// pullReasons are the waiting reasons of a container whose image was not pulled.
func pullReasons() []string {
	return append([]string{"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"}, refusedReasons()...)
}

// refusedReasons are those of them that no later try changes.
func refusedReasons() []string {
	return []string{"InvalidImageName", "ErrImageNeverPull", "SignatureValidationFailed"}
}

// mayPullLater reports whether an image that was not pulled may be pulled by a later try: the kubelet makes one after 10 s and more. That ends only where
// the answer is one that stays: a registry without the image, or one that gives it to nobody, or not to whoever asked; a certificate that the node does not
// trust. Everything else passes at times: registries that are restarted, proxies, names that resolve late on a new node, limits of pulls.
func mayPullLater(w *corev1.ContainerStateWaiting) bool {
	if !slices.Contains(pullReasons(), w.Reason) || slices.Contains(refusedReasons(), w.Reason) {
		return false
	}
	message := strings.ToLower(w.Message)
	// A limit of pulls speaks of who asked, as a refusal does.
	if hasAny(message, "toomanyrequests", "too many requests", "rate limit", "quota exceeded", "qps exceeded") {
		return true
	}
	return !otherArchitecture(message) && !hasAny(message, "not found", "manifest unknown", "name unknown", "repository does not exist", "denied", "unauthorized", "forbidden",
		"authentication required", "authorization failed", "no basic auth credentials", "invalid reference format", "x509:")
}

// otherArchitecture reports whether a message, in lower case, says that an image is for other architectures than the node's.
func otherArchitecture(message string) bool {
	return hasAny(message, "no match for platform", "no matching manifest", "no image found in image index", "no image found in manifest list")
}

// hasAny reports whether a text has any of some parts.
func hasAny(text string, parts ...string) bool {
	return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(text, part) })
}

// named reports whether a person chose the image of a probe. That one of the suite's own choice cannot be used here is no wrong use of the suite.
func (p *prober) named(pp podProbe) bool { return *pp.image.id(&p.settings.NamedImages) != "" }

// pullAdvice is what helps where nodes do not pull an image.
func (p *prober) pullAdvice(pp podProbe, message string) string {
	if otherArchitecture(strings.ToLower(message)) {
		return fmt.Sprintf("name one for the node's architecture with %s=, or keep pods to nodes of the image's with NODE_SELECTOR=kubernetes.io/arch=", pp.image.setting)
	}
	return fmt.Sprintf("name one that the nodes can pull with %s= or a mirror with IMAGE_MIRROR=%s", pp.image.setting, p.credentials(message))
}

// credentials is what else helps where a registry asks who pulls.
func (p *prober) credentials(message string) string {
	switch {
	case !hasAny(strings.ToLower(message), "authorization", "unauthorized", "authentication", "access denied", "credentials", "401", "403 forbidden"):
		return ""
	case p.settings.PullSecret != "":
		return ", or see whether the credentials of PULL_SECRET= are that registry's"
	}
	return ", or give the nodes credentials with PULL_SECRET=file"
}
