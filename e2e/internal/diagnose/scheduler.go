package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// reason is why the scheduler left out a number of nodes.
type reason struct {
	nodes int
	text  string
	cause Cause
}

var counted = regexp.MustCompile(`^(\d+) (.+)$`)

// reasons reads the scheduler's message of a pod that it found no node for: "0/3 nodes are available: 1 <why>, 2 <why>. preemption: ...".
// A reason that concerns the pod and no node in particular counts for none. The words are those of the filters of 1.33 to 1.37.
func reasons(message string) []reason {
	_, rest, ok := strings.Cut(message, "nodes are available: ")
	if !ok {
		rest = message
	}
	rest, _, _ = strings.Cut(rest, " preemption: ")
	rest, _, _ = strings.Cut(rest, ". ")
	var out []reason
	for part := range strings.SplitSeq(strings.TrimRight(rest, " ."), ", ") {
		r := reason{text: part}
		if m := counted.FindStringSubmatch(part); m != nil {
			r.nodes, _ = strconv.Atoi(m[1])
			r.text = m[2]
		}
		r.cause = causeOf(r.text)
		out = append(out, r)
	}
	return out
}

// causeOf tells the filter that a reason is of. The more particular words come first.
func causeOf(text string) Cause {
	for _, f := range []struct {
		cause Cause
		words []string
	}{
		{"existing-anti-affinity", []string{"existing pods anti-affinity"}},
		{"pod-anti-affinity", []string{"anti-affinity"}},
		{"pod-affinity", []string{"pod affinity"}},
		{byLabel, []string{"(missing required label)"}},
		{"topology-spread", []string{"topology spread"}},
		{byVolume, []string{"volume node affinity", "PersistentVolume's node affinity", "no available volume zone"}},
		{"no-volume-in-reach", []string{"available persistent volumes to bind"}},
		{"claim-in-use", []string{"ReadWriteOncePod", "no available disk"}},
		{"volume-gone", []string{"non-existent pv"}},
		{"volume-limit", []string{"volume limit", "max volume count"}},
		{"no-capacity", []string{"enough free storage"}},
		{"csi-driver", []string{"csi driver is not installed"}},
		{"resource-claim", []string{"resourceclaim", "cannot allocate all claims", "device class"}},
		{byPort, []string{"free ports"}},
		{byAffinity, []string{"node affinity", "node selector", "requested node name"}},
		{byTaint, []string{"taint"}},
		{byCordon, []string{"were unschedulable"}},
		{byResources, []string{"insufficient", "too many pods"}},
	} {
		if contains(strings.ToLower(text))(lower(f.words)...) {
			return f.cause
		}
	}
	return Unknown
}

func lower(words []string) []string {
	out := make([]string, 0, len(words))
	for _, w := range words {
		out = append(out, strings.ToLower(w))
	}
	return out
}

// deciding is the reason that keeps a pod off the nodes that it could use: one that is no obstacle of the nodes which fields rule out.
func deciding(all []reason, nodes []nodeObstacles) reason {
	explained := map[Cause]bool{}
	for _, n := range nodes {
		for _, o := range n.all {
			explained[o.cause] = true
		}
	}
	best, found := reason{cause: Unknown}, false
	for _, r := range all {
		if r.cause == Unknown || explained[r.cause] {
			continue
		}
		if !found || r.nodes > best.nodes {
			best, found = r, true
		}
	}
	if found {
		return best
	}
	for _, r := range all {
		if r.cause != Unknown && (best.cause == Unknown || r.nodes > best.nodes) {
			best = r
		}
	}
	return best
}

