package specs

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

var _ = Describe("The API of StatefulSets", func() {
	It("lets a set's replicas, ordinals, template, update strategy, claim retention and minReadySeconds be changed", Proves(
		contract.APIMutable,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		set := statefulset.Create(ctx, ns, statefulset.Replicas(0))
		for _, f := range mutable() {
			if f.gated && !kept(ctx, ns, contract.APIMutable, f) {
				continue
			}
			changed, err := set.TryUpdate(ctx, "change "+f.name, f.change)
			if err = answered(err); err == nil && !f.holds(&changed.Spec) {
				err = ns.UnlessMutated(ctx, errors.New("expected the new value in the answer, found another"))
			}
			ns.VerifySet(set.Name, contract.APIMutable, err, "a change of %s", f.name)
		}

		By("finding out about revisionHistoryLimit, of which versions differ")
		_, err := set.TryUpdate(ctx, "change revisionHistoryLimit", func(s *appsv1.StatefulSet) { s.Spec.RevisionHistoryLimit = new(int32(3)) })
		if rejected(err, http.StatusUnprocessableEntity) == nil {
			ns.Check(contract.APIMutable, history.NotApplicable, "revisionHistoryLimit cannot be changed here, as in Kubernetes up to 1.32")
		} else {
			ns.VerifySet(set.Name, contract.APIMutable, answered(err), "a change of revisionHistoryLimit")
		}
	})

	It("rejects a change of selector, service name, pod management policy or claim templates", Proves(contract.APIImmutable), func(ctx SpecContext) {
		ns := Record(ctx)
		// The pods carry one label more than the selector asks for, so that another selector would fit them too.
		described := []statefulset.Option{statefulset.Replicas(0), statefulset.Claims("data"), func(s *appsv1.StatefulSet) {
			metav1.SetMetaDataLabel(&s.Spec.Template.ObjectMeta, "tier", "data")
		}}
		set := statefulset.Create(ctx, ns, described...)
		for _, f := range immutable() {
			_, err := statefulset.DryRunCreate(ctx, ns, append(slices.Clone(described), f.change)...)
			Expect(err).NotTo(HaveOccurred(), "a new set with another %s must be accepted, or its rejection would prove nothing", f.name)

			_, err = set.TryUpdate(ctx, "try to change "+f.name, f.change)
			ns.VerifySet(set.Name, contract.APIImmutable, ns.UnlessMutated(ctx, rejected(err, http.StatusUnprocessableEntity)), "a change of %s", f.name)
		}
	})

	It("rejects a set that makes no sense", Proves(contract.APIInvalid), func(ctx SpecContext) {
		ns := Record(ctx)
		_, err := statefulset.DryRunCreate(ctx, ns)
		Expect(err).NotTo(HaveOccurred(), "the set must be accepted as long as nothing is wrong with it")
		set := statefulset.Create(ctx, ns, statefulset.Replicas(0))
		_, err = set.DryRunUpdate(ctx, statefulset.Template("other"))
		Expect(err).NotTo(HaveOccurred(), "a change of the set must be accepted as long as nothing is wrong with it")
		senseless := []int32{http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusForbidden}
		for _, f := range invalid() {
			if f.part != nil && !kept(ctx, ns, contract.APIInvalid, *f.part) {
				continue
			}
			_, err := statefulset.DryRunCreate(ctx, ns, f.change)
			err = rejected(err, senseless...)
			ns.VerifySet(statefulset.DryRun, contract.APIInvalid, ns.UnlessMutated(ctx, err), "a set with %s", f.name)
			_, err = set.DryRunUpdate(ctx, f.change)
			err = rejected(err, senseless...)
			ns.VerifySet(set.Name, contract.APIInvalid, ns.UnlessMutated(ctx, err), "a change of a set to one with %s", f.name)
		}
		_, err = set.DryRunScale(ctx, -1)
		ns.VerifySet(set.Name, contract.APIInvalid, rejected(err, senseless...), "a change of the scale subresource to negative replicas")
	})

	It("rejects a name that is no DNS label and a template whose pods end for good, and accepts a set without a service", Proves(
		contract.APIName, contract.APIRestartPolicy, contract.APINoServiceName,
	), func(ctx SpecContext) {
		ns := Record(ctx)
		_, err := statefulset.DryRunCreate(ctx, ns)
		Expect(err).NotTo(HaveOccurred(), "the set must be accepted as long as nothing is wrong with it")
		for _, name := range []string{"with.dot", strings.Repeat("n", 64)} {
			_, err := statefulset.DryRunCreate(ctx, ns, func(s *appsv1.StatefulSet) { s.Name = name })
			ns.VerifySet(statefulset.DryRun, contract.APIName, rejected(err, http.StatusUnprocessableEntity), "a set named %s", name)
		}
		for _, policy := range []corev1.RestartPolicy{corev1.RestartPolicyOnFailure, corev1.RestartPolicyNever} {
			_, err := statefulset.DryRunCreate(ctx, ns, func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.RestartPolicy = policy })
			ns.VerifySet(statefulset.DryRun, contract.APIRestartPolicy, ns.UnlessMutated(ctx, rejected(err, http.StatusUnprocessableEntity)), "a template with restartPolicy %s", policy)
		}
		_, err = statefulset.DryRunCreate(ctx, ns, func(s *appsv1.StatefulSet) { s.Spec.ServiceName = "" })
		ns.VerifySet(statefulset.DryRun, contract.APINoServiceName, answered(err), "a set without a serviceName")
	})

	It("fills in what a set leaves out", Proves(contract.APIDefaults), func(ctx SpecContext) {
		ns := Record(ctx)
		left := func(s *appsv1.StatefulSet) {
			s.Spec = appsv1.StatefulSetSpec{Selector: s.Spec.Selector, Template: s.Spec.Template, ServiceName: s.Spec.ServiceName}
		}
		filled, err := statefulset.DryRunCreate(ctx, ns, left)
		Expect(err).NotTo(HaveOccurred(), "a set of selector, template and service name must be accepted")
		wanted := defaults()
		if !kept(ctx, ns, contract.APIDefaults, retention(appsv1.DeletePersistentVolumeClaimRetentionPolicyType)) {
			wanted = slices.DeleteFunc(wanted, func(f field) bool { return f.name == retentionField })
		}
		for _, f := range wanted {
			var wrong error
			if !f.holds(&filled.Spec) {
				wrong = ns.UnlessMutated(ctx, fmt.Errorf("expected it in the spec, found %s", brief(filled.Spec)))
			}
			ns.VerifySet(statefulset.DryRun, contract.APIDefaults, wrong, "the default of %s", f.name)
		}

		By("leaving out less: what is there stays as it is, and changes no default of the rest")
		for _, p := range partials() {
			if p.part != nil && !kept(ctx, ns, contract.APIDefaults, *p.part) {
				continue
			}
			filled, err := statefulset.DryRunCreate(ctx, ns, left, p.change)
			Expect(err).NotTo(HaveOccurred(), "a set with %s must be accepted", p.name)
			var wrong error
			if !p.holds(&filled.Spec) {
				wrong = ns.UnlessMutated(ctx, fmt.Errorf("expected %s, found %s", p.expected, brief(filled.Spec)))
			}
			ns.VerifySet(statefulset.DryRun, contract.APIDefaults, wrong, "the defaults beside %s", p.name)
		}
	})

	It("rejects a maxUnavailable of nothing or of more than all pods, and fills in 1", Proves(contract.APIMaxUnavailable), func(ctx SpecContext) {
		ns := Record(ctx)
		requireMaxUnavailable(ctx, ns)
		for _, value := range []intstr.IntOrString{intstr.FromInt32(0), intstr.FromString("0%"), intstr.FromString("101%")} {
			_, err := statefulset.DryRunCreate(ctx, ns, statefulset.MaxUnavailableOf(value))
			ns.VerifySet(statefulset.DryRun, contract.APIMaxUnavailable, ns.UnlessMutated(ctx, rejected(err, http.StatusUnprocessableEntity)), "a set with maxUnavailable %s", value.String())
		}
		filled, err := statefulset.DryRunCreate(ctx, ns)
		Expect(err).NotTo(HaveOccurred(), "a set without maxUnavailable must be accepted")
		var wrong error
		if r := filled.Spec.UpdateStrategy.RollingUpdate; r == nil || r.MaxUnavailable == nil || *r.MaxUnavailable != intstr.FromInt32(1) {
			wrong = ns.UnlessMutated(ctx, fmt.Errorf("expected 1 in the spec, found %s", brief(filled.Spec)))
		}
		ns.VerifySet(statefulset.DryRun, contract.APIMaxUnavailable, wrong, "the default of maxUnavailable")
	})

	It("lists, watches, patches and deletes sets by label", Proves(contract.APICollection), func(ctx SpecContext) {
		ns := Record(ctx)
		const annotation = history.Prefix + "seen"
		for name, kind := range map[string]string{"a": "ours", "b": "ours", "c": "theirs"} {
			statefulset.Create(ctx, ns, statefulset.Named(name), statefulset.Replicas(0), func(s *appsv1.StatefulSet) {
				s.Labels = map[string]string{"kind": kind}
			})
		}
		ours := statefulset.Collection{NS: ns, Selector: "kind=ours", Names: []string{"a", "b"}}
		listed := ours.VerifyList(ctx, contract.APICollection)

		By("patching all three sets, then deleting two by their label")
		for _, name := range []string{"a", "b", "c"} {
			patched, err := ns.Annotate(ctx, name, annotation, "yes")
			if err = answered(err); err == nil && patched.Annotations[annotation] != "yes" {
				err = ns.UnlessMutated(ctx, fmt.Errorf("expected annotation %s in the answer, found %v", annotation, patched.Annotations))
			}
			ns.VerifySet(name, contract.APICollection, err, "a patch of set %s", name)
		}
		ns.Verify(contract.APICollection, answered(ours.Delete(ctx)), "the deletion of all sets with the label %s", ours.Selector)

		ours.VerifyWatch(ctx, contract.APICollection, listed, annotation)
		statefulset.Collection{NS: ns, Selector: "kind", Names: []string{"c"}}.VerifyList(ctx, contract.APICollection)
	})
})

