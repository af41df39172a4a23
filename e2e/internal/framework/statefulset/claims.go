package statefulset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// AwaitClaims waits until the claims that a template gives the pods of those ordinals are Bound, as they are once the pods run, and
// returns them.
func (s *Set) AwaitClaims(ctx context.Context, template string, ordinals ...int) []*history.Event {
	GinkgoHelper()
	var out []*history.Event
	s.NS.ExpectEach(ctx, s.NS.Settings.Limits.ClaimBound, "each claim of "+s.Name+" to be Bound", func(st *history.State) string {
		out = nil
		for _, n := range ordinals {
			e := st.Get(history.Claims, s.Claim(template, n))
			switch {
			case e == nil:
				return s.Claim(template, n) + " does not exist"
			case e.Claim.Phase != corev1.ClaimBound:
				return fmt.Sprintf("%s is %s (class %q)", e.Name, e.Claim.Phase, e.Claim.Class)
			}
			out = append(out, e)
		}
		return ""
	}, func(st *history.State) (bound int) {
		for _, n := range ordinals {
			if e := st.Get(history.Claims, s.Claim(template, n)); e != nil && e.Claim.Phase == corev1.ClaimBound {
				bound++
			}
		}
		return bound
	})
	return out
}

// CreateClaim creates the claim that the set's first template would give the pod of that ordinal, changed first. It is no failure that the
// controller has created it before.
func CreateClaim(ctx context.Context, ns *framework.Namespace, set *appsv1.StatefulSet, ordinal int, changes ...func(*corev1.PersistentVolumeClaim)) {
	GinkgoHelper()
	claim := set.Spec.VolumeClaimTemplates[0].DeepCopy()
	claim.Name = fmt.Sprintf("%s-%s-%d", claim.Name, set.Name, ordinal)
	claim.Labels = set.Spec.Selector.MatchLabels
	for _, change := range changes {
		change(claim)
	}
	ns.Settings.Label(claim)
	request := framework.Request{Verb: history.VerbCreate, Resource: history.Claims, Name: claim.Name, Text: "create claim " + claim.Name}
	_, err := framework.Send(ns, request, func() (*corev1.PersistentVolumeClaim, error) {
		return ns.Client.CoreV1().PersistentVolumeClaims(ns.Name).Create(ctx, claim, metav1.CreateOptions{})
	})
	if !apierrors.IsAlreadyExists(err) {
		Expect(err).NotTo(HaveOccurred(), "creating the claim %s", claim.Name)
	}
}

// ClaimOfClass sets a claim's storage class.
func ClaimOfClass(name string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = &name }
}

// ClaimOf makes a claim that of another template or set.
func ClaimOf(template, set string, ordinal int) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) { c.Name = fmt.Sprintf("%s-%s-%d", template, set, ordinal) }
}

// ClaimOwnedBy gives a claim an ownerReference.
func ClaimOwnedBy(owner metav1.OwnerReference) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) { c.OwnerReferences = []metav1.OwnerReference{owner} }
}

// RequestClaimDeletion requests the deletion of the claim of that ordinal and returns its UID. The claim stays for as long as a pod uses it.
func (s *Set) RequestClaimDeletion(ctx context.Context, template string, ordinal int) types.UID {
	GinkgoHelper()
	e := s.awaitClaim(ctx, template, ordinal)
	request := framework.Request{Verb: history.VerbDelete, Resource: history.Claims, Name: e.Name, UID: e.UID, Text: "delete claim " + e.Name}
	same := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(e.UID))}
	err := s.NS.Do(request, func() error { return s.NS.Client.CoreV1().PersistentVolumeClaims(s.NS.Name).Delete(ctx, e.Name, same) })
	Expect(err).NotTo(HaveOccurred(), "deleting the claim %s", e.Name)
	return e.UID
}

// DeleteClaims deletes claims, waits until they are gone, replaced or not, and returns their UIDs.
func (s *Set) DeleteClaims(ctx context.Context, template string, ordinals ...int) []types.UID {
	GinkgoHelper()
	var old []types.UID
	for _, n := range ordinals {
		old = append(old, s.RequestClaimDeletion(ctx, template, n))
	}
	s.NS.Expect(ctx, s.NS.Settings.Limits.ClaimGone, "the deleted claims to be gone", func(st *history.State) string {
		for _, e := range st.List(history.Claims) {
			if slices.Contains(old, e.UID) {
				return fmt.Sprintf("claim %s is still there (finalizers %v)", e.Name, e.Finalizers)
			}
		}
		return ""
	})
	return old
}

