package capture

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// settings reads when the ConfigMaps and Secrets were changed that containers of the set read when they start, the first few of them. What they hold is
// not kept, and of Secrets it is not asked for.
func (r *reader) settings(ctx context.Context) error {
	const most = 8
	left := map[string]int{"": most, diagnose.SecretKind: most}
	for _, s := range diagnose.SettingsOf(&r.s.StatefulSet.Spec.Template.Spec) {
		if left[s.Kind]--; left[s.Kind] < 0 {
			continue
		}
		read, what := r.configMap, "configmaps of the set's template"
		if s.Kind == diagnose.SecretKind {
			read, what = r.secret, "secrets of the set's template (their times alone are asked for)"
		}
		found, err := read(ctx, s.Name)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			_ = r.note(what, err) // Those of specs name none.
			left[s.Kind] = 0
			continue
		}
		s.Changed = found.CreationTimestamp
		for _, m := range found.ManagedFields {
			if m.Time != nil && ofValues(m.FieldsV1) && s.Changed.Before(m.Time) {
				s.Changed = *m.Time
			}
		}
		r.s.Settings = append(r.s.Settings, s)
	}
	return nil
}

// ofValues reports whether somebody who wrote these fields of a ConfigMap or a Secret wrote values: who wrote labels alone changed nothing for a program.
func ofValues(fields *metav1.FieldsV1) bool {
	return fields == nil || bytes.Contains(fields.GetRawBytes(), []byte(`"f:data"`)) || bytes.Contains(fields.GetRawBytes(), []byte(`"f:binaryData"`))
}

func (r *reader) configMap(ctx context.Context, name string) (*metav1.ObjectMeta, error) {
	found, err := r.client.CoreV1().ConfigMaps(r.s.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return &found.ObjectMeta, nil
}

// secret asks for the metadata of a Secret alone, so that its values are never sent.
func (r *reader) secret(ctx context.Context, name string) (*metav1.ObjectMeta, error) {
	data, err := r.client.CoreV1().RESTClient().Get().Namespace(r.s.Namespace).Resource("secrets").Name(name).
		SetHeader("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").Do(ctx).Raw()
	if err != nil {
		return nil, err
	}
	var found metav1.PartialObjectMetadata
	if err := json.Unmarshal(data, &found); err != nil {
		return nil, err
	}
	return &found.ObjectMeta, nil
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
