package matrix

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The StorageClasses that variants add to the default one.
const (
	retained = "retained"
	shared   = "shared"
)

// standard is the default StorageClass of a kind cluster.
const standard = "standard"

// The parameters of a StorageClass that the provisioner of the node image that is built here knows (nodeimage/nodevolumes).
const (
	everyNode = "everyNode"
	delay     = "delay"
)

// addRetainedClass adds a StorageClass whose volumes outlive their claims.
func addRetainedClass(ctx context.Context, on *On) error {
	return addClass(ctx, on, retained, func(c *storagev1.StorageClass) {
		c.ReclaimPolicy = new(corev1.PersistentVolumeReclaimRetain)
	})
}

// addSharedClass adds a StorageClass whose volumes belong to no node, and so can be bound before a pod is placed.
func addSharedClass(ctx context.Context, on *On) error {
	return errors.Join(needBuiltImage(ctx, on), addClass(ctx, on, shared, func(c *storagev1.StorageClass) {
		c.Parameters, c.VolumeBindingMode = map[string]string{everyNode: "true"}, new(storagev1.VolumeBindingImmediate)
	}))
}

// slowStorage has the volumes of the default class take 40 s to be made.
func slowStorage(ctx context.Context, on *On) error {
	classes := on.client.StorageV1().StorageClasses()
	class, err := classes.Get(ctx, standard, metav1.GetOptions{})
	if err := errors.Join(needBuiltImage(ctx, on), err); err != nil {
		return err
	}
	// The parameters of a class cannot be changed.
	if err := classes.Delete(ctx, standard, metav1.DeleteOptions{}); err != nil {
		return err
	}
	class.ObjectMeta = metav1.ObjectMeta{Name: standard, Annotations: class.Annotations}
	class.Parameters = map[string]string{delay: "40s"}
	_, err = classes.Create(ctx, class, metav1.CreateOptions{})
	return err
}

// needBuiltImage returns an error where the provisioner does not know the parameters above.
func needBuiltImage(ctx context.Context, on *On) error {
	_, err := on.client.AppsV1().DaemonSets("local-path-storage").Get(ctx, "local-path-provisioner", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return errors.New("this variant needs the node image that is built here, whose provisioner is a daemon set: name none with NODE_IMAGE, and let no registry answer")
	}
	return err
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
