package diagnose

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// defaultClass is the annotation that makes a StorageClass the default.
const defaultClass = "storageclass.kubernetes.io/is-default-class"

const (
	noProvisioner  = "kubernetes.io/no-provisioner"
	selectedNode   = "volume.kubernetes.io/selected-node"
	claimCondition = "status.phase"
)

// ClaimNames are the claims that a pod mounts, in the template's order, those of its ephemeral volumes among them.
func ClaimNames(p *corev1.Pod) []string {
	var names []string
	for i := range p.Spec.Volumes {
		if c := p.Spec.Volumes[i].PersistentVolumeClaim; c != nil {
			names = append(names, c.ClaimName)
		}
		if p.Spec.Volumes[i].Ephemeral != nil {
			names = append(names, p.Name+"-"+p.Spec.Volumes[i].Name)
		}
	}
	return names
}

// unboundClaim follows the first claim of a pod that keeps it from starting, nil if none does.
func (v *view) unboundClaim(p *corev1.Pod) *Finding {
	if v.unread("persistentvolumeclaims") != "" {
		return nil
	}
	for _, name := range ClaimNames(p) {
		for _, f := range []*Finding{v.misplaced(p, v.claim(name)), v.foreign(p, v.claim(name))} {
			if f != nil {
				return f
			}
		}
		f := v.claimTrouble(name)
		if f == nil {
			continue
		}
		f.Seen = v.podSeen(p) + f.Seen
		f.Path = append([]Ref{v.ref("persistentvolumeclaim", name)}, f.Path...)
		return f
	}
	return nil
}

func (v *view) claimTrouble(name string) *Finding {
	claim := v.ref("persistentvolumeclaim", name)
	f := &Finding{Area: Storage, Object: claim, Look: []string{describe(claim)}}
	c := v.claim(name)
	switch {
	case c == nil:
		f.Cause, f.What = "claim-missing", "does not exist, and the pod mounts it"
		f.Why = "it was deleted while the pod existed; the controller makes a new one only together with the pod"
		f.Do = []string{"delete the pod: the controller makes claim and pod again, with an empty volume"}
		f.Evidence = []Evidence{{v.ref("persistentvolumeclaim", "*"), "metadata.name", namesOf(v.s.Claims)}}
		f.Look[0] = kubectl(claim, "get persistentvolumeclaims")
		if !v.fromTemplate(name) {
			f.What = "does not exist, and nothing makes it: the set's template names it, its volumeClaimTemplates do not"
			f.Why = "a claim in the template's volumes has to be there: the controller makes those of volumeClaimTemplates alone"
			f.Do = []string{"create the claim, or correct its name; to give each pod a claim of its own, use volumeClaimTemplates of a new set"}
		}
		return f
	case c.DeletionTimestamp != nil:
		f.Cause, f.What = "claim-terminating", "is being deleted and waits for its finalizers "+list(c.Finalizers)
		f.Evidence = []Evidence{{claim, "metadata.deletionTimestamp", stamp(c.DeletionTimestamp)}, {claim, "metadata.finalizers", list(c.Finalizers)}}
		f.Do = []string{"delete the pod that mounts it: the claim then goes, and the controller makes both again"}
		return f
	case c.Status.Phase == corev1.ClaimLost:
		f.Cause, f.What = "volume-lost", "has lost its volume "+c.Spec.VolumeName
		f.Evidence = []Evidence{{claim, claimCondition, string(c.Status.Phase)}, {claim, "spec.volumeName", c.Spec.VolumeName}}
		f.Why = "the volume was deleted behind the claim's back"
		f.Do = []string{"restore the volume from a backup, or delete claim and pod to start from an empty one"}
		return f
	case c.Status.Phase == corev1.ClaimBound:
		return nil
	}
	f.Seen = fmt.Sprintf(", because its claim %s is not bound", name)
	f.Evidence = []Evidence{{claim, claimCondition, string(c.Status.Phase)}}
	return v.unbound(f, c)
}

