// Package framework gives specs a set to play with: a namespace that is recorded, sets built from the fixtures, and the acts
// that stimulate them. Every act is marked in the recording before it is sent, and every wait is a wait on the recording. The
// helpers assert: a failure is reported at the spec's own line.
package framework

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/exec"
	"sigs.k8s.io/e2e-framework/klient"
	"sigs.k8s.io/e2e-framework/klient/decoder"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/given"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Cluster is the cluster under test and what the run was asked for.
type Cluster struct {
	Client   kubernetes.Interface
	Klient   klient.Client
	Settings runconfig.Settings
	Version  string // of the API server, such as v1.36.3
	// Used notes which rights this process makes use of.
	Used *apiclient.Usage

	config *rest.Config
}

// Before reports whether the API server is older than that minor version. It is asked only where an issue names the version that mended it.
func (c *Cluster) Before(major, minor uint) bool {
	v, err := version.ParseGeneric(c.Version)
	return err == nil && v.LessThan(version.MajorMinor(major, minor))
}

// Connect builds the clients for a REST configuration. The suite is not throttled by its own clients: what the API server
// allows is its own affair.
func Connect(config *rest.Config, s runconfig.Settings, serverVersion string) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	// What is sent again is looked into first.
	config.ContentType = runtime.ContentTypeJSON
	used := new(apiclient.Usage)
	config.Wrap(used.Record(config.Host))
	config.Wrap(apiclient.Restrict(config.Host, rbac.For(len(s.Namespaces) > 0, s.Kind != nil)))
	config.Wrap(apiclient.Retry(config.Host, s.Limits.APIServerBack))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kl, err := klient.New(config)
	if err != nil {
		return nil, err
	}
	return &Cluster{Client: client, Klient: kl, Settings: s, Version: serverVersion, Used: used, config: config}, nil
}

// PodSecurity is the Pod Security Standard that a namespace enforces.
type PodSecurity string

// The standards that specs need.
const (
	Restricted PodSecurity = "restricted"
	Baseline   PodSecurity = "baseline"
)

// Namespace is a namespace of its own for one spec, with its recording.
type Namespace struct {
	*Cluster
	*recorder.Recorder
	Name string

	uid types.UID // none where the namespace was given
	// over is closed when the spec ends, or is interrupted.
	over <-chan struct{}
}

// NewNamespace makes a namespace and begins to record it. The caller removes it with Remove.
func NewNamespace(ctx context.Context, c *Cluster, security PodSecurity, header history.Header) (*Namespace, error) {
	if len(c.Settings.Namespaces) > 0 {
		return c.given(ctx, header)
	}
	created, err := c.Client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		// A name that is found here, and not by the API server, can be asked for again when the answer is lost.
		Name: c.Settings.NamespacePrefix + "-" + rand.String(5),
		Labels: map[string]string{
			runconfig.ManagedByLabel: runconfig.ManagedBy, runconfig.RunLabel: c.Settings.Run,
			runconfig.PodSecurityLabel: string(security),
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		return nil, fmt.Errorf("making a namespace for the spec: %w", err)
	}
	ns := &Namespace{Cluster: c, Name: created.Name, uid: created.UID, over: ctx.Done()}
	err = ready.Namespace(ctx, c.Client, ns.Name, c.Settings.Limits.NamespaceReady)
	if err == nil {
		err = ns.record(ctx, header)
	}
	if err != nil {
		return nil, fmt.Errorf("%w (and removing the namespace again: %w)", err, ns.Remove(ctx))
	}
	return ns, nil
}

// record begins to record the namespace, which is there.
func (ns *Namespace) record(ctx context.Context, header history.Header) (err error) {
	header.Namespace, header.Version = ns.Name, ns.Version
	header.Lag, header.ClockSkew = ns.Settings.Limits.Lag, ns.Settings.Limits.ClockSkew
	// The recording outlives the node that starts it: it ends with Stop, in the clean-up.
	ns.Recorder, err = recorder.Start(context.WithoutCancel(ctx), ns.Client, header)
	return err
}

