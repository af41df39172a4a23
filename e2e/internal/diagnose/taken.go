package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// nameTaken is a pod that has the name of one of the set's and is not controlled by it.
func (v *view) nameTaken(p *corev1.Pod) Finding {
	pod := v.ref("pod", p.Name)
	if p.DeletionTimestamp != nil {
		f := v.terminating(p)
		f.Seen += "; it is not the set's, whose own pod of that name can be made only when it has gone"
		f.Path = []Ref{v.setRef(), pod}
		return f
	}
	f := Finding{
		Cause: "name-taken", Area: Controller, Object: pod, What: "has the name that the set's pod needs, and is not controlled by the set",
		Seen: "the set's own pod of that name cannot be created", Path: []Ref{v.setRef()},
		Evidence: []Evidence{
			{pod, "metadata.ownerReferences[controller]", "none"},
			{v.setRef(), "metadata.uid", string(v.set.UID)},
		},
		Why: "the pod was made by hand or by another set, or was left when a set of that name was deleted without its pods",
		Do:  []string{"delete the pod if nobody needs it; the controller then makes its own"},
		Look: []string{
			kubectl(pod, "get pod %s --show-labels -o wide", p.Name),
		},
	}
	if o := metav1.GetControllerOf(p); o != nil {
		owner := strings.ToLower(o.Kind) + "/" + o.Name
		f.Evidence[0].Value = owner + ", uid " + string(o.UID)
		f.What = "has the name that the set's pod needs, and is controlled by " + owner
		f.Why, f.Do = "two controllers make pods of that name", []string{"give one of the two another name"}
		if o.Kind == "StatefulSet" && o.Name == v.set.Name {
			f.What += " that was there before this one"
			f.Why, f.Do = "the set was deleted and made again, and this pod is the earlier one's", []string{"wait until the garbage collector removes it, or delete it; the controller then makes its own"}
		}
		return f
	}
	if differ := v.relabelled(p); differ != "" {
		f.Cause, f.What = "pod-released", "has left the set, since its labels do not match the set's selector any more, and keeps the name that the set's pod needs: "+differ
		f.Evidence = append(f.Evidence, Evidence{pod, "metadata.labels", labels.Set(p.Labels).String()}, Evidence{v.setRef(), "spec.selector", metav1.FormatLabelSelector(v.set.Spec.Selector)})
		f.Why = "the set made the pod and let it go when somebody changed its labels, such as to set it aside"
		f.Do = []string{
			"give it the labels back, and the set takes it in again as it is: " + v.label(pod),
			"or delete it when nobody looks at it any more; the controller then makes its own, on the same claims",
		}
		if p.CreationTimestamp.Before(&v.set.CreationTimestamp) {
			f.What = "was made before the set, and keeps the name that the set's pod needs: its labels do not match the set's selector: " + differ
			f.Why = "an earlier set of the name was deleted without its pods (--cascade=orphan), and this one selects other labels"
			f.Do = []string{
				"to keep it: give it the labels, and the set takes it in; if its template differs from the pod, the set replaces it like in any rollout: " + v.label(pod),
				"or delete it; the controller then makes its own, on the same claims",
			}
		}
	}
	return f
}

// relabelled says how the labels of a pod that the set made differ from its selector, "" if they do not or another made it: only a set's controller
// writes a pod's own name and its revision into its labels.
func (v *view) relabelled(p *corev1.Pod) string {
	selector, err := metav1.LabelSelectorAsSelector(v.set.Spec.Selector)
	made := p.Labels[appsv1.StatefulSetPodNameLabel] == p.Name && strings.HasPrefix(p.Labels[appsv1.ControllerRevisionHashLabelKey], v.set.Name+"-")
	if err != nil || !made || selector.Matches(labels.Set(p.Labels)) {
		return ""
	}
	wants := v.wants()
	for _, key := range slices.Sorted(maps.Keys(wants)) {
		if has, there := p.Labels[key]; !there {
			return "it has no label " + key
		} else if has != wants[key] {
			return fmt.Sprintf("it has %s=%s instead of %s", key, has, wants[key])
		}
	}
	return "they do not meet " + metav1.FormatLabelSelector(v.set.Spec.Selector)
}

// label is the command that gives a pod the labels that the set's selector wants.
func (v *view) label(pod Ref) string {
	form, args := "label pod %s --overwrite", []any{pod.Name}
	wants := v.wants()
	for _, key := range slices.Sorted(maps.Keys(wants)) {
		form, args = form+" %s", append(args, key+"="+wants[key])
	}
	return kubectl(pod, form, args...)
}

// wants are the labels that the set's selector asks for, none where a state that somebody else saved has no selector.
func (v *view) wants() map[string]string {
	if v.set.Spec.Selector == nil {
		return nil
	}
	return v.set.Spec.Selector.MatchLabels
}
