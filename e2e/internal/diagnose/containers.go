package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

// containers is what is wrong with a pod's containers, nil if they show nothing.
func (v *view) containers(p *corev1.Pod) *Finding {
	return containersOf(v.s.Namespace, p, v.s.Events, v.podSeen(p))
}

// containersOf is containers for a pod of any namespace.
func containersOf(namespace string, p *corev1.Pod, events []corev1.Event, seen string) *Finding {
	l := podInspector{pod: Ref{Kind: "pod", Namespace: namespace, Name: p.Name}, p: p, events: events, seen: seen}
	for i := range p.Status.InitContainerStatuses {
		c := &p.Status.InitContainerStatuses[i]
		if f := l.container(c, "init container", specOf(p.Spec.InitContainers, c.Name)); f != nil {
			return f
		}
	}
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		if f := l.container(c, "container", specOf(p.Spec.Containers, c.Name)); f != nil {
			return f
		}
	}
	return l.setup()
}

// podInspector looks at one pod's containers.
type podInspector struct {
	pod    Ref
	p      *corev1.Pod
	events []corev1.Event
	seen   string
}

func specOf(all []corev1.Container, name string) *corev1.Container {
	if i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == name }); i >= 0 {
		return &all[i]
	}
	return &corev1.Container{Name: name}
}

func field(c *corev1.ContainerStatus, below string) string {
	return "status.containerStatuses[" + c.Name + "]" + below
}

// stateOf writes a container's state for evidence.
func stateOf(c *corev1.ContainerStatus) string {
	switch s := c.State; {
	case s.Waiting != nil:
		return oneLine("waiting: " + s.Waiting.Reason + " " + s.Waiting.Message)
	case s.Terminated != nil:
		return ended(s.Terminated)
	case s.Running != nil:
		return fmt.Sprintf("running, ready: %t, restarts: %d", c.Ready, c.RestartCount)
	}
	return "no state"
}

func ended(t *corev1.ContainerStateTerminated) string {
	text := fmt.Sprintf("exit code %d, %s", t.ExitCode, t.Reason)
	if t.Signal != 0 {
		text += fmt.Sprintf(", signal %d", t.Signal)
	}
	if t.Message != "" {
		text += ": " + oneLine(t.Message)
	}
	return text
}

func (l podInspector) container(c *corev1.ContainerStatus, word string, spec *corev1.Container) *Finding {
	if w := c.State.Waiting; w != nil {
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed":
			return l.image(c, word)
		case "CrashLoopBackOff":
			return l.crash(c, word, c.LastTerminationState.Terminated, spec)
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreStartHookError", "PostStartHookError":
			return l.config(c, word)
		}
	}
	if t := c.State.Terminated; t != nil && (t.ExitCode != 0 || word == "container") {
		return l.crash(c, word, t, spec)
	}
	if c.State.Running == nil || word != "container" || c.Ready {
		return nil
	}
	if t := c.LastTerminationState.Terminated; t != nil && c.RestartCount > 1 {
		return l.crash(c, word, t, spec)
	}
	return l.probe(c, spec)
}

// image is a container whose image cannot be had.
func (l podInspector) image(c *corev1.ContainerStatus, word string) *Finding {
	w := c.State.Waiting
	f := &Finding{
		Cause: "image-pull", Area: Image, Object: l.pod, Seen: l.seen,
		What:     fmt.Sprintf("cannot pull the image %s of %s %s", c.Image, word, c.Name),
		Evidence: []Evidence{{l.pod, field(c, ".state.waiting.reason"), w.Reason}},
		Look:     []string{describe(l.pod)},
	}
	text := w.Message
	if e := l.newest("Failed"); e != nil && strings.Contains(e.Message, c.Image) {
		f.Evidence = append(f.Evidence, eventEvidence(e))
		text += " " + e.Message
	} else if w.Message != "" {
		f.Evidence = append(f.Evidence, Evidence{l.pod, field(c, ".state.waiting.message"), oneLine(w.Message)})
	}
	switch has := contains(strings.ToLower(text)); {
	case w.Reason == "InvalidImageName":
		f.What = fmt.Sprintf("names an image for %s %s that is no image reference: %s", word, c.Name, c.Image)
		f.Do = []string{"write the image in the set's template as registry/repository:tag or with a digest"}
	case w.Reason == "ErrImageNeverPull":
		f.What = fmt.Sprintf("may not pull the image %s of %s %s (imagePullPolicy Never), and the node does not have it", c.Image, word, c.Name)
		f.Do = []string{"load the image onto the node, or change imagePullPolicy"}
	case has("unauthorized", "authorization failed", "authentication required", "denied", "403", "401"):
		f.Why = "the registry refuses: the image is private and the pod has no credentials for it, or it does not exist under this name"
		f.Do = []string{"see whether the image's name is right", "name a secret for the registry in the template's imagePullSecrets or in the pod's service account"}
	case has("not found", "manifest unknown", "name unknown", "does not exist"):
		f.Why = "the registry has no image of that name and tag"
		f.Do = []string{"fix the image's name or tag in the set's template"}
	case has("no such host", "timeout", "timed out", "connection refused", "network is unreachable", "dial tcp", "no route"):
		f.Why = "the node " + l.p.Spec.NodeName + " cannot reach the registry"
		f.Do = []string{"see whether the registry's name is right", "see whether nodes may reach it (DNS, proxy, firewall), or load the image onto them"}
	case has("toomanyrequests", "rate limit"):
		f.Why = "the registry limits how much is pulled"
		f.Do = []string{"wait, pull with credentials, or use a mirror"}
	default:
		f.Do = []string{"read the message above: it is the container runtime's"}
	}
	return f
}

