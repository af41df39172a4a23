package framework

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// SaveArtifacts writes the namespace's objects, events and pod logs below dir. It saves what it can, and the error names the rest.
func (ns *Namespace) SaveArtifacts(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return err
	}
	all := metav1.ListOptions{}
	core, apps := ns.Client.CoreV1(), ns.Client.AppsV1()
	var errs []error
	var out bytes.Buffer
	for _, list := range []func() (runtime.Object, error){
		func() (runtime.Object, error) { return apps.StatefulSets(ns.Name).List(ctx, all) },
		func() (runtime.Object, error) { return core.Pods(ns.Name).List(ctx, all) },
		func() (runtime.Object, error) { return core.PersistentVolumeClaims(ns.Name).List(ctx, all) },
		func() (runtime.Object, error) { return core.Services(ns.Name).List(ctx, all) },
		func() (runtime.Object, error) { return ns.Client.DiscoveryV1().EndpointSlices(ns.Name).List(ctx, all) },
		func() (runtime.Object, error) { return apps.ControllerRevisions(ns.Name).List(ctx, all) },
		func() (runtime.Object, error) { return core.Events(ns.Name).List(ctx, all) },
	} {
		obj, err := list()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, writeList(&out, obj))
	}
	errs = append(errs, os.WriteFile(filepath.Join(dir, "objects.yaml"), out.Bytes(), 0o644))

	pods, err := core.Pods(ns.Name).List(ctx, all)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, pod := range pods.Items {
		for _, c := range pod.Spec.Containers {
			errs = append(errs, ns.saveLog(ctx, pod.Name, c.Name, filepath.Join(dir, "logs", pod.Name+"-"+c.Name+".log")))
		}
	}
	return errors.Join(errs...)
}

func writeList(out io.Writer, list runtime.Object) error {
	items, err := meta.ExtractList(list)
	if err != nil {
		return err
	}
	for _, item := range items {
		// Lists leave the kind out of their items; a manifest needs it.
		if kinds, _, err := scheme.Scheme.ObjectKinds(item); err == nil && len(kinds) > 0 {
			item.GetObjectKind().SetGroupVersionKind(kinds[0])
		}
		if m, err := meta.Accessor(item); err == nil {
			m.SetManagedFields(nil)
		}
		data, err := yaml.Marshal(item)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "---\n%s", data); err != nil {
			return err
		}
	}
	return nil
}

func (ns *Namespace) saveLog(ctx context.Context, pod, container, path string) error {
	lines := int64(500)
	data, err := ns.Client.CoreV1().Pods(ns.Name).GetLogs(pod, &corev1.PodLogOptions{Container: container, TailLines: &lines}).DoRaw(ctx)
	if err != nil {
		// A container that never started has no log, which is no failure to save it.
		if apierrors.IsBadRequest(err) || apierrors.IsNotFound(err) {
			return nil
		}
		return err
	}
	return os.WriteFile(path, data, 0o644)
}
