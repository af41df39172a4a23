package specs

import (
	"errors"
	"testing"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
)

func TestWhatTheAPIServerDecided(t *testing.T) {
	busy := apierrors.NewTooManyRequests("try again", 1)
	budget := apierrors.NewTooManyRequests("it would violate the budget", 0)
	budget.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: policyv1.DisruptionBudgetCause}}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"forbidden by a policy": {apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "web-0", errors.New("denied")), true},
		"invalid":               {apierrors.NewBadRequest("no"), true},
		"refused by a budget":   {budget, true},
		"busy":                  {busy, false},
		"broken":                {apierrors.NewInternalError(errors.New("etcd")), false},
		"changed meanwhile":     {apierrors.NewConflict(schema.GroupResource{Resource: "pods"}, "web-0", errors.New("changed")), false},
		"no answer":             {errors.New("connection refused"), false},
	} {
		if found := decided(c.err); found != c.want {
			t.Errorf("%s: expected decided to be %t, found %t", name, c.want, found)
		}
	}
}

// A policy's refusal shows neither that the API server rejects nor that it does not accept.
func TestRefusalsByPoliciesShowNothing(t *testing.T) {
	policy := apierrors.NewForbidden(schema.GroupResource{Group: "apps", Resource: "statefulsets"}, "web",
		errors.New("ValidatingAdmissionPolicy 'no-on-delete' with binding 'all' denied request: no"))
	policy.ErrStatus.Code = 422
	if err := rejected(policy, 422); !framework.IsInconclusive(err) {
		t.Errorf("expected a rejection that shows nothing, found %v", err)
	}
	if err := answered(policy); !framework.IsInconclusive(err) {
		t.Errorf("expected an answer that shows nothing, found %v", err)
	}
	own := apierrors.NewInvalid(schema.GroupKind{Group: "apps", Kind: "StatefulSet"}, "web", nil)
	if err := rejected(own, 422); err != nil {
		t.Errorf("expected a rejection by the API server, found %v", err)
	}
}
