package explorer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// perform sends the requests of an act that the recorded state allows. The error says why it was not possible, or was refused.
func (r *run) perform(ctx context.Context, act *explore.Act) error {
	var impossible error
	r.ns.View(func(s *history.State) { impossible = act.Possible(s) })
	if impossible != nil {
		return impossible
	}
	requests, err := act.Requests(r.ns.Settings.Images.Busybox)
	if err != nil {
		return err
	}
	for i := range requests {
		err := r.send(ctx, act.Set, &requests[i])
		if err != nil && !(requests[i].Exists && apierrors.IsAlreadyExists(err)) {
			return err
		}
	}
	return nil
}

// send sends a request of an act on that set and records it.
func (r *run) send(ctx context.Context, set string, q *explore.Request) error {
	record := framework.Request{Verb: q.Verb, Resource: q.Resource, Name: q.Name, Text: q.Text}
	if q.Method == explore.Post {
		return r.create(ctx, record, q)
	}
	// What is deleted or changed is the object that is recorded, and no other of its name.
	uid := r.uidOf(q)
	switch q.Method {
	case explore.Delete:
		record.UID = uid
		return r.remove(ctx, record, q)
	case explore.Evict:
		record.UID = uid
		return r.ns.Evict(ctx, record)
	case explore.Kill:
		return r.killed(ctx, record)
	case explore.Cordon, explore.Stop:
		return r.disrupt(ctx, record, q.Method)
	case explore.Uncordon, explore.Start:
		return r.restore(ctx, record, q.Method)
	case explore.Names:
		return r.lookUp(ctx, record, set)
	case explore.Signal:
		return r.ns.Do(record, func() error {
			_, err := r.ns.Exec(ctx, q.Name, "kill", "-TERM", "1")
			return err
		})
	}
	return r.patch(ctx, record, q, uid)
}

func (r *run) uidOf(q *explore.Request) (uid types.UID) {
	if q.Resource == history.Budgets {
		return ""
	}
	r.ns.View(func(s *history.State) {
		if e := s.Get(q.Resource, q.Name); e != nil {
			uid = e.UID
		}
	})
	return uid
}

// create creates the object of a request.
func (r *run) create(ctx context.Context, record framework.Request, q *explore.Request) error {
	core, ns := r.ns.Client.CoreV1(), r.ns.Name
	switch q.Resource {
	case history.Sets:
		o, err := decode[appsv1.StatefulSet](q.Body)
		if err != nil {
			return err
		}
		if err := r.ns.Settings.Patch(o); err != nil {
			return err
		}
		r.ns.Settings.ApplyToClaims(o)
		r.ns.Settings.Label(o)
		return send(r, record, func() (*appsv1.StatefulSet, error) {
			return r.ns.Client.AppsV1().StatefulSets(ns).Create(ctx, o, metav1.CreateOptions{})
		})
	case history.Pods:
		o, err := decode[corev1.Pod](q.Body)
		if err != nil {
			return err
		}
		if q.Owned {
			if o.OwnerReferences, err = r.otherController(ctx); err != nil {
				return err
			}
		}
		if err := r.ns.Settings.Patch(o); err != nil {
			return err
		}
		r.ns.Settings.Label(o)
		return send(r, record, func() (*corev1.Pod, error) { return core.Pods(ns).Create(ctx, o, metav1.CreateOptions{}) })
	case history.Claims:
		o, err := decode[corev1.PersistentVolumeClaim](q.Body)
		if err != nil {
			return err
		}
		if q.Owned {
			if o.OwnerReferences, err = r.otherController(ctx); err != nil {
				return err
			}
		}
		r.ns.Settings.ApplyToClaims(o)
		r.ns.Settings.Label(o)
		return send(r, record, func() (*corev1.PersistentVolumeClaim, error) {
			return core.PersistentVolumeClaims(ns).Create(ctx, o, metav1.CreateOptions{})
		})
	case history.Services:
		o, err := decode[corev1.Service](q.Body)
		if err != nil {
			return err
		}
		r.ns.Settings.Label(o)
		return send(r, record, func() (*corev1.Service, error) { return core.Services(ns).Create(ctx, o, metav1.CreateOptions{}) })
	case history.Budgets:
		o, err := decode[policyv1.PodDisruptionBudget](q.Body)
		if err != nil {
			return err
		}
		r.ns.Settings.Label(o)
		return send(r, record, func() (*policyv1.PodDisruptionBudget, error) {
			return r.ns.Client.PolicyV1().PodDisruptionBudgets(ns).Create(ctx, o, metav1.CreateOptions{})
		})
	}
	return fmt.Errorf("no act creates %s", q.Resource)
}

