package runconfig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
