package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

// Exit codes of a program that was told to end (SIGTERM) and of one that was killed (SIGKILL).
const (
	told   = 143
	killed = 137
)

// kill is a container that the kubelet kills because a probe fails.
type kill struct {
	kind     string // liveness or startup
	probe    *corev1.Probe
	evidence []Evidence
}

// killedFor is the probe for which the kubelet killed a container's last run, nil if nothing shows that it did.
func (l podInspector) killedFor(c *corev1.ContainerStatus, last *corev1.ContainerStateTerminated, spec *corev1.Container) *kill {
	said := l.about(c.Name, "Killing", "")
	byRequest := slices.Contains([]int32{0, told, killed}, last.ExitCode)
	for _, k := range []*kill{{kind: "startup", probe: spec.StartupProbe}, {kind: "liveness", probe: spec.LivenessProbe}} {
		if k.probe == nil {
			continue
		}
		failed := l.about(c.Name, "Unhealthy", title(k.kind)+" probe")
		switch {
		case said != nil && strings.Contains(said.Message, "failed "+k.kind+" probe") && (byRequest || !at(said).Before(last.StartedAt.Time)):
			k.evidence = append(k.evidence, eventEvidence(said))
		case said != nil || !byRequest:
			continue // Something else, or the program itself, ended it.
		case k.kind == "startup" && !started(c) && (failed != nil || ranOut(last, k.probe)):
			// Events last an hour: the probe's own time then shows it.
		case failed == nil || k.kind == "startup":
			continue
		}
		if failed != nil {
			k.evidence = append(k.evidence, eventEvidence(failed))
		}
		return k
	}
	return nil
}

func started(c *corev1.ContainerStatus) bool { return c.Started != nil && *c.Started }

// budget is how long a startup probe gives a container.
func budget(p *corev1.Probe) time.Duration {
	return time.Duration(p.InitialDelaySeconds+max(p.PeriodSeconds, 1)*max(p.FailureThreshold, 1)) * time.Second
}

// ranOut reports whether a run lasted as long as its startup probe allows, a period more or less, and the time in which it was to end.
func ranOut(t *corev1.ContainerStateTerminated, p *corev1.Probe) bool {
	const ends = 40 * time.Second
	ran, period := t.FinishedAt.Sub(t.StartedAt.Time), time.Duration(max(p.PeriodSeconds, 1))*time.Second
	return !t.StartedAt.IsZero() && t.ExitCode != 0 && ran >= budget(p)-period && ran <= budget(p)+period+ends
}

// explain makes a finding of a container that ends say for which probe it is killed.
func (k *kill) explain(f *Finding, c *corev1.ContainerStatus, last *corev1.ContainerStateTerminated, word, restarts string, spec *corev1.Container, grace time.Duration) {
	f.Cause = Cause(k.kind + "-probe")
	f.Evidence = append(f.Evidence, k.evidence...)
	f.Why = "the program does not answer the probe in time, or the probe asks for the wrong thing"
	again := "is killed again and again"
	if c.RestartCount < 2 {
		again = "was killed"
	}
	if k.kind == "startup" {
		f.What = fmt.Sprintf("has %s %s that %s since its startup probe does not succeed within %s (%s)", word, c.Name, again, allowed(k.probe), restarts)
		f.What += k.said()
		f.Why = "the kubelet kills a container whose startup probe does not succeed in that time: if its program needs longer to recover, each restart begins that anew"
		f.Do = []string{
			"raise failureThreshold of the startupProbe in the set's template well above the longest recovery; the container's log says how far it gets",
			"if it should be up by then: compare the probe (" + probeText(k.probe) + ") with what the program serves",
		}
		return
	}
	f.What = fmt.Sprintf("has %s %s that %s since its liveness probe fails (%s)", word, c.Name, again, restarts) + otherPort(spec, k.probe)
	if said := k.said(); said != "" {
		f.What, f.Why = f.What+said, ""
	}
	f.Do = []string{"compare the probe (" + probeText(k.probe) + ") with what the program serves", "give a slow start a startupProbe"}
	answers := contains(f.What)("the program answers")
	if spec.StartupProbe == nil && !answers && asEarly(last, k.probe, grace) {
		f.What += "; it is killed as early as the probe can have it: the program may need longer to start"
		f.Do = []string{"if it needs longer to start: give it a startupProbe in the set's template, until whose success the liveness probe rests", "else " + f.Do[0]}
	}
}

// said is what the answer to the probe means, after a colon; "" if that is not known.
func (k *kill) said() string {
	for _, e := range k.evidence {
		if said := probeSays(e.Value, k.probe); said != "" {
			return ": " + said
		}
	}
	return ""
}

