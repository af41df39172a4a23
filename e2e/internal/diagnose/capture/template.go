package capture

import (
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// settings reads when the ConfigMaps were changed that containers of the set read when they start, the first few of them. What they hold is not kept.
func (r *reader) settings(ctx context.Context) error {
	const most = 8
	all := diagnose.SettingsOf(&r.s.StatefulSet.Spec.Template.Spec)
	for _, s := range all[:min(len(all), most)] {
		found, err := r.client.CoreV1().ConfigMaps(r.s.Namespace).Get(ctx, s.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return r.note("configmaps of the set's template", err) // Those of specs name none.
		}
		s.Changed = found.CreationTimestamp
		for _, m := range found.ManagedFields {
			if m.Time != nil && s.Changed.Before(m.Time) {
				s.Changed = *m.Time
			}
		}
		r.s.Settings = append(r.s.Settings, s)
	}
	return nil
}

// elsewhere looks for the services of other namespaces that the set's template asks for, the first few of them.
func (r *reader) elsewhere(ctx context.Context) error {
	left := 5
	for _, name := range r.s.Names {
		namespace, service := diagnose.ServiceElsewhere(name, r.s.Namespace)
		if namespace == "" || left == 0 || slices.Contains(r.s.Absent, namespace+"/"+service) {
			continue
		}
		left--
		_, err := r.client.CoreV1().Services(namespace).Get(ctx, service, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			r.s.Absent = append(r.s.Absent, namespace+"/"+service)
		} else if err != nil {
			return r.note("services of other namespaces", err)
		}
	}
	return nil
}
