package diagnose

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	resourcehelper "k8s.io/component-helpers/resource"
	volumehelper "k8s.io/component-helpers/storage/volume"
)

// boundVolumes are the volumes that a pod's claims are bound to.
func (v *view) boundVolumes(p *corev1.Pod) []*corev1.PersistentVolume {
	var out []*corev1.PersistentVolume
	for _, name := range ClaimNames(p) {
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

// boundElsewhere is a pod that its volume keeps from nodes which would take it.
func (v *view) boundElsewhere(p *corev1.Pod, f Finding, nodes []nodeObstacles) Finding {
	pv := v.unreachable(p, nodes)
	f.Area, f.Object = Storage, clusterRef("persistentvolume", pv.Name)
	f.Path = []Ref{v.ref("persistentvolumeclaim", claimOf(pv))}
	f.What = fmt.Sprintf("can be used only on %s, and %s", affinityText(pv.Spec.NodeAffinity), v.nodesOf(pv, nodes))
	f.Why = fmt.Sprintf("pod %s needs this volume's data, so it can run on no other node", p.Name)
	f.Do = []string{"bring that node back into service: uncordon it, make room on it, or repair it", "if the node is gone for good its data is too: delete the claim and the pod to start from an empty volume"}
	if ofZone(pv) {
		f.Do = []string{
			"add a node with these labels, make room on one, or uncordon it: the data are kept meanwhile, whatever becomes of single nodes",
			"to have the pod elsewhere, its data have to be copied to a volume there (snapshot, backup)",
		}
	}
	if near := reachable(pv, v.s.Nodes, nodes); len(near) > 0 && len(without(near, func(o obstacle) bool { return o.cause == byAffinity })) == 0 {
		f.What += "; the pod asks for " + wantedText(p)
		f.Why = fmt.Sprintf("the volume stays where it was made, and nodeSelector or affinity of pod %s now leads elsewhere", p.Name)
		f.Do = []string{
			"have nodeSelector and affinity in the set's template allow the nodes that reach the volume",
			"to have the pod elsewhere, copy its data to a volume there (snapshot, backup); if they may go, delete the claim and the pod",
		}
	}
	f.Look = []string{describe(f.Object), "kubectl get nodes --show-labels"}
	if other := v.apartFrom(p, pv); other != nil {
		f.What = fmt.Sprintf("can be used only on %s, and volume %s of the same pod only on %s: no node has both", affinityText(pv.Spec.NodeAffinity), other.Name, affinityText(other.Spec.NodeAffinity))
		f.Why = "the claims of one pod got their volumes in different places: with volumeBindingMode Immediate each is made before a node is chosen"
		f.Do = []string{
			fmt.Sprintf("delete that of the claims %s and %s whose data may go, and the pod: a class with volumeBindingMode WaitForFirstConsumer then makes the volume where the other is, one with Immediate anywhere", claimOf(pv), claimOf(other)),
			"use a class with WaitForFirstConsumer for what is made from now on",
		}
	}
	return f
}

// reachable are the nodes on which a volume can be used.
func reachable(pv *corev1.PersistentVolume, all []corev1.Node, nodes []nodeObstacles) []nodeObstacles {
	return slices.DeleteFunc(slices.Clone(nodes), func(o nodeObstacles) bool {
		return !slices.ContainsFunc(all, func(n corev1.Node) bool {
			return n.Name == o.node && volumehelper.CheckNodeAffinity(pv, n.Labels) == nil
		})
	})
}

// ofZone reports whether a volume can be used in a zone or region, and is not bound to single nodes.
func ofZone(pv *corev1.PersistentVolume) bool {
	if pv.Spec.NodeAffinity == nil || pv.Spec.NodeAffinity.Required == nil {
		return false
	}
	zone, node := false, false
	for _, term := range pv.Spec.NodeAffinity.Required.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			_, name, _ := strings.Cut(strings.ToLower(e.Key), "/")
			zone = zone || contains(name)("zone", "region")
			node = node || contains(name)("host", "node")
		}
	}
	return zone && !node
}

// apartFrom is another volume of a pod that can be used somewhere, and nowhere where the first can.
func (v *view) apartFrom(p *corev1.Pod, pv *corev1.PersistentVolume) *corev1.PersistentVolume {
	reach := func(all ...*corev1.PersistentVolume) bool {
		return slices.ContainsFunc(v.s.Nodes, func(n corev1.Node) bool {
			return !slices.ContainsFunc(all, func(pv *corev1.PersistentVolume) bool { return volumehelper.CheckNodeAffinity(pv, n.Labels) != nil })
		})
	}
	for _, other := range v.boundVolumes(p) {
		if other.Name != pv.Name && reach(pv) && reach(other) && !reach(pv, other) {
			return other
		}
	}
	return nil
}

// nodesOf says what is wrong with the nodes on which a volume can be used, the first few of them.
func (v *view) nodesOf(pv *corev1.PersistentVolume, nodes []nodeObstacles) string {
	const most = 3
	var all []string
	for _, n := range nodes {
		node := v.node(n.node)
		if node == nil || volumehelper.CheckNodeAffinity(pv, node.Labels) != nil {
			continue
		}
		var texts []string
		for _, o := range n.all {
			texts = append(texts, o.text)
		}
		all = append(all, "node "+n.node+" "+strings.Join(texts, "; "))
	}
	switch {
	case len(all) == 0:
		return "no node has these labels"
	case len(all) > most:
		return fmt.Sprintf("%s, and %d more", strings.Join(all[:most], ", "), len(all)-most)
	}
	return strings.Join(all, ", ")
}

