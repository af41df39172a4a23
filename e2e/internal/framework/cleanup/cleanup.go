// Package cleanup lists and deletes what runs of the suite made in a namespace. It finds objects by label, so that it also deletes what
// interrupted runs left, their own namespaces included. It stands on the API alone and imports neither Ginkgo nor Gomega, since the
// preflight and `make clean-cluster` use it outside of a spec.
package cleanup

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	crclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/e2e-framework/klient"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// kinds are the kinds of objects that a run leads to in a namespace, owners first.
func kinds() []crclient.ObjectList {
	return []crclient.ObjectList{
		&policyv1.PodDisruptionBudgetList{}, &appsv1.StatefulSetList{}, &corev1.PodList{}, &corev1.PersistentVolumeClaimList{},
		&corev1.ServiceList{}, &appsv1.ControllerRevisionList{}, &corev1.ConfigMapList{},
	}
}

// Objects lists what is in a namespace and matches a label selector. Of config maps, every namespace has some, so that those
// without the selector's labels do not count even if it is empty.
func Objects(ctx context.Context, client klient.Client, namespace, selector string) ([]crclient.Object, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, err
	}
	wanted := kinds()
	if selector == "" {
		wanted = slices.DeleteFunc(wanted, func(l crclient.ObjectList) bool { _, ok := l.(*corev1.ConfigMapList); return ok })
	}
	return list(ctx, client, namespace, parsed, wanted)
}

// podOwners are the kinds by which others make pods in a namespace, now or later. The run makes none of them.
func podOwners() []crclient.ObjectList {
	return []crclient.ObjectList{
		&appsv1.DeploymentList{}, &appsv1.DaemonSetList{}, &appsv1.ReplicaSetList{}, &batchv1.CronJobList{}, &batchv1.JobList{},
	}
}

