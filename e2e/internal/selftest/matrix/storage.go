package matrix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The StorageClasses that variants add to the default one.
const (
	retained = "retained"
	shared   = "shared"
)

// What a kind node brings along to provide storage.
const (
	storageNamespace = "local-path-storage"
	localPath        = "local-path-provisioner"
	localPathConfig  = "local-path-config"
	standard         = "standard"
)

// sharedProvisioner is the name that the second provisioner goes by.
const sharedProvisioner = "statefulset-conformance.local/shared"

// addRetainedClass adds a StorageClass whose volumes outlive their claims.
func addRetainedClass(ctx context.Context, on *On) error {
	return addClass(ctx, on, retained, func(c *storagev1.StorageClass) {
		c.ReclaimPolicy = new(corev1.PersistentVolumeReclaimRetain)
	})
}

// addSharedProvisioner runs the node's provisioner a second time under another name, configured for a folder that all nodes share: its volumes belong to no
// node, and so can be bound before a pod is placed.
func addSharedProvisioner(ctx context.Context, on *On) error {
	config, err := on.client.CoreV1().ConfigMaps(storageNamespace).Get(ctx, localPathConfig, metav1.GetOptions{})
	if err != nil {
		return err
	}
	config.ObjectMeta = metav1.ObjectMeta{Name: shared}
	config.Data["config.json"] = `{"sharedFileSystemPath": "/var/shared-path-provisioner"}`
	if _, err := on.client.CoreV1().ConfigMaps(storageNamespace).Create(ctx, config, metav1.CreateOptions{}); err != nil {
		return err
	}
	first, err := on.client.AppsV1().Deployments(storageNamespace).Get(ctx, localPath, metav1.GetOptions{})
	if err != nil {
		return err
	}
	second, err := secondProvisioner(first)
	if err != nil {
		return err
	}
	if _, err := on.client.AppsV1().Deployments(storageNamespace).Create(ctx, second, metav1.CreateOptions{}); err != nil {
		return err
	}
	return addClass(ctx, on, shared, func(c *storagev1.StorageClass) {
		c.Provisioner, c.VolumeBindingMode = sharedProvisioner, new(storagev1.VolumeBindingImmediate)
	})
}

// secondProvisioner is the Deployment of a provisioner with its name and its configuration changed.
func secondProvisioner(first *appsv1.Deployment) (*appsv1.Deployment, error) {
	labels := map[string]string{"app": shared}
	second := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: shared}, Spec: *first.Spec.DeepCopy()}
	second.Spec.Selector, second.Spec.Template.Labels = &metav1.LabelSelector{MatchLabels: labels}, labels
	pod := &second.Spec.Template.Spec
	at := slices.IndexFunc(pod.Volumes, func(v corev1.Volume) bool { return v.ConfigMap != nil && v.ConfigMap.Name == localPathConfig })
	if at < 0 || len(pod.Containers) != 1 {
		return nil, fmt.Errorf("expected the Deployment %s to have one container and the ConfigMap %s, found another: this variant needs the node image that is built here", localPath, localPathConfig)
	}
	pod.Volumes[at].ConfigMap.Name = shared
	pod.Containers[0].Command = append(pod.Containers[0].Command, "--provisioner-name", sharedProvisioner, "--configmap-name", shared)
	return second, nil
}

// slowStorage has the provisioner's helper sleep before it makes a volume.
func slowStorage(ctx context.Context, on *On) error {
	config, err := on.client.CoreV1().ConfigMaps(storageNamespace).Get(ctx, localPathConfig, metav1.GetOptions{})
	if err != nil {
		return err
	}
	before, after, found := strings.Cut(config.Data["setup"], "set -eu\n")
	if !found {
		return fmt.Errorf("expected the ConfigMap %s to have a script that sets -eu, found another: this variant needs the node image that is built here", localPathConfig)
	}
	config.Data["setup"] = before + "set -eu\nsleep 40\n" + after
	if _, err := on.client.CoreV1().ConfigMaps(storageNamespace).Update(ctx, config, metav1.UpdateOptions{}); err != nil {
		return err
	}
	// A new pod of the provisioner has the new script mounted.
	return on.client.CoreV1().Pods(storageNamespace).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app=" + localPath})
}

// zonalStorage has each worker in a zone of its own, and volumes that can be used in their zone alone.
func zonalStorage(ctx context.Context, on *On) error {
	err := eachWorker(ctx, on, func(node string) string {
		return `{"metadata": {"labels": {"` + corev1.LabelTopologyZone + `": "` + node + `"}}}`
	})
	return errors.Join(err, createAll("zonal.yaml")(ctx, on))
}

// addSecondDefault marks another StorageClass as the default too. The API server takes the newest.
func addSecondDefault(ctx context.Context, on *On) error {
	return addClass(ctx, on, "second", func(c *storagev1.StorageClass) {
		c.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
	})
}

// addClass adds a StorageClass that differs from the default one.
func addClass(ctx context.Context, on *On, name string, change func(*storagev1.StorageClass)) error {
	class, err := on.client.StorageV1().StorageClasses().Get(ctx, standard, metav1.GetOptions{})
	if err != nil {
		return err
	}
	class.ObjectMeta = metav1.ObjectMeta{Name: name}
	change(class)
	_, err = on.client.StorageV1().StorageClasses().Create(ctx, class, metav1.CreateOptions{})
	return err
}
