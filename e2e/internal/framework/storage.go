package framework

import (
	"context"
	"fmt"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// NoClass is the name of a storage class that no cluster has: a claim of that class stays Pending, and nothing outside the
// spec's namespace has to be made or changed for it.
const NoClass = "statefulset-conformance-no-such-class"

// Unbindable makes the claims of all templates ask for a storage class that does not exist.
func Unbindable() Option {
	return func(s *appsv1.StatefulSet) {
		for i := range s.Spec.VolumeClaimTemplates {
			s.Spec.VolumeClaimTemplates[i].Spec.StorageClassName = new(NoClass)
		}
	}
}

// MakeClaim makes the claim that the set's first template would give the pod of that ordinal, changed first. It is no failure
// that the set was quicker.
func (ns *Namespace) MakeClaim(ctx context.Context, set *appsv1.StatefulSet, ordinal int, changes ...func(*corev1.PersistentVolumeClaim)) {
	GinkgoHelper()
	claim := set.Spec.VolumeClaimTemplates[0].DeepCopy()
	claim.Name = fmt.Sprintf("%s-%s-%d", claim.Name, set.Name, ordinal)
	claim.Labels = set.Spec.Selector.MatchLabels
	for _, change := range changes {
		change(claim)
	}
	ns.Settings.Label(claim)
	ns.Mark(history.VerbCreate, history.Claims, claim.Name, "", "create claim "+claim.Name)
	_, err := ns.Client.CoreV1().PersistentVolumeClaims(ns.Name).Create(ctx, claim, metav1.CreateOptions{})
	if !apierrors.IsAlreadyExists(err) {
		Expect(err).NotTo(HaveOccurred(), "creating the claim %s", claim.Name)
	}
}

// OfClass makes a claim ask for a storage class.
func OfClass(name string) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) { c.Spec.StorageClassName = &name }
}

// ClaimOwnedBy gives a claim an owner.
func ClaimOwnedBy(owner metav1.OwnerReference) func(*corev1.PersistentVolumeClaim) {
	return func(c *corev1.PersistentVolumeClaim) { c.OwnerReferences = []metav1.OwnerReference{owner} }
}

// VerifyClaimMade verifies that the claim of that ordinal is made again, as none of those UIDs.
func (s *Set) VerifyClaimMade(ctx context.Context, id contract.ID, template string, ordinal int, old ...types.UID) {
	GinkgoHelper()
	name := s.Claim(template, ordinal)
	err := s.NS.Await(ctx, s.NS.Settings.Limits.PodCreated, "claim "+name+" to be made", func(st *history.State) string {
		switch e := st.Get(history.Claims, name); {
		case e == nil:
			return name + " does not exist"
		case slices.Contains(old, e.UID):
			return fmt.Sprintf("%s is still the claim of uid %s", name, e.UID)
		}
		return ""
	})
	s.verifyInTime(ctx, id, err, "claim %s, missing under a Pending pod, is made again", name)
}

// VerifyGoesOn verifies that the pod of that ordinal is created, now that nothing stands in its way.
func (s *Set) VerifyGoesOn(ctx context.Context, id contract.ID, ordinal int) {
	GinkgoHelper()
	err := s.NS.Await(ctx, s.NS.Settings.Limits.PodCreated, "pod "+s.Pod(ordinal)+" to be created", func(st *history.State) string {
		if st.Get(history.Pods, s.Pod(ordinal)) == nil {
			return s.why(st, ordinal)
		}
		return ""
	})
	s.verifyInTime(ctx, id, err, "pod %s is created once nothing stands in its way", s.Pod(ordinal))
}

// ClaimKey is what must not change about a claim.
type ClaimKey struct {
	Name, Volume string
	UID          types.UID
}

// Claims waits until the claims that a template gives the pods of those ordinals are Bound, as they are once the pods run, and
// returns them.
func (s *Set) Claims(ctx context.Context, template string, ordinals ...int) []ClaimKey {
	GinkgoHelper()
	var out []ClaimKey
	s.NS.Expect(ctx, s.NS.Settings.Limits.ClaimBound, "the claims of "+s.Name+" to be Bound", func(st *history.State) string {
		out = nil
		for _, n := range ordinals {
			e := st.Get(history.Claims, s.Claim(template, n))
			switch {
			case e == nil:
				return s.Claim(template, n) + " does not exist"
			case e.Claim.Phase != corev1.ClaimBound:
				return fmt.Sprintf("%s is %s (class %q)", e.Name, e.Claim.Phase, e.Claim.Class)
			}
			out = append(out, ClaimKey{Name: e.Name, Volume: e.Claim.Volume, UID: e.UID})
		}
		return ""
	})
	return out
}

