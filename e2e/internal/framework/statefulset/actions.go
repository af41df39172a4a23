package statefulset

import (
	"cmp"
	"context"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Update changes the set's spec, again on a conflict. what is the text of the recorded request.
func (s *Set) Update(ctx context.Context, what string, change func(*appsv1.StatefulSet)) {
	GinkgoHelper()
	_, err := s.TryUpdate(ctx, what, change)
	Expect(err).NotTo(HaveOccurred(), what)
}

// TryUpdate changes the set, again on a conflict, and returns the API server's answer, which may be a rejection.
func (s *Set) TryUpdate(ctx context.Context, what string, change func(*appsv1.StatefulSet)) (*appsv1.StatefulSet, error) {
	return s.tryUpdate(ctx, what, metav1.UpdateOptions{}, change)
}

func (s *Set) tryUpdate(ctx context.Context, what string, o metav1.UpdateOptions, change func(*appsv1.StatefulSet)) (*appsv1.StatefulSet, error) {
	sets := s.NS.Client.AppsV1().StatefulSets(s.NS.Name)
	var answer *appsv1.StatefulSet
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live, err := sets.Get(ctx, s.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(live)
		s.NS.Settings.Label(live)
		answer, err = framework.Send(s.NS, s.request(history.VerbUpdate, what), func() (*appsv1.StatefulSet, error) {
			return sets.Update(ctx, live, o)
		})
		return err
	})
	if err == nil {
		s.generation = answer.Generation
	}
	return answer, err
}

// request describes a request for the set itself.
func (s *Set) request(act history.Verb, text string) framework.Request {
	return framework.Request{Verb: act, Resource: history.Sets, Name: s.Name, Text: text}
}

// Scale changes spec.replicas.
func (s *Set) Scale(ctx context.Context, replicas int32) {
	GinkgoHelper()
	what := fmt.Sprintf("scale %s to %d", s.Name, replicas)
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	live, err := framework.Send(s.NS, s.request(history.VerbScale, what), func() (*appsv1.StatefulSet, error) {
		return s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Patch(ctx, s.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	})
	Expect(err).NotTo(HaveOccurred(), what)
	s.generation = live.Generation
}

// NewTemplate gives the set's template the version of that name.
func (s *Set) NewTemplate(ctx context.Context, version string) {
	GinkgoHelper()
	s.Update(ctx, fmt.Sprintf("new template %q for %s", version, s.Name), Template(version))
}

// Restart changes an annotation of the set's template, as kubectl rollout restart does.
func (s *Set) Restart(ctx context.Context) {
	GinkgoHelper()
	s.Update(ctx, "restart "+s.Name, func(o *appsv1.StatefulSet) {
		metav1.SetMetaDataAnnotation(&o.Spec.Template.ObjectMeta, TemplateKey, "restarted")
	})
}

// Delete deletes the set with that propagation policy, or without a word of it where that is "".
func (s *Set) Delete(ctx context.Context, policy metav1.DeletionPropagation) {
	GinkgoHelper()
	request := s.request(history.VerbDelete, fmt.Sprintf("delete set %s (%s)", s.Name, cmp.Or(policy, "no propagation policy")))
	request.UID = s.UID
	o := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(s.UID))}
	if policy != "" {
		o.PropagationPolicy = &policy
	}
	Expect(s.NS.Do(request, func() error { return s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Delete(ctx, s.Name, o) })).To(Succeed())
}

// Orphan deletes the set with orphan propagation and waits until it is gone, its pods have no controller, and no sync of it goes on: one may write its status
// once more, by name, and that of the next set of this name would count what was true of this one.
func (s *Set) Orphan(ctx context.Context) {
	GinkgoHelper()
	var pods []*history.Event
	s.NS.View(func(st *history.State) { pods = st.PodsOf(s.UID) })
	s.Delete(ctx, metav1.DeletePropagationOrphan)
	s.NS.Expect(ctx, s.NS.Settings.Limits.Collected, "set "+s.Name+" to be gone and its pods to have no controller", func(st *history.State) string {
		if set := st.Get(history.Sets, s.Name); set != nil {
			return fmt.Sprintf("set %s is still there (finalizers %v)", s.Name, set.Finalizers)
		}
		for _, p := range pods {
			if now := st.Get(history.Pods, p.Name); now != nil && now.Controller() != nil {
				return fmt.Sprintf("pod %s still belongs to %s", p.Name, now.Controller().Name)
			}
		}
		return ""
	})
	s.NS.AwaitLag(ctx)
}

