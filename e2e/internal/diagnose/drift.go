package diagnose

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	volumehelper "k8s.io/component-helpers/storage/volume"
)

// claimsInUse follows what is wrong with the claims and volumes of pods that run, and where a claim differs from the template of its name.
// Pods that do not run have it in their own findings.
func (v *view) claimsInUse() []Finding {
	if v.unread("persistentvolumeclaims") != "" {
		return nil
	}
	var found []Finding
	differ := map[string][]string{} // claims by how they differ
	var order []string
	for i := range v.s.Pods {
		p := &v.s.Pods[i]
		if !v.controls(p) || p.DeletionTimestamp != nil || p.Spec.NodeName == "" {
			continue
		}
		for _, name := range ClaimNames(p) {
			c := v.claim(name)
			if c == nil {
				continue
			}
			if f := v.claimInUse(p, c); f != nil {
				found = append(found, *f)
				continue
			}
			if text := v.difference(c); text != "" {
				if differ[text] == nil {
					order = append(order, text)
				}
				differ[text] = append(differ[text], name)
			}
		}
	}
	for _, text := range order {
		found = append(found, v.drift(text, differ[text]))
	}
	return found
}

// claimInUse is a claim that works now and not for long, nil if nothing is wrong with it.
func (v *view) claimInUse(p *corev1.Pod, c *corev1.PersistentVolumeClaim) *Finding {
	claim := v.ref("persistentvolumeclaim", c.Name)
	f := &Finding{Area: Storage, Object: claim, Seen: "pod " + p.Name + " uses it", Path: []Ref{v.setRef(), v.ref("pod", p.Name), claim}, Look: []string{describe(claim)}}
	if c.DeletionTimestamp != nil {
		f.Cause, f.What = "claim-terminating", fmt.Sprintf("is being deleted: it goes with its data as soon as pod %s ends", p.Name)
		f.Evidence = []Evidence{{claim, "metadata.deletionTimestamp", stamp(c.DeletionTimestamp)}, {claim, "metadata.finalizers", list(c.Finalizers)}}
		f.Why = "somebody deleted it; the finalizer holds it while a pod uses it, and nothing takes the deletion back"
		f.Do = []string{
			"to keep the data: set persistentVolumeReclaimPolicy: Retain on its volume " + firstOf(c.Spec.VolumeName, "(none)") + ", and make a backup before the pod ends",
			"if the data may go, delete the pod: the controller makes both again",
		}
		return f
	}
	if c.Status.Phase == corev1.ClaimLost && isReady(p) {
		f.Cause, f.What = "volume-lost", "has lost its volume "+c.Spec.VolumeName+", while pod "+p.Name+" still runs"
		f.Evidence = []Evidence{{claim, claimCondition, string(c.Status.Phase)}, {claim, "spec.volumeName", c.Spec.VolumeName}}
		f.Do = []string{"save the data through the pod while it runs: once it ends it does not start again", "restore the volume's object, or delete claim and pod to start from an empty one"}
		return f
	}
	if pv := v.volume(c.Spec.VolumeName); pv != nil && pv.DeletionTimestamp != nil {
		f.Cause, f.Object = "volume-terminating", clusterRef("persistentvolume", pv.Name)
		f.What = fmt.Sprintf("is being deleted: it goes as soon as its claim %s does", c.Name)
		f.Evidence = []Evidence{{f.Object, "metadata.deletionTimestamp", stamp(pv.DeletionTimestamp)}, {f.Object, "spec.persistentVolumeReclaimPolicy", string(pv.Spec.PersistentVolumeReclaimPolicy)}}
		f.Do = []string{"to keep the data: set persistentVolumeReclaimPolicy: Retain, and make a backup"}
		return f
	}
	if m := v.modified(f, c); m != nil {
		return m
	}
	return v.resize(f, c)
}

