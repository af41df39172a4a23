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

// claimInUseBy is a pod that needs a claim which only one pod may use, while another does.
func (v *view) claimInUseBy(p *corev1.Pod, f Finding) Finding {
	for _, name := range claimNames(p) {
		c := v.claim(name)
		if c == nil || !slices.Contains(c.Spec.AccessModes, corev1.ReadWriteOncePod) {
			continue
		}
		user := "another pod"
		for i := range v.s.Pods {
			if q := &v.s.Pods[i]; q.Name != p.Name && slices.Contains(claimNames(q), name) && q.Spec.NodeName != "" {
				user = "pod " + q.Name
			}
		}
		claim := v.ref("persistentvolumeclaim", name)
		f.Area, f.Object, f.Path = Storage, claim, []Ref{claim}
		f.What = fmt.Sprintf("may be used by one pod only (ReadWriteOncePod), and %s uses it: pod %s waits", user, p.Name)
		f.Evidence = append(f.Evidence, Evidence{claim, "spec.accessModes", modesText(c.Spec.AccessModes)})
		return f
	}
	return f
}

// outOfReach is a pod whose claim is bound once the pod has a node, while no volume can be had on a node that could take it.
func (v *view) outOfReach(p *corev1.Pod, f Finding) Finding {
	for _, name := range claimNames(p) {
		c := v.claim(name)
		if c == nil || c.Status.Phase == corev1.ClaimBound {
			continue
		}
		claim := v.ref("persistentvolumeclaim", name)
		f.Area, f.Object, f.Path = Storage, claim, []Ref{claim}
		f.What = fmt.Sprintf("finds no volume of class %q that can be used on a node that could take pod %s", volumehelper.GetPersistentVolumeClaimClass(c), p.Name)
		for i := range v.s.Volumes {
			pv := &v.s.Volumes[i]
			if kind, _ := volumeObstacle(pv, c); kind == "" && volumehelper.GetPersistentVolumeClass(pv) == volumehelper.GetPersistentVolumeClaimClass(c) && len(f.Evidence) < 12 {
				f.Evidence = append(f.Evidence, Evidence{clusterRef("persistentvolume", pv.Name), "spec.nodeAffinity", affinityText(pv.Spec.NodeAffinity)})
			}
		}
		if class := v.class(volumehelper.GetPersistentVolumeClaimClass(c)); class != nil {
			for _, t := range class.AllowedTopologies {
				for _, e := range t.MatchLabelExpressions {
					f.Evidence = append(f.Evidence, Evidence{clusterRef("storageclass", class.Name), "allowedTopologies", e.Key + " In " + strings.Join(e.Values, ",")})
				}
			}
		}
		return f
	}
	return f
}
