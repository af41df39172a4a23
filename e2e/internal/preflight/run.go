package preflight

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/exec"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/egress"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/podexec"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// startPod starts a probe's pod, waits until it runs, and inspects it.
func (p *prober) startPod(ctx context.Context, pp podProbe, objects []k8s.Object, f *Findings) []Problem {
	within := p.settings.Limits.Probe
	if pp.claim {
		within += p.settings.Limits.ClaimBound
	}
	begin := time.Now()
	create := p.createPod
	if pp.byController {
		create = p.makePod
	}
	pod, problem := create(ctx, pp, objects, within)
	if problem != nil {
		return []Problem{*problem}
	}
	pod, problem, err := p.awaitRunning(ctx, pp, pod, within)
	if wait.Interrupted(err) && ctx.Err() == nil && p.nodePromised(ctx, pod) {
		within += nodeMade
		pod, problem, err = p.awaitRunning(ctx, pp, pod, nodeMade)
	}
	switch {
	case problem != nil:
		return []Problem{*problem}
	case err != nil:
		if pp.claim && wait.Interrupted(err) {
			if problem := p.claimProblem(ctx, pod); problem != nil {
				return []Problem{*problem}
			}
		}
		return []Problem{p.timeoutProblem(pp, pod, within, p.lastWarning(ctx, "Pod", pod), err)}
	}
	f.PodStart = time.Since(begin)
	*pp.image.id(&f.Facts.ImageIDs) = mainStatus(pod).ImageID
	if len(pp.programs) == 0 {
		return nil
	}
	return p.inspectPod(ctx, pp, pod, f)
}

// awaitRunning waits until a probe's pod runs. It returns the pod as it was seen last, and why it will not run.
func (p *prober) awaitRunning(ctx context.Context, pp podProbe, pod *corev1.Pod, within time.Duration) (_ *corev1.Pod, problem *Problem, err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	byName := fields.OneTermEqualSelector(metav1.ObjectNameField, pod.Name)
	watcher := cache.NewListWatchFromClient(p.client.CoreV1().RESTClient(), "pods", pod.Namespace, byName)
	_, err = toolswatch.Until(ctx, pod.ResourceVersion, watcher, func(e watch.Event) (bool, error) {
		if live, ok := e.Object.(*corev1.Pod); ok {
			pod = live
		}
		problem = p.startProblem(pp, pod)
		return problem != nil || pod.Status.Phase == corev1.PodRunning || pp.version != nil && pod.Status.Phase == corev1.PodSucceeded, nil
	})
	return pod, problem, err
}

// nodeMade is how long a machine may take from when it is ordered until it is a node that runs pods: clouds take a few minutes.
const nodeMade = 10 * time.Minute

// nodePromised reports whether something that makes nodes has said of a pod without a node that it makes one for it: cluster-autoscaler with the event
// TriggeredScaleUp, Karpenter with Nominated.
func (p *prober) nodePromised(ctx context.Context, pod *corev1.Pod) bool {
	if pod.Spec.NodeName != "" {
		return false
	}
	said := p.events(ctx, pod.Namespace, fields.Set{"involvedObject.kind": "Pod", "involvedObject.name": pod.Name})
	return slices.ContainsFunc(said, func(e corev1.Event) bool { return e.Reason == "TriggeredScaleUp" || e.Reason == "Nominated" })
}

// createPod creates the probe's pod itself.
func (p *prober) createPod(ctx context.Context, pp podProbe, objects []k8s.Object, _ time.Duration) (*corev1.Pod, *Problem) {
	pod := podNamed(objects, pp.podName)
	if pp.version != nil {
		pod.Spec.RestartPolicy = corev1.RestartPolicyNever
		main := &pod.Spec.Containers[fixtures.MainOf(pod.Spec.Containers, containerName)]
		main.Image, main.Command, main.Args = *pp.image.id(&p.settings.Images), pp.version, nil
		pod.Name = pp.name()
	}
	p.label(pp, pod)
	created, err := p.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		problem := admissionProblem(pp.standard, pod, err)
		return nil, &problem
	}
	return created, nil
}

func containerName(c corev1.Container) string { return c.Name }

// mainStatus returns the status of a pod's main container, which must have one.
func mainStatus(pod *corev1.Pod) corev1.ContainerStatus {
	all := pod.Status.ContainerStatuses
	return all[fixtures.MainOf(all, func(c corev1.ContainerStatus) string { return c.Name })]
}

