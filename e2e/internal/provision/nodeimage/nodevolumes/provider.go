//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	storagev1client "k8s.io/client-go/kubernetes/typed/storage/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

// provisioner is the name by which a StorageClass asks for these volumes: that of kind's own provisioner, so that the default class is the same on a node image
// that kind publishes.
const provisioner = "rancher.io/local-path"

// The annotations by which the volume controller asks a provisioner, the scheduler names the node of a claim's pod, and a volume names its provisioner
// (k8s.io/component-helpers/storage/volume).
const (
	wantedProvisioner = "volume.kubernetes.io/storage-provisioner"
	selectedNode      = "volume.kubernetes.io/selected-node"
	provisionedBy     = "pv.kubernetes.io/provisioned-by"
)

// What parameters of a StorageClass ask for.
const (
	// everyNode: what is below the folder is the same on all nodes, so that a volume belongs to none and can be bound before a pod is placed.
	everyNode = "everyNode"
	// pathPattern: a Go template of a volume's folder, of the claim (.PVC), as kind's provisioner has it.
	pathPattern = "pathPattern"
	// delay: how long a volume takes to be made.
	delay = "delay"
)

// The resources that are followed.
const (
	claims  = "persistentvolumeclaims"
	volumes = "persistentvolumes"
)

// object names one of the objects that are followed.
type object struct{ resource, key string }

// provider makes and removes the volumes of one node.
type provider struct {
	node, folder string
	core         corev1client.CoreV1Interface
	classes      storagev1client.StorageClassInterface
	events       record.EventRecorder
	// claims and volumes are the objects as the informers last saw them.
	claims, volumes cache.Store
}

// sync does what an object asks for.
func (p *provider) sync(ctx context.Context, o object) error {
	if o.resource == volumes {
		item, found, err := p.volumes.GetByKey(o.key)
		if err != nil || !found {
			return err
		}
		return p.remove(ctx, item.(*corev1.PersistentVolume))
	}
	item, found, err := p.claims.GetByKey(o.key)
	if err != nil || !found {
		return err
	}
	claim := item.(*corev1.PersistentVolumeClaim)
	if err := p.provide(ctx, claim); err != nil {
		p.events.Event(claim, corev1.EventTypeWarning, "ProvisioningFailed", err.Error())
		if errors.As(err, new(*unsupportedError)) {
			return nil // another try finds the same
		}
		return err
	}
	return nil
}

