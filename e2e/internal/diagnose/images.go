package diagnose

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// image is a container whose image cannot be had.
func (l podInspector) image(c *corev1.ContainerStatus, word string) *Finding {
	w := c.State.Waiting
	image := c.Image
	if own := l.specOf(c.Name).Image; own != "" && strings.Contains(w.Message, own) {
		image = own // The status still has the one that ran before.
	}
	f := &Finding{
		Cause: "image-pull", Area: Image, Object: l.pod, Seen: l.seen,
		What:     fmt.Sprintf("cannot pull the image %s of %s %s", image, word, c.Name),
		Evidence: []Evidence{{l.pod, field(c, ".state.waiting.reason"), w.Reason}},
		Look:     []string{describe(l.pod)},
	}
	text := w.Message
	volume, reference := l.imageVolume(text, l.specOf(c.Name).Image)
	if volume != "" {
		image = reference
	}
	if e := l.pullFailed(image); e != nil {
		f.Evidence = append(f.Evidence, eventEvidence(e))
		text += " " + e.Message
	} else if w.Message != "" {
		f.Evidence = append(f.Evidence, Evidence{l.pod, field(c, ".state.waiting.message"), oneLine(w.Message)})
	}
	if volume != "" {
		f.What = fmt.Sprintf("cannot pull the image %s of its volume %s, without which %s %s is not made", reference, volume, word, c.Name)
		if w.Reason == "ErrImageNeverPull" {
			f.What = fmt.Sprintf("may not pull the image %s of its volume %s (pullPolicy Never), and the node does not have it", reference, volume)
			f.Do = []string{"load the image onto the node, or change pullPolicy of the volume in the set's template"}
			return f
		}
	}
	switch w.Reason {
	case "InvalidImageName":
		f.What = fmt.Sprintf("names an image for %s %s that is no image reference: %s", word, c.Name, image)
		f.Do = []string{"write the image in the set's template as registry/repository:tag or with a digest"}
		return f
	case "ErrImageNeverPull":
		f.What = fmt.Sprintf("may not pull the image %s of %s %s (imagePullPolicy Never), and the node does not have it", image, word, c.Name)
		f.Do = []string{"load the image onto the node, or change imagePullPolicy"}
		return f
	}
	why, do := pullFailure(text, l.p.Spec.NodeName)
	f.Do = do
	if secret := l.newest("FailedToRetrieveImagePullSecret"); secret != nil && (why == refuses || why == unknownImage) {
		f.Evidence = append(f.Evidence, eventEvidence(secret))
		why = "the registry refuses, and a secret that imagePullSecrets names could not be read" + inBrackets.FindString(secret.Message)
		f.Do = []string{"create the secret that is named above in the pod's namespace, or correct imagePullSecrets"}
	}
	if why != "" {
		f.What += ": " + why
	}
	if l.always(c.Name) && volume == "" {
		f.Do = append(f.Do, "where the nodes have the image already: imagePullPolicy IfNotPresent in the set's template asks no registry for it; Always, the default of the tag latest, does each time")
	}
	if secret := l.newest("FailedToRetrieveImagePullSecret"); secret != nil && !strings.Contains(why, "imagePullSecrets") {
		f.Evidence = append(f.Evidence, eventEvidence(secret))
		f.Do = append(f.Do, "a secret that imagePullSecrets names could not be read"+inBrackets.FindString(secret.Message)+": create it in the pod's namespace, if the registry asks for credentials")
	}
	return f
}

// always reports whether a container's image is to be looked up in its registry each time that the container starts.
func (l podInspector) always(container string) bool {
	return l.specOf(container).ImagePullPolicy == corev1.PullAlways
}

// imageVolume is the volume of a pod, and its image, that the kubelet's words are about, "" if they are about the container's own image: a volume
// that is an image is pulled with the container that mounts it, and shown as waiting of that container.
func (l podInspector) imageVolume(text, own string) (volume, reference string) {
	for _, v := range l.p.Spec.Volumes {
		if v.Image != nil && v.Image.Reference != own && strings.Contains(text, v.Image.Reference) {
			return v.Name, v.Image.Reference
		}
	}
	return "", ""
}

// inBrackets are the names in the kubelet's words about secrets that it could not read.
var inBrackets = regexp.MustCompile(` \([^)]*\)`)

// pullFailed is the newest event that says why an image was not pulled. Events that only say that it was not are passed over.
func (l podInspector) pullFailed(image string) *corev1.Event {
	for _, e := range eventsOf(l.events, "Pod", l.p.Name, l.p.UID, "Failed") {
		if strings.Contains(e.Message, image) {
			return e
		}
	}
	return nil
}

// Two answers of registries between which a registry need not distinguish.
const (
	refuses      = "the registry refuses: the image is private and the pod has no credentials for it, or it does not exist under this name"
	unknownImage = "the registry has no image of that name and tag"
)

// pullFailure says why an image was not pulled to a node, in words of registries and container runtimes, "" if they are not known. The more
// particular words come first. Numbers are not looked for: digests hold any.
func pullFailure(text, node string) (why string, do []string) {
	switch has := contains(strings.ToLower(text)); {
	case has("no match for platform", "no matching manifest for", "no image found in image index for architecture", "no image found in manifest list for architecture"):
		return "the registry does not have it for the architecture of node " + node, []string{
			"use an image for that architecture, or choose nodes of the image's with the label kubernetes.io/arch in the set's template",
		}
	case has("short-name", "unqualified-search registries"):
		return "its name has no registry in it, and the container runtime of node " + node + " does not choose one", []string{"begin the image in the set's template with its registry, as in docker.io/library/nginx"}
	case has("source image rejected", "signature was required", "signature validation failed", "invalid signature"):
		return "node " + node + " takes only images with a signature that it knows, and this one has none", []string{
			"sign the image, use one that is signed, or have the policy of the nodes' container runtime (policy.json) accept the registry",
		}
	case has("toomanyrequests", "too many requests", "rate limit"):
		return "the registry limits how much is pulled", []string{"wait, pull with credentials, or use a mirror"}
	case has("manifest.v1+", "is no longer supported"):
		return "the image is of a form that the container runtime of node " + node + " does not take", []string{"build and push it anew with a tool of today: runtimes have given up Docker's schema 1"}
	case has("no space left on device"):
		return "the disk of node " + node + " is full", []string{"free the disk that holds images on node " + node + ", or have the pod run on another"}
	case has("x509:", "failed to verify certificate"):
		return "node " + node + " does not trust the registry's certificate", []string{
			"have the node's container runtime trust the registry's authority, or give the registry a certificate for its name that is still valid",
		}
	case has("http response to https client"):
		return "the registry speaks HTTP, and node " + node + " is configured for HTTPS", []string{"give the registry a certificate, or configure it as insecure in the node's container runtime"}
	case has("unauthorized", "authorization failed", "authentication required", "no basic auth credentials", "denied", "forbidden"):
		return refuses, []string{"see whether the image's name is right", "name a secret for the registry in the template's imagePullSecrets or in the pod's service account"}
	case has("no such host", "timeout", "timed out", "deadline exceeded", "connection refused", "network is unreachable", "dial tcp", "no route"):
		return "node " + node + " cannot reach the registry", []string{
			"see whether the registry's name is right", "see whether nodes may reach it (DNS, proxy, firewall), or load the image onto them",
		}
	case has("not found", "manifest unknown", "name unknown", "does not exist"):
		return unknownImage, []string{"fix the image's name or tag in the set's template"}
	}
	return "", []string{"read the message above: it is the container runtime's"}
}
