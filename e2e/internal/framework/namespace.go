package framework

import (
	"context"
	"errors"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/cleanup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

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

	uid types.UID // "" where NAMESPACES= names the namespace
	// over is closed when the spec ends, or is interrupted.
	over <-chan struct{}
}

// NewNamespace makes a namespace and begins to record it. The caller removes it with Remove.
func NewNamespace(ctx context.Context, c *Cluster, security PodSecurity, header history.Header) (*Namespace, error) {
	if len(c.Settings.Namespaces) > 0 {
		return c.useExisting(ctx, header)
	}
	meta := c.Settings.NamespaceMeta(string(security))
	// A name that is chosen here, and not by the API server, can be looked for when the answer is lost.
	meta.Name = c.Settings.NamespacePrefix + "-" + rand.String(5)
	created, err := c.Client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: meta}, metav1.CreateOptions{})
	if err != nil {
		// It may have been created all the same.
		removed := cleanup.DeleteNamespace(context.WithoutCancel(ctx), c.Klient, meta.Name, c.Settings.Run)
		return nil, fmt.Errorf("making a namespace for the spec: %w", errors.Join(err, removed))
	}
	ns := &Namespace{Cluster: c, Name: created.Name, uid: created.UID, over: ctx.Done()}
	err = ready.Namespace(ctx, c.Client, ns.Name, c.Settings.Limits.NamespaceReady)
	if err == nil {
		err = c.Settings.CreatePullSecret(ctx, c.Client.CoreV1().Secrets(ns.Name).Create)
	}
	if err == nil {
		err = ns.record(ctx, header)
	}
	if err != nil {
		return nil, errors.Join(err, ns.Remove(ctx))
	}
	return ns, nil
}

// useExisting begins to record this process's own one of the namespaces that NAMESPACES= names, once what the spec before it left there
// is gone.
func (c *Cluster) useExisting(ctx context.Context, header history.Header) (*Namespace, error) {
	name := c.Settings.Namespaces[GinkgoParallelProcess()-1]
	if err := c.awaitEmpty(ctx, name); err != nil {
		return nil, err
	}
	ns := &Namespace{Cluster: c, Name: name, over: ctx.Done()}
	return ns, ns.record(ctx, header)
}

// awaitEmpty waits until a namespace that NAMESPACES= names holds nothing that would enter a recording.
func (c *Cluster) awaitEmpty(ctx context.Context, name string) error {
	rec, err := recorder.Start(context.WithoutCancel(ctx), c.Client, history.Header{Namespace: name})
	if err != nil {
		return err
	}
	defer rec.Stop(ctx, c.Settings.Limits.RecordingComplete)
	err = rec.Await(ctx, c.Settings.Limits.NamespaceGone, "namespace "+name+" to be empty", func(s *history.State) string {
		for _, r := range []history.Resource{history.Sets, history.Pods, history.Claims, history.Services, history.Slices, history.Revisions} {
			for _, e := range s.List(r) {
				return fmt.Sprintf("%s/%s is there (deletion asked for: %t, finalizers %v)", r, e.Name, e.Terminating(), e.Finalizers)
			}
		}
		return ""
	})
	if err != nil {
		return fmt.Errorf("%w: a namespace that NAMESPACES= names must be the suite's alone while it runs", err)
	}
	return nil
}

// record begins to record the namespace, which is there.
func (ns *Namespace) record(ctx context.Context, header history.Header) (err error) {
	header.Run, header.Namespace, header.Version, header.HeldTo = ns.Settings.Run, ns.Name, ns.Version, ns.Settings.HeldTo
	header.Lag, header.ClockSkew = ns.Settings.Limits.Lag, ns.Settings.Limits.ClockSkew
	header.Mutators = ns.mutatorsOf(ctx, history.Pods, history.Claims)
	// The recording outlives the node that starts it: it ends with Stop, in the clean-up.
	ns.Recorder, err = recorder.Start(context.WithoutCancel(ctx), ns.Client, header)
	return err
}

// Remove requests the namespace's deletion, whose end is awaited once, at the end of the run. Where NAMESPACES= names the namespace, it
// deletes what the run made there. Where the cluster is removed after the run it does nothing.
func (ns *Namespace) Remove(ctx context.Context) error {
	if ns.Settings.KeepNamespaces {
		return nil
	}
	if len(ns.Settings.Namespaces) > 0 {
		return cleanup.DeleteLabelled(ctx, ns.Klient, ns.Name, runconfig.RunLabel+"="+ns.Settings.Run)
	}
	err := ns.Client.CoreV1().Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(ns.uid))})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("removing namespace %s: %w", ns.Name, err)
	}
	// The namespace controller deletes these too, only later.
	_ = cleanup.DeleteWorkloads(ctx, ns.Klient, ns.Name, ns.uid)
	return nil
}

// NamespaceTerminating says that a client outside of the suite is deleting the namespace, or has, "" if none is. It sends a dry run, which
// needs no right on namespaces.
func (ns *Namespace) NamespaceTerminating(ctx context.Context) string {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{GenerateName: "dry-run-"}, Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone}}
	_, err := ns.Client.CoreV1().Services(ns.Name).Create(ctx, service, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || apierrors.IsNotFound(err) {
		return fmt.Sprintf("somebody else deleted namespace %s while the spec ran: find out who (the API server's audit log), and run again", ns.Name)
	}
	return ""
}