// crash is a container that ends again and again.
func (l podInspector) crash(c *corev1.ContainerStatus, word string, last *corev1.ContainerStateTerminated, spec *corev1.Container) *Finding {
	restarts := plural(int(c.RestartCount), "restart", "restarts")
	f := &Finding{
		Cause: "crash-loop", Area: Container, Object: l.pod, Seen: l.seen,
		What: fmt.Sprintf("has %s %s that ends again and again (%s", word, c.Name, restarts),
		Evidence: []Evidence{
			{l.pod, field(c, ".state"), stateOf(c)},
			{l.pod, field(c, ".restartCount"), fmt.Sprint(c.RestartCount)},
		},
		Why:  "the program in it ends by itself: its own log says why",
		Do:   []string{"read what the container wrote before it ended"},
		Look: []string{kubectl(l.pod, "logs %s -c %s --previous", l.pod.Name, c.Name), describe(l.pod)},
	}
	if c.RestartCount == 0 {
		f.What = fmt.Sprintf("has %s %s that has ended (no restart yet", word, c.Name)
		f.Look[0] = kubectl(l.pod, "logs %s -c %s", l.pod.Name, c.Name)
	}
	if last == nil {
		f.What += ")"
		return f
	}
	f.What += fmt.Sprintf(", exit code %d)", last.ExitCode)
	f.Evidence = append(f.Evidence, Evidence{l.pod, field(c, ".lastState.terminated"), ended(last)})
	killed := l.newest("Killing")
	live := l.about("Unhealthy", "Liveness probe")
	switch {
	case last.Reason == "OOMKilled":
		f.Cause, f.What = "out-of-memory", fmt.Sprintf("has %s %s that uses more memory than its limit %s and is killed (%s)", word, c.Name,
			spec.Resources.Limits.Memory(), restarts)
		f.Why = "the limit is too low for the program, or the program leaks"
		f.Do = []string{"raise resources.limits.memory in the set's template, or have the program use less"}
	case live != nil && killed != nil && spec.LivenessProbe != nil:
		f.Cause, f.What = "liveness-probe", fmt.Sprintf("has %s %s that is killed again and again since its liveness probe fails (%s)", word, c.Name, restarts)
		f.Evidence = append(f.Evidence, eventEvidence(live), eventEvidence(killed))
		f.Why = "the program does not answer the probe in time, or the probe asks for the wrong thing"
		f.Do = []string{"compare the probe (" + probeText(spec.LivenessProbe) + ") with what the program serves", "give a slow start a startupProbe"}
	case last.Reason == "StartError" || last.Reason == "ContainerCannotRun":
		f.Cause, f.What = "cannot-start", fmt.Sprintf("has %s %s whose command cannot be started", word, c.Name)
		f.Why = "the image has no such program, or the user may not run it: the message above says which"
		f.Do = []string{"correct command and args in the set's template, or the image"}
	}
	return f
}

// config is a container that cannot be made.
func (l podInspector) config(c *corev1.ContainerStatus, word string) *Finding {
	w := c.State.Waiting
	f := &Finding{
		Cause: "container-config", Area: Container, Object: l.pod, Seen: l.seen,
		What:     fmt.Sprintf("has %s %s that cannot be made: %s", word, c.Name, firstOf(oneLine(w.Message), w.Reason)),
		Evidence: []Evidence{{l.pod, field(c, ".state.waiting"), oneLine(w.Reason + ": " + w.Message)}},
		Do:       []string{"correct what the message names: a ConfigMap, Secret or key that is missing, a user that the image does not have, a mount"},
		Look:     []string{describe(l.pod)},
	}
	return f
}