// quoteScheduler is a pod that some node seems to have room for: what the scheduler says of it is all there is.
func (v *view) quoteScheduler(p *corev1.Pod, f Finding, message string, nodes []nodeObstacles) Finding {
	message = oneLine(message)
	message, _, _ = strings.Cut(message, " preemption: ")
	message = strings.TrimSuffix(strings.TrimSuffix(message, " no new claims to deallocate,"), ".")
	why := deciding(reasons(message), nodes)
	free := withoutAny(nodes)
	f.What = "fits on no node, as the scheduler says: " + firstOf(message, "(nothing)")
	if !strings.Contains(message, "nodes are available") {
		f.What = "is given no node, as the scheduler says: " + firstOf(message, "(nothing)")
	}
	f.Cause = why.cause
	v.explain(&f, why.cause)
	if pv := v.confined(p, nodes); pv != nil && why.cause != Unknown && why.cause != "claim-in-use" {
		return v.onlyThere(p, f, pv, free, why)
	}
	switch why.cause {
	case "claim-in-use":
		return v.claimInUseBy(p, f)
	case "no-volume-in-reach", "no-capacity":
		return v.outOfReach(p, f)
	case "pod-anti-affinity":
		if own := v.keptApart(p); own != "" {
			f.What += own
			f.Why = "each node that could take it holds another pod of the set, and the rule is kept: so it was asked for"
			f.Do = []string{"have as many nodes (or zones, as the rule's topologyKey says) that take ordinary pods as the set has replicas, or ask for fewer replicas", "or make the rule preferredDuringScheduling in the set's template"}
		} else {
			f.What += besides(p, why.cause)
		}
	case "existing-anti-affinity":
		v.keptAway(&f)
	case "pod-affinity":
		f.What += besides(p, why.cause)
		if ownNamespace(p) {
			f.Do = append(f.Do, "if they run in another namespace: name it in the rule (namespaces), which looks in the pod's own otherwise")
		}
	case "topology-spread":
		f.What += v.emptyDomains(p, nodes)
	case "resource-claim":
		f = devicesOf(p, f, message)
	}
	if names := ClaimNames(p); len(names) > 0 && strings.Contains(message, "unbound immediate PersistentVolumeClaims") && v.unread("persistentvolumeclaims") != "" {
		f.Area, f.Object = Storage, v.ref("persistentvolumeclaim", names[0])
		f.What = "is not bound, as the scheduler says of pod " + p.Name + ", and why was not read"
		if len(names) > 1 {
			f.What = "is not bound, or another claim of pod " + p.Name + " is not, as the scheduler says, and why was not read"
		}
		f.Do, f.Look = []string{"see which claim is Pending, and its events"}, []string{kubectl(f.Object, "get persistentvolumeclaims"), describe(f.Object)}
		return f
	}
	if len(free) > 0 && f.Cause == Unknown {
		f.Evidence = append(f.Evidence, Evidence{clusterRef("node", free[0]), "obstacles", "none found in its taints, labels and resources"})
	}
	if why := v.unread("nodes"); why != "" {
		f.Evidence = append(f.Evidence, Evidence{clusterRef("node", "*"), "(not read)", why})
	}
	return f
}

// explain says of a cause that only the scheduler names what it means and what to do.
func (v *view) explain(f *Finding, cause Cause) {
	switch cause {
	case "pod-anti-affinity":
		f.Why = "each node that could take it holds a pod that its podAntiAffinity keeps away from"
		f.Do = []string{"add nodes, or make the rule preferredDuringScheduling in the set's template"}
	case "existing-anti-affinity":
		f.Why = "each node that could take it holds a pod whose own podAntiAffinity keeps this one away"
		f.Do = []string{"add nodes, or find the pods on them that have such a rule: kubectl get pods -A -o yaml | grep -B 2 -A 8 podAntiAffinity"}
	case "pod-affinity":
		f.Why = "no node holds the pod that its podAffinity wants beside it"
		f.Do = []string{"see whether the pods it wants to be with exist and run"}
	case "topology-spread":
		f.Why = "on each node that could take it the pod would make the domains of topologySpreadConstraints too uneven (maxSkew), and the domains with fewer pods have no node for it"
		f.Do = []string{"give the domains with the fewest pods nodes that can take one, or change topologySpreadConstraints in the set's template", "nodes that the pod does not tolerate are domains too, empty ones: nodeTaintsPolicy: Honor leaves them out"}
	case byLabel:
		f.Do = []string{"label the nodes with the key of topologySpreadConstraints, or change the key"}
	case byVolume:
		f.Do = []string{"see which node each volume of the pod can be used on, and whether that node can take the pod"}
	case "no-volume-in-reach":
		f.Why = "no free volume of its claim's class can be used on a node that could take the pod, or none can be made there (allowedTopologies of the class)"
		f.Do = []string{"compare spec.nodeAffinity of the free volumes with the nodes that could take the pod", "make a volume on such a node"}
		f.Look = append(f.Look, "kubectl get persistentvolumes -o custom-columns=NAME:.metadata.name,STATUS:.status.phase,CLASS:.spec.storageClassName,NODES:.spec.nodeAffinity")
	case "claim-in-use":
		f.Why = "another pod uses a claim of this one, whose volume may be used by one pod only"
		f.Do = []string{"give each pod a claim of its own (volumeClaimTemplates), or end the other pod"}
	case "volume-gone":
		f.Why = "a claim of the pod is bound to a volume that does not exist any more"
		f.Do = []string{"restore the volume, or delete claim and pod to start from an empty one"}
	case "resource-claim":
		f.Why = "a device that the pod claims (resourceClaims) is not there, not free, or its claim does not exist"
		f.Do = []string{"see whether the claim or its template exists, and whether the driver of its device class offers devices: kubectl get resourceclaims,deviceclasses,resourceslices"}
	case "no-capacity":
		f.Do = []string{"ask for less in the claim, or give the storage of the nodes more room"}
	case "csi-driver":
		f.Area = Storage
		f.Why = "the driver of the pod's volumes has not registered on those nodes: it is missing there, crashes, or is not installed at all"
		f.Do = []string{"see on which nodes the driver's pods run and are Ready: kubectl get csinodes -o yaml"}
	case byAffinity:
		f.Do = []string{"label a node, or change nodeSelector and affinity in the set's template"}
	case byTaint:
		f.Do = []string{"add a toleration to the set's template, or take the taint off a node"}
	case byCordon:
		f.Do = []string{"when the work on it is done: kubectl uncordon NODE"}
	case byPort:
		f.Why = "a host port can be used by one pod of each node"
		f.Do = []string{"drop hostPort (or hostNetwork) from the set's template, or have as many nodes as replicas"}
	case byResources:
		f.Do = []string{"ask for less in the set's template, free or add nodes"}
	case "volume-limit":
		f.Do = []string{"add nodes: each can hold only so many volumes of this driver"}
	default:
		f.Do = []string{"read the scheduler's message above"}
	}
}

