package diagnose

import (
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// trimmed returns a copy without what no diagnosis looks at.
func (s *State) trimmed() *State {
	c := *s
	if s.StatefulSet != nil {
		c.StatefulSet = s.StatefulSet.DeepCopy()
		trimMeta(c.StatefulSet)
		// The times of changes stay: how long ago something changed tells what is late.
		c.StatefulSet.ManagedFields = times(s.StatefulSet.ManagedFields)
	}
	c.Pods = trimAll(s.Pods, trimPod)
	c.Claims = trimPlain(s.Claims)
	c.Services = trimPlain(s.Services)
	c.Volumes = trimPlain(s.Volumes)
	c.Events = trimAll(s.Events, trimEvent)
	c.Nodes = trimAll(s.Nodes, trimNode)
	c.Slices = trimPlain(s.Slices)
	c.Quotas = trimPlain(s.Quotas)
	c.Budgets = trimPlain(s.Budgets)
	c.Classes = trimPlain(s.Classes)
	c.Leases = trimPlain(s.Leases)
	c.Validating = trimAll(s.Validating, func(w *admissionregistrationv1.ValidatingWebhookConfiguration) {
		for i := range w.Webhooks {
			w.Webhooks[i].ClientConfig.CABundle = nil
		}
	})
	c.Mutating = trimAll(s.Mutating, func(w *admissionregistrationv1.MutatingWebhookConfiguration) {
		for i := range w.Webhooks {
			w.Webhooks[i].ClientConfig.CABundle = nil
		}
	})
	c.Providers = trimAll(s.Providers, trimDeployment)
	c.ProviderPods = trimAll(s.ProviderPods, trimSystemPod)
	c.Resolver.Deployments = trimAll(s.Resolver.Deployments, trimDeployment)
	c.Resolver.Pods = trimAll(s.Resolver.Pods, trimSystemPod)
	c.Resolver.Services = trimPlain(s.Resolver.Services)
	c.Resolver.Events = trimAll(s.Resolver.Events, trimEvent)
	return &c
}

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

func trimMeta(o metav1.Object) {
	o.SetManagedFields(nil)
	o.SetResourceVersion("")
	delete(o.GetAnnotations(), lastApplied)
}

func times(fields []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	var out []metav1.ManagedFieldsEntry
	for _, f := range fields {
		out = append(out, metav1.ManagedFieldsEntry{Manager: f.Manager, Operation: f.Operation, Time: f.Time, Subresource: f.Subresource})
	}
	return out
}

// object is a pointer to an API object.
type object[T any] interface {
	*T
	metav1.Object
	DeepCopyInto(*T)
}

func trimPlain[T any, P object[T]](all []T) []T { return trimAll(all, func(P) {}) }

func trimAll[T any, P object[T]](all []T, more func(P)) []T {
	out := make([]T, len(all))
	for i := range all {
		P(&all[i]).DeepCopyInto(&out[i])
		trimMeta(P(&out[i]))
		more(&out[i])
	}
	return out
}

// trimPod keeps of the volumes only the claims, and of the containers what a diagnosis speaks of.
func trimPod(p *corev1.Pod) {
	var volumes []corev1.Volume
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim != nil {
			volumes = append(volumes, v)
		}
	}
	p.Spec.Volumes = volumes
	for _, all := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range all {
			c := &all[i]
			c.VolumeMounts, c.SecurityContext, c.TerminationMessagePath, c.TerminationMessagePolicy = nil, nil, "", ""
		}
	}
	for _, all := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range all {
			c := &all[i]
			c.AllocatedResources, c.Resources, c.User, c.VolumeMounts, c.ImageID, c.ContainerID = nil, nil, nil, nil, "", ""
		}
	}
	p.Status.AllocatedResources, p.Status.Resources, p.Status.HostIPs, p.Status.PodIPs = nil, nil, nil, nil
}

// trimSystemPod keeps what tells whether a pod of the cluster's own runs, and which program it is.
func trimSystemPod(p *corev1.Pod) {
	trimPod(p)
	containers := make([]corev1.Container, 0, len(p.Spec.Containers))
	for _, c := range p.Spec.Containers {
		containers = append(containers, corev1.Container{Name: c.Name, Image: c.Image, Command: c.Command, Args: c.Args, Env: c.Env})
	}
	p.Spec = corev1.PodSpec{NodeName: p.Spec.NodeName, Containers: containers}
}

func trimDeployment(d *appsv1.Deployment) {
	p := corev1.Pod{Spec: d.Spec.Template.Spec}
	trimSystemPod(&p)
	d.Spec.Template = corev1.PodTemplateSpec{Spec: p.Spec}
	d.Annotations, d.Status.Conditions = nil, nil
}

func trimNode(n *corev1.Node) {
	n.Annotations = nil
	n.Spec = corev1.NodeSpec{Taints: n.Spec.Taints, Unschedulable: n.Spec.Unschedulable}
	n.Status = corev1.NodeStatus{Allocatable: n.Status.Allocatable, Conditions: n.Status.Conditions}
}

func trimEvent(e *corev1.Event) {
	e.ObjectMeta = metav1.ObjectMeta{Name: e.Name, Namespace: e.Namespace, CreationTimestamp: e.CreationTimestamp}
	e.InvolvedObject.ResourceVersion = ""
}