// AwaitClaimTerminating waits until the deletion of a claim has been requested for longer than watches may be out of step, or the claim is gone. It
// does not fail the spec: whether the claim goes is for VerifyClaimsGone to say.
func (s *Set) AwaitClaimTerminating(ctx context.Context, template string, ordinal int) {
	GinkgoHelper()
	name := s.Claim(template, ordinal)
	err := s.NS.Await(ctx, s.NS.Settings.Limits.Collected, "the deletion of claim "+name+" to begin", func(st *history.State) string {
		if e := st.Get(history.Claims, name); e != nil && !e.Terminating() {
			return name + " exists and is not being deleted"
		}
		return ""
	})
	if err == nil {
		s.awaitLag(ctx)
	}
}

// AwaitClaimGone waits until the claim of that UID is gone, which a pod had that is gone too, or the next pod is there already, which judges decide on.
func (s *Set) AwaitClaimGone(ctx context.Context, template string, ordinal int, uid types.UID) {
	GinkgoHelper()
	name := s.Claim(template, ordinal)
	s.NS.Expect(ctx, s.NS.Settings.Limits.Collected, "claim "+name+" to be gone", func(st *history.State) string {
		if e := st.Get(history.Claims, name); e != nil && e.UID == uid && st.Get(history.Pods, s.Pod(ordinal)) == nil {
			return fmt.Sprintf("claim %s is still there (terminating: %t)", name, e.Terminating())
		}
		return ""
	})
}

// awaitClaim waits until the recording has the claim of that ordinal, and returns it.
func (s *Set) awaitClaim(ctx context.Context, template string, ordinal int) *history.Event {
	GinkgoHelper()
	var found *history.Event
	name := s.Claim(template, ordinal)
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodCreated, "claim "+name+" to be there", func(st *history.State) string {
		if found = st.Get(history.Claims, name); found == nil {
			return name + " does not exist"
		}
		return ""
	})
	return found
}

// VerifyClaimsByLabel lists the claims by the set's selector, as `kubectl get pvc -l` does, and verifies that they are exactly those of the
// ordinals, Bound, each to a volume of its own.
func (s *Set) VerifyClaimsByLabel(ctx context.Context, id contract.ID, template string, ordinals ...int) {
	GinkgoHelper()
	query := labels.SelectorFromSet(s.Selector).String()
	list, err := s.NS.Client.CoreV1().PersistentVolumeClaims(s.NS.Name).List(ctx, metav1.ListOptions{LabelSelector: query})
	Expect(err).NotTo(HaveOccurred())
	var want, got, wrong []string
	for _, n := range ordinals {
		want = append(want, s.Claim(template, n))
	}
	volumes := map[string]string{}
	for _, c := range list.Items {
		got = append(got, c.Name)
		if c.Status.Phase != corev1.ClaimBound {
			wrong = append(wrong, fmt.Sprintf("%s is %s", c.Name, c.Status.Phase))
		}
		if other, taken := volumes[c.Spec.VolumeName]; taken && c.Spec.VolumeName != "" {
			wrong = append(wrong, fmt.Sprintf("%s and %s share the volume %s", other, c.Name, c.Spec.VolumeName))
		}
		volumes[c.Spec.VolumeName] = c.Name
	}
	slices.Sort(want)
	slices.Sort(got)
	switch {
	case !slices.Equal(want, got):
		err = fmt.Errorf("expected %v, found %v", want, got)
	case len(wrong) > 0:
		err = fmt.Errorf("expected each Bound to a volume of its own, found: %s", strings.Join(wrong, "; "))
	}
	s.NS.VerifySet(s.Name, id, err, "claims found with the label %s", query)
}

// VerifyTemplateLabels verifies that the claims of those ordinals have the label that Claims gives their template.
func (s *Set) VerifyTemplateLabels(ctx context.Context, id contract.ID, template string, ordinals ...int) {
	GinkgoHelper()
	var err error
	for _, c := range s.AwaitClaims(ctx, template, ordinals...) {
		if got := c.Labels[templateLabel]; got != template {
			err = errors.Join(err, fmt.Errorf("claim %s: expected %q, found %q", c.Name, template, got))
		}
	}
	s.NS.VerifySet(s.Name, id, err, "label %s of the claims of %s, as in their template", templateLabel, s.Name)
}

