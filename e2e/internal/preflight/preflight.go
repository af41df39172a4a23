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

// Check returns what was found out about the cluster and all problems. An error means that the cluster did not answer.
func Check(ctx context.Context, client kubernetes.Interface, s settings.Settings) (settings.Facts, []Problem, error) {
	var facts settings.Facts
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return facts, nil, fmt.Errorf("the API server did not tell its version: %w", err)
	}
	facts.KubernetesVersion = version.GitVersion
	classes, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return facts, nil, fmt.Errorf("listing StorageClasses: %w", err)
	}
	for _, c := range classes.Items {
		if c.Name == s.StorageClass || (s.StorageClass == "" && c.Annotations[defaultClass] == "true") {
			facts.StorageClass, facts.Provisioner = c.Name, c.Provisioner
		}
	}
	// Nodes and daemon sets are for the report only: without the right to read them it just lacks them.
	if nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{}); err == nil {
		for _, n := range nodes.Items {
			facts.Nodes = append(facts.Nodes, fmt.Sprintf("%s: kubelet %s, %s, %s", n.Name, n.Status.NodeInfo.KubeletVersion, n.Status.NodeInfo.OSImage, n.Status.NodeInfo.ContainerRuntimeVersion))
		}
	}
	if sets, err := client.AppsV1().DaemonSets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{}); err == nil {
		var names []string
		for _, d := range sets.Items {
			if d.Name != "kube-proxy" {
				names = append(names, d.Name)
			}
		}
		facts.CNI = strings.Join(names, ", ")
	}
	return facts, checkStorage(classes.Items, s), nil
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