// Remove asks for the namespace's deletion; that it goes is awaited once, at the end of the run. Of a namespace that was given it
// removes what the run made there.
func (ns *Namespace) Remove(ctx context.Context) error {
	if len(ns.Settings.Namespaces) > 0 {
		return given.Clear(ctx, ns.Klient, ns.Name, runconfig.RunLabel+"="+ns.Settings.Run)
	}
	err := ns.Client.CoreV1().Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(ns.uid))})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing namespace %s: %w", ns.Name, err)
	}
	// The namespace goes with or without this, which only makes it go sooner.
	_ = given.Hasten(ctx, ns.Klient, ns.Name)
	return nil
}

// Recorded returns everything that had happened until now. It fails the spec when the recording cannot catch up.
func (ns *Namespace) Recorded(ctx context.Context) *history.History {
	GinkgoHelper()
	asked := ns.Now()
	Expect(ns.Sync(ctx, ns.Settings.Limits.RecordingComplete)).To(Succeed(), "the recording must be complete before it is judged")
	h := ns.History()
	if h.End == nil {
		// Judges may then rely on what did not happen until now, as they do at the end of a spec.
		h.Close(asked)
		h.End.Complete = true
	}
	return h
}

// Expect waits until cond returns "", and fails the spec with what it returned last when limit has passed.
func (ns *Namespace) Expect(ctx context.Context, limit time.Duration, what string, cond func(*history.State) string) {
	GinkgoHelper()
	err := ns.Await(ctx, limit, what, cond)
	if err != nil {
		ns.claim(ctx, err, cond)
		Fail(err.Error())
	}
}

// Claimf records that a guarantee was seen to hold, by other means than the watches.
func (ns *Namespace) Claimf(id contract.ID, format string, args ...any) {
	ns.Check(id, history.Passed, fmt.Sprintf(format, args...))
}

// Verify records whether a guarantee holds and goes on either way: all violations are told, not only the first. err is nil if
// it holds, otherwise what was expected and what was found; what says what was looked at. What could not be looked at breaks
// nothing and is inconclusive.
func (ns *Namespace) Verify(id contract.ID, err error, what string, args ...any) {
	text := fmt.Sprintf(what, args...)
	if err != nil {
		text += ": " + err.Error()
	}
	ns.Check(id, outcome(err, ns.over), text)
}

// outcome says what an error found by a spec is worth. What is found once the spec is interrupted may have come of that.
func outcome(err error, over <-chan struct{}) history.Outcome {
	if err == nil {
		return history.Passed
	}
	if _, unseen := errors.AsType[*unseenError](err); unseen {
		return history.Inconclusive
	}
	select {
	case <-over:
		return history.Inconclusive
	default:
		return history.Failed
	}
}

// unseenError says that nothing was learnt of the guarantee, good or bad.
type unseenError struct{ error }

func (e *unseenError) Unwrap() error { return e.error }

// Apply creates the objects of a fixture in the namespace, each changed by the mutations first.
func (ns *Namespace) Apply(ctx context.Context, fixture string, mutations ...func(k8s.Object)) {
	GinkgoHelper()
	err := decoder.DecodeEachFile(ctx, fixtures.Manifests, fixture, func(ctx context.Context, obj k8s.Object) error {
		for _, mutate := range mutations {
			mutate(obj)
		}
		ns.Settings.Label(obj)
		kind := obj.GetObjectKind().GroupVersionKind().Kind
		ns.Mark(history.VerbCreate, "", obj.GetName(), "", fmt.Sprintf("create %s %s", kind, obj.GetName()))
		return ns.Klient.Resources().Create(ctx, obj)
	}, decoder.MutateNamespace(ns.Name))
	Expect(err).NotTo(HaveOccurred(), "applying fixtures/%s", fixture)
}

