package statefulset

import (
	"context"
	"fmt"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// fakeServer gives each object a UID, finds budgets by name and, since claims and pods have finalizers, leaves those that are deleted where they are.
func fakeServer(objects ...runtime.Object) *fake.Clientset {
	client, made := fake.NewClientset(objects...), 0
	client.PrependReactor("create", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		if o, err := meta.Accessor(a.(clienttesting.CreateAction).GetObject()); err == nil {
			made++
			o.SetUID(types.UID(fmt.Sprintf("made-%d", made)))
		}
		return false, nil, nil
	})
	for _, resource := range []string{"persistentvolumeclaims", "pods"} {
		client.PrependReactor("delete", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, nil })
	}
	budgets := resourceOf("policy", "poddisruptionbudgets")
	client.PrependReactor("list", budgets.Resource, func(a clienttesting.Action) (bool, runtime.Object, error) {
		name, _ := a.(clienttesting.ListAction).GetListRestrictions().Fields.RequiresExactMatch("metadata.name")
		found, err := client.Tracker().Get(budgets, a.GetNamespace(), name)
		if err != nil {
			return true, nil, err
		}
		return true, &policyv1.PodDisruptionBudgetList{ListMeta: metav1.ListMeta{ResourceVersion: "1"}, Items: []policyv1.PodDisruptionBudget{*found.(*policyv1.PodDisruptionBudget)}}, nil
	})
	return client
}

func acting(all ...func(context.Context, *framework.Namespace)) []func(context.Context, *framework.Namespace) {
	return all
}

// onCreation calls a function for each object that is created, once the creation has been answered: the fake server reads the object again for that.
func onCreation[T runtime.Object](ctx context.Context, w watch.Interface, err error, act func(T)) {
	if err != nil {
		panic(err)
	}
	go func() {
		defer w.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-w.ResultChan():
				o, ok := e.Object.(T)
				if !ok || e.Type != watch.Added {
					continue
				}
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Millisecond):
					act(o)
				}
			}
		}
	}()
}

func resourceOf(group, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: resource}
}

// collects is a garbage collector of claims.
func collects(ctx context.Context, ns *framework.Namespace) {
	client := ns.Client.(*fake.Clientset)
	w, err := client.CoreV1().PersistentVolumeClaims(ns.Name).Watch(ctx, metav1.ListOptions{})
	onCreation(ctx, w, err, func(c *corev1.PersistentVolumeClaim) {
		if len(c.OwnerReferences) > 0 {
			_ = client.Tracker().Delete(resourceOf("", "persistentvolumeclaims"), ns.Name, c.Name)
		}
	})
}

// protects lets deleted claims go.
func protects(_ context.Context, ns *framework.Namespace) {
	client := ns.Client.(*fake.Clientset)
	client.PrependReactor("delete", "persistentvolumeclaims", func(a clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, client.Tracker().Delete(a.GetResource(), ns.Name, a.(clienttesting.DeleteAction).GetName())
	})
}

// makesPods is a StatefulSet controller of new sets.
func makesPods(ctx context.Context, ns *framework.Namespace) {
	client := ns.Client.(*fake.Clientset)
	w, err := client.AppsV1().StatefulSets(ns.Name).Watch(ctx, metav1.ListOptions{})
	onCreation(ctx, w, err, func(set *appsv1.StatefulSet) {
		pod := runningPod(set.Name + "-0")
		pod.OwnerReferences = nil
		_ = client.Tracker().Create(resourceOf("", "pods"), pod, ns.Name)
		set = set.DeepCopy()
		set.Status.Replicas = 1
		_ = client.Tracker().Update(resourceOf("apps", "statefulsets"), set, ns.Name)
	})
}

// marks is a pod garbage collector.
func marks(ctx context.Context, ns *framework.Namespace) {
	client := ns.Client.(*fake.Clientset)
	w, err := client.CoreV1().Pods(ns.Name).Watch(ctx, metav1.ListOptions{})
	onCreation(ctx, w, err, func(p *corev1.Pod) {
		p = p.DeepCopy()
		p.Status.Phase = corev1.PodFailed
		_ = client.Tracker().Update(resourceOf("", "pods"), p, ns.Name)
	})
}

// counts is a disruption controller of new budgets.
func counts(_ context.Context, ns *framework.Namespace) {
	ns.Client.(*fake.Clientset).PrependReactor("create", "poddisruptionbudgets", func(a clienttesting.Action) (bool, runtime.Object, error) {
		a.(clienttesting.CreateAction).GetObject().(*policyv1.PodDisruptionBudget).Status.ObservedGeneration = 1
		return false, nil, nil
	})
}

// announces is the taint eviction controller, with an Event about web-0.
func announces(message string) func(context.Context, *framework.Namespace) {
	return func(_ context.Context, ns *framework.Namespace) {
		_ = ns.Client.(*fake.Clientset).Tracker().Add(&corev1.Event{
			ObjectMeta: at("announced"), Reason: "TaintManagerEviction", Message: message, InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "web-0"},
		})
	}
}

func scaledTo(replicas int32) *autoscalingv1.Scale {
	return &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
}

// pods makes and removes pods of the set web.
type pods struct{ client *fake.Clientset }

func (p pods) create(name string) {
	_ = p.client.Tracker().Create(resourceOf("", "pods"), runningPod(name), "sts-1")
}

func (p pods) remove(name string) {
	_ = p.client.Tracker().Delete(resourceOf("", "pods"), "sts-1", name)
}

// counted has the set ask for so many pods, and its status count them.
func (p pods) counted(replicas int32) {
	set := inTrouble()[slices.IndexFunc(inTrouble(), func(o runtime.Object) bool { _, is := o.(*appsv1.StatefulSet); return is })].(*appsv1.StatefulSet)
	set.Spec.Replicas, set.Status.Replicas, set.Status.ReadyReplicas = &replicas, replicas, replicas
	_ = p.client.Tracker().Update(resourceOf("apps", "statefulsets"), set, "sts-1")
}

// recorded is a pod as a spec has read it.
func recorded(name string, uid types.UID) *history.Event {
	return &history.Event{Meta: history.Meta{Name: name, UID: uid}, Pod: &history.Pod{}}
}
