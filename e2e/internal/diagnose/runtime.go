package diagnose

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// What kubelets and container runtimes say of a container that cannot be made or started, and of a volume that cannot be mounted.
var (
	mountFails   = regexp.MustCompile(`error mounting ".+?" to rootfs at "([^"]+)"`)
	mountSays    = regexp.MustCompile(`not a directory|is a directory|no such file or directory|permission denied|read-only file system`)
	noWorkingDir = regexp.MustCompile(`chdir to cwd \("([^"]+)"\) set in config\.json failed: (.+)$`)
	notMade      = regexp.MustCompile(`: mkdir (/[^:]*): (not a directory|file exists|read-only file system|permission denied)`)
	runcSays     = regexp.MustCompile(`unable to start container process: (?:error during container init: )?(.+)$`)
	ofWhichPod   = regexp.MustCompile(` \(pod: "[^"]*", container: [^)]*\)`)
	noVariable   = regexp.MustCompile(`missing value for (\S+)`)
	noHandler    = regexp.MustCompile(`no runtime for "([^"]+)" is configured`)
	hostPathType = regexp.MustCompile(`hostPath type check failed[:,] (\S+) is not an? (.+?)(?:,|$)`)
	noLocalPath  = regexp.MustCompile(`path "([^"]+)" does not exist`)
	mountOutput  = regexp.MustCompile(` Output: (.+)$`)
)

// What a kernel says of a program whose arguments and environment are longer than it takes.
const (
	argumentsTooLong   = "argument list too long"
	environmentTooLong = "command, arguments and environment together are too long for the node's kernel, or one of them is; the environment has variables for each service of the namespace as well"
	smallerEnvironment = "set enableServiceLinks: false in the set's template, which leaves out the variables of services; mount what is long (envFrom, a ConfigMap) as a file"
)

// notStarted makes a finding say why a runtime did not start a container, where it is not its program that cannot be run, and reports whether it did.
func notStarted(f *Finding, c *corev1.ContainerStatus, word, message string) bool {
	f.Why = ""
	if m := mountFails.FindStringSubmatch(message); m != nil {
		f.What = fmt.Sprintf("has %s %s that cannot be started: its mount at %s fails: %s", word, c.Name, m[1], firstOf(mountSays.FindString(message), lastPartOf(message)))
		f.Why = "a file is mounted where the image has a directory, a directory where it has a file, or something below a file"
		f.Do = []string{"compare mountPath and subPath in the set's template with what the image has there; a subPath that is no key of its ConfigMap or Secret becomes a directory"}
		return true
	}
	if m := noWorkingDir.FindStringSubmatch(message); m != nil {
		f.What = fmt.Sprintf("has %s %s that cannot be started: its working directory %s cannot be entered: %s", word, c.Name, m[1], strings.TrimSuffix(m[2], ": unknown"))
		f.Do = []string{"correct workingDir in the set's template, or the image; the user needs the right to enter it"}
		return true
	}
	if m := notMade.FindStringSubmatch(message); m != nil {
		f.What = fmt.Sprintf("has %s %s that cannot be started: its working directory or a mount at %s cannot be made: %s", word, c.Name, m[1], m[2])
		f.Do = []string{"correct workingDir or mountPath in the set's template: the image has something else there, or its file system may not be written"}
		return true
	}
	if contains(message)("OOM-killed", "memory limit too low") {
		f.Cause, f.What = "out-of-memory", fmt.Sprintf("has %s %s whose memory limit is too low to start it at all", word, c.Name)
		f.Do = []string{"raise resources.limits.memory in the set's template: a limit without a unit is in bytes, and 128m is less than one"}
		return true
	}
	if strings.Contains(message, argumentsTooLong) {
		f.What = fmt.Sprintf("has %s %s that cannot be started: %s", word, c.Name, argumentsTooLong)
		f.Why, f.Do = environmentTooLong, []string{smallerEnvironment}
		return true
	}
	if !execFails.MatchString(message) {
		f.What = fmt.Sprintf("has %s %s that cannot be started", word, c.Name)
		if m := runcSays.FindStringSubmatch(message); m != nil {
			f.What += ": " + strings.TrimSuffix(m[1], ": unknown")
		}
		f.Why, f.Do = "the message is the container runtime's", []string{"correct what the message names, in the set's template or on the node"}
		return true
	}
	return false
}

// lastPartOf is what remains of a chain of errors: the last of them.
func lastPartOf(message string) string {
	message = strings.TrimSuffix(message, ": unknown")
	return message[strings.LastIndex(message, ": ")+1:][1:]
}

