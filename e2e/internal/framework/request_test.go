package framework

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestPastQuotas: only what the admission of quotas refused because of another request at that moment is sent again.
func TestPastQuotas(t *testing.T) {
	conflict := func(resource string) error {
		return apierrors.NewConflict(schema.GroupResource{Resource: resource}, "tenant", errors.New("the object has been modified"))
	}
	for name, c := range map[string]struct {
		failures []error
		sent     int
		fails    bool
	}{
		"accepted":                 {nil, 1, false},
		"two requests at a time":   {[]error{conflict("resourcequotas"), conflict("resourcequotas")}, 3, false},
		"the object has changed":   {[]error{conflict("statefulsets")}, 1, true},
		"there is no room":         {[]error{apierrors.NewForbidden(corev1.Resource("pods"), "set-0", errors.New("exceeded quota"))}, 1, true},
		"the connection has ended": {[]error{errors.New("EOF")}, 1, true},
	} {
		sent := 0
		answer, err := pastQuotas(func() (int, error) {
			if sent++; sent <= len(c.failures) {
				return 0, c.failures[sent-1]
			}
			return sent, nil
		})
		if sent != c.sent || (err != nil) != c.fails || !c.fails && answer != sent {
			t.Errorf("%s: expected %d requests, found %d, %v, %v", name, c.sent, sent, answer, err)
		}
	}
}
