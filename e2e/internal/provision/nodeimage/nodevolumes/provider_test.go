//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func testClaim(change func(*corev1.PersistentVolumeClaim)) *corev1.PersistentVolumeClaim {
	c := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "data-web-0", UID: "u-1"},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("64Mi")}},
		},
	}
	if change != nil {
		change(c)
	}
	return c
}

func testClass(parameters map[string]string) *storagev1.StorageClass {
	return &storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "standard"}, Parameters: parameters, ReclaimPolicy: new(corev1.PersistentVolumeReclaimDelete)}
}

func TestVolumeOf(t *testing.T) {
	p := &provider{node: "worker", folder: "/volumes"}
	v, err := p.volumeOf(testClaim(nil), testClass(nil))
	if err != nil {
		t.Fatal(err)
	}
	if v.Name != "pvc-u-1" || v.Spec.HostPath.Path != "/volumes/pvc-u-1" || v.Spec.ClaimRef.UID != "u-1" || v.Spec.StorageClassName != "standard" ||
		v.Spec.Capacity.Storage().String() != "64Mi" || v.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
		t.Errorf("expected a volume for this claim alone, found %+v", v)
	}
	if !p.owns(v) || (&provider{node: "worker2"}).owns(v) {
		t.Errorf("expected a volume of the node worker alone, found %+v", v.Spec.NodeAffinity)
	}
	v, err = p.volumeOf(testClaim(nil), testClass(map[string]string{everyNode: "true", pathPattern: "{{ .PVC.Namespace }}/shared"}))
	if err != nil || v.Spec.HostPath.Path != "/volumes/shop/shared" || v.Spec.NodeAffinity != nil || !(&provider{node: "worker2"}).owns(v) {
		t.Errorf("expected the folder of the pattern, on every node, found %+v, %v", v, err)
	}
}

func TestUnsupportedClaims(t *testing.T) {
	p := &provider{node: "worker", folder: "/volumes"}
	many := func(c *corev1.PersistentVolumeClaim) {
		c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce, corev1.ReadWriteMany}
	}
	for name, c := range map[string]struct {
		claim      func(*corev1.PersistentVolumeClaim)
		parameters map[string]string
		want       string // "" for a claim that gets a volume
	}{
		"several nodes":                 {claim: many, want: "access modes"},
		"several nodes, the same files": {claim: many, parameters: map[string]string{everyNode: "true"}},
		"one pod": {claim: func(c *corev1.PersistentVolumeClaim) {
			c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOncePod}
		}},
		"a device":         {claim: func(c *corev1.PersistentVolumeClaim) { c.Spec.VolumeMode = new(corev1.PersistentVolumeBlock) }, want: "volume mode Block"},
		"a selector":       {claim: func(c *corev1.PersistentVolumeClaim) { c.Spec.Selector = &metav1.LabelSelector{} }, want: "selects"},
		"a snapshot":       {claim: func(c *corev1.PersistentVolumeClaim) { c.Spec.DataSource = &corev1.TypedLocalObjectReference{} }, want: "data source"},
		"a folder outside": {parameters: map[string]string{pathPattern: "../{{ .PVC.Name }}"}, want: "not below"},
		"no folder":        {parameters: map[string]string{pathPattern: "./"}, want: "not below"},
		"no such field":    {parameters: map[string]string{pathPattern: "{{ .Nobody }}"}, want: "Nobody"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := p.volumeOf(testClaim(c.claim), testClass(c.parameters))
			if c.want == "" {
				if err != nil || v == nil {
					t.Errorf("expected a volume, found %v", err)
				}
				return
			}
			if !errors.As(err, new(*unsupportedError)) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("expected it to be unsupported since %q, found %v, %v", c.want, v, err)
			}
		})
	}
}

// A volume that is not this node's to remove, or not to be removed, is left alone: the client that would remove it is nil.
func TestVolumesThatStay(t *testing.T) {
	folder := t.TempDir()
	p := &provider{node: "worker", folder: folder}
	for name, change := range map[string]func(*corev1.PersistentVolume){
		"in use": func(v *corev1.PersistentVolume) { v.Status.Phase = corev1.VolumeBound },
		"kept": func(v *corev1.PersistentVolume) {
			v.Spec.PersistentVolumeReclaimPolicy = corev1.PersistentVolumeReclaimRetain
		},
		"of another node": func(v *corev1.PersistentVolume) {
			v.Spec.NodeAffinity.Required.NodeSelectorTerms[0].MatchExpressions[0].Values[0] = "worker2"
		},
		"of another":          func(v *corev1.PersistentVolume) { v.Annotations[provisionedBy] = "somebody.example.com" },
		"being removed":       func(v *corev1.PersistentVolume) { v.DeletionTimestamp = new(metav1.Now()) },
		"not of the folder":   func(v *corev1.PersistentVolume) { v.Spec.HostPath.Path = t.TempDir() },
		"the folder of all":   func(v *corev1.PersistentVolume) { v.Spec.HostPath.Path = folder },
		"above the folder":    func(v *corev1.PersistentVolume) { v.Spec.HostPath.Path = filepath.Join(folder, "..", "x") },
		"no folder of a node": func(v *corev1.PersistentVolume) { v.Spec.HostPath = nil },
	} {
		t.Run(name, func(t *testing.T) {
			v, err := p.volumeOf(testClaim(nil), testClass(nil))
			if err != nil {
				t.Fatal(err)
			}
			v.Status.Phase = corev1.VolumeReleased
			if err := makeFolder(v.Spec.HostPath.Path); err != nil {
				t.Fatal(err)
			}
			own := v.Spec.HostPath.Path
			change(v)
			_ = p.remove(t.Context(), v)
			for _, path := range []string{own, folder} {
				if info, err := os.Stat(path); err != nil || path == own && info.Mode().Perm() != 0o777 {
					t.Errorf("expected %s to be there and open to every user, found %v, %v", path, info, err)
				}
			}
		})
	}
}
