package framework

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/exec"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/podexec"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Pod returns the newest recorded version of a pod; it fails the spec when there is none.
func (ns *Namespace) Pod(name string) *history.Event {
	GinkgoHelper()
	var e *history.Event
	ns.View(func(s *history.State) { e = s.Get(history.Pods, name) })
	Expect(e).NotTo(BeNil(), "expected pod %s to be there", name)
	return e
}

// Decode returns the objects of a fixture, with the run's images and storage class in place of the fixture's own.
func (ns *Namespace) Decode(ctx context.Context, fixture string) []k8s.Object {
	GinkgoHelper()
	objects, err := ns.Settings.ReadFixture(ctx, fixture, ns.Name)
	Expect(err).NotTo(HaveOccurred())
	return objects
}

// StartPod creates a pod of that name from fixtures/dns-client.yaml and the changes, and waits until its phase is Running.
func (ns *Namespace) StartPod(ctx context.Context, name string, changes ...func(*corev1.Pod)) *history.Event {
	GinkgoHelper()
	ns.MakePod(ctx, name, changes...)
	ns.Expect(ctx, ns.Settings.Limits.PodReady, "pod "+name+" to run", func(st *history.State) string {
		if e := st.Get(history.Pods, name); e == nil || e.Pod.Phase != corev1.PodRunning {
			return "pod " + name + " does not run"
		}
		return ""
	})
	return ns.Pod(name)
}

// MakePod is StartPod without the wait.
func (ns *Namespace) MakePod(ctx context.Context, name string, changes ...func(*corev1.Pod)) {
	GinkgoHelper()
	for _, obj := range ns.Decode(ctx, fixtures.DNSClient) {
		pod := obj.(*corev1.Pod)
		pod.Name = name
		for _, change := range changes {
			change(pod)
		}
		ns.CreatePod(ctx, pod)
	}
}

// CreatePod creates a pod that belongs to no set.
func (ns *Namespace) CreatePod(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	ns.Settings.Label(pod)
	create := Request{Verb: history.VerbCreate, Resource: history.Pods, Name: pod.Name, Text: "create pod " + pod.Name}
	_, err := Send(ns, create, func() (*corev1.Pod, error) {
		return ns.Client.CoreV1().Pods(ns.Name).Create(ctx, pod, metav1.CreateOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), "creating the pod %s", pod.Name)
}

// WithLabels gives a pod labels beside those that it has, such as POD_PATCH's.
func WithLabels(all map[string]string) func(*corev1.Pod) {
	return func(p *corev1.Pod) { AddLabels(&p.ObjectMeta, all) }
}

// AddLabels gives an object labels beside those that it has.
func AddLabels(o *metav1.ObjectMeta, all map[string]string) {
	for key, value := range all {
		metav1.SetMetaDataLabel(o, key, value)
	}
}

// OwnedBy gives a pod an ownerReference.
func OwnedBy(by metav1.OwnerReference) func(*corev1.Pod) {
	return func(p *corev1.Pod) { p.OwnerReferences = []metav1.OwnerReference{by} }
}

// RunOnce makes a pod's restart policy Never.
func RunOnce(p *corev1.Pod) { p.Spec.RestartPolicy = corev1.RestartPolicyNever }

// DeletePod deletes a pod gracefully and returns its UID.
func (ns *Namespace) DeletePod(ctx context.Context, name string) types.UID {
	GinkgoHelper()
	uid, err := ns.TryDeletePod(ctx, name, metav1.DeleteOptions{})
	Expect(err).NotTo(HaveOccurred(), "deleting pod %s", name)
	return uid
}

// TryDeletePod deletes a pod, and returns its UID and the API server's answer.
func (ns *Namespace) TryDeletePod(ctx context.Context, name string, o metav1.DeleteOptions) (types.UID, error) {
	GinkgoHelper()
	uid := ns.Pod(name).UID
	// With the precondition no other pod is deleted than the one that is recorded.
	o.Preconditions = metav1.NewUIDPreconditions(string(uid))
	remove := Request{Verb: history.VerbDelete, Resource: history.Pods, Name: name, UID: uid, Grace: o.GracePeriodSeconds, Text: "delete pod " + name}
	return uid, ns.Do(remove, func() error { return ns.Client.CoreV1().Pods(ns.Name).Delete(ctx, name, o) })
}

// RemoveFinalizers removes all finalizers of a pod.
func (ns *Namespace) RemoveFinalizers(ctx context.Context, pod string) error {
	request := Request{Verb: history.VerbOther, Resource: history.Pods, Name: pod, Text: "remove the finalizer of pod " + pod}
	_, err := Send(ns, request, func() (*corev1.Pod, error) {
		return ns.Client.CoreV1().Pods(ns.Name).Patch(ctx, pod, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	})
	return err
}

// Evict creates the eviction that a request describes, of the pod of its name and UID, and returns the API server's answer.
func (ns *Namespace) Evict(ctx context.Context, r Request) error {
	return ns.Do(r, func() error {
		return ns.Client.PolicyV1().Evictions(ns.Name).Evict(ctx, &policyv1.Eviction{
			ObjectMeta:    metav1.ObjectMeta{Name: r.Name, Namespace: ns.Name},
			DeleteOptions: &metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(r.UID))},
		})
	})
}

