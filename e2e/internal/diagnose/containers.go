package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// containers is what is wrong with a pod's containers, nil if they show nothing.
func (v *view) containers(p *corev1.Pod) *Finding {
	l := v.inspect(p, v.s.Events)
	l.seen = v.podSeen(p)
	if f := l.containers(); f != nil {
		v.linked(p, f)
		v.limitFrom(p, f)
		v.samePort(p, f)
		v.sameData(p, f)
		v.unexpanded(p, f)
		return f
	}
	return v.setup(l)
}

// inspect looks at the containers of a pod of any namespace.
func (v *view) inspect(p *corev1.Pod, events []corev1.Event) podInspector {
	return podInspector{pod: Ref{Kind: "pod", Namespace: firstOf(p.Namespace, v.s.Namespace), Name: p.Name}, p: p, events: events, says: v.s.Says, now: v.now}
}

// The words for the kinds of containers.
const (
	initContainer = "init container"
	sidecarWord   = "sidecar"
	containerWord = "container"
)

func sidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

// containers is what is wrong with the pod's containers. Init containers start one after another, so that the first trouble is the one; the others
// start together: what cannot start comes before what ends, and that before what is not ready, since it may wait for the others.
func (l podInspector) containers() *Finding {
	p := l.p
	var best *Finding
	consider := func(f *Finding) {
		if f != nil && (best == nil || rank(f) < rank(best)) {
			best = f
		}
	}
	for i := range p.Status.InitContainerStatuses {
		c := &p.Status.InitContainerStatuses[i]
		spec := specOf(p.Spec.InitContainers, c.Name)
		if sidecar(spec) {
			consider(l.container(c, sidecarWord, spec))
		} else if f := l.container(c, initContainer, spec); f != nil && best == nil {
			return f
		}
	}
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		consider(l.container(c, containerWord, specOf(p.Spec.Containers, c.Name)))
	}
	return best
}

// rank orders what is wrong with containers of one pod.
func rank(f *Finding) int {
	switch {
	case !f.Known():
		return 3
	case f.Cause == "readiness-probe" || f.Cause == "startup-probe" && f.Area == Readiness:
		return 2
	case f.Area == Image || f.Area == Config || f.Cause == "container-config" || f.Cause == "cannot-start":
		return 0
	}
	return 1
}

// podInspector looks at one pod's containers.
type podInspector struct {
	pod    Ref
	p      *corev1.Pod
	events []corev1.Event
	says   []Says
	seen   string
	now    time.Time
}

func specOf(all []corev1.Container, name string) *corev1.Container {
	if i := slices.IndexFunc(all, func(c corev1.Container) bool { return c.Name == name }); i >= 0 {
		return &all[i]
	}
	return &corev1.Container{Name: name}
}

