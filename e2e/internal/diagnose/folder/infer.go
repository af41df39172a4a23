package folder

import (
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// infer makes the sets that pods name as their controller: `kubectl cluster-info dump` writes none. Of a set only what its pods show is known, so
// that it asks for the pods from the lowest to the highest that are there, and for no order.
func (f *Folder) infer() {
	sets := map[string]*appsv1.StatefulSet{}
	highest := map[string]int{}
	for _, o := range f.objects["api/v1/pods"] {
		owner := metav1.GetControllerOf(&o.meta)
		if owner == nil || owner.Kind != "StatefulSet" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimPrefix(o.meta.Name, owner.Name+"-"))
		var p corev1.Pod
		if err != nil || n < 0 || remarshal(o.value, &p) != nil {
			continue
		}
		key := p.Namespace + "/" + owner.Name
		set := sets[key]
		if set == nil {
			set = shown(&p, owner, n)
			sets[key], highest[key] = set, n
		}
		highest[key] = max(highest[key], n)
		set.Spec.Ordinals.Start = min(set.Spec.Ordinals.Start, int32(n))
		replicas := int32(highest[key]) - set.Spec.Ordinals.Start + 1
		set.Spec.Replicas = &replicas
		set.Status.Replicas++
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				set.Status.ReadyReplicas++
			}
		}
	}
	for _, set := range sets {
		var value map[string]any
		if remarshal(set, &value) == nil {
			f.add("", value)
			f.Inferred = true
		}
	}
}

// shown is a set as one of its pods shows it.
func shown(p *corev1.Pod, owner *metav1.OwnerReference, ordinal int) *appsv1.StatefulSet {
	own := map[string]string{}
	for k, v := range p.Labels {
		switch k {
		case appsv1.StatefulSetPodNameLabel, appsv1.PodIndexLabel, appsv1.ControllerRevisionHashLabelKey:
		default:
			own[k] = v
		}
	}
	set := &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: owner.Name, UID: owner.UID},
		Spec: appsv1.StatefulSetSpec{
			ServiceName: p.Spec.Subdomain, PodManagementPolicy: appsv1.ParallelPodManagement, Ordinals: &appsv1.StatefulSetOrdinals{Start: int32(ordinal)},
			Selector: &metav1.LabelSelector{MatchLabels: own}, Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: own}, Spec: *p.Spec.DeepCopy()},
		},
	}
	set.Spec.Template.Spec.NodeName, set.Spec.Template.Spec.Hostname = "", ""
	for _, v := range p.Spec.Volumes {
		if c := v.PersistentVolumeClaim; c != nil && c.ClaimName == v.Name+"-"+p.Name {
			set.Spec.VolumeClaimTemplates = append(set.Spec.VolumeClaimTemplates, corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: v.Name}})
		}
	}
	return set
}
