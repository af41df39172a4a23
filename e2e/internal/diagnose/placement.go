package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	volumehelper "k8s.io/component-helpers/storage/volume"
)

// boundVolumes are the volumes that a pod's claims are bound to.
func (v *view) boundVolumes(p *corev1.Pod) []*corev1.PersistentVolume {
	var out []*corev1.PersistentVolume
	for _, name := range claimNames(p) {
		if c := v.claim(name); c != nil && c.Spec.VolumeName != "" {
			if pv := v.volume(c.Spec.VolumeName); pv != nil {
				out = append(out, pv)
			}
		}
	}
	return out
}

// unreachable is the volume that keeps the pod from nodes that would take it.
func (v *view) unreachable(p *corev1.Pod, nodes []nodeObstacles) *corev1.PersistentVolume {
	all := v.boundVolumes(p)
	for _, pv := range all {
		for _, n := range nodes {
			for _, o := range n.all {
				if o.cause == byVolume && o.evidence.Object.Name == pv.Name {
					return pv
				}
			}
		}
	}
	return all[0]
}

// nodesOf says what is wrong with the nodes on which a volume can be used.
func nodesOf(pv *corev1.PersistentVolume, nodes []nodeObstacles, v *view) string {
	for _, n := range nodes {
		node := v.node(n.node)
		if node == nil || volumehelper.CheckNodeAffinity(pv, node.Labels) != nil {
			continue
		}
		var texts []string
		for _, o := range n.all {
			texts = append(texts, o.text)
		}
		return "node " + n.node + " " + strings.Join(texts, "; ")
	}
	return "no node has these labels"
}

func claimOf(pv *corev1.PersistentVolume) string {
	if pv.Spec.ClaimRef == nil {
		return ""
	}
	return pv.Spec.ClaimRef.Name
}

// affinityText writes which nodes a volume can be used on.
func affinityText(a *corev1.VolumeNodeAffinity) string {
	if a == nil || a.Required == nil {
		return "any node"
	}
	return "nodes with " + termsText(a.Required.NodeSelectorTerms)
}

func termsText(terms []corev1.NodeSelectorTerm) string {
	var ways []string
	for _, t := range terms {
		var all []string
		for _, e := range slices.Concat(t.MatchExpressions, t.MatchFields) {
			all = append(all, oneLine(fmt.Sprintf("%s %s %s", e.Key, e.Operator, strings.Join(e.Values, ","))))
		}
		ways = append(ways, strings.Join(all, " and "))
	}
	return strings.Join(ways, ", or ")
}

// wantedText writes which nodes a pod asks for.
func wantedText(p *corev1.Pod) string {
	var parts []string
	for k, value := range p.Spec.NodeSelector {
		parts = append(parts, k+"="+value)
	}
	slices.Sort(parts)
	if a := p.Spec.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		parts = append(parts, termsText(a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms))
	}
	return strings.Join(parts, "; ")
}