const (
	// execScript runs a command in a shell and prints a mark behind its output: on a busy node the connection of an exec was seen to end without an
	// error before anything had come.
	execScript  = `"$@"; code=$?; printf %s "` + endOfOutput + `"; exit $code`
	endOfOutput = "[end of output]"
	// killed is the least exit code of a command that a signal ended, with the shell around it.
	killed = 128
)

// Exec runs a command in the container that a pod has from its fixture and returns what it printed on both streams. The error is the command's own
// exit or the failure to run it, which says nothing of the pod's guarantees.
func (ns *Namespace) Exec(ctx context.Context, pod string, command ...string) (string, error) {
	live, err := ns.Client.CoreV1().Pods(ns.Name).Get(ctx, pod, metav1.GetOptions{})
	if err != nil {
		return "", Inconclusive(fmt.Errorf("looking for the containers of pod %s: %w", pod, err))
	}
	container := live.Spec.Containers[fixtures.MainOf(live.Spec.Containers, func(c corev1.Container) string { return c.Name })].Name
	ctx, cancel := context.WithTimeout(ctx, ns.Settings.Limits.Command)
	defer cancel()
	var stdout, stderr bytes.Buffer
	err = podexec.Run(ctx, ns.Client.CoreV1().RESTClient(), ns.config, podexec.Command{
		Namespace: ns.Name, Pod: pod, Container: container, Args: append([]string{"sh", "-c", execScript, "sh"}, command...),
	}, &stdout, &stderr)
	out, lost := execOutput(stdout.String(), stderr.String(), err)
	if lost {
		return out, Inconclusive(fmt.Errorf("running %q in %s: the end of what it printed was lost on its way, %q came", strings.Join(command, " "), pod, strings.TrimSpace(out)))
	}
	if err == nil {
		return out, nil
	}
	_, exited := errors.AsType[exec.CodeExitError](err)
	err = fmt.Errorf("running %q in %s: %w (it printed %q)", strings.Join(command, " "), pod, err, strings.TrimSpace(out))
	if !exited {
		err = Inconclusive(err)
	}
	return out, err
}

// execOutput returns what a command printed, and whether the end of it was lost: err is what became of execScript.
func execOutput(stdout, stderr string, err error) (out string, lost bool) {
	printed, whole := strings.CutSuffix(stdout, endOfOutput)
	exit, exited := errors.AsType[exec.CodeExitError](err)
	return printed + stderr, !whole && (err == nil || (exited && exit.Code < killed))
}

// SendSignal sends a signal to the first process of a pod's container. Its effect is for the caller to wait for.
func (ns *Namespace) SendSignal(ctx context.Context, pod *history.Event, signal string) {
	GinkgoHelper()
	kill := Request{Verb: history.VerbOther, Resource: history.Pods, Name: pod.Name, UID: pod.UID, Text: fmt.Sprintf("send %s to the container of %s", signal, pod.Name)}
	err := ns.Do(kill, func() error {
		_, err := ns.Exec(ctx, pod.Name, "kill", "-"+signal, "1")
		return err
	})
	// A command that runs in a container is killed when the container ends.
	if exit, ok := errors.AsType[exec.CodeExitError](err); ok && exit.Code == 128+int(syscall.SIGKILL) {
		return
	}
	Expect(err).NotTo(HaveOccurred(), "the container of %s must run, and let its own user signal it", pod.Name)
}

