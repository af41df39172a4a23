package framework

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// SaveArtifacts writes the namespace's objects, events and pod logs below dir, without what package redact removes. In a namespace that
// NAMESPACES= names it saves only what the run made: all of that has the run's label, and events are those of such objects. It saves what it can, and the error names the rest.
func (ns *Namespace) SaveArtifacts(ctx context.Context, dir string) error {
	logs := filepath.Join(dir, "logs")
	if err := os.MkdirAll(logs, reportdir.FolderMode); err != nil {
		return err
	}
	core, apps := ns.Client.CoreV1(), ns.Client.AppsV1()
	own, all := metav1.ListOptions{}, metav1.ListOptions{}
	if len(ns.Settings.Namespaces) > 0 {
		own.LabelSelector = runconfig.RunLabel + "=" + ns.Settings.Run
	}
	saved := artifacts{settings: ns.Settings, containers: map[string]bool{}}
	var errs []error
	for _, list := range []func() (runtime.Object, error){
		func() (runtime.Object, error) { return apps.StatefulSets(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return core.Pods(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return core.PersistentVolumeClaims(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return core.Services(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return ns.Client.DiscoveryV1().EndpointSlices(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return apps.ControllerRevisions(ns.Name).List(ctx, own) },
		func() (runtime.Object, error) { return core.Events(ns.Name).List(ctx, all) },
	} {
		obj, err := list()
		if err != nil {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, saved.add(obj))
	}
	errs = append(errs, os.WriteFile(filepath.Join(dir, "objects.yaml"), saved.out.Bytes(), reportdir.FileMode))
	for _, l := range saved.logs {
		errs = append(errs, ns.saveLog(ctx, l.pod, l.container, filepath.Join(logs, l.pod+"-"+l.container+".log")))
	}
	return errors.Join(errs...)
}

// artifacts are the objects of a namespace as they are saved.
type artifacts struct {
	settings   runconfig.Settings
	out        bytes.Buffer
	names      []string        // of the objects that were added
	containers map[string]bool // in the templates of the sets
	logs       []containerLog
}

type containerLog struct{ pod, container string }

// add appends the objects of a list to out, as manifests. Sets come before pods, and events last.
func (a *artifacts) add(list runtime.Object) error {
	items, err := meta.ExtractList(list)
	if err != nil {
		return err
	}
	for _, item := range items {
		o, err := meta.Accessor(item)
		if err != nil {
			return err
		}
		switch o := item.(type) {
		case *appsv1.StatefulSet:
			for _, c := range o.Spec.Template.Spec.Containers {
				a.containers[c.Name] = true
			}
		case *corev1.Pod:
			// What a container that admission added has written is nobody else's business.
			for _, c := range o.Spec.Containers {
				if a.containers[c.Name] || c.Image == a.settings.Images.Nginx || c.Image == a.settings.Images.Busybox {
					a.logs = append(a.logs, containerLog{o.Name, c.Name})
				}
			}
		case *corev1.Event:
			if len(a.settings.Namespaces) > 0 && !concerns(a.names, o.InvolvedObject.Name) {
				continue
			}
		}
		a.names = append(a.names, o.GetName())
		// Lists leave the kind out of their items; a manifest needs it.
		if kinds, _, err := scheme.Scheme.ObjectKinds(item); err == nil && len(kinds) > 0 {
			item.GetObjectKind().SetGroupVersionKind(kinds[0])
		}
		redact.Object(o, history.Prefix)
		data, err := yaml.Marshal(item)
		if err != nil {
			return err
		}
		fmt.Fprintf(&a.out, "---\n%s", data)
	}
	return nil
}

// concerns reports whether an event's object is one of those names, or was made by one: pods of a set that are gone have left events.
func concerns(names []string, object string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return object == name || strings.HasPrefix(object, name+"-") })
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
	return os.WriteFile(path, data, reportdir.FileMode)
}
