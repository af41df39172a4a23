package diagnose

import (
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// sandboxImage is the image of a pod's sandbox in a runtime's words.
var sandboxImage = regexp.MustCompile(`sandbox image "([^"]+)"`)

// sandbox is a pod for which its node cannot make what holds the containers together: a sandbox with a network.
func (l podInspector) sandbox(e *corev1.Event) *Finding {
	node, message := l.p.Spec.NodeName, oneLine(e.Message)
	f := &Finding{
		Cause: "pod-sandbox", Area: Node, Object: l.pod, Seen: l.seen, What: "gets no sandbox on node " + node + ": " + message,
		Evidence: []Evidence{eventEvidence(e)}, Look: []string{describe(l.pod), podsOn(node)},
		Why: "the container runtime of the node fails: the message is its own",
		Do:  []string{"correct what the message names, on node " + node + " or in the set's template (runtimeClassName, securityContext, sysctls)"},
	}
	if m := sandboxImage.FindStringSubmatch(message); m != nil {
		f.Cause, f.Area, f.Object = "sandbox-image", Image, clusterRef("node", node)
		f.What = "cannot get the sandbox image " + m[1] + ", without which no pod starts there"
		f.Why, f.Do = pullFailure(message, node)
		if f.Why == "" {
			f.Why = "the message is the container runtime's"
		}
		return f
	}
	if has := contains(strings.ToLower(message)); e.Reason == "NetworkNotReady" || has("network", "cni", "ip address", "no available ip") {
		f.Cause, f.Area, f.What = "pod-network", Network, "gets no network on node "+node+": "+message
		f.Why = "the network plugin of the node fails, or has no address left: the message is its own"
		f.Do = []string{"see whether the network plugin's pod on that node is Ready, and whether it has addresses left"}
	}
	return f
}