// asEarly reports whether a run ended about when a liveness probe that never succeeds ends it: nothing of it was ever found well.
func asEarly(t *corev1.ContainerStateTerminated, p *corev1.Probe, grace time.Duration) bool {
	period := time.Duration(max(p.PeriodSeconds, 1)) * time.Second
	return t != nil && !t.StartedAt.IsZero() && t.FinishedAt.Sub(t.StartedAt.Time) <= budget(p)+2*period+grace
}

// allowed writes how long a startup probe gives a container.
func allowed(p *corev1.Probe) string {
	text := fmt.Sprintf("%d s (%d × %d s", int(budget(p).Seconds()), max(p.FailureThreshold, 1), max(p.PeriodSeconds, 1))
	if p.InitialDelaySeconds > 0 {
		text += fmt.Sprintf(" after %d s", p.InitialDelaySeconds)
	}
	return text + ")"
}

// probe is a container that runs and is not ready.
func (l podInspector) probe(c *corev1.ContainerStatus, word string, spec *corev1.Container) *Finding {
	kind, probe := "readiness", spec.ReadinessProbe
	if spec.StartupProbe != nil && !started(c) {
		kind, probe = "startup", spec.StartupProbe
	}
	if probe == nil {
		return nil
	}
	e := l.about(c.Name, "Unhealthy", title(kind)+" probe")
	if e != nil && l.succeeds(e, probe) {
		return l.early(c, kind, word, probe, l.unreadySince(c))
	}
	fails := "fails"
	if e == nil {
		// Events last an hour, and may not be read. Only a probe keeps a container that runs from being ready.
		since := l.unreadySince(c)
		if since < max(patience, due(probe))+time.Duration(max(probe.PeriodSeconds, 1))*time.Second {
			return l.early(c, kind, word, probe, since) // It may be the first one.
		}
		fails = "has not succeeded for " + lasted(since)
	}
	f := &Finding{
		Cause: Cause(kind + "-probe"), Area: Readiness, Object: l.pod, Seen: l.seen,
		What: fmt.Sprintf("runs, and the %s probe of %s %s %s (%s)", kind, word, c.Name, fails, probeText(probe)),
		Evidence: []Evidence{
			{l.pod, field(c, ".ready"), "false"},
			{l.pod, fmt.Sprintf("spec.containers[%s].%sProbe", c.Name, kind), probeText(probe)},
		},
		Why:  "the program does not serve what the probe asks for, not yet or not there; or the probe asks for the wrong thing",
		Do:   []string{"compare the probe with what the program serves: port, path, command", "read the container's log"},
		Look: []string{describe(l.pod), kubectl(l.pod, "logs %s -c %s", l.pod.Name, c.Name)},
	}
	if e != nil {
		f.Evidence = append(f.Evidence, eventEvidence(e))
		if said := probeSays(e.Message, probe); said != "" {
			f.What, f.Why = f.What+": "+said, ""
		}
	}
	if said := l.wrote(c.Name); said != "" {
		f.Evidence = append(f.Evidence, Evidence{l.pod, logField + c.Name, oneLine(said)})
		if known := readLastWords(said); known != nil {
			f.What += "; it wrote last: " + shortened(said)
			f.Why, f.Do = known.why, append([]string{known.do}, f.Do...)
		}
	}
	if limit, has := spec.Resources.Limits[corev1.ResourceCPU]; has && strings.Contains(f.What, "timeoutSeconds") {
		f.Do = append(f.Do, "its limit of CPU is "+limit.String()+": a program that uses that up is stopped for most of each tenth of a second, and its probes with it; see whether it is throttled (kubectl top pod), and raise limit or timeoutSeconds in the set's template")
	}
	f.What += otherPort(spec, probe) + l.elsewhere(probe)
	if strings.Contains(f.What, "timeoutSeconds") {
		f.What += throttled(spec)
	}
	if kind == "startup" {
		f.Area = Container
		f.What += fmt.Sprintf("; the kubelet kills it unless the probe succeeds within %s, of which %s have gone", allowed(probe), lasted(l.now.Sub(c.State.Running.StartedAt.Time)))
		f.Do = append(f.Do, "if the program needs longer to start: raise failureThreshold of the startupProbe")
	}
	return f
}

// unreadySince is how long a container that runs has not been ready.
func (l podInspector) unreadySince(c *corev1.ContainerStatus) time.Duration {
	since := c.State.Running.StartedAt.Time
	if all := condition(l.p, corev1.ContainersReady); all != nil {
		since = latest(since, all.LastTransitionTime.Time)
	}
	return l.now.Sub(since)
}

