package recorder

import (
	"errors"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
)

func TestRefused(t *testing.T) {
	sets := schema.GroupResource{Group: "apps", Resource: "statefulsets"}
	repeated := apierrors.NewConflict(sets, "web", errors.New("modified"))
	repeated.ErrStatus.Details.Causes = []metav1.StatusCause{{Type: apiclient.CauseRepeated}}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"conflict":              {apierrors.NewConflict(sets, "web", errors.New("modified")), true},
		"not found, wrapped":    {fmt.Errorf("web: %w", apierrors.NewNotFound(sets, "web")), true},
		"conflict after a loss": {fmt.Errorf("web: %w", repeated), false},
		"server error":          {apierrors.NewInternalError(errors.New("etcd")), false},
		"lost":                  {&apiclient.UnknownOutcomeError{Err: errors.New("EOF")}, false},
	} {
		if got := refused(c.err); got != c.want {
			t.Errorf("%s: expected %t, found %t", name, c.want, got)
		}
	}
}
