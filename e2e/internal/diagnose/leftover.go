package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// data are the notes of where the data of a set are not, although nothing fails: a claim that no container mounts, one that was made anew, and one that an
// earlier set or claim template left.
func (v *view) data() []Finding {
	if v.unread("persistentvolumeclaims") != "" {
		return nil
	}
	var found []Finding
	for i := range v.set.Spec.VolumeClaimTemplates {
		if f := v.notMounted(v.set.Spec.VolumeClaimTemplates[i].Name); f != nil {
			found = append(found, *f)
		}
	}
	if f := v.belowStart(); f != nil {
		found = append(found, *f)
	}
	for i := range v.s.Claims {
		c := &v.s.Claims[i]
		for _, f := range []*Finding{v.madeAnew(c), v.leftBehind(c)} {
			if f != nil {
				found = append(found, *f)
			}
		}
	}
	return found
}

// notMounted is a claim template that no container of the set mounts, nil if one does.
func (v *view) notMounted(template string) *Finding {
	spec := &v.set.Spec.Template.Spec
	var at []string
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		if slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == template }) ||
			slices.ContainsFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == template }) {
			return nil
		}
		for _, m := range c.VolumeMounts {
			at = append(at, m.Name)
		}
	}
	set := v.setRef()
	return &Finding{
		Cause: Note, Area: Storage, Object: set, Path: []Ref{set},
		What:     fmt.Sprintf("has the claim template %s, which none of its containers mounts: what they write is not on that volume, and goes with the container", template),
		Seen:     "each pod has a claim of its own that nobody uses",
		Evidence: []Evidence{{set, "spec.volumeClaimTemplates[*].metadata.name", template}, {set, "spec.template.spec.containers[*].volumeMounts[*].name", list(at)}},
		Do:       []string{fmt.Sprintf("add a volumeMount with the name %s to the container in the set's template, at the directory that holds the data; save first what was written elsewhere: it is lost when the pod is made anew", template)},
		Look:     []string{kubectl(set, "get statefulset %s -o yaml", set.Name)},
	}
}

// belowStart is the note that claims are there of pods below the number from which the set counts: it began with 0 once, or with another; nil if there are none.
func (v *view) belowStart() *Finding {
	var left []string
	for i := range v.s.Claims {
		c := &v.s.Claims[i]
		for _, t := range v.set.Spec.VolumeClaimTemplates {
			pod, of := strings.CutPrefix(c.Name, t.Name+"-")
			if n := v.ordinal(pod); of && n >= 0 && n < v.start() && v.pod(pod) == nil && c.DeletionTimestamp == nil {
				left = append(left, c.Name)
			}
		}
	}
	if len(left) == 0 {
		return nil
	}
	slices.Sort(left)
	set, start := v.setRef(), v.start()
	return &Finding{
		Cause: Note, Area: Storage, Object: set, Path: []Ref{set},
		What:     fmt.Sprintf("counts its pods from %d (spec.ordinals.start), and claims of pods below it are left: %s", start, list(left)),
		Seen:     fmt.Sprintf("pods from %s on have claims of their own, and not these data", v.podName(start)),
		Evidence: []Evidence{{set, "spec.ordinals.start", fmt.Sprint(start)}, {v.ref("persistentvolumeclaim", "*"), "metadata.name", list(left)}},
		Why:      "with another start the controller ends the pods below it and makes new ones above; a claim belongs to its pod's number",
		Do:       []string{"to have pods with these data again: set spec.ordinals.start back; or, if the pods were moved elsewhere, such as to another cluster: nothing, or delete the claims once nobody needs them"},
		Look:     []string{kubectl(set, "get persistentvolumeclaims")},
	}
}