// DeleteService deletes the set's headless service.
func (s *Set) DeleteService(ctx context.Context) {
	GinkgoHelper()
	request := framework.Request{Verb: history.VerbDelete, Resource: history.Services, Name: s.Service, Text: "delete service " + s.Service}
	Expect(s.NS.Do(request, func() error {
		return s.NS.Client.CoreV1().Services(s.NS.Name).Delete(ctx, s.Service, metav1.DeleteOptions{})
	})).To(Succeed())
}

// TriggerSync has the controller sync the set, of which nothing changes that a sync acts on.
func (s *Set) TriggerSync(ctx context.Context) {
	GinkgoHelper()
	Expect(s.NS.TriggerSync(ctx, s.Name)).To(Succeed())
}

// DryRun is the name of the set that DryRunCreate would create, unless an option gives it another.
const DryRun = "dry-run"

// DryRunCreate returns the API server's answer to a dry run that creates a set from fixtures/set.yaml and the options.
func DryRunCreate(ctx context.Context, ns *framework.Namespace, options ...Option) (*appsv1.StatefulSet, error) {
	GinkgoHelper()
	o := Manifest(ctx, ns, append([]Option{func(s *appsv1.StatefulSet) { s.Name = DryRun }}, options...)...)
	return ns.Client.AppsV1().StatefulSets(ns.Name).Create(ctx, o, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
}

// DryRunUpdate returns the API server's answer to a dry run that changes the set.
func (s *Set) DryRunUpdate(ctx context.Context, change Option) (*appsv1.StatefulSet, error) {
	GinkgoHelper()
	live := s.Live(ctx)
	live.ResourceVersion = "" // so that a status which is written meanwhile makes no conflict
	change(live)
	return s.NS.Client.AppsV1().StatefulSets(s.NS.Name).Update(ctx, live, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
}

// DryRunScale returns the API server's answer to a dry run that changes replicas through the scale subresource.
func (s *Set) DryRunScale(ctx context.Context, replicas int32) (*autoscalingv1.Scale, error) {
	scale := &autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: s.Name, Namespace: s.NS.Name}, Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	return s.NS.Client.AppsV1().StatefulSets(s.NS.Name).UpdateScale(ctx, s.Name, scale, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
}

// Field is a field of a set's spec that a cluster may not have.
type Field struct {
	Name string
	// GA is the Kubernetes minor from which on every cluster has it, 0 where a feature gate may still switch it off.
	GA uint
	// Set writes it, and Kept reports whether it is there as Set wrote it.
	Set  Option
	Kept func(*appsv1.StatefulSet) bool
}

// RequireField ends the spec when the API server does not keep a field, which a dry run shows: as not applicable where its feature gate may be
// off, otherwise as broken, or inconclusive where a mutating webhook may have removed it. What is kept speaks for the API server's feature
// gate only; the controller's may differ.
func RequireField(ctx context.Context, ns *framework.Namespace, f Field) {
	GinkgoHelper()
	answer, err := DryRunCreate(ctx, ns, f.Set)
	Expect(err).NotTo(HaveOccurred(), "creating a set with %s by a dry run, to see whether the API server keeps it", f.Name)
	switch {
	case f.Kept(answer):
	case f.MayLack(ns):
		Skip(fmt.Sprintf("not applicable: the API server (%s) does not keep %s, so its feature gate is off", ns.Version, f.Name))
	default:
		lost := f.Lost(ctx, ns)
		ns.VerifySet(DryRun, contract.APIMutable, lost, "%s, set in a dry run", f.Name)
		Fail(lost.Error())
	}
}

// MayLack reports whether a cluster of that version may be without the field.
func (f Field) MayLack(ns *framework.Namespace) bool { return f.GA == 0 || ns.OlderThan(1, f.GA) }

// Lost is the error that the API server did not keep the field although it must.
func (f Field) Lost(ctx context.Context, ns *framework.Namespace) error {
	return ns.UnlessMutated(ctx, fmt.Errorf("the API server %s must keep it, which is generally available since 1.%d, and did not", ns.Version, f.GA))
}