// VerifyClaimRecreated verifies that the claim of that ordinal is created again, with none of those UIDs.
func (s *Set) VerifyClaimRecreated(ctx context.Context, id contract.ID, template string, ordinal int, old ...types.UID) {
	GinkgoHelper()
	name := s.Claim(template, ordinal)
	controller := s.NS.SetController()
	controller.Busy = func() string { return "" } // the pod stays Pending until it has its claim
	err := s.NS.AwaitFrom(ctx, s.NS.Settings.Limits.PodCreated, "claim "+name+" to be created", func(st *history.State) string {
		switch e := st.Get(history.Claims, name); {
		case e == nil:
			return name + " does not exist"
		case slices.Contains(old, e.UID):
			return fmt.Sprintf("%s is still the claim of uid %s", name, e.UID)
		}
		return ""
	}, controller)
	s.verifyInTime(ctx, id, err, "claim %s, missing under a Pending pod, is created again", name)
}

// VerifyClaimsGone verifies that the claims of those ordinals are gone in time.
func (s *Set) VerifyClaimsGone(ctx context.Context, id contract.ID, template string, ordinals ...int) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	err := s.NS.AwaitFrom(ctx, l.ClaimGone+l.Collected, "the claims to be gone", func(st *history.State) string {
		for _, n := range ordinals {
			if e := st.Get(history.Claims, s.Claim(template, n)); e != nil {
				return fmt.Sprintf("claim %s is still there (terminating: %t, finalizers %v, owners %v)", e.Name, e.Terminating(), e.Finalizers, ownerNames(e))
			}
		}
		return ""
	}, s.NS.SetController(), s.NS.GarbageCollector(), s.NS.ClaimProtection())
	s.verifyInTime(ctx, id, err, "the claims %s of ordinals %v of %s are gone", template, ordinals, s.Name)
}

// KeepsUnused reports whether the cluster keeps the condition Unused of claims: whether the claim of that ordinal, which a pod uses, has it in time.
func (s *Set) KeepsUnused(ctx context.Context, template string, ordinal int) bool {
	GinkgoHelper()
	name := s.Claim(template, ordinal)
	return s.NS.Await(ctx, s.NS.Settings.Limits.StatusSettled, "claim "+name+" to have the condition Unused", func(st *history.State) string {
		if e := st.Get(history.Claims, name); e == nil || e.Claim.Unused == "" {
			return "it has not"
		}
		return ""
	}) == nil
}

// VerifyUnused verifies that the condition Unused of a claim has that status in time.
func (s *Set) VerifyUnused(ctx context.Context, id contract.ID, template string, ordinal int, want corev1.ConditionStatus) {
	GinkgoHelper()
	name := s.Claim(template, ordinal)
	err := s.NS.AwaitFrom(ctx, s.NS.Settings.Limits.StatusSettled, fmt.Sprintf("the condition Unused of claim %s to be %s", name, want), func(st *history.State) string {
		if e := st.Get(history.Claims, name); e == nil || e.Claim.Unused != want {
			return fmt.Sprintf("%s does not exist or its condition is another", name)
		}
		return ""
	}, s.NS.ClaimProtection())
	s.verifyInTime(ctx, id, err, "the condition Unused of claim %s is %s", name, want)
}

// VerifyClaimOwners verifies that a claim has exactly those ownerReferences in time, each written as "Kind/name".
func (s *Set) VerifyClaimOwners(ctx context.Context, id contract.ID, template string, ordinal int, want ...string) {
	GinkgoHelper()
	name := s.Claim(template, ordinal)
	what := fmt.Sprintf("claim %s to be owned by exactly %v", name, want)
	err := s.NS.AwaitFrom(ctx, s.NS.Settings.Limits.StatusSettled, what, func(st *history.State) string {
		e := st.Get(history.Claims, name)
		if e == nil {
			return name + " does not exist"
		}
		if got := ownerNames(e); !slices.Equal(got, want) {
			return fmt.Sprintf("its owners are %v", got)
		}
		return ""
	}, s.NS.SetController())
	s.verifyInTime(ctx, id, err, "claim %s is owned by exactly %v", name, want)
}

func ownerNames(e *history.Event) []string {
	var out []string
	for _, o := range e.Owners {
		out = append(out, o.Kind+"/"+o.Name)
	}
	return out
}
