// Package preflight asks, before anything is created, whether a cluster can be judged at all: what the suite assumes is checked
// first, and every problem is told at once, each with its cure.
package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/settings"
)

// Problem is something that keeps the suite from judging the cluster.
type Problem struct {
	// Text says what was expected, what was found and what to do.
	Text string
	// Usage says that the person's own settings are wrong rather than the cluster.
	Usage bool
}

// defaultClass marks the default StorageClass.
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// Check returns all problems found. An error means that the cluster did not answer.
func Check(ctx context.Context, client kubernetes.Interface, s settings.Settings) ([]Problem, error) {
	classes, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing StorageClasses: %w", err)
	}
	return checkStorage(classes.Items, s), nil
}

func checkStorage(classes []storagev1.StorageClass, s settings.Settings) []Problem {
	names := make([]string, 0, len(classes))
	hasDefault := false
	for _, c := range classes {
		names = append(names, c.Name)
		hasDefault = hasDefault || c.Annotations[defaultClass] == "true"
	}
	slices.Sort(names)
	found := "the cluster has " + strings.Join(names, ", ")
	if len(names) == 0 {
		found = "the cluster has none: install a provisioner with a StorageClass"
	}
	switch {
	case s.StorageClass != "" && !slices.Contains(names, s.StorageClass):
		return []Problem{{Usage: true, Text: fmt.Sprintf("STORAGE_CLASS=%s: expected the name of a StorageClass, found none of that name; %s", s.StorageClass, found)}}
	case s.StorageClass == "" && !hasDefault:
		return []Problem{{Text: fmt.Sprintf("expected a default StorageClass (annotation %s: \"true\"), found none; %s; mark one, or name one with STORAGE_CLASS=", defaultClass, found)}}
	}
	return nil
}