// confined is the volume that leaves a pod only the nodes that nothing else rules out, nil if none does: others would do but for it.
func (v *view) confined(p *corev1.Pod, nodes []nodeObstacles) *corev1.PersistentVolume {
	if len(withoutAny(nodes)) == 0 {
		return nil
	}
	others := without(nodes, func(o obstacle) bool { return o.cause != byVolume })
	others = slices.DeleteFunc(others, func(n nodeObstacles) bool { return len(n.all) == 0 })
	if len(others) == 0 {
		return nil
	}
	return v.unreachable(p, others)
}

// onlyThere is a pod that its volume confines to nodes on which something else keeps it away.
func (v *view) onlyThere(p *corev1.Pod, f Finding, pv *corev1.PersistentVolume, free []string, why reason) Finding {
	claim := v.ref("persistentvolumeclaim", claimOf(pv))
	var there []string
	for i := range v.s.Pods {
		if q := &v.s.Pods[i]; v.controls(q) && slices.Contains(free, q.Spec.NodeName) {
			there = append(there, q.Name)
		}
	}
	slices.Sort(there)
	holds := ""
	if len(there) > 0 {
		holds = fmt.Sprintf(", where %s already runs", list(there))
	}
	f.Area, f.Object, f.Cause = Storage, claim, "volume-confines"
	f.What = fmt.Sprintf("can be used only on %s%s, and there pod %s is kept away: %s", list(free), holds, p.Name, strings.TrimPrefix(why.text, "node(s) "))
	f.Path = []Ref{claim, clusterRef("persistentvolume", pv.Name)}
	f.Evidence = append(f.Evidence, Evidence{clusterRef("persistentvolume", pv.Name), "spec.nodeAffinity", affinityText(pv.Spec.NodeAffinity)})
	f.Why = "its volume and the rule exclude each other: more nodes do not help, since the volume cannot be used on them"
	if v.fromTemplate(claim.Name) {
		f.Do = []string{
			fmt.Sprintf("if the data of %s may go, delete the claim and pod %s: the volume is then made on a node that can take the pod", claim.Name, p.Name),
			"else make room on that node: move what is in the way, or relax the rule in the set's template",
		}
	} else {
		f.Do = []string{
			"give each pod a claim of its own (volumeClaimTemplates instead of a claim in the template's volumes)",
			"or use a class whose volumes can be used on several nodes, or relax the rule in the set's template",
		}
	}
	f.Look = []string{describe(claim), describe(clusterRef("persistentvolume", pv.Name)), f.Look[0]}
	return f
}

// fromTemplate reports whether a claim has the name of one that the set's volumeClaimTemplates make.
func (v *view) fromTemplate(claim string) bool { return v.templateOf(claim) != nil }

// templateOf is the claim template that makes a claim of that name, nil if none does.
func (v *view) templateOf(claim string) *corev1.PersistentVolumeClaim {
	for i := range v.set.Spec.VolumeClaimTemplates {
		t := &v.set.Spec.VolumeClaimTemplates[i]
		if pod, ok := strings.CutPrefix(claim, t.Name+"-"); ok && v.ordinal(pod) >= 0 {
			return t
		}
	}
	return nil
}