// specOf is what the pod asks for of the container of a name.
func (l podInspector) specOf(name string) *corev1.Container {
	return specOf(slices.Concat(l.p.Spec.InitContainers, l.p.Spec.Containers), name)
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
		case "PostStartHookError":
			return l.hookFailed(c, word, c.LastTerminationState.Terminated)
		case "CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreStartHookError":
			return l.config(c, word)
		case "ContainerCreating", "PodInitializing":
			return l.starting(c, word, spec)
		}
	}
	if t := c.State.Terminated; t != nil && (t.ExitCode != 0 || word != initContainer) {
		return l.crash(c, word, t, spec)
	}
	if c.State.Running == nil || (word != initContainer && c.Ready) {
		return nil
	}
	if t := c.LastTerminationState.Terminated; t != nil && (c.RestartCount > 1 || l.killedFor(c, t, spec) != nil) {
		return l.crash(c, word, t, spec)
	}
	if word == initContainer {
		return l.waitsFor(c)
	}
	return l.probe(c, word, spec)
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
	if policy := restartsNot(spec); policy != "" && c.State.Terminated != nil && word == containerWord {
		f.What = fmt.Sprintf("has %s %s that has ended and is not started again (its own restartPolicy %s", word, c.Name, policy)
		f.Do = append(f.Do, "take restartPolicy out of the container in the set's template, if the kubelet is to start it again")
	}
	if last == nil {
		f.What += ")"
		return f
	}
	f.What += fmt.Sprintf(", exit code %d)", last.ExitCode)
	if said := telling(last.Message); said != "" {
		f.What += ", and says: " + said
	}
	f.Evidence = append(f.Evidence, Evidence{l.pod, field(c, ".lastState.terminated"), ended(last)})
	kill := l.killedFor(c, last, spec)
	switch {
	case last.Reason == "OOMKilled":
		l.outOfMemory(f, c, word, restarts, spec)
	case kill != nil:
		kill.explain(f, c, last, word, restarts, spec, l.grace())
		f.What += l.elsewhere(kill.probe) + throttled(spec)
	case l.about(c.Name, "FailedPostStartHook", "") != nil:
		return l.hookFailed(c, word, last)
	case last.Reason == "StartError" || last.Reason == "ContainerCannotRun":
		l.cannotStart(f, c, word, asRuncSays(oneLine(last.Message)))
		l.startsInMemory(f, c)
	case notRun.MatchString(last.Message):
		l.cannotStart(f, c, word, oneLine(notRun.FindString(last.Message)))
	case last.ExitCode == killed && last.Reason != "Completed":
		f.What, f.Why = f.What+": something killed the program (signal 9), and nothing that was read says what", "the node ran out of memory, or a process of its own killed it"
		f.Do = append(f.Do, "see whether the node was short of memory: its events SystemOOM, its kernel's log")
	default:
		known := l.understood(f, last)
		if !l.file(f, spec, last.Message) && !known {
			f.Do = append(f.Do, l.mayNotStart(spec, last)...)
		}
	}
	if p := spec.LivenessProbe; p != nil && f.Cause == "crash-loop" && (last.ExitCode == killed || last.ExitCode == told) {
		f.Do = append(f.Do, "its liveness probe ("+probeText(p)+") may be what ends it: the events that would tell last an hour")
	}
	return f
}

// understood makes a finding say what a container's last words or its exit code mean, and reports whether they mean anything.
func (l podInspector) understood(f *Finding, last *corev1.ContainerStateTerminated) bool {
	if said := readLastWords(last.Message); said != nil {
		f.Why, f.Do = said.why, append(f.Do, said.do)
		if said.first {
			what, _, _ := strings.Cut(said.why, ": ")
			f.What += ": " + what
		}
		return true
	}
	why := meaning(last.ExitCode)
	if why != "" {
		f.What, f.Why = f.What+": "+why, ""
	}
	return why != ""
}

// grace is how long the pod's containers have to end.
func (l podInspector) grace() time.Duration {
	if s := l.p.Spec.TerminationGracePeriodSeconds; s != nil {
		return time.Duration(*s) * time.Second
	}
	return 30 * time.Second
}

// mayNotStart says what to look at if a container's program cannot be run or cannot write: nothing that was read says that it is so.
func (l podInspector) mayNotStart(spec *corev1.Container, last *corev1.ContainerStateTerminated) []string {
	var do []string
	if last.FinishedAt.Sub(last.StartedAt.Time) <= 2*time.Second && (last.ExitCode == 1 || last.ExitCode == 255) {
		do = append(do, "if it says exec format error: the program is made for another architecture than the node's, or is a script without a first line (#!); if it says no such file or directory of a script that is there: its first line names what the image does not have, such as an interpreter with a Windows line end")
	}
	if own := spec.SecurityContext; own != nil && own.ReadOnlyRootFilesystem != nil && *own.ReadOnlyRootFilesystem {
		do = append(do, "if it may not write outside of its volumes: its root file system is read-only (readOnlyRootFilesystem); mount an emptyDir where it writes")
	}
	pod := l.p.Spec.SecurityContext
	if user, known := l.user(spec); known && user != 0 && (pod == nil || pod.FSGroup == nil) && len(ClaimNames(l.p)) > 0 {
		do = append(do, "if it may not write to its volume: set fsGroup in the template's securityContext, since the pod runs as another user than root")
	}
	return do
}

func (l podInspector) newest(reasons ...string) *corev1.Event {
	if all := eventsOf(l.events, "Pod", l.p.Name, l.p.UID, reasons...); len(all) > 0 {
		return all[0]
	}
	return nil
}

// about is the newest event of a reason about one container whose message begins with a text.
func (l podInspector) about(container, reason, begins string) *corev1.Event {
	for _, e := range eventsOf(l.events, "Pod", l.p.Name, l.p.UID, reason) {
		path := e.InvolvedObject.FieldPath
		if strings.HasPrefix(e.Message, begins) && (path == "" || strings.HasSuffix(path, "{"+container+"}")) {
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
