package diagnose

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// sandboxImage is the image of a pod's sandbox in a runtime's words.
var sandboxImage = regexp.MustCompile(`sandbox image "([^"]+)"`)

// sandbox is a pod for which its node cannot make what holds the containers together: a sandbox with a network.
func (l podInspector) sandbox(e *corev1.Event) *Finding {
	node, message := l.p.Spec.NodeName, oneLine(e.Message)
	for _, before := range []string{"(combined from similar events): ", "Failed to create pod sandbox: ", "rpc error: code = Unknown desc = "} {
		message = strings.TrimPrefix(message, before)
	}
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
	if m := noHandler.FindStringSubmatch(message); m != nil {
		f.Cause, f.What = "runtime-handler", fmt.Sprintf("names a RuntimeClass whose handler %s the container runtime of node %s does not have", m[1], node)
		f.Why = "a RuntimeClass only names what has to be installed and configured on the nodes"
		if class := l.p.Spec.RuntimeClassName; class != nil {
			f.What = fmt.Sprintf("names the RuntimeClass %s, whose handler %s the container runtime of node %s does not have", *class, m[1], node)
		}
		f.Do = []string{"configure the handler in the container runtime of the nodes, and name these nodes in the class's scheduling.nodeSelector", "or take runtimeClassName out of the set's template"}
		return f
	}
	if contains(message)("construct FQDN") {
		f.Cause, f.Area, f.What = "host-name", Config, "cannot have its full name as its host name (setHostnameAsFQDN): "+message
		f.Why = "Linux takes host names of at most 64 characters, and the full name holds those of pod, service, namespace and the cluster's zone"
		f.Do = []string{"take setHostnameAsFQDN out of the set's template, or use shorter names of set, service and namespace"}
		return f
	}
	if contains(message)("hostUsers", "user namespace") {
		f.Do = []string{"take hostUsers: false out of the set's template, or choose nodes whose kernel and runtime have user namespaces"}
		return f
	}
	switch has := contains(strings.ToLower(message)); {
	case e.Reason == "NetworkNotReady" || has("network", "cni", "ip address", "no available ip"):
		f.Cause, f.Area, f.What = "pod-network", Network, "gets no network on node "+node+": "+message
		f.Why = "the network plugin of the node fails, or has no address left: the message is its own"
		f.Do = []string{"see whether the network plugin's pod on that node is Ready, and whether it has addresses left"}
	case has("is reserved for", "deadlineexceeded", "resource temporarily unavailable"):
		f.Cause, f.Why = "runtime-slow", "the node's container runtime is overloaded or hangs, or the node has no process numbers left: nothing in the set is wrong"
		f.Do = []string{"see how busy the disk and the container runtime of node " + node + " are and how many processes it runs; restart the runtime if it hangs"}
	}
	return f
}
