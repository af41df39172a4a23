package framework

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// SaveArtifacts writes the namespace's objects, events and pod logs below dir. It saves what it can, and the error names the rest. In a
// namespace of NAMESPACES= it leaves out what the run did not make: all that the run leads to there has the run's label, and events are those
// of such objects.
func (ns *Namespace) SaveArtifacts(ctx context.Context, dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "logs"), 0o755); err != nil {
		return err
	}
	all, own := metav1.ListOptions{}, metav1.ListOptions{}
	if len(ns.Settings.Namespaces) > 0 {
		own.LabelSelector = runconfig.RunLabel + "=" + ns.Settings.Run
	}
	core, apps := ns.Client.CoreV1(), ns.Client.AppsV1()
	var errs []error
	var out bytes.Buffer
	var saved []string
	for _, list := range []func() (runtime.Object, error){
		func() (runtime.Object, error) { return apps.StatefulSets(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return core.Pods(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return core.PersistentVolumeClaims(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return core.Services(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return ns.Client.DiscoveryV1().EndpointSlices(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return apps.ControllerRevisions(ns.Name).List(ctx, own) },
	} {
		obj, err := list()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		saved = append(saved, namesOf(obj)...)
		errs = append(errs, writeList(&out, obj))
	}
	events, err := core.Events(ns.Name).List(ctx, all)
	if err == nil {
		if own.LabelSelector != "" {
			events.Items = slices.DeleteFunc(events.Items, func(e corev1.Event) bool { return !concerns(saved, e.InvolvedObject.Name) })
		}
		err = writeList(&out, events)
	}
	errs = append(errs, err)
	errs = append(errs, os.WriteFile(filepath.Join(dir, "objects.yaml"), out.Bytes(), 0o644))

	pods, err := core.Pods(ns.Name).List(ctx, own)
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

// namesOf returns the names of a list's objects.
func namesOf(list runtime.Object) []string {
	var names []string
	_ = meta.EachListItem(list, func(o runtime.Object) error {
		if m, err := meta.Accessor(o); err == nil {
			names = append(names, m.GetName())
		}
		return nil
	})
	return names
}

// concerns reports whether an event's object is one of those names, or was made by one: pods of a set that are gone have left events.
func concerns(names []string, object string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return object == name || strings.HasPrefix(object, name+"-") })
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