// provide makes the volume of a claim, if that is for this node to do.
func (p *provider) provide(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if claim.Annotations[wantedProvisioner] != provisioner || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil || claim.Spec.StorageClassName == nil {
		return nil
	}
	class, err := p.classes.Get(ctx, *claim.Spec.StorageClassName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if claim.Annotations[selectedNode] != p.node && class.Parameters[everyNode] == "" {
		return nil
	}
	volume, err := p.volumeOf(claim, class)
	if err != nil {
		return err
	}
	if _, exists, err := p.volumes.GetByKey(volume.Name); err != nil || exists {
		return err
	}
	if err := p.await(ctx, class.Parameters[delay]); err != nil {
		return err
	}
	if err := makeFolder(volume.Spec.HostPath.Path); err != nil {
		return err
	}
	_, err = p.core.PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	if err == nil {
		p.events.Event(claim, corev1.EventTypeNormal, "ProvisioningSucceeded", "Successfully provisioned volume "+volume.Name)
	}
	return err
}

func (p *provider) await(ctx context.Context, parameter string) error {
	if parameter == "" {
		return nil
	}
	wait, err := time.ParseDuration(parameter)
	if err != nil {
		return &unsupportedError{fmt.Sprintf("the StorageClass's parameter %s: %v", delay, err)}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// makeFolder makes a folder in which every user may write: the pod's user is not known.
func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	return os.Chmod(path, 0o777) // past the umask
}

// unsupportedError says what a claim asks for and cannot have.
type unsupportedError struct{ text string }

func (e *unsupportedError) Error() string { return e.text }

// volumeOf is the volume for a claim of a class. A claim that asks for more than a folder is an unsupportedError.
func (p *provider) volumeOf(claim *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) (*corev1.PersistentVolume, error) {
	shared := class.Parameters[everyNode] != ""
	switch spec := claim.Spec; {
	case spec.Selector != nil:
		return nil, &unsupportedError{"a claim that selects a volume gets no new one"}
	case spec.VolumeMode != nil && *spec.VolumeMode != corev1.PersistentVolumeFilesystem:
		return nil, &unsupportedError{fmt.Sprintf("a folder cannot have the volume mode %s", *spec.VolumeMode)}
	case spec.DataSource != nil || spec.DataSourceRef != nil:
		return nil, &unsupportedError{"a folder cannot be filled from a data source"}
	case !shared && slices.ContainsFunc(spec.AccessModes, func(m corev1.PersistentVolumeAccessMode) bool {
		return m != corev1.ReadWriteOnce && m != corev1.ReadWriteOncePod
	}):
		return nil, &unsupportedError{"a folder of one node has the access modes ReadWriteOnce and ReadWriteOncePod only"}
	}
	name := "pvc-" + string(claim.UID)
	folder := name
	if pattern := class.Parameters[pathPattern]; pattern != "" {
		var err error
		if folder, err = folderBy(pattern, claim); err != nil {
			return nil, &unsupportedError{fmt.Sprintf("the StorageClass's parameter %s: %v", pathPattern, err)}
		}
	}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: provisioner}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:    corev1.ResourceList{corev1.ResourceStorage: claim.Spec.Resources.Requests[corev1.ResourceStorage]},
			AccessModes: claim.Spec.AccessModes, MountOptions: class.MountOptions, StorageClassName: class.Name,
			PersistentVolumeReclaimPolicy: *class.ReclaimPolicy,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: filepath.Join(p.folder, folder)}},
		},
	}
	if !shared {
		volume.Spec.NodeAffinity = &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
			MatchExpressions: []corev1.NodeSelectorRequirement{{Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{p.node}}},
		}}}}
	}
	return volume, nil
}

// folderBy is the folder that a pattern gives the volume of a claim, below that of all volumes.
func folderBy(pattern string, claim *corev1.PersistentVolumeClaim) (string, error) {
	parsed, err := template.New("").Option("missingkey=error").Parse(pattern)
	if err != nil {
		return "", err
	}
	var folder strings.Builder
	if err := parsed.Execute(&folder, map[string]any{"PVC": claim.ObjectMeta}); err != nil {
		return "", err
	}
	if !filepath.IsLocal(folder.String()) || filepath.Clean(folder.String()) == "." {
		return "", fmt.Errorf("%q is not below the folder of all volumes", folder.String())
	}
	return folder.String(), nil
}

// remove removes a volume and its folder when the claim is gone and the class had said so, if that is for this node to do.
func (p *provider) remove(ctx context.Context, volume *corev1.PersistentVolume) error {
	if volume.Annotations[provisionedBy] != provisioner || volume.Status.Phase != corev1.VolumeReleased || volume.DeletionTimestamp != nil ||
		volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete || !p.owns(volume) {
		return nil
	}
	folder := volume.Spec.HostPath.Path
	if relative, err := filepath.Rel(p.folder, folder); err != nil || relative == "." || !filepath.IsLocal(relative) {
		return fmt.Errorf("its folder %s is not below %s and is left alone", folder, p.folder)
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	err := p.core.PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{Preconditions: metav1.NewUIDPreconditions(string(volume.UID))})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// owns reports whether a volume is on this node, or on all of them.
func (p *provider) owns(volume *corev1.PersistentVolume) bool {
	affinity := volume.Spec.NodeAffinity
	if volume.Spec.HostPath == nil || affinity == nil || affinity.Required == nil {
		return volume.Spec.HostPath != nil
	}
	return slices.ContainsFunc(affinity.Required.NodeSelectorTerms, func(term corev1.NodeSelectorTerm) bool {
		return slices.ContainsFunc(term.MatchExpressions, func(r corev1.NodeSelectorRequirement) bool {
			return r.Key == corev1.LabelHostname && slices.Contains(r.Values, p.node)
		})
	})
}
