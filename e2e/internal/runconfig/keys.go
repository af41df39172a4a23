package runconfig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
)

// ParseKeys reads "key=value,..." as a person types it.
func ParseKeys(text string) (map[string]string, error) {
	out := map[string]string{}
	for _, pair := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if _, twice := out[key]; !ok || key == "" || twice {
			return nil, fmt.Errorf("expected key=value,... with each key once, found %q", pair)
		}
		out[key] = value
	}
	return out, nil
}

// ParseNamespaceLabels and ParseNamespaceAnnotations read what namespaces of a run are to have beside what the suite gives them.
func ParseNamespaceLabels(text string) (map[string]string, error) {
	labels, err := ParseKeys(text)
	if err != nil {
		return nil, err
	}
	return labels, validateMetadata(labels, nil)
}

// ParseNamespaceAnnotations is ParseNamespaceLabels for annotations.
func ParseNamespaceAnnotations(text string) (map[string]string, error) {
	annotations, err := ParseKeys(text)
	if err != nil {
		return nil, err
	}
	return annotations, validateMetadata(nil, annotations)
}

// PullSecretName is the name of the secret that CreatePullSecret makes, which pods name.
const PullSecretName = "statefulset-conformance-pull"

// ReadPullSecret returns the credentials of a file that docker login or podman login wrote. The error never quotes them.
func ReadPullSecret(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var config struct {
		Auths map[string]struct {
			Auth, Username, IdentityToken string
		} `json:"auths"`
	}
	if json.Unmarshal(data, &config) != nil {
		return nil, errors.New("expected JSON as docker login writes it")
	}
	for _, a := range config.Auths {
		if a.Auth+a.Username+a.IdentityToken != "" {
			return data, nil
		}
	}
	return nil, errors.New("expected credentials below auths, found none: a credential helper keeps them elsewhere")
}

// CreatePullSecret creates the secret of PULL_SECRET in a namespace that the run has made, if there is one to make.
func (s Settings) CreatePullSecret(ctx context.Context, create func(context.Context, *corev1.Secret, metav1.CreateOptions) (*corev1.Secret, error)) error {
	if s.PullSecret == "" {
		return nil
	}
	data, err := ReadPullSecret(s.PullSecret)
	if err != nil {
		return fmt.Errorf("PULL_SECRET: %w", err)
	}
	_, err = create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: PullSecretName}, Type: corev1.SecretTypeDockerConfigJson,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: data},
	}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("making the secret of PULL_SECRET: %w", err)
	}
	return nil
}

// Rights returns the rights that a run with these settings uses.
func (s Settings) Rights() []rbac.Right {
	rights := rbac.For(len(s.Namespaces) > 0, s.Kind != nil)
	if s.PullSecret != "" {
		rights = append(rights, rbac.PullSecret())
	}
	return rights
}