// resize is a claim that asks for more than its volume has, nil if it does not.
func (v *view) resize(f *Finding, c *corev1.PersistentVolumeClaim) *Finding {
	has, asks := c.Status.Capacity[corev1.ResourceStorage], c.Spec.Resources.Requests[corev1.ResourceStorage]
	if c.Status.Phase != corev1.ClaimBound || has.IsZero() || has.Cmp(asks) >= 0 {
		return nil
	}
	f.Cause, f.What = Note, fmt.Sprintf("asks for %s and has %s: its volume is being made larger", asks.String(), has.String())
	f.Evidence = []Evidence{{f.Object, "spec.resources.requests[storage]", asks.String()}, {f.Object, "status.capacity[storage]", has.String()}}
	f.Do = []string{"wait, and ask again"}
	for _, cond := range c.Status.Conditions {
		f.Evidence = append(f.Evidence, Evidence{f.Object, "status.conditions[" + string(cond.Type) + "]", oneLine(string(cond.Status) + " " + cond.Reason + ": " + cond.Message)})
		if cond.Type == corev1.PersistentVolumeClaimFileSystemResizePending && cond.Status == corev1.ConditionTrue {
			f.What = fmt.Sprintf("asks for %s and has %s: its volume is larger already, and its file system waits for the node", asks.String(), has.String())
			f.Do = []string{"wait; with a driver that cannot do it while the volume is in use, delete the pod: it grows when the pod starts again"}
		}
	}
	e := v.newest("PersistentVolumeClaim", c.Name, c.UID, "VolumeResizeFailed", "FileSystemResizeFailed")
	if status := resizeFails(c); e == nil && status != "" {
		f.Cause, f.What = "resize-fails", fmt.Sprintf("asks for %s and has %s: making its volume larger fails: %s", asks.String(), has.String(), status)
		f.Evidence = append(f.Evidence, Evidence{f.Object, "status.allocatedResourceStatuses[storage], status.conditions", status})
		f.Do = giveUpResize()
		return f
	}
	if e == nil {
		e = v.newest("PersistentVolumeClaim", c.Name, c.UID, "ExternalExpanding")
		if e != nil {
			f.Evidence = append(f.Evidence, eventEvidence(e))
			f.Do = []string{"wait; if it takes long, see whether the external-resizer of the class's driver runs"}
		}
		return f
	}
	f.Cause, f.What = "resize-fails", fmt.Sprintf("asks for %s and has %s: making its volume larger fails: %s", asks.String(), has.String(), oneLine(e.Message))
	f.Evidence = append(f.Evidence, eventEvidence(e))
	f.Do = giveUpResize()
	return f
}

func giveUpResize() []string {
	return []string{"read the driver's message above, or its log; it tries again by itself", "to give it up, ask for less again, though not for less than it has (Kubernetes 1.34 and later)"}
}

// resizeFails is what a claim's status says of a volume that is not made larger, "" if it says nothing of a failure. Unlike events it stays.
func resizeFails(c *corev1.PersistentVolumeClaim) string {
	switch s := c.Status.AllocatedResourceStatuses[corev1.ResourceStorage]; s {
	case corev1.PersistentVolumeClaimControllerResizeInfeasible, corev1.PersistentVolumeClaimNodeResizeInfeasible:
		return string(s)
	}
	for _, cond := range c.Status.Conditions {
		if cond.Status == corev1.ConditionTrue && (cond.Type == corev1.PersistentVolumeClaimControllerResizeError || cond.Type == corev1.PersistentVolumeClaimNodeResizeError) {
			return oneLine(firstOf(cond.Message, string(cond.Type)))
		}
	}
	return ""
}

// difference says how a claim differs from the template of its name, "" if it does not.
func (v *view) difference(c *corev1.PersistentVolumeClaim) string {
	t := v.templateOf(c.Name)
	if t == nil || len(t.Spec.AccessModes) == 0 {
		return "" // Every template has some: of one without nothing is known.
	}
	has, wants := c.Spec.Resources.Requests[corev1.ResourceStorage], t.Spec.Resources.Requests[corev1.ResourceStorage]
	if has.Cmp(wants) < 0 {
		return fmt.Sprintf("asks for %s, and the set's template for %s", has.String(), wants.String())
	}
	if a, b := c.Spec.StorageClassName, t.Spec.StorageClassName; a != nil && b != nil && *a != *b {
		return fmt.Sprintf("is of class %q, and the set's template asks for %q", *a, *b)
	}
	if a, b := modesText(c.Spec.AccessModes), modesText(t.Spec.AccessModes); a != b {
		return fmt.Sprintf("asks for %s, and the set's template for %s", a, b)
	}
	return ""
}