// otherController returns an ownerReference to an object that is no set, which is made first where there is none yet.
func (r *run) otherController(ctx context.Context) ([]metav1.OwnerReference, error) {
	if r.other == nil {
		owner, err := r.ns.TryOtherController(ctx)
		if err != nil {
			return nil, err
		}
		r.other = &owner
	}
	return []metav1.OwnerReference{*r.other}, nil
}

// patch sends a patch of a set or a pod.
func (r *run) patch(ctx context.Context, record framework.Request, q *explore.Request, uid types.UID) error {
	kind := types.MergePatchType
	if q.Method == explore.Strategic {
		kind = types.StrategicMergePatchType
	}
	if q.Resource == history.Pods {
		q.OfUID(uid)
	}
	body, err := r.patchedTemplate(q.Body)
	if err != nil {
		return err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	var subresources []string
	if q.Subresource != "" {
		subresources = []string{q.Subresource}
	}
	switch q.Resource {
	case history.Sets:
		if q.Subresource == "scale" { // its answer is no set
			return r.ns.Do(record, func() error {
				return r.ns.Client.AppsV1().RESTClient().Patch(kind).Namespace(r.ns.Name).Resource(string(q.Resource)).Name(q.Name).
					SubResource(q.Subresource).Body(data).Do(ctx).Error()
			})
		}
		return send(r, record, func() (*appsv1.StatefulSet, error) {
			return r.ns.Client.AppsV1().StatefulSets(r.ns.Name).Patch(ctx, q.Name, kind, data, metav1.PatchOptions{}, subresources...)
		})
	case history.Pods:
		record.UID = uid
		return send(r, record, func() (*corev1.Pod, error) {
			return r.ns.Client.CoreV1().Pods(r.ns.Name).Patch(ctx, q.Name, kind, data, metav1.PatchOptions{}, subresources...)
		})
	}
	return fmt.Errorf("no act patches %s", q.Resource)
}

// patchedTemplate applies the run's patch of pods to the template that the patch of a set has, if it has one.
func (r *run) patchedTemplate(body map[string]any) (map[string]any, error) {
	spec, _ := body["spec"].(map[string]any)
	template, has := spec["template"].(map[string]any)
	if !has {
		return body, nil
	}
	patched, err := r.ns.Settings.PodPatch.Template(template)
	if err != nil {
		return nil, err
	}
	spec = maps.Clone(spec)
	spec["template"] = patched
	body = maps.Clone(body)
	body["spec"] = spec
	return body, nil
}

// remove deletes the object of a request.
func (r *run) remove(ctx context.Context, record framework.Request, q *explore.Request) error {
	o := metav1.DeleteOptions{GracePeriodSeconds: q.Grace}
	record.Grace = q.Grace
	if record.UID != "" {
		o.Preconditions = metav1.NewUIDPreconditions(string(record.UID))
	}
	if q.Propagation != "" {
		o.PropagationPolicy = &q.Propagation
	}
	return r.ns.Do(record, func() error {
		switch q.Resource {
		case history.Sets:
			return r.ns.Client.AppsV1().StatefulSets(r.ns.Name).Delete(ctx, q.Name, o)
		case history.Pods:
			return r.ns.Client.CoreV1().Pods(r.ns.Name).Delete(ctx, q.Name, o)
		case history.Claims:
			return r.ns.Client.CoreV1().PersistentVolumeClaims(r.ns.Name).Delete(ctx, q.Name, o)
		case history.Budgets:
			return r.ns.Client.PolicyV1().PodDisruptionBudgets(r.ns.Name).Delete(ctx, q.Name, o)
		}
		return errors.New("no act deletes " + string(q.Resource))
	})
}

// send is framework.Send where the answer itself is of no use.
func send[T any](r *run, record framework.Request, request func() (T, error)) error {
	_, err := framework.Send(r.ns, record, request)
	return err
}

func decode[T any](body map[string]any) (*T, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	out := new(T)
	return out, json.Unmarshal(data, out)
}
