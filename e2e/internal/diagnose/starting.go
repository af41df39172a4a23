package diagnose

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

// waitsFor is a pod whose init container runs: the others start only when it has ended.
func (l podInspector) waitsFor(c *corev1.ContainerStatus) *Finding {
	since := c.State.Running.StartedAt.Time
	f := &Finding{
		Cause: "init-container", Area: Readiness, Object: l.pod, Seen: l.seen,
		What: fmt.Sprintf("waits for its init container %s, which has been running for %s and has not ended", c.Name, lasted(l.now.Sub(since))),
		Evidence: []Evidence{
			{l.pod, "status.initContainerStatuses[" + c.Name + "].state", fmt.Sprintf("running since %s, restarts: %d", since.UTC().Format("15:04:05"), c.RestartCount)},
		},
		Why: "it has much to do, or waits for something that does not happen: its own log says which",
		Do: []string{
			"read the init container's log, and see whether what it waits for can happen before this pod is Ready",
			"if it is to run beside the others (a proxy, an agent): give it restartPolicy: Always in the set's template, which makes it a sidecar",
		},
		Look: []string{kubectl(l.pod, "logs %s -c %s", l.pod.Name, c.Name), describe(l.pod)},
	}
	if said := l.wrote(c.Name); said != "" {
		f.What += ", and says: " + shortened(said)
		f.Evidence = append(f.Evidence, Evidence{l.pod, logField + c.Name, oneLine(said)})
		if known := readLastWords(said); known != nil {
			f.Why, f.Do = known.why, append([]string{known.do}, f.Do...)
		}
	}
	if l.now.Sub(since) < patience {
		f.Cause = Note
	}
	return f
}

// starting is a container that is called waiting although nothing has failed: its image is being pulled, or its postStart hook runs, until the
// end of which the kubelet does not report it as running.
func (l podInspector) starting(c *corev1.ContainerStatus, word string, spec *corev1.Container) *Finding {
	begun := l.about(c.Name, "Started", "")
	if begun != nil && spec.Lifecycle != nil && spec.Lifecycle.PostStart != nil {
		since := l.now.Sub(at(begun))
		f := &Finding{
			Cause: "post-start-hook", Area: Container, Object: l.pod, Seen: l.seen,
			What: fmt.Sprintf("has %s %s that was started %s ago and is not reported as running: its postStart hook has not returned", word, c.Name, lasted(since)),
			Evidence: []Evidence{
				{l.pod, field(c, ".state"), stateOf(c)}, {l.pod, "spec.containers[" + c.Name + "].lifecycle", "postStart"}, eventEvidence(begun),
			},
			Why: "until the hook returns the pod has no address and is in no endpoint slice, whatever publishNotReadyAddresses says: what the hook waits for may need just that",
			Do:  []string{"take the wait out of the hook in the set's template: a startup or readiness probe can wait instead", "to free a pod that hangs, delete it with --grace-period=0 --force"},
			Look: []string{
				describe(l.pod), kubectl(l.pod, "get pod %s -o jsonpath='{.spec.containers[*].lifecycle}'", l.pod.Name),
			},
		}
		if since < patience {
			f.Cause = Note
		}
		return f
	}
	pulling := l.about(c.Name, "Pulling", "")
	if pulling == nil || begun != nil {
		return nil
	}
	if done := l.about(c.Name, "Pulled", ""); done != nil && !at(done).Before(at(pulling)) {
		return nil
	}
	return &Finding{
		Cause: Note, Area: Image, Object: l.pod, Seen: l.seen,
		What:     fmt.Sprintf("has been pulling the image %s of %s %s for %s, without an error so far", firstOf(c.Image, spec.Image), word, c.Name, lasted(l.now.Sub(at(pulling)))),
		Evidence: []Evidence{eventEvidence(pulling)},
		Do:       []string{"wait; if it takes long, see how large the image is and how fast the node reaches the registry"},
		Look:     []string{describe(l.pod)},
	}
}

// What kubelets say of a hook that fails: the error and, if it runs a command, what that wrote.
var (
	hookSays = regexp.MustCompile(`lifecycle hook .+ failed - error: (.+?)(?:, message: "(.*)")?$`)
	hookEnds = regexp.MustCompile(`exited with \d+`)
)

// hookFailed is a container that is killed since its postStart hook fails.
func (l podInspector) hookFailed(c *corev1.ContainerStatus, word string, last *corev1.ContainerStateTerminated) *Finding {
	f := &Finding{
		Cause: "post-start-hook", Area: Container, Object: l.pod, Seen: l.seen,
		What:     fmt.Sprintf("has %s %s that is killed since its postStart hook fails (%s)", word, c.Name, plural(int(c.RestartCount), "restart", "restarts")),
		Evidence: []Evidence{{l.pod, field(c, ".state"), stateOf(c)}},
		Why:      "the kubelet kills a container whose hook fails, however well its program runs; what the hook wrote is in no event",
		Do:       []string{"run the hook's command by hand in a container of that image, and correct it in the set's template"},
		Look:     []string{describe(l.pod), kubectl(l.pod, "logs %s -c %s --previous", l.pod.Name, c.Name)},
	}
	if last != nil {
		f.Evidence = append(f.Evidence, Evidence{l.pod, field(c, ".lastState.terminated"), ended(last)})
	}
	said := ""
	if e := l.about(c.Name, "FailedPostStartHook", ""); e != nil {
		f.Evidence, said = append(f.Evidence, eventEvidence(e)), oneLine(e.Message)
	}
	if w := c.State.Waiting; w != nil && hookSays.MatchString(w.Message) {
		said = oneLine(w.Message)
	}
	if m := hookSays.FindStringSubmatch(said); m != nil {
		f.What += ": " + firstOf(hookEnds.FindString(m[1]), m[1])
		f.Why = "the kubelet kills a container whose hook fails, however well its program runs"
		if m[2] != "" {
			f.What += ", and says: " + telling(redact.Words(strings.ReplaceAll(m[2], `\n`, "\n")))
		}
	}
	return f
}