// unbound says why a pending claim has no volume.
func (v *view) unbound(f *Finding, c *corev1.PersistentVolumeClaim) *Finding {
	claim := f.Object
	if c.Spec.StorageClassName == nil {
		return v.classless(f, c)
	}
	name := *c.Spec.StorageClassName
	f.Evidence = append(f.Evidence, Evidence{claim, "spec.storageClassName", fmt.Sprintf("%q", name)})
	if c.Spec.VolumeName != "" {
		return v.chosenVolume(f, c)
	}
	if name == "" {
		return v.staticVolume(f, c, "")
	}
	class := v.class(name)
	if class == nil {
		if why := v.unread("storageclasses"); why != "" {
			return v.claimUnknown(f, c, Evidence{clusterRef("storageclass", name), "(not read)", why})
		}
		if v.fits(c) {
			return v.claimUnknown(f, c)
		}
		if v.byHand(name) {
			return v.staticVolume(f, c, name)
		}
		f.Cause, f.What = "class-missing", fmt.Sprintf("asks for the StorageClass %q, which does not exist", name)
		f.Evidence = append(f.Evidence, Evidence{clusterRef("storageclass", "*"), "metadata.name", v.classNames()})
		f.Do = []string{
			"create the class, or name another in volumeClaimTemplates: they cannot be changed, so delete the set (--cascade=orphan keeps its pods) and create it anew",
			"delete the pending claim and its pod; they are made again from the template",
		}
		if !v.fromTemplate(c.Name) {
			f.Do = []string{"create the class; the claim is then served", "or name another in the claim that the set's template describes or names, and make the claim anew: delete it and its pod"}
		}
		f.Look = append(f.Look, "kubectl get storageclasses")
		v.otherClass(f, c, name)
		return f
	}
	f.Path = []Ref{clusterRef("storageclass", name)}
	f.Evidence = append(f.Evidence, Evidence{clusterRef("storageclass", name), "provisioner", class.Provisioner})
	if class.Provisioner == noProvisioner {
		if firstConsumer(class) && v.fits(c) {
			return nil // Whether a volume can be used where the pod can run is the scheduler's question.
		}
		return v.staticVolume(f, c, name)
	}
	return v.provisioning(f, c, class)
}

// firstConsumer reports whether claims of a class are bound only when a pod that uses them is scheduled.
func firstConsumer(class *storagev1.StorageClass) bool {
	return class.VolumeBindingMode != nil && *class.VolumeBindingMode == storagev1.VolumeBindingWaitForFirstConsumer
}

// classless is a claim that names no class.
func (v *view) classless(f *Finding, c *corev1.PersistentVolumeClaim) *Finding {
	claim := f.Object
	f.Evidence = append(f.Evidence, Evidence{claim, "spec.storageClassName", "(absent)"})
	if why := v.unread("storageclasses"); why != "" {
		return v.claimUnknown(f, c, Evidence{clusterRef("storageclass", "*"), "(not read)", why})
	}
	var defaults []string
	for i := range v.s.Classes {
		if v.s.Classes[i].Annotations[defaultClass] == "true" {
			defaults = append(defaults, v.s.Classes[i].Name)
		}
	}
	if len(defaults) > 0 {
		return v.claimUnknown(f, c, Evidence{clusterRef("storageclass", defaults[0]), "metadata.annotations[" + defaultClass + "]", "true"})
	}
	f.Cause, f.What = "no-default-class", "names no StorageClass, and the cluster has no default one"
	f.Evidence = append(f.Evidence, Evidence{clusterRef("storageclass", "*"), "metadata.annotations[" + defaultClass + "]", "on none of: " + v.classNames()})
	f.Do = []string{
		"make a class the default: kubectl annotate storageclass NAME " + defaultClass + "=true; claims that wait then take it",
		"or name a class in volumeClaimTemplates of a new set",
	}
	f.Look = append(f.Look, "kubectl get storageclasses")
	return f
}

func (v *view) classNames() string {
	return namesOf(v.s.Classes)
}

// claimUnknown is a pending claim that nothing explains.
func (v *view) claimUnknown(f *Finding, c *corev1.PersistentVolumeClaim, evidence ...Evidence) *Finding {
	f.Cause, f.What = Unknown, "is not bound, and nothing that was read says why"
	f.Evidence = append(f.Evidence, evidence...)
	before := len(f.Evidence)
	f.Evidence = v.appendWarnings(f.Evidence, "PersistentVolumeClaim", c.Name, c.UID)
	f.Do = []string{"read the claim's events and the provisioner's log"}
	if len(f.Evidence) == before && v.now.Sub(c.CreationTimestamp.Time) < patience {
		*f = v.underway(*f, c.CreationTimestamp.Time)
	}
	return f
}