// VerifyKept verifies that claims are still the same, bound to the same volumes, and that nobody has asked for their deletion.
func (s *Set) VerifyKept(ctx context.Context, id contract.ID, before []ClaimKey) {
	GinkgoHelper()
	// The claims' watch may trail that of the pods, which told the spec to look.
	Expect(s.NS.Sync(ctx, s.NS.Settings.Limits.RecordingComplete)).To(Succeed())
	for _, was := range before {
		var err error
		s.NS.View(func(st *history.State) {
			switch e := st.Get(history.Claims, was.Name); {
			case e == nil:
				err = fmt.Errorf("expected it to stay, found it gone: look for who deleted it in the API server's audit log")
			case e.Terminating():
				err = fmt.Errorf("expected it to stay, found its deletion asked for at %s: see its owner references %v", e.Ref(), e.Owners)
			case e.UID != was.UID || e.Claim.Volume != was.Volume:
				err = fmt.Errorf("expected uid %s with volume %q, found uid %s with volume %q: somebody deleted it, and it was made anew", was.UID, was.Volume, e.UID, e.Claim.Volume)
			}
		})
		s.NS.Verify(id, err, "claim %s is kept", was.Name)
	}
}

// VerifyClaimsGone verifies that the claims of those ordinals go.
func (s *Set) VerifyClaimsGone(ctx context.Context, id contract.ID, template string, ordinals ...int) {
	GinkgoHelper()
	l := s.NS.Settings.Limits
	err := s.NS.Await(ctx, l.ClaimGone+l.Collected, "the claims to be gone", func(st *history.State) string {
		for _, n := range ordinals {
			if e := st.Get(history.Claims, s.Claim(template, n)); e != nil {
				return fmt.Sprintf("claim %s is still there (terminating: %t, finalizers %v, owners %v)", e.Name, e.Terminating(), e.Finalizers, ownerNames(e))
			}
		}
		return ""
	})
	s.verifyInTime(ctx, id, err, "the claims %s of ordinals %v of %s go", template, ordinals, s.Name)
}

// DeleteClaims deletes claims and waits until those are gone, whether or not others have taken their names. It returns their
// UIDs.
func (s *Set) DeleteClaims(ctx context.Context, template string, ordinals ...int) []types.UID {
	GinkgoHelper()
	var old []types.UID
	for _, n := range ordinals {
		e := s.claim(ctx, template, n)
		old = append(old, e.UID)
		s.NS.Mark(history.VerbDelete, history.Claims, e.Name, e.UID, "delete claim "+e.Name)
		same := metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(e.UID))}
		err := s.NS.Client.CoreV1().PersistentVolumeClaims(s.NS.Name).Delete(ctx, e.Name, same)
		Expect(err).NotTo(HaveOccurred(), "deleting the claim %s", e.Name)
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

// VerifyClaimOwners verifies that exactly those objects come to own a claim, each written as "Kind/name".
func (s *Set) VerifyClaimOwners(ctx context.Context, id contract.ID, template string, ordinal int, want ...string) {
	GinkgoHelper()
	name := s.Claim(template, ordinal)
	what := fmt.Sprintf("claim %s to be owned by exactly %v", name, want)
	err := s.NS.Await(ctx, s.NS.Settings.Limits.StatusSettled, what, func(st *history.State) string {
		e := st.Get(history.Claims, name)
		if e == nil {
			return name + " does not exist"
		}
		if got := ownerNames(e); !slices.Equal(got, want) {
			return fmt.Sprintf("its owners are %v", got)
		}
		return ""
	})
	s.verifyInTime(ctx, id, err, "claim %s is owned by exactly %v", name, want)
}

// verifyInTime records whether something came to pass within its limit; an interrupted wait says nothing.
func (s *Set) verifyInTime(ctx context.Context, id contract.ID, err error, what string, args ...any) {
	GinkgoHelper()
	Expect(ctx.Err()).NotTo(HaveOccurred(), "the spec was interrupted while it waited for this: %s", fmt.Sprintf(what, args...))
	s.NS.Verify(id, err, what, args...)
}

// claim waits until the recording has the claim of that ordinal, and returns it.
func (s *Set) claim(ctx context.Context, template string, ordinal int) *history.Event {
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

func ownerNames(e *history.Event) []string {
	var out []string
	for _, o := range e.Owners {
		out = append(out, o.Kind+"/"+o.Name)
	}
	return out
}

// NotPending is a condition for HoldStill: it tells when the pod of that ordinal has got further than Pending.
func (s *Set) NotPending(st *history.State, ordinal int) string {
	if e := st.Get(history.Pods, s.Pod(ordinal)); e == nil || e.Pod.Phase != corev1.PodPending {
		return fmt.Sprintf("expected %s to stay Pending, found: %s", s.Pod(ordinal), readyPod(st, s.Pod(ordinal)))
	}
	return ""
}

// ClaimGoes is a condition for HoldStill: it tells when the claim of that ordinal is gone or being deleted.
func (s *Set) ClaimGoes(st *history.State, template string, ordinal int) string {
	if e := st.Get(history.Claims, s.Claim(template, ordinal)); e == nil || e.Terminating() {
		return fmt.Sprintf("expected claim %s to stay, found it deleted", s.Claim(template, ordinal))
	}
	return ""
}
