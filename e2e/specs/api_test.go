package specs

import (
	"errors"
	"testing"

	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