// probe is a container that runs and is not ready.
func (l podInspector) probe(c *corev1.ContainerStatus, spec *corev1.Container) *Finding {
	kind, cause, probe := "readiness", Cause("readiness-probe"), spec.ReadinessProbe
	if spec.StartupProbe != nil && (c.Started == nil || !*c.Started) {
		kind, cause, probe = "startup", "startup-probe", spec.StartupProbe
	}
	if probe == nil {
		return nil
	}
	title := strings.ToUpper(kind[:1]) + kind[1:]
	e := l.about("Unhealthy", title+" probe")
	if e == nil {
		return nil // The probe has not failed as far as anything shows: it may be the first one.
	}
	return &Finding{
		Cause: cause, Area: Readiness, Object: l.pod, Seen: l.seen,
		What: fmt.Sprintf("runs, and the %s probe of container %s fails (%s)", kind, c.Name, probeText(probe)),
		Evidence: []Evidence{
			{l.pod, field(c, ".ready"), "false"},
			{l.pod, fmt.Sprintf("spec.containers[%s].%sProbe", c.Name, kind), probeText(probe)},
			eventEvidence(e),
		},
		Why: "the program does not serve what the probe asks for, not yet or not there; or the probe asks for the wrong thing",
		Do: []string{
			"compare the probe with what the program serves: port, path, command", "read the container's log",
			"where pods look for each other by name before they are Ready: their service needs publishNotReadyAddresses: true",
		},
		Look: []string{describe(l.pod), kubectl(l.pod, "logs %s -c %s", l.pod.Name, c.Name)},
	}
}

func probeText(p *corev1.Probe) string {
	every := fmt.Sprintf(", every %d s", max(p.PeriodSeconds, 1))
	switch h := p.ProbeHandler; {
	case h.HTTPGet != nil:
		return fmt.Sprintf("HTTP GET :%s%s%s", h.HTTPGet.Port.String(), redact.Path(h.HTTPGet.Path), every)
	case h.TCPSocket != nil:
		return fmt.Sprintf("TCP connection to :%s%s", h.TCPSocket.Port.String(), every)
	case h.Exec != nil:
		// Arguments may be secrets.
		text := "exec " + strings.Join(redact.Program(h.Exec.Command), "")
		if len(h.Exec.Command) > 1 {
			text += " ..."
		}
		return text + every
	case h.GRPC != nil:
		return fmt.Sprintf("gRPC health of :%d%s", h.GRPC.Port, every)
	}
	return "probe" + every
}

// setup is a pod on a node whose containers cannot even be made, as its events say.
func (l podInspector) setup() *Finding {
	if len(l.p.Status.ContainerStatuses) > 0 {
		for i := range l.p.Status.ContainerStatuses {
			if w := l.p.Status.ContainerStatuses[i].State.Waiting; w == nil || (w.Reason != "ContainerCreating" && w.Reason != "PodInitializing") {
				return nil
			}
		}
	}
	// A first failure may be the kubelet not having seen a new object yet.
	if e := l.newest("FailedAttachVolume", "FailedMount", "FailedMapVolume"); e != nil && (e.Count > 1 || e.Reason == "FailedAttachVolume") {
		f := &Finding{
			Cause: "volume-mount", Area: Storage, Object: l.pod, Seen: l.seen, What: "cannot use a volume: " + oneLine(e.Message),
			Evidence: []Evidence{eventEvidence(e)}, Look: []string{describe(l.pod)},
			Do: []string{"correct what the message names: a Secret or ConfigMap that is missing, a volume that another node holds, a driver that does not run on the node"},
		}
		// Up to 1.36 it is "Multi-Attach error for volume ...", from 1.37 on "Waiting for detach for volume ...".
		if contains(e.Message)("Multi-Attach", "Waiting for detach") {
			f.Cause, f.What = "volume-attached-elsewhere", "waits for a volume that is still attached to another node"
			f.Why = "a pod that used the volume still exists on the other node, or that node is lost"
			f.Do = []string{"see whether the other node runs; once it is really off, the taint node.kubernetes.io/out-of-service frees its volumes"}
			f.Look = append(f.Look, "kubectl get volumeattachments")
		}
		return f
	}
	if e := l.newest("FailedCreatePodSandBox", "NetworkNotReady"); e != nil {
		return &Finding{
			Cause: "pod-network", Area: Network, Object: l.pod, Seen: l.seen, What: "gets no network or sandbox on node " + l.p.Spec.NodeName,
			Evidence: []Evidence{eventEvidence(e)}, Look: []string{describe(l.pod), "kubectl -n kube-system get pods -o wide --field-selector spec.nodeName=" + l.p.Spec.NodeName},
			Why: "the node's network plugin or container runtime fails: the message above is theirs",
			Do:  []string{"see whether the network plugin's pod on that node is Ready"},
		}
	}
	return nil
}

func (l podInspector) newest(reasons ...string) *corev1.Event {
	if all := eventsOf(l.events, "Pod", l.p.Name, l.p.UID, reasons...); len(all) > 0 {
		return all[0]
	}
	return nil
}

// about is the newest event of a reason whose message begins with a text.
func (l podInspector) about(reason, begins string) *corev1.Event {
	for _, e := range eventsOf(l.events, "Pod", l.p.Name, l.p.UID, reason) {
		if strings.HasPrefix(e.Message, begins) {
			return e
		}
	}
	return nil
}

// contains returns a function that reports whether a text has any of some parts.
func contains(text string) func(...string) bool {
	return func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(text, p) })
	}
}
