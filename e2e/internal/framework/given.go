package framework

import (
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
)

// given begins to record this process's own one of the namespaces that were given to the run, once what the spec before has left
// in it is gone.
func (c *Cluster) given(ctx context.Context, header history.Header) (*Namespace, error) {
	name := c.Settings.Namespaces[GinkgoParallelProcess()-1]
	if err := c.awaitEmpty(ctx, name); err != nil {
		return nil, err
	}
	ns := &Namespace{Cluster: c, Name: name, over: ctx.Done()}
	return ns, ns.record(ctx, header)
}

// awaitEmpty waits until a given namespace holds nothing that would enter a recording.
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
		return fmt.Errorf("%w: a given namespace must be the suite's alone while it runs", err)
	}
	return nil
}

// Disturbed says whether somebody outside of the suite is deleting the namespace, or has, "" if not. It asks by a dry run, which
// needs no right on namespaces.
func (ns *Namespace) Disturbed(ctx context.Context) string {
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{GenerateName: "asks-"}, Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone}}
	_, err := ns.Client.CoreV1().Services(ns.Name).Create(ctx, service, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) || apierrors.IsNotFound(err) {
		return fmt.Sprintf("somebody else deleted namespace %s while the spec ran: find out who (the API server's audit log), and run again", ns.Name)
	}
	return ""
}