// brief writes a spec without its template.
func brief(s appsv1.StatefulSetSpec) string {
	s.Template = corev1.PodTemplateSpec{}
	text, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// kept asks the API server whether it keeps a field, and records what that means where it does not: nothing while the feature gate may be off,
// a failed check from the version on in which every cluster has the field.
func kept(ctx SpecContext, ns *framework.Namespace, id contract.ID, f field) bool {
	GinkgoHelper()
	offered, err := statefulset.DryRunCreate(ctx, ns, f.change)
	Expect(err).NotTo(HaveOccurred(), "a new set with %s must be accepted", f.name)
	known := f.known()
	switch {
	case known.Kept(offered):
		return true
	case known.MayLack(ns):
		ns.Check(id, history.NotApplicable, f.name+" is not kept here at all, so its feature gate is off")
	default:
		ns.VerifySet(statefulset.DryRun, id, known.Lost(ctx, ns), "%s of a new set, in a dry run", known.Name)
	}
	return false
}

// rejected says what is wrong with an answer that should have been a rejection with one of those status codes.
func rejected(err error, codes ...int32) error {
	GinkgoHelper()
	if refused := framework.UnlessRefused(err); framework.IsInconclusive(refused) {
		return refused
	}
	if slices.Contains(codes, code(err)) {
		return nil
	}
	if answered(err) == nil {
		return fmt.Errorf("expected a rejection with status %d, found it accepted", codes)
	}
	return fmt.Errorf("expected a rejection with status %d, found: %w", codes, err)
}

// answered returns an error that is the API server's answer to what was asked, or UnlessRefused's of it. It ends the spec, and accuses nobody, when
// there was no such answer.
func answered(err error) error {
	GinkgoHelper()
	if err == nil {
		return nil
	}
	if !decided(err) {
		Fail(fmt.Sprintf("expected the API server to accept or reject what was asked, found that it did not decide: %v", err))
	}
	return framework.UnlessRefused(err)
}

// decided reports whether an error says that the API server, or a budget, rejected what was asked: it may also be busy, or wait for another client.
func decided(err error) bool {
	switch c := code(err); c {
	case 0, http.StatusUnauthorized, http.StatusConflict:
		return false
	case http.StatusTooManyRequests:
		return apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause)
	default:
		return c < http.StatusInternalServerError
	}
}

// code returns the status code of an answer that is an error, 0 if it is none or not the API server's.
func code(err error) int32 {
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		return status.Status().Code
	}
	return 0
}