// drift is the note that claims are not as the template of their name would make them now.
func (v *view) drift(text string, names []string) Finding {
	claim := v.ref("persistentvolumeclaim", names[0])
	c, t := v.claim(names[0]), v.templateOf(names[0])
	f := Finding{
		Cause: Note, Area: Storage, Object: claim, Path: []Ref{v.setRef(), claim},
		What: text + ": existing claims do not follow the template",
		Seen: "nothing is broken: a set uses its claim templates only for claims that do not exist yet",
		Evidence: []Evidence{
			{claim, "spec.resources.requests[storage]", storage(c)},
			{v.setRef(), "spec.volumeClaimTemplates[" + t.Name + "]", oneLine(storage(t) + " " + modesText(t.Spec.AccessModes))},
			{claim, "metadata.creationTimestamp", stamp(&c.CreationTimestamp) + ", the set's " + stamp(&v.set.CreationTimestamp)},
		},
		Look: []string{kubectl(claim, "get persistentvolumeclaims"), "kubectl get storageclasses"},
	}
	if len(names) > 1 {
		f.Seen += "; the same of " + list(names[1:])
	}
	if !strings.Contains(text, "storage") && !strings.HasPrefix(text, "asks for "+storage(c)) {
		f.Do = []string{"this cannot be changed in a claim: make new claims and copy the data, pod by pod"}
		return f
	}
	class := v.class(volumehelper.GetPersistentVolumeClaimClass(c))
	switch {
	case class == nil:
		f.Do = []string{"raise spec.resources.requests.storage of each claim, if its class has allowVolumeExpansion"}
	case class.AllowVolumeExpansion != nil && *class.AllowVolumeExpansion:
		f.Do = []string{fmt.Sprintf("raise each claim: %s", kubectl(claim, `patch pvc %s -p '{"spec":{"resources":{"requests":{"storage":"%s"}}}}'`, c.Name, storage(t)))}
	default:
		f.Evidence = append(f.Evidence, Evidence{clusterRef("storageclass", class.Name), "allowVolumeExpansion", "false"})
		f.Do = []string{"its class " + class.Name + " does not let a claim grow: make new claims and copy the data, pod by pod"}
	}
	return f
}

// earlierData is the claim on which a pod that crashes may have found the data of an earlier install, nil if the claims tell of none: a claim
// of the set's templates that is older than the set, while no other pod of the set runs well on one as old, and the template is still
// the one that the set was created with.
func (v *view) earlierData(p *corev1.Pod, crash Finding) *Finding {
	if p.CreationTimestamp.Before(&v.set.CreationTimestamp) || v.set.Status.CurrentRevision != v.set.Status.UpdateRevision {
		return nil
	}
	for i := range v.s.Pods {
		if q := &v.s.Pods[i]; v.controls(q) && isReady(q) && v.oldClaim(q) != nil {
			return nil
		}
	}
	c := v.oldClaim(p)
	if c == nil || slices.ContainsFunc(crash.Evidence, ofCommand) {
		return nil
	}
	claim := v.ref("persistentvolumeclaim", c.Name)
	f := crash
	f.Cause, f.Area, f.Object = "earlier-data", Storage, claim
	f.What = fmt.Sprintf("was made %s before the set, so that pod %s starts on an earlier install's data, and its %s", lasted(v.set.CreationTimestamp.Sub(c.CreationTimestamp.Time)), p.Name,
		strings.Replace(strings.TrimPrefix(crash.What, "has "), " that ", " ", 1))
	f.Path = []Ref{claim}
	f.Evidence = slices.Concat([]Evidence{
		{claim, "metadata.creationTimestamp", stamp(&c.CreationTimestamp)},
		{v.setRef(), "metadata.creationTimestamp", stamp(&v.set.CreationTimestamp)},
	}, crash.Evidence)
	f.Why = "claims outlive their set by design: what a new install generates (passwords, cluster IDs) applies to an empty volume only. The claim's age is a hint, the container's last words are the proof"
	f.Do = []string{
		"read what the container wrote before it ended: does it refuse the data, or a login?",
		"then bring back the earlier settings (the old Secret); or, if the data may go, delete claim and pod: " + kubectl(claim, "delete pvc/%s pod/%s", c.Name, p.Name),
		"where data are disposable, set persistentVolumeClaimRetentionPolicy.whenDeleted: Delete",
	}
	return &f
}

// ofCommand reports whether evidence is of a run that ended without looking at any data: its command was not there, or had nothing to do, or it
// says of something else that it was in its way.
func ofCommand(e Evidence) bool {
	if said := readLastWords(e.Value); strings.HasPrefix(e.Value, "exit code ") && said != nil && !said.ofData {
		return true
	}
	return slices.ContainsFunc([]int{0, 126, 127}, func(code int) bool { return strings.HasPrefix(e.Value, fmt.Sprintf("exit code %d,", code)) })
}

// oldClaim is a claim of the set's templates that a pod uses and that is older than the set.
func (v *view) oldClaim(p *corev1.Pod) *corev1.PersistentVolumeClaim {
	for _, name := range ClaimNames(p) {
		c := v.claim(name)
		if c != nil && v.fromTemplate(name) && !c.CreationTimestamp.IsZero() && c.CreationTimestamp.Before(&metav1.Time{Time: v.set.CreationTimestamp.Time}) {
			return c
		}
	}
	return nil
}