// Exec runs a command in a pod's first container and returns what it printed on both streams. The error is the command's own
// exit or the failure to run it, which says nothing of the pod's guarantees.
func (ns *Namespace) Exec(ctx context.Context, pod string, command ...string) (string, error) {
	var container string
	live, err := ns.Client.CoreV1().Pods(ns.Name).Get(ctx, pod, metav1.GetOptions{})
	if err != nil {
		return "", &unseenError{fmt.Errorf("looking for the containers of pod %s: %w", pod, err)}
	}
	container = live.Spec.Containers[0].Name
	ctx, cancel := context.WithTimeout(ctx, ns.Settings.Limits.Command)
	defer cancel()
	var stdout, stderr bytes.Buffer
	err = ns.Klient.Resources().ExecInPod(ctx, ns.Name, pod, container, command, &stdout, &stderr)
	out := stdout.String() + stderr.String()
	if err == nil {
		return out, nil
	}
	var exit exec.CodeExitError
	ended := errors.As(err, &exit)
	err = fmt.Errorf("running %q in %s: %w (it printed %q)", strings.Join(command, " "), pod, err, strings.TrimSpace(out))
	if !ended {
		err = &unseenError{err}
	}
	return out, err
}

// Pod returns the newest recorded version of a pod; it fails the spec when there is none.
func (ns *Namespace) Pod(name string) *history.Event {
	GinkgoHelper()
	var e *history.Event
	ns.View(func(s *history.State) { e = s.Get(history.Pods, name) })
	Expect(e).NotTo(BeNil(), "expected pod %s to be there", name)
	return e
}

// DeletePod deletes a pod as a person does, gracefully unless options say otherwise, and returns the UID that has to go.
func (ns *Namespace) DeletePod(ctx context.Context, name string, options ...metav1.DeleteOptions) types.UID {
	GinkgoHelper()
	uid := ns.Pod(name).UID
	var o metav1.DeleteOptions
	if len(options) > 0 {
		o = options[0]
	}
	// With the precondition the mark and the deed cannot speak of different pods.
	o.Preconditions = metav1.NewUIDPreconditions(string(uid))
	ns.Mark(history.VerbDelete, history.Pods, name, uid, "delete pod "+name)
	Expect(ns.Client.CoreV1().Pods(ns.Name).Delete(ctx, name, o)).To(Succeed())
	return uid
}

// StartAsker starts the pod that belongs to no set, to ask DNS from, and waits until it is Ready. It returns its name.
func (ns *Namespace) StartAsker(ctx context.Context) string {
	GinkgoHelper()
	ns.Apply(ctx, fixtures.Asker, ns.useImages)
	ns.Expect(ctx, ns.Settings.Limits.PodReady, "pod asker to be Ready", func(s *history.State) string {
		return readyPod(s, "asker")
	})
	return "asker"
}

func readyPod(s *history.State, name string) string {
	e := s.Get(history.Pods, name)
	switch {
	case e == nil:
		return fmt.Sprintf("pod %s does not exist", name)
	case e.Terminating():
		return fmt.Sprintf("pod %s is terminating", name)
	case !e.Pod.RunningAndReady():
		return describe(e)
	}
	return ""
}

// describe says why a pod is not Ready, as far as the recording tells.
func describe(e *history.Event) string {
	var parts []string
	for _, c := range e.Pod.Containers {
		if c.Reason != "" {
			parts = append(parts, fmt.Sprintf("container %s: %s", c.Name, c.Reason))
		}
	}
	if c := e.Pod.Condition(corev1.PodScheduled); c != nil && c.Status != corev1.ConditionTrue {
		parts = append(parts, "not scheduled: "+c.Reason)
	}
	if c := e.Pod.Condition(corev1.PodReady); c != nil && c.Status != corev1.ConditionTrue && c.Reason != "" {
		parts = append(parts, "Ready is "+string(c.Status)+": "+c.Reason)
	}
	return strings.TrimSuffix(fmt.Sprintf("pod %s is %s, not Ready; %s", e.Name, e.Pod.Phase, strings.Join(parts, ", ")), "; ")
}