// PodOwners lists what others have in a namespace that makes pods there, and leaves out the kinds that the account may not list.
func PodOwners(ctx context.Context, client klient.Client, namespace string) ([]crclient.Object, error) {
	var out []crclient.Object
	for _, kind := range podOwners() {
		found, err := list(ctx, client, namespace, labels.Everything(), []crclient.ObjectList{kind})
		if err != nil && !apierrors.IsForbidden(err) {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// list lists the objects of some kinds in a namespace that match a selector.
func list(ctx context.Context, client klient.Client, namespace string, selector labels.Selector, kinds []crclient.ObjectList) ([]crclient.Object, error) {
	var out []crclient.Object
	for _, list := range kinds {
		err := client.Resources().GetControllerRuntimeClient().List(ctx, list, crclient.InNamespace(namespace), crclient.MatchingLabelsSelector{Selector: selector})
		if err != nil {
			return nil, fmt.Errorf("looking into namespace %s: %w", namespace, err)
		}
		err = meta.EachListItem(list, func(o runtime.Object) error {
			out = append(out, o.(crclient.Object))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// DeleteLabelled deletes what matches a label selector, which must not be empty.
func DeleteLabelled(ctx context.Context, client klient.Client, namespace, selector string) error {
	if selector == "" {
		return errors.New("deleting in a namespace needs a selector: what others made stays")
	}
	found, err := Objects(ctx, client, namespace, selector)
	if err != nil {
		return err
	}
	return Delete(ctx, client, found)
}

// DeleteWorkloads deletes the sets, pods and claims of a namespace of that UID that is terminating. The namespace controller would delete
// them only some seconds later, and look again only after half of the time that it expects them to need. A namespace of that name and another
// UID is somebody else's and stays as it is.
func DeleteWorkloads(ctx context.Context, client klient.Client, namespace string, uid types.UID) error {
	there, err := named(ctx, client, namespace, labels.Everything())
	if err != nil || len(there) == 0 || there[0].GetUID() != uid {
		return err
	}
	// Pods come first: the garbage collector would give those of a deleted set their whole grace period, and none can be created here any more.
	found, err := list(ctx, client, namespace, labels.Everything(), []crclient.ObjectList{
		&corev1.PodList{}, &appsv1.StatefulSetList{}, &corev1.PersistentVolumeClaimList{},
	})
	if err != nil {
		return err
	}
	return Delete(ctx, client, found)
}

// lastGrace is how long a pod that is deleted here has to end: nothing that it does then is judged, and some are made to run until the end of a long grace
// period. It is not 0, with which a pod is gone from the API before its containers are.
const lastGrace = 1 // s

// Delete deletes objects, and tries every one before it returns what it could not delete. Pods get a grace period of a second.
func Delete(ctx context.Context, client klient.Client, objects []crclient.Object) error {
	var errs []error
	for _, o := range objects {
		err := client.Resources().GetControllerRuntimeClient().Delete(ctx, o, deleteOptions(o))
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
			errs = append(errs, fmt.Errorf("removing %s: %w", Describe(o), err))
		}
		if err := removeFinalizers(ctx, client, o); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func deleteOptions(o crclient.Object) *crclient.DeleteOptions {
	options := &crclient.DeleteOptions{
		Preconditions: metav1.NewUIDPreconditions(string(o.GetUID())), PropagationPolicy: new(metav1.DeletePropagationBackground),
	}
	if _, is := o.(*corev1.Pod); is {
		options.GracePeriodSeconds = new(int64(lastGrace))
	}
	return options
}

// removeFinalizers removes the suite's finalizer from a pod, or from the pods of a namespace, that an interrupted run left.
func removeFinalizers(ctx context.Context, client klient.Client, o crclient.Object) error {
	var pods corev1.PodList
	switch o := o.(type) {
	case *corev1.Pod:
		pods.Items = []corev1.Pod{*o}
	case *corev1.Namespace:
		if err := client.Resources().GetControllerRuntimeClient().List(ctx, &pods, crclient.InNamespace(o.Name)); err != nil {
			return fmt.Errorf("looking into namespace %s: %w", o.Name, err)
		}
	}
	var errs []error
	for i := range pods.Items {
		p := &pods.Items[i]
		kept := p.DeepCopy()
		if !controllerutil.RemoveFinalizer(p, runconfig.Finalizer) {
			continue
		}
		if err := client.Resources().GetControllerRuntimeClient().Patch(ctx, p, crclient.MergeFrom(kept)); err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("removing the finalizer of %s: %w", Describe(p), err))
		}
	}
	return errors.Join(errs...)
}

// DeleteNamespace deletes the namespace of that name, if it is there and the run's own.
func DeleteNamespace(ctx context.Context, client klient.Client, name, run string) error {
	there, err := named(ctx, client, name, labels.SelectorFromSet(labels.Set{runconfig.ManagedByLabel: runconfig.ManagedBy, runconfig.RunLabel: run}))
	if err != nil {
		return err
	}
	return Delete(ctx, client, there)
}

// named lists the namespace of that name, if it is there and matches a label selector: who may list namespaces need not be allowed to get them.
func named(ctx context.Context, client klient.Client, name string, selector labels.Selector) ([]crclient.Object, error) {
	var list corev1.NamespaceList
	err := client.Resources().GetControllerRuntimeClient().List(ctx, &list,
		crclient.MatchingLabelsSelector{Selector: selector}, crclient.MatchingFields{metav1.ObjectNameField: name})
	if err != nil {
		return nil, fmt.Errorf("looking for namespace %s: %w", name, err)
	}
	var out []crclient.Object
	for i := range list.Items {
		out = append(out, &list.Items[i])
	}
	return out, nil
}

// Namespaces lists the namespaces that match a label selector.
func Namespaces(ctx context.Context, client klient.Client, selector string) ([]crclient.Object, error) {
	parsed, err := labels.Parse(selector)
	if err != nil {
		return nil, err
	}
	var list corev1.NamespaceList
	if err := client.Resources().GetControllerRuntimeClient().List(ctx, &list, crclient.MatchingLabelsSelector{Selector: parsed}); err != nil {
		return nil, fmt.Errorf("looking for namespaces: %w", err)
	}
	var out []crclient.Object
	for i := range list.Items {
		out = append(out, &list.Items[i])
	}
	return out, nil
}

// Describe names an object by kind, namespace and name.
func Describe(o crclient.Object) string {
	return fmt.Sprintf("%s %s", reflect.TypeOf(o).Elem().Name(), strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/"))
}
