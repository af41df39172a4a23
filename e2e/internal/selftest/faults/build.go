package faults

import (
	"context"
	"io"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

// Build builds a kube-controller-manager of one of Versions that carries every fault, unless that has been done, and returns its path.
func Build(ctx context.Context, kubernetes string, progress io.Writer) (string, error) {
	return nodeimage.BuildChanged(ctx, nodeimage.Changed{
		Command: "kube-controller-manager", KubernetesVersion: kubernetes, Recipe: recipe(kubernetes),
		Change: func(tree string) error { return plant(kubernetes, tree) },
	}, progress)
}