// OtherController creates an object that is no set and returns the controlling ownerReference to it.
func (ns *Namespace) OtherController(ctx context.Context) metav1.OwnerReference {
	GinkgoHelper()
	owner, err := ns.TryOtherController(ctx)
	Expect(err).NotTo(HaveOccurred(), "creating the object that stands for another controller")
	return owner
}

// TryOtherController is OtherController, and returns an error where the API server rejects the object.
func (ns *Namespace) TryOtherController(ctx context.Context) (metav1.OwnerReference, error) {
	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "controller"}}
	ns.Settings.Label(made)
	create := Request{Verb: history.VerbCreate, Resource: "configmaps", Name: made.Name, Text: "create config map " + made.Name}
	owner, err := Send(ns, create, func() (*corev1.ConfigMap, error) {
		return ns.Client.CoreV1().ConfigMaps(ns.Name).Create(ctx, made, metav1.CreateOptions{})
	})
	if err != nil {
		return metav1.OwnerReference{}, err
	}
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, Controller: new(true)}, nil
}

// CreateRevision creates a controller revision of that name, which holds no template and belongs to owner, and returns a reference to it that names no
// controller.
func (ns *Namespace) CreateRevision(ctx context.Context, name string, owner metav1.OwnerReference) metav1.OwnerReference {
	GinkgoHelper()
	made := &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{owner}}, Revision: 1}
	made.Data.Raw = []byte(`{"spec":{}}`)
	ns.Settings.Label(made)
	create := Request{Verb: history.VerbCreate, Resource: history.Revisions, Name: name, Text: "create controller revision " + name}
	revision, err := Send(ns, create, func() (*appsv1.ControllerRevision, error) {
		return ns.Client.AppsV1().ControllerRevisions(ns.Name).Create(ctx, made, metav1.CreateOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), "creating the controller revision %s", name)
	return metav1.OwnerReference{APIVersion: appsv1.SchemeGroupVersion.String(), Kind: "ControllerRevision", Name: name, UID: revision.UID}
}

// VerifyLeftAlone leaves it to the judges to verify that pods of another controller are not deleted and keep that controller.
func (ns *Namespace) VerifyLeftAlone(ctx context.Context, id contract.ID, pods ...*history.Event) {
	GinkgoHelper()
	var all []history.Expectation
	for _, pod := range pods {
		all = append(all, history.Expectation{
			Guarantee: id, Kind: history.ExpectLeftAlone, Resource: history.Pods, Name: pod.Name, UID: pod.UID, Since: pod.Seq,
			Text: fmt.Sprintf("pod %s of UID %s, which is not the set's, is left alone", pod.Name, pod.UID),
		})
	}
	ns.ExpectFate(ctx, all...)
}

// VerifyKept leaves it to the judges to verify that objects, as they were read, are still there now and that nobody has deleted them, and that
// claims are on the same volumes.
func (ns *Namespace) VerifyKept(ctx context.Context, id contract.ID, objects ...*history.Event) {
	GinkgoHelper()
	var all []history.Expectation
	for _, e := range objects {
		all = append(all, Kept(id, e))
	}
	ns.ExpectFate(ctx, all...)
}

// Kept is the expectation that an object, as it was read, is still there.
func Kept(id contract.ID, e *history.Event) history.Expectation {
	return history.Expectation{
		Guarantee: id, Kind: history.ExpectKept, Resource: e.Resource, Name: e.Name, UID: e.UID, Since: e.Seq,
		Text: fmt.Sprintf("%s of UID %s among the %s is kept", e.Name, e.UID, e.Resource),
	}
}

// ExpectFate records what is expected of objects, for judges to decide, once everything that has happened until now is recorded.
func (ns *Namespace) ExpectFate(ctx context.Context, all ...history.Expectation) {
	GinkgoHelper()
	ns.Recorded(ctx)
	for _, x := range all {
		ns.Recorder.Expect(x)
	}
}