// startReasons are the waiting reasons of a container that cannot be started.
func startReasons() []string {
	return []string{"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "CrashLoopBackOff"}
}

// startProblem returns why a pod will not start, nil while it may.
func (p *prober) startProblem(pp podProbe, pod *corev1.Pod) *Problem {
	for _, c := range pod.Status.ContainerStatuses {
		w := c.State.Waiting
		// A container that is not started again has ended where others wait.
		if t := c.State.Terminated; t != nil && (t.Reason == "StartError" || t.Reason == "ContainerCannotRun") {
			w = &corev1.ContainerStateWaiting{Reason: "RunContainerError", Message: t.Message}
		}
		switch {
		case w == nil || mayPullLater(w):
		case slices.Contains(pullReasons(), w.Reason):
			return &Problem{Usage: p.named(pp), Text: oneLine(fmt.Sprintf("%s: expected node %s to pull it, found %s: %s; %s",
				p.imageName(pp), pod.Spec.NodeName, w.Reason, w.Message, p.pullAdvice(pp, w.Message)))}
		case slices.Contains(startReasons(), w.Reason):
			return &Problem{Usage: p.named(pp), Text: oneLine(fmt.Sprintf("%s: expected it to start as pod %s of the fixtures on node %s, found %s: %s; name another with %s=, for the node's architecture",
				p.imageName(pp), pod.Name, pod.Spec.NodeName, w.Reason, w.Message, pp.image.setting))}
		}
	}
	if pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded && pp.version == nil {
		return &Problem{Text: oneLine(fmt.Sprintf("%s: expected pod %s to run, found it %s: %s %s; see the node's kubelet",
			p.imageName(pp), pod.Name, pod.Status.Phase, pod.Status.Reason, pod.Status.Message))}
	}
	return nil
}

// label marks what a probe makes in a namespace of NAMESPACES as its own.
func (p *prober) label(pp podProbe, o metav1.Object) {
	p.settings.Label(o)
	if len(p.settings.Namespaces) > 0 {
		o.GetLabels()[probeLabel] = pp.name()
	}
}

// timeoutProblem says what a pod was waiting for when its limit had passed; warning is the newest of its events.
func (p *prober) timeoutProblem(pp podProbe, pod *corev1.Pod, within time.Duration, warning string, err error) Problem {
	found, cause, usage := fmt.Sprintf("it is %s", pod.Status.Phase), "", false
	fix := "look at the scheduler and the nodes"
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status != corev1.ConditionTrue && c.Message != "" {
			found, fix = "it is not scheduled: "+strings.TrimSuffix(c.Message, "."), "let a node accept such pods, give them tolerations or a node selector (TOLERATIONS=, NODE_SELECTOR=, POD_PATCH=), or more time where nodes are made on demand (LIMITS=probe=5m)"
			cause = found
		}
	}
	for _, c := range pod.Status.ContainerStatuses {
		w := c.State.Waiting
		if w == nil || w.Reason == "" {
			continue
		}
		said := cmp.Or(w.Message, warning)
		found = fmt.Sprintf("on node %s it waits: %s %s", pod.Spec.NodeName, w.Reason, said)
		fix = "if its image is still being pulled, try again, or give it more time with LIMITS=probe=5m"
		if slices.Contains(pullReasons(), w.Reason) {
			usage = p.named(pp)
			fix = "if that passes, try again, or give it more time with LIMITS=probe=5m; if not, " + p.pullAdvice(pp, said)
		}
	}
	if !wait.Interrupted(err) {
		usage = false
		found, fix = err.Error(), "see whether the API server can be watched from here (proxy, load balancer)"
	}
	object := "pod " + pod.Name + " with " + p.imageName(pp)
	return Problem{Usage: usage, Text: oneLine(fmt.Sprintf("pods: expected %s to run within %v, found: %s; %s", object, within, found, fix)), object: object, cause: cause}
}

// How long a pod in which no command could be run is watched for its end, and how often.
const endedWithin, endedEvery = 5 * time.Second, time.Second / 2

// ended says how the container of a pod that had started came to its end, nil if it did not, or nobody can tell.
func (p *prober) ended(ctx context.Context, pp podProbe, pod *corev1.Pod) *Problem {
	var c corev1.ContainerStatus
	var end *corev1.ContainerStateTerminated
	// The kubelet tells the API server later than a command that finds no container.
	_ = wait.PollUntilContextTimeout(ctx, endedEvery, endedWithin, true, func(ctx context.Context) (bool, error) {
		live, err := p.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil || len(live.Status.ContainerStatuses) == 0 {
			return false, err
		}
		c = mainStatus(live)
		end = cmp.Or(c.State.Terminated, c.LastTerminationState.Terminated)
		return end != nil, nil
	})
	if end == nil {
		return nil
	}
	said := strings.TrimSpace(end.Message)
	log, err := p.client.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, &corev1.PodLogOptions{Container: c.Name, Previous: c.State.Terminated == nil, TailLines: new(int64(1))}).DoRaw(ctx)
	if err == nil && said == "" {
		said = strings.TrimSpace(string(log))
	}
	return &Problem{Text: oneLine(fmt.Sprintf("%s: expected it to go on in pod %s of the fixtures, found that it ended with exit code %d (%s): %s; name another with %s=, or let it have what it lacks: "+
		"an image that cannot run as any user needs the one that it was made for (POD_PATCH=)", p.imageName(pp), pod.Name, end.ExitCode, end.Reason, cmp.Or(said, "it said nothing"), pp.image.setting))}
}

