package cluster

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// restrictions are what the host withholds from the nodes.
type restrictions struct {
	cgroupV1            bool
	missingCapabilities bool
}

// observeRestrictions reads them from the engine and the kernel.
func observeRestrictions(ctx context.Context, e *engine.Engine) (restrictions, error) {
	version, err := e.CgroupVersion(ctx)
	if err != nil {
		return restrictions{}, err
	}
	missing, err := engine.CapabilitiesMissing()
	// Only an engine of our own is known to have the same limits as this process.
	return restrictions{cgroupV1: version == "1", missingCapabilities: missing && e.Own()}, err
}

// inotifyInstances holds how many inotify instances one user may have. A node takes about a dozen; the kubelet and kube-proxy of one that
// gets none do not start, and say so only in their own logs.
const inotifyInstances = "/proc/sys/fs/inotify/max_user_instances"

// inotifyAdvised is what kind's page of known issues advises.
const inotifyAdvised = 512

// inotifyHint completes the error of a cluster that did not become ready: the host may be short of inotify instances.
func inotifyHint(file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n >= inotifyAdvised {
		return ""
	}
	return fmt.Sprintf("; one user may have %d inotify instances here, which is enough for few nodes: remove clusters that are not in use, or raise fs.inotify.max_user_instances to %d (sysctl)", n, inotifyAdvised)
}

// kubeletPatch returns the kubelet's settings for the host, nil where it needs none.
func (h restrictions) kubeletPatch() map[string]any {
	patch := map[string]any{}
	if h.cgroupV1 {
		// The kubelet otherwise refuses to start on cgroup v1.
		patch["failCgroupV1"] = false
		patch["cgroupDriver"] = "cgroupfs"
	}
	if h.missingCapabilities {
		// Without CAP_SYS_RESOURCE the kubelet may neither lower its own score nor set some sysctls, and the gate has it go on.
		patch["oomScoreAdj"] = 0
		patch["featureGates"] = map[string]any{"KubeletInUserNamespace": true}
	}
	if len(patch) == 0 {
		return nil
	}
	patch["kind"] = "KubeletConfiguration"
	patch["apiVersion"] = "kubelet.config.k8s.io/v1beta1"
	return patch
}

// containerdPatch returns containerd's settings for the host, empty where it needs none.
func (h restrictions) containerdPatch() string {
	var patch strings.Builder
	if h.cgroupV1 {
		// On cgroup v1 systemd tidies away a group that the kubelet is about to use, and the pod waits ten seconds for its next try.
		patch.WriteString("[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc.options]\n  SystemdCgroup = false\n")
	}
	if h.missingCapabilities {
		// Pods want OOM scores below the lowest that this host allows.
		patch.WriteString("[plugins.\"io.containerd.grpc.v1.cri\"]\n  restrict_oom_score_adj = true\n")
	}
	return patch.String()
}