// mountAdvice says of a mount that fails what its words mean and what to do. said is the part of the message that tells.
func mountAdvice(message, node string) (said, why, do string) {
	said = message
	if m := mountOutput.FindStringSubmatch(message); m != nil {
		before, _, _ := strings.Cut(message, " : ")
		said = before + ": " + m[1]
	}
	kind := hostPathType.FindStringSubmatch(message)
	path := noLocalPath.FindStringSubmatch(message)
	switch has := contains(strings.ToLower(message)); {
	case has("failed to sync configmap cache", "failed to sync secret cache", "not registered"):
		return said, "the kubelet of node " + node + " has not got it from the API server yet, as after its restart; or it has forgotten the pod, which is then being deleted", "wait; if it goes on: see whether the kubelet of node " + node + " reaches the API server, and its log"
	case has("secrets store objects"):
		return said, "the driver that fetches secrets from elsewhere does not get them: the message is its provider's", "see whether the SecretProviderClass names what is there, and whether the pod's service account has the right to it at the provider"
	case strings.HasPrefix(message, inVain):
		return said, "the kubelet waits until the volumes are attached to node " + node + " and set up, and no event says what takes so long", "see whether they are attached (kubectl get volumeattachments), and the log of their driver's pod on node " + node
	case kind != nil:
		return said, "a hostPath is taken as it is on the node, and its type says what has to be there", fmt.Sprintf("make %s on node %s and on all others that may run the pod, or correct path and type in the set's template (DirectoryOrCreate and FileOrCreate make it)", kind[1], node)
	case path != nil:
		return said, "a local volume has to be there before it is used", fmt.Sprintf("make %s on node %s, or mount the disk there; or correct the volume", path[1], node)
	case has("unknown filesystem type", "helper program"):
		return said, "node " + node + " lacks the program or the kernel's module for this kind of file system", "install it on the nodes (nfs-common or nfs-utils for NFS)"
	case has("wrong fs type", "bad superblock", "can't read superblock", "fsck"):
		return said, "the file system on the volume is damaged, or is not what the volume says", "check it from the node (fsck) before anything writes to it, or restore a backup"
	case has("connection timed out", "no route to host", "connection refused", "host is down"):
		return said, "node " + node + " does not reach the storage's server", "see whether the server runs and whether nodes may reach it (address, firewall)"
	case has("access denied", "permission denied"):
		return said, "the storage's server does not let the node have it", "see which clients the server exports it to, and with which credentials"
	}
	return said, "", "correct what the message names: a server that does not answer, a file system, a driver that fails; the kubelet tries again by itself"
}

// memoryVolume is a volume that is kept in memory and has no room, since the pod's limit of memory is its size too; nil if it is of another kind, or
// the limit is no cause: the node's memory is then.
func (l podInspector) memoryVolume(e *corev1.Event) *Finding {
	const least = 1 << 20 // no program starts in less
	if !contains(e.Message)("no space left on device") || !contains(e.Message)("kubernetes.io~projected", "kubernetes.io~secret", "kubernetes.io~empty-dir") {
		return nil
	}
	for _, all := range [][]corev1.Container{l.p.Spec.InitContainers, l.p.Spec.Containers} {
		for i := range all {
			limit, has := all[i].Resources.Limits[corev1.ResourceMemory]
			if !has || limit.Value() >= least {
				continue
			}
			return &Finding{
				Cause: "out-of-memory", Area: Container, Object: l.pod, Seen: l.seen,
				What:     fmt.Sprintf("has container %s with the memory limit %s, in which not even its volumes of settings have room", all[i].Name, limit.String()),
				Evidence: []Evidence{{l.pod, "spec.containers[" + all[i].Name + "].resources.limits[memory]", limit.String()}, eventEvidence(e)},
				Why:      "a limit without a unit is in bytes, and one in m in thousandths of them; Secrets and tokens are kept in memory, within the pod's limit",
				Do:       []string{"give resources.limits.memory in the set's template a unit, such as " + limit.String() + "Mi"},
				Look:     []string{describe(l.pod)},
			}
		}
	}
	return nil
}

// refusalAdvice says what to do about a pod that a kubelet does not take, by the reason of its refusal.
func refusalAdvice(reason, node string) string {
	switch {
	case reason == "SysctlForbidden":
		return "take the sysctl out of the template's securityContext, or allow it to the kubelets of some nodes (allowedUnsafeSysctls) and choose these nodes in the set's template"
	case reason == "AppArmor":
		return "choose nodes that have AppArmor in the set's template, or take the AppArmor profile out of it"
	case reason == "Preempting":
		return "give the set's pods a PriorityClass that is not below that of what takes their place, or see which critical pods node " + node + " has to run"
	case reason == "DeadlineExceeded":
		return "see who gave the pod activeDeadlineSeconds, which a set's template cannot have: the controller makes another without it"
	case reason == "PodOSNotSupported":
		return "correct os.name in the set's template, or choose nodes of that system with the label kubernetes.io/os"
	case reason == "NodeAffinity", reason == "NodeName":
		return "see who gives the pod its node: its labels or the pod's rules changed after the scheduler chose, or nodeName is written into the set's template"
	case reason == "UnexpectedAdmissionError":
		return "see what the message names on node " + node + ": a device that its plugin calls unhealthy or gives to nobody, or a plugin that has restarted"
	case reason == "NodeShutdown", reason == "Terminated": // the kubelet's, of a pod that it ended for its node's shutdown
		return "wait until node " + node + " is up again, or see why it shuts down"
	case strings.HasPrefix(reason, "OutOf"):
		return "see which pods on node " + node + " the scheduler does not know of (static pods, another scheduler, nodeName in a template)"
	}
	return "correct what the message names: in the set's template, or on node " + node
}