// madeAnew is the note that a claim in use is not the first of its name: an earlier one was deleted, as an event or a volume that it left tells; nil if
// nothing does.
func (v *view) madeAnew(c *corev1.PersistentVolumeClaim) *Finding {
	if c.DeletionTimestamp != nil || c.CreationTimestamp.IsZero() || !v.fromTemplate(c.Name) || c.Status.Phase != corev1.ClaimBound {
		return nil
	}
	claim := v.ref("persistentvolumeclaim", c.Name)
	f := &Finding{
		Cause: Note, Area: Storage, Object: claim, Path: []Ref{v.setRef(), claim}, Seen: "the pod that uses it began with an empty volume",
		What:     fmt.Sprintf("was made anew %s ago: an earlier claim of its name was deleted, and this one does not have its data", v.ago(c.CreationTimestamp.Time)),
		Evidence: []Evidence{{claim, "metadata.creationTimestamp", stamp(&c.CreationTimestamp)}, {claim, "metadata.uid", string(c.UID)}},
		Why:      "somebody deleted the earlier claim: the controller makes one that is missing together with its pod",
		Do:       []string{"restore the data from a backup: with the reclaim policy Delete the earlier volume went with its claim"},
		Look:     []string{describe(claim), "kubectl get persistentvolumes"},
	}
	shown := false
	for _, e := range v.events("PersistentVolumeClaim", c.Name, "") {
		if uid := e.InvolvedObject.UID; uid != "" && uid != c.UID && !at(e).After(c.CreationTimestamp.Time) {
			f.Evidence = append(f.Evidence, Evidence{claim, "event " + e.Reason + ", uid " + string(uid), oneLine(e.Message)})
			shown = true
			break
		}
	}
	for i := range v.s.Volumes {
		pv := &v.s.Volumes[i]
		ref := pv.Spec.ClaimRef
		if pv.Status.Phase != corev1.VolumeReleased || !sameClaim(pv, c) || ref.UID == "" || ref.UID == c.UID {
			continue
		}
		volume := clusterRef("persistentvolume", pv.Name)
		f.What += fmt.Sprintf("; they are on the volume %s, which is Released and still there", pv.Name)
		f.Evidence = append(f.Evidence, Evidence{volume, "spec.claimRef", fmt.Sprintf("%s/%s, uid %s", ref.Namespace, ref.Name, ref.UID)})
		f.Do = []string{fmt.Sprintf("to have them back: scale the set down, delete the claim, take the uid out of the volume (kubectl patch pv %s --type json -p '[{\"op\":\"remove\",\"path\":\"/spec/claimRef/uid\"}]'), make a claim of that name with volumeName %s, and scale up", pv.Name, pv.Name)}
		shown = true
		break
	}
	if !shown {
		return nil
	}
	if policy := v.set.Spec.PersistentVolumeClaimRetentionPolicy; policy != nil && policy.WhenScaled == appsv1.DeletePersistentVolumeClaimRetentionPolicyType {
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.persistentVolumeClaimRetentionPolicy.whenScaled", string(policy.WhenScaled)})
		f.Why = "with whenScaled: Delete the claim of a pod that is scaled away goes with it, as documented; or somebody deleted it"
		f.Do = append(f.Do, "to keep claims from now on: set persistentVolumeClaimRetentionPolicy.whenScaled: Retain, which may be changed")
	}
	return f
}

// leftBehind is the note of a claim with the set's labels that no pod uses and none of the set's claim templates makes, nil if it is another.
func (v *view) leftBehind(c *corev1.PersistentVolumeClaim) *Finding {
	selector, err := metav1.LabelSelectorAsSelector(v.set.Spec.Selector)
	switch {
	case err != nil || selector.Empty() || !selector.Matches(labels.Set(c.Labels)) || v.fromTemplate(c.Name) || c.DeletionTimestamp != nil:
		return nil
	case !c.CreationTimestamp.Before(&v.set.CreationTimestamp):
		return nil
	case slices.ContainsFunc(v.s.Pods, func(p corev1.Pod) bool { return slices.Contains(ClaimNames(&p), c.Name) }):
		return nil
	}
	var makes []string
	for _, t := range v.set.Spec.VolumeClaimTemplates {
		makes = append(makes, t.Name+"-"+v.podName(v.start()))
	}
	claim := v.ref("persistentvolumeclaim", c.Name)
	f := &Finding{
		Cause: Note, Area: Storage, Object: claim, Path: []Ref{v.setRef(), claim}, Seen: "pods of the set began with empty volumes, if the data were to be found there",
		What: fmt.Sprintf("is used by no pod, has the set's labels and is older than the set: an earlier set of another name, or with another claim template, left it; this one uses %s", list(makes)),
		Evidence: []Evidence{
			{claim, "metadata.labels", labels.Set(c.Labels).String()},
			{claim, "metadata.creationTimestamp", stamp(&c.CreationTimestamp)},
			{v.setRef(), "metadata.creationTimestamp", stamp(&v.set.CreationTimestamp)},
		},
		Why:  "the name of a claim is that of its template, of the set and the pod's number: with another name of either the set makes new claims, by design",
		Do:   []string{"to have the data on it: create the set anew with the earlier names, or copy them, pod by pod", "if nobody needs them: delete the claim"},
		Look: []string{kubectl(claim, "get persistentvolumeclaims --show-labels")},
	}
	if len(makes) == 0 {
		f.What = strings.Replace(f.What, "this one uses none", "this one has no claim templates", 1)
	}
	return f
}

