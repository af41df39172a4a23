package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// defaultClass marks the default StorageClass.
const defaultClass = "storageclass.kubernetes.io/is-default-class"

// findStorage finds the StorageClass of the run, and returns it, nil if there is none or nobody may see it.
func findStorage(ctx context.Context, client kubernetes.Interface, s runconfig.Settings, f *Findings) *storagev1.StorageClass {
	classes, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	if apierrors.IsForbidden(err) {
		// Without NAMESPACES it is among the missing rights.
		if len(s.Namespaces) > 0 {
			f.Notes = append(f.Notes, "StorageClass: the account may not list them, so the first claim will show whether there is one")
		}
		return nil
	}
	if err != nil {
		f.add(Problem{Text: fmt.Sprintf("StorageClass: expected a list of them from the API server, found: %v", err)})
		return nil
	}
	c := DefaultClass(classes.Items)
	if s.StorageClass != "" {
		c = classNamed(classes.Items, s.StorageClass)
	}
	if c != nil {
		f.Facts.StorageClass, f.Facts.Provisioner = c.Name, c.Provisioner
		f.Notes = append(f.Notes, retainedVolumes(*c, s)...)
	}
	f.add(checkStorage(classes.Items, s)...)
	return c
}

// scatteredVolumes returns a note where the claims of one pod may get volumes in several zones: the class, nil for an unknown one, has them bound before the pod
// has a node (Immediate, which is the default of volumeBindingMode), and nodes are in several zones.
func scatteredVolumes(c *storagev1.StorageClass, nodes []corev1.Node) []string {
	if c == nil || c.VolumeBindingMode != nil && *c.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer {
		return nil
	}
	zones := map[string]bool{}
	for i := range nodes {
		zones[nodes[i].Labels[corev1.LabelTopologyZone]] = true
	}
	if delete(zones, ""); len(zones) < 2 {
		return nil
	}
	return []string{fmt.Sprintf("StorageClass %s has claims bound as soon as they are made (volumeBindingMode Immediate), and the nodes are in %d zones: where its volumes belong to a zone, "+
		"a pod with two claims may fit on no node; name a class with WaitForFirstConsumer with STORAGE_CLASS=", c.Name, len(zones))}
}

// DefaultClass returns the default StorageClass, nil if there is none: of several the newest, and of those of one age the first by name, as the API
// server chooses (GetDefaultClass in pkg/volume/util of k8s.io/kubernetes).
func DefaultClass(classes []storagev1.StorageClass) *storagev1.StorageClass {
	var chosen *storagev1.StorageClass
	for i := range classes {
		c := &classes[i]
		switch {
		case c.Annotations[defaultClass] != "true":
		case chosen == nil, chosen.CreationTimestamp.Before(&c.CreationTimestamp),
			chosen.CreationTimestamp.Equal(&c.CreationTimestamp) && c.Name < chosen.Name:
			chosen = c
		}
	}
	return chosen
}

// classNamed returns the class of that name, nil if there is none.
func classNamed(classes []storagev1.StorageClass, name string) *storagev1.StorageClass {
	for i := range classes {
		if classes[i].Name == name {
			return &classes[i]
		}
	}
	return nil
}

// retainedVolumes returns a note on volumes that outlive the run: the suite may not delete cluster-scoped objects.
func retainedVolumes(c storagev1.StorageClass, s runconfig.Settings) []string {
	if c.ReclaimPolicy == nil || *c.ReclaimPolicy != corev1.PersistentVolumeReclaimRetain {
		return nil
	}
	whose := "of namespaces " + s.NamespacePrefix + "-*"
	if len(s.Namespaces) > 0 {
		whose = "of namespaces " + strings.Join(s.Namespaces, ", ")
	}
	return []string{fmt.Sprintf("StorageClass %s keeps the volumes of claims that are gone (reclaimPolicy Retain): those of this run stay behind as Released persistent volumes, "+
		"with claims %s; remove them by hand, and what they hold", c.Name, whose)}
}

func checkStorage(classes []storagev1.StorageClass, s runconfig.Settings) []Problem {
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
		return []Problem{{Usage: true, Text: fmt.Sprintf("STORAGE_CLASS=%s: expected the name of a StorageClass, "+
			"found none of that name; %s", s.StorageClass, found)}}
	case s.StorageClass == "" && !hasDefault:
		return []Problem{{Text: fmt.Sprintf("expected a default StorageClass (annotation %s: \"true\"), "+
			"found none; %s; mark one, or name one with STORAGE_CLASS=", defaultClass, found)}}
	}
	return nil
}
