package diagnose

import (
	"fmt"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// due is how long after its start a container can be ready at the earliest, as far as its probe is concerned.
func due(p *corev1.Probe) time.Duration {
	return time.Duration(p.InitialDelaySeconds+max(p.PeriodSeconds, 1)*max(p.SuccessThreshold, 1)) * time.Second
}

// early is a container that runs for longer than most need to become ready, and whose probe has been asked too seldom for that; nil if it has not: of one that
// fails an event would tell.
func (l podInspector) early(c *corev1.ContainerStatus, kind, word string, p *corev1.Probe, since time.Duration) *Finding {
	if since < patience {
		return nil
	}
	asks := fmt.Sprintf("begins %s after the start (initialDelaySeconds)", lasted(time.Duration(p.InitialDelaySeconds)*time.Second))
	if p.InitialDelaySeconds == 0 {
		asks = "begins at once"
	}
	if n := max(p.SuccessThreshold, 1); n > 1 {
		asks += fmt.Sprintf(" and has to succeed %d times in a row, every %d s", n, max(p.PeriodSeconds, 1))
	} else if period := max(p.PeriodSeconds, 1); period > p.InitialDelaySeconds {
		asks += fmt.Sprintf(" and asks every %d s", period)
	}
	return &Finding{
		Cause: Note, Area: Readiness, Object: l.pod, Seen: l.seen,
		What: fmt.Sprintf("runs for %s, and the %s probe of %s %s %s: it cannot be Ready before", lasted(since), kind, word, c.Name, asks),
		Evidence: []Evidence{
			{l.pod, field(c, ".ready"), "false"},
			{l.pod, fmt.Sprintf("spec.containers[%s].%sProbe", c.Name, kind), fmt.Sprintf("initialDelaySeconds %d, periodSeconds %d, successThreshold %d", p.InitialDelaySeconds, max(p.PeriodSeconds, 1), max(p.SuccessThreshold, 1))},
		},
		Why: "the program may be up long since: nobody asks it",
		Do:  []string{"wait, or lower these in the set's template: a startupProbe that asks often lets a slow start take its time, and a quick one count at once"}, Look: []string{describe(l.pod)},
	}
}

// succeeds reports whether a probe that has to succeed several times does so, and has not done it as often: its last failure is some time ago, and events of
// it are not so many that they are left out.
func (l podInspector) succeeds(e *corev1.Event, p *corev1.Probe) bool {
	const seldom = 20 // Of what is the same, clients send 25 events, and then one in five minutes.
	return p.SuccessThreshold > 1 && e.Count < seldom && l.now.Sub(at(e)) > time.Duration(2*max(p.PeriodSeconds, 1)+p.TimeoutSeconds)*time.Second && l.now.Sub(at(e)) < due(p)+time.Duration(2*max(p.PeriodSeconds, 1))*time.Second
}

// elsewhere says that a probe does not ask the pod but a host that it names, "" if it asks the pod. In the node's network the loopback is the pod's, too.
func (l podInspector) elsewhere(p *corev1.Probe) string {
	host := ""
	switch {
	case p.HTTPGet != nil:
		host = p.HTTPGet.Host
	case p.TCPSocket != nil:
		host = p.TCPSocket.Host
	}
	loopback := host == "localhost" || net.ParseIP(host).IsLoopback()
	switch {
	case host == "" || host == l.p.Status.PodIP || loopback && l.p.Spec.HostNetwork:
		return ""
	case loopback:
		return fmt.Sprintf("; it asks %s (host), which is the node itself, since the kubelet asks, and not the pod: leave host out", host)
	}
	return fmt.Sprintf("; it asks %s (host), as the kubelet finds it from the node, and not the pod: leave host out, a Host header is set in httpHeaders", host)
}

// throttled says that a container may use so little CPU that its program does hardly anything, "" if it may use more.
func throttled(c *corev1.Container) string {
	little := resource.MustParse("100m")
	if limit, has := c.Resources.Limits[corev1.ResourceCPU]; has && limit.Cmp(little) < 0 {
		return fmt.Sprintf("; its limit of CPU is %s of one, with which a program starts and answers slowly", limit.String())
	}
	return ""
}

// unsteady is the note that a probe of a pod that is Ready now fails now and then, nil if no event says so of late.
func (v *view) unsteady(p *corev1.Pod) *Finding {
	const often, lately = 3, 10 * time.Minute
	l := v.inspect(p, v.s.Events)
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		spec := specOf(p.Spec.Containers, c.Name)
		for _, of := range []struct {
			kind  string
			probe *corev1.Probe
		}{{"readiness", spec.ReadinessProbe}, {"liveness", spec.LivenessProbe}} {
			if of.probe == nil || c.State.Running == nil {
				continue
			}
			e := l.about(c.Name, "Unhealthy", title(of.kind)+" probe")
			if e == nil || int(e.Count) < often || v.now.Sub(at(e)) > lately {
				continue
			}
			// A probe that fails from the start until the program is up is as it should be.
			worked := c.State.Running.StartedAt.Add(time.Duration(of.probe.InitialDelaySeconds+2*max(of.probe.PeriodSeconds, 1)+10) * time.Second)
			period := time.Duration(max(of.probe.PeriodSeconds, 1)) * time.Second
			between := at(e).Sub(e.FirstTimestamp.Time) > time.Duration(e.Count+2)*period*3/2
			if !at(e).After(readySince(p)) && !e.FirstTimestamp.After(worked) && !between {
				continue
			}
			f := &Finding{
				Cause: Note, Area: Readiness, Object: l.pod, Path: []Ref{v.setRef(), l.pod}, Seen: "the pod is Ready at the moment",
				What:     fmt.Sprintf("is Ready now, and the %s probe of its container %s has failed %d times, the last %s ago (%s)", of.kind, c.Name, e.Count, v.ago(at(e)), probeText(of.probe)),
				Evidence: []Evidence{eventEvidence(e), {l.pod, "status.conditions[Ready].lastTransitionTime", v.ago(readySince(p)) + " ago"}},
				Why:      fmt.Sprintf("after %d failures in a row the pod is taken out of its services until the probe succeeds again, and under OrderedReady a rollout or a change of replicas waits", max(of.probe.FailureThreshold, 1)),
				Do:       []string{"see whether the program is slow or stops at times (its log, its CPU), and compare with timeoutSeconds and failureThreshold in the set's template"},
				Look:     []string{describe(l.pod), kubectl(l.pod, "logs %s -c %s", p.Name, c.Name)},
			}
			if of.kind == "liveness" {
				f.Why = fmt.Sprintf("after %d failures in a row the kubelet kills the container", max(of.probe.FailureThreshold, 1))
			}
			if said := probeSays(e.Message, of.probe); said != "" {
				f.What += ": " + said
			}
			f.What += throttled(spec)
			if contains(e.Message)("probe errored") {
				f.What = fmt.Sprintf("is Ready now, and the %s probe of its container %s cannot be asked (%s)", of.kind, c.Name, probeText(of.probe)) + otherPort(spec, of.probe)
				f.Why = "a probe that cannot be asked counts neither as a success nor as a failure: the pod stays as it is, and a program that hangs is not found"
				f.Do = []string{"correct the probe in the set's template: the event above says what is wrong with it"}
			}
			return f
		}
	}
	return nil
}