// tooLarge adds to a finding of a pod that lacks resources what no node has at all: an empty one would not do either.
func (v *view) tooLarge(p *corev1.Pod, f *Finding) {
	asks := resourcehelper.PodRequests(p, resourcehelper.PodResourcesOptions{})
	for _, name := range slices.Sorted(maps.Keys(asks)) {
		want, offered := asks[name], false
		fits := want.IsZero() || slices.ContainsFunc(v.s.Nodes, func(n corev1.Node) bool {
			has := n.Status.Allocatable[name]
			offered = offered || !has.IsZero()
			return has.Cmp(want) >= 0
		})
		switch {
		case fits:
		case offered:
			f.What += fmt.Sprintf("; no node has %s of %s at all, however empty", want.String(), name) + ofUnit(p, name)
			f.Do = []string{"ask for less in the set's template, or add nodes that are larger: more of the same do not help"}
			return
		default:
			f.What += fmt.Sprintf("; no node offers %s", name)
			if strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
				f.Do = []string{"reserve pages of that size on a node (vm.nr_hugepages) and restart its kubelet, which counts them when it starts", "or ask for none in the set's template"}
				return
			}
			f.Do = []string{fmt.Sprintf("see whether the plugin that offers %s runs on the nodes that have it, and whether the name is right", name)}
			return
		}
	}
}

// keptApart says that a pod's own rule keeps the set's pods apart, and which of them have the nodes; "" if it does not.
func (v *view) keptApart(p *corev1.Pod) string {
	if p.Spec.Affinity == nil || p.Spec.Affinity.PodAntiAffinity == nil {
		return ""
	}
	for _, term := range p.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		selector, err := metav1.LabelSelectorAsSelector(term.LabelSelector)
		if err != nil || !selector.Matches(labels.Set(p.Labels)) {
			continue
		}
		var there []string
		for i := range v.s.Pods {
			if q := &v.s.Pods[i]; v.controls(q) && q.Name != p.Name && q.Spec.NodeName != "" && selector.Matches(labels.Set(q.Labels)) {
				there = append(there, q.Name)
			}
		}
		if len(there) > 0 {
			return fmt.Sprintf("; its rule keeps the set's own pods apart by %s, and %s have the nodes", term.TopologyKey, list(there))
		}
	}
	return ""
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
	for _, name := range ClaimNames(p) {
		c := v.claim(name)
		if c == nil || !slices.Contains(c.Spec.AccessModes, corev1.ReadWriteOncePod) {
			continue
		}
		user := "another pod"
		for i := range v.s.Pods {
			if q := &v.s.Pods[i]; q.Name != p.Name && slices.Contains(ClaimNames(q), name) && q.Spec.NodeName != "" {
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

// topologies writes where a class lets volumes be made.
func topologies(class *storagev1.StorageClass) string {
	var ways []string
	for _, t := range class.AllowedTopologies {
		var all []string
		for _, e := range t.MatchLabelExpressions {
			all = append(all, e.Key+" In "+strings.Join(e.Values, ","))
		}
		ways = append(ways, strings.Join(all, " and "))
	}
	return strings.Join(ways, ", or ")
}

// outOfReach is a pod whose claim is bound once the pod has a node, while no volume can be had on a node that could take it.
func (v *view) outOfReach(p *corev1.Pod, f Finding) Finding {
	for _, name := range ClaimNames(p) {
		c := v.claim(name)
		if c == nil || c.Status.Phase == corev1.ClaimBound {
			continue
		}
		claim, class := v.ref("persistentvolumeclaim", name), volumehelper.GetPersistentVolumeClaimClass(c)
		f.Area, f.Object, f.Path = Storage, claim, []Ref{claim}
		if f.Cause == "no-capacity" {
			f.What = fmt.Sprintf("asks for %s of class %q, and no node that could take pod %s has as much storage free, as its driver says", storage(c), class, p.Name)
			f.Look = append(f.Look, "kubectl get csistoragecapacities -A")
			return f
		}
		f.What = fmt.Sprintf("finds no volume of class %q that can be used on a node that could take pod %s", class, p.Name)
		if c := v.class(class); c != nil && c.Provisioner != noProvisioner && len(c.AllowedTopologies) > 0 {
			f.Object, f.Path = clusterRef("storageclass", class), []Ref{claim, clusterRef("storageclass", class)}
			f.What = fmt.Sprintf("lets volumes be made only where nodes have %s (allowedTopologies), and no node that could take pod %s has that", topologies(c), p.Name)
			f.Why = "the scheduler leaves out nodes on which the class does not let a volume be made"
			f.Do = []string{"make the class anew with allowedTopologies that fit the nodes' labels, or without: it cannot be changed, claims that wait then go on", "or have nodes with these labels that can take the pod"}
			f.Look = append(f.Look, getYAML(f.Object), "kubectl get nodes --show-labels")
		}
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