// provisioning is a claim whose class has a provisioner.
func (v *view) provisioning(f *Finding, c *corev1.PersistentVolumeClaim, class *storagev1.StorageClass) *Finding {
	if made := v.misfit(f, c); made != nil {
		return made
	}
	waits := firstConsumer(class) && c.Annotations[selectedNode] == ""
	if e := v.newest("PersistentVolumeClaim", c.Name, c.UID, "ProvisioningFailed"); e != nil {
		return v.refused(f, c, class, e)
	}
	if waits {
		return nil // The claim waits for the pod to get a node: why it gets none is asked of the pod.
	}
	running, evidence := v.provider(class.Provisioner)
	f.Evidence = append(f.Evidence, evidence...)
	if e := v.newest("PersistentVolumeClaim", c.Name, c.UID, "ExternalProvisioning"); e != nil {
		f.Evidence = append(f.Evidence, eventEvidence(e))
	}
	if running || v.unread("deployments") != "" || v.unread("pods of other namespaces") != "" {
		return v.claimUnknown(f, c)
	}
	if why := v.unread("csinodes"); why != "" {
		return v.claimUnknown(f, c, Evidence{clusterRef("csinode", "*"), "(not read)", why})
	}
	if node := v.nodeWith(class.Provisioner); node != "" {
		// Providers of clusters may run the part that makes volumes outside of the cluster.
		return v.claimUnknown(f, c, Evidence{clusterRef("csinode", node), "spec.drivers", class.Provisioner + ", so that the driver is installed"})
	}
	// A provisioner that nothing in the cluster names, or one that is just being replaced, may be at work.
	if since := v.provisionedSince(c); v.now.Sub(since) < patience {
		*f = v.underway(*f, since)
		return f
	}
	f.Cause, f.Object = "provisioner-down", clusterRef("storageclass", class.Name)
	f.What = fmt.Sprintf("has the provisioner %s, which does not run", class.Provisioner)
	f.Why = "whoever is to make the volumes of this class is not there to do it"
	if len(evidence) == 0 {
		f.Evidence = append(f.Evidence, Evidence{clusterRef("pod", "*"), "spec.containers", "no pod or deployment of the cluster mentions " + class.Provisioner})
		f.What = fmt.Sprintf("has the provisioner %s, and no pod in the cluster mentions it", class.Provisioner)
		f.Why = "the provisioner was never installed or is gone, or the class misspells its name"
	}
	f.Do = []string{"bring the provisioner back, or install it; claims that wait are then served", "or use a class whose provisioner runs"}
	f.Look = append(f.Look, getYAML(f.Object), "kubectl get pods -A | grep -i "+lastPart(class.Provisioner))
	return f
}

// provisionedSince is from when on a provisioner may have made a claim's volume: when the claim was created, or was last said to wait for a pod to get a node.
func (v *view) provisionedSince(c *corev1.PersistentVolumeClaim) time.Time {
	since := c.CreationTimestamp.Time
	if e := v.newest("PersistentVolumeClaim", c.Name, c.UID, "WaitForFirstConsumer"); e != nil && at(e).After(since) {
		since = at(e)
	}
	return since
}

// refused is a claim that the provisioner does not serve. Only its own messages say why.
func (v *view) refused(f *Finding, c *corev1.PersistentVolumeClaim, class *storagev1.StorageClass, e *corev1.Event) *Finding {
	f.Evidence = append(f.Evidence, eventEvidence(e))
	f.Look = append(f.Look, getYAML(clusterRef("storageclass", class.Name)))
	message := strings.ToLower(e.Message)
	has := contains(message)
	modes := modesText(c.Spec.AccessModes)
	switch {
	case has("access mode", "accessmode", "readwritemany", "readonlymany", "multi_node"):
		f.Cause, f.What = "access-mode", fmt.Sprintf("asks for %s, which provisioner %s does not support", modes, class.Provisioner)
		f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.accessModes", modes})
		f.Do = []string{"ask for ReadWriteOnce in volumeClaimTemplates: each pod has a claim of its own", "or use a class whose driver can share volumes"}
	case has("deadline exceeded", "deadlineexceeded", "unavailable desc", "connection refused", "timed out"):
		// Words of what the driver could not reach, not of what it has no room for.
		f.Cause, f.What = "provisioning-fails", fmt.Sprintf("is not served by provisioner %s: %s", class.Provisioner, oneLine(e.Message))
		f.Why = "the driver, or the storage behind it, does not answer in time"
		f.Do = []string{"see whether the driver's pods are Ready and reach the storage: their log says more; it tries again by itself"}
	case has("quota"), !notAllowed(has) && has("insufficient", "not enough", "exceed", "out of range", "no space", "resourceexhausted", "does not have enough"):
		f.Cause, f.What = "no-capacity", fmt.Sprintf("asks for %s, which provisioner %s cannot provide", storage(c), class.Provisioner)
		f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.resources.requests[storage]", storage(c)})
		f.Do = []string{"ask for less, or give the storage behind the class more room (or a higher quota of the provider's)"}
	case notAllowed(has):
		f.Cause, f.What = "provisioner-refused", fmt.Sprintf("is not served by provisioner %s: %s", class.Provisioner, oneLine(e.Message))
		f.Why = "the driver may not make volumes: its credentials or its role lack a right"
		f.Do = []string{"give the driver's account the right that the message names; it tries again by itself"}
	default:
		f.Cause, f.What = "provisioning-fails", fmt.Sprintf("is not served by provisioner %s: %s", class.Provisioner, oneLine(e.Message))
		f.Do = []string{"read the provisioner's message above and its log; it tries again by itself"}
	}
	return f
}

// notAllowed reports whether a provisioner's words are of rights.
func notAllowed(has func(...string) bool) bool {
	return has("unauthorized", "not authorized", "permission", "accessdenied", "access denied", "forbidden", "credential")
}

func modesText(modes []corev1.PersistentVolumeAccessMode) string {
	var out []string
	for _, m := range modes {
		out = append(out, string(m))
	}
	return strings.Join(out, ", ")
}

func storage(c *corev1.PersistentVolumeClaim) string {
	q := c.Spec.Resources.Requests[corev1.ResourceStorage]
	return q.String()
}