// inspectPod runs commands in the pod, as the specs will.
func (p *prober) inspectPod(ctx context.Context, pp podProbe, pod *corev1.Pod, f *Findings) []Problem {
	script := `for p; do command -v "$p" >/dev/null || echo "$p"; done`
	missing, err := p.exec(ctx, pod, append([]string{"sh", "-c", script, "sh"}, pp.programs...)...)
	if err != nil {
		if ended := p.ended(ctx, pp, pod); ended != nil {
			return []Problem{*ended}
		}
		return []Problem{{Text: oneLine(fmt.Sprintf("exec: expected a shell to run in pod %s (%s), found: %v; "+
			"see whether the image has one, and whether everything between here and the node lets exec pass (proxies, load balancers)",
			pod.Name, p.imageName(pp), err))}}
	}
	var problems []Problem
	if missing := strings.Fields(missing); len(missing) > 0 {
		problems = append(problems, Problem{Usage: p.named(pp), Text: fmt.Sprintf("%s: expected it to hold %s, found it has no %s; name another with %s=",
			p.imageName(pp), strings.Join(pp.programs, ", "), strings.Join(missing, ", "), pp.image.setting)})
	}
	conf, err := p.exec(ctx, pod, "cat", "/etc/resolv.conf")
	zone, found := nslookup.Zone(conf, pod.Namespace)
	if err != nil || !found {
		problems = append(problems, Problem{Text: oneLine(fmt.Sprintf("DNS: expected the search domain "+
			"%s.svc.<zone> in /etc/resolv.conf of pods, found %q (%v); set clusterDomain and clusterDNS of the kubelets", pod.Namespace, conf, err))})
	}
	f.Facts.DNSZone = zone
	// Where nslookup is missing or the zone is unknown the query would say nothing new.
	if len(problems) == 0 && pp.podName == dnsClient {
		unanswered, notes := p.answers(ctx, pod, zone, func(ctx context.Context, command ...string) (string, error) { return p.exec(ctx, pod, command...) })
		problems, f.Notes = unanswered, append(f.Notes, notes...)
	}
	return problems
}

// answers finds out whether a DNS server answers the pod at all. That none does keeps a whole run from being conclusive; a run that the person
// narrowed may need none, and only notes it.
func (p *prober) answers(ctx context.Context, pod *corev1.Pod, zone string, run nslookup.Exec) (problems []Problem, notes []string) {
	answered, err := nslookup.AnsweredAtStart(ctx, run, zone)
	switch {
	case err != nil:
		return []Problem{{Text: oneLine(fmt.Sprintf("DNS: expected nslookup to run in pod %s, found: %v", pod.Name, err))}}, nil
	case answered:
		return nil, nil
	}
	from := runconfig.OwnNamespaces()
	if len(p.settings.Namespaces) > 0 {
		from = "the namespaces that NAMESPACES= names"
	}
	text := oneLine("DNS: " + egress.Unanswered(ctx, p.client, pod.Namespace, pod.Name, nslookup.ControlName(zone), from))
	if p.settings.Focus != "" || p.settings.Labels != "" {
		return nil, []string{text}
	}
	return []Problem{{Text: text}}, nil
}

func (p *prober) exec(ctx context.Context, pod *corev1.Pod, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.settings.Limits.Command)
	defer cancel()
	var stdout, stderr bytes.Buffer
	at := fixtures.MainOf(pod.Spec.Containers, containerName)
	err := podexec.Run(ctx, p.client.CoreV1().RESTClient(), p.config, podexec.Command{
		Namespace: pod.Namespace, Pod: pod.Name, Container: pod.Spec.Containers[at].Name, Args: command,
	}, &stdout, &stderr)
	if _, exited := errors.AsType[exec.CodeExitError](err); exited {
		err = fmt.Errorf("%w: %s", err, stderr.String())
	}
	return stdout.String(), err
}