// rescaledData is the claim on which a pod that crashes may have found what it left when it was scaled away: the controller deleted the one before it while
// no rollout was under way, its claim is older, and the pods before it are Ready; nil if it is not so.
func (v *view) rescaledData(p *corev1.Pod, crash Finding) *Finding {
	const older = 15 * time.Second
	all := v.events("StatefulSet", v.set.Name, v.set.UID, "SuccessfulDelete")
	gone := slices.IndexFunc(all, func(e *corev1.Event) bool {
		m := ofPod.FindStringSubmatch(e.Message)
		return len(m) == 2 && m[1] == p.Name && !at(e).After(p.CreationTimestamp.Time)
	})
	if gone < 0 || v.set.Status.CurrentRevision != v.set.Status.UpdateRevision || slices.ContainsFunc(crash.Evidence, ofCommand) {
		return nil
	}
	for n := v.start(); n < v.ordinal(p.Name); n++ {
		if q := v.pod(v.podName(n)); q == nil || !isReady(q) || !q.CreationTimestamp.Before(&p.CreationTimestamp) {
			return nil
		}
	}
	for _, name := range ClaimNames(p) {
		c := v.claim(name)
		if c == nil || !v.fromTemplate(name) || v.ordinal(p.Name) == v.start() || p.CreationTimestamp.Sub(c.CreationTimestamp.Time) < older {
			continue
		}
		claim, f := v.ref("persistentvolumeclaim", name), crash
		f.Cause, f.Area, f.Object, f.Path = "earlier-data", Storage, claim, []Ref{claim}
		f.What = fmt.Sprintf("was there before the set was scaled up, so that pod %s starts on what it had when it was scaled away, and its %s", p.Name, strings.Replace(strings.TrimPrefix(crash.What, "has "), " that ", " ", 1))
		f.Evidence = slices.Concat([]Evidence{
			{claim, "metadata.creationTimestamp", stamp(&c.CreationTimestamp)},
			{v.ref("pod", p.Name), "metadata.creationTimestamp", stamp(&p.CreationTimestamp)},
			eventEvidence(all[gone]),
		}, crash.Evidence)
		f.Why = "the claims of pods that are scaled away stay, unless persistentVolumeClaimRetentionPolicy.whenScaled is Delete: a member that was removed from its cluster meanwhile comes back with its old data. The claim's age is a hint, the container's last words are the proof"
		f.Do = []string{
			"read what the container wrote before it ended: does it refuse the data, or do the others refuse it?",
			"if the other members have the data: delete claim and pod, so that it joins with an empty volume: " + kubectl(claim, "delete pvc/%s pod/%s", name, p.Name),
			"where members that are scaled away never come back: persistentVolumeClaimRetentionPolicy.whenScaled: Delete",
		}
		return &f
	}
	return nil
}

// foreign is a claim that has the name which an ephemeral volume of a pod needs, and was not made for the pod; nil if it was.
func (v *view) foreign(p *corev1.Pod, c *corev1.PersistentVolumeClaim) *Finding {
	if c == nil || c.DeletionTimestamp != nil {
		return nil
	}
	at := slices.IndexFunc(p.Spec.Volumes, func(o corev1.Volume) bool { return o.Ephemeral != nil && p.Name+"-"+o.Name == c.Name })
	if at < 0 || metav1.IsControlledBy(c, p) {
		return nil
	}
	claim, owner := v.ref("persistentvolumeclaim", c.Name), "nobody"
	if o := metav1.GetControllerOf(c); o != nil {
		owner = strings.ToLower(o.Kind) + "/" + o.Name + ", uid " + string(o.UID)
	}
	return &Finding{
		Cause: "claim-foreign", Area: Storage, Object: claim, Path: []Ref{claim}, Seen: v.podSeen(p),
		What:     fmt.Sprintf("has the name that the ephemeral volume %s of pod %s needs, and was not made for it: it belongs to %s", p.Spec.Volumes[at].Name, p.Name, owner),
		Evidence: []Evidence{{claim, "metadata.ownerReferences[controller]", owner}, {v.ref("pod", p.Name), "metadata.uid", string(p.UID)}},
		Why:      "a pod takes only a claim that was made for it, so that no other's data come into its hands",
		Do:       []string{"delete the claim if nobody needs what is on it: it is then made anew for the pod; or give the ephemeral volume another name in the set's template"},
		Look:     []string{getYAML(claim)},
	}
}