// otherPort says that a probe asks for a port which its container does not declare, while it declares others; "" if it does not. Ports need not be
// declared, so that a number is a hint; a name that no port has cannot be asked at all.
func otherPort(spec *corev1.Container, p *corev1.Probe) string {
	var port intstr.IntOrString
	switch {
	case p.HTTPGet != nil:
		port = p.HTTPGet.Port
	case p.TCPSocket != nil:
		port = p.TCPSocket.Port
	default:
		return ""
	}
	var declared []string
	for _, d := range spec.Ports {
		if (port.Type == intstr.String && d.Name == port.StrVal) || d.ContainerPort == port.IntVal {
			return ""
		}
		declared = append(declared, strings.TrimSuffix(fmt.Sprintf("%d %s", d.ContainerPort, d.Name), " "))
	}
	switch {
	case port.Type == intstr.String:
		return fmt.Sprintf("; no port of the container is named %s", port.StrVal)
	case len(declared) > 0:
		return fmt.Sprintf("; it asks port %s, and the container declares %s", port.String(), list(declared))
	}
	return ""
}

// probeSays is what the answer to a probe means, "" if its words are not known.
func probeSays(message string, p *corev1.Probe) string {
	if p.Exec != nil {
		if said := commandSays(message); said != "" {
			return said
		}
	}
	switch has := contains(strings.ToLower(message)); {
	case p.Exec != nil && !has("timed out", "deadline exceeded"):
		return ""
	case has("connection refused"):
		return "nothing listens there (not yet, on another port, or on 127.0.0.1 alone)"
	case p.GRPC != nil && has("deadline exceeded", "timeout", "timed out"):
		return fmt.Sprintf("no answer in gRPC came within timeoutSeconds, %d s (nothing speaks it there, or the program is too slow)", max(p.TimeoutSeconds, 1))
	case has("deadline exceeded", "timeout", "timed out"):
		return fmt.Sprintf("no answer came within timeoutSeconds, %d s (the program is too slow, hangs, or is not reached there)", max(p.TimeoutSeconds, 1))
	case has("statuscode: 404"):
		return "the program answers and does not know the path"
	case has("statuscode: 400"):
		return "the program answers that it does not understand the request: it may want HTTPS (scheme), or another Host"
	case has("statuscode: 401", "statuscode: 403"):
		return "the program answers and wants credentials, which a probe does not have"
	case has("statuscode: 5"):
		return fmt.Sprintf("the program answers that it is not well (status %s), and its own log says why", firstOf(statusCode.ReplaceAllString(statusCode.FindString(message), "$1"), "5xx"))
	case statusCode.MatchString(message):
		return "the program answers with status " + statusCode.FindStringSubmatch(message)[1] + ", which is no success"
	case has("malformed http response", "http response to https client", "does not look like a tls handshake"):
		return "the probe speaks HTTP where the program speaks HTTPS, or the other way round (scheme)"
	case has(": eof", "connection reset by peer", "server closed idle connection"):
		return "the program closes the connection without an answer: it speaks another protocol there, or is not up yet"
	}
	if m := probeFailed.FindStringSubmatch(oneLine(message)); len(m) == 2 && m[1] != "" {
		return "the kubelet says: " + shortened(m[1])
	}
	return ""
}

// What kubelets say of a probe that failed: with which status, or why, after the address that was tried.
var (
	statusCode  = regexp.MustCompile(`statuscode: (\d+)`)
	probeFailed = regexp.MustCompile(`^\w+ probe failed: (?:Get "[^"]*": )?(.*)$`)
)

func title(word string) string { return strings.ToUpper(word[:1]) + word[1:] }

func probeText(p *corev1.Probe) string {
	every := fmt.Sprintf(", every %d s", max(p.PeriodSeconds, 1))
	switch h := p.ProbeHandler; {
	case h.HTTPGet != nil:
		return fmt.Sprintf("HTTP GET :%s%s%s", h.HTTPGet.Port.String(), redact.Path(h.HTTPGet.Path), every)
	case h.TCPSocket != nil:
		return fmt.Sprintf("TCP connection to :%s%s", h.TCPSocket.Port.String(), every)
	case h.Exec != nil:
		// Arguments may be secrets.
		return "exec " + strings.Join(redact.Program(h.Exec.Command), "") + every
	case h.GRPC != nil:
		return fmt.Sprintf("gRPC health of :%d%s", h.GRPC.Port, every)
	}
	return "probe" + every
}
