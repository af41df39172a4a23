package diagnose

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	volumehelper "k8s.io/component-helpers/storage/volume"
	"k8s.io/utils/ptr"
)

// volumeObstacle says why a volume is none for a claim, "" if it is one. kind names what differs.
func volumeObstacle(pv *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) (kind Cause, text string) {
	if kind, text = fitObstacle(pv, c); kind != "" {
		return kind, text
	}
	ref := pv.Spec.ClaimRef
	switch {
	case pv.DeletionTimestamp != nil:
		return "volume-taken", "is being deleted"
	case ref == nil:
		return "", ""
	case pv.Status.Phase == corev1.VolumeReleased || pv.Status.Phase == corev1.VolumeFailed || (ref.Namespace == c.Namespace && ref.Name == c.Name && ref.UID != "" && ref.UID != c.UID):
		return "volume-released", fmt.Sprintf("is %s, and belongs to an earlier claim %s/%s, uid %s", pv.Status.Phase, ref.Namespace, ref.Name, ref.UID)
	case ref.Namespace != c.Namespace || ref.Name != c.Name:
		return "volume-taken", fmt.Sprintf("is %s, for claim %s/%s", pv.Status.Phase, ref.Namespace, ref.Name)
	}
	return "", ""
}

// fitObstacle says why a volume would be none for a claim if nobody had it, "" if it would be one.
func fitObstacle(pv *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) (kind Cause, text string) {
	if !volumehelper.CheckAccessModes(c, pv) {
		return "access-mode", fmt.Sprintf("has the access modes %s", modesText(pv.Spec.AccessModes))
	}
	if size, want := pv.Spec.Capacity[corev1.ResourceStorage], c.Spec.Resources.Requests[corev1.ResourceStorage]; size.Cmp(want) < 0 {
		return "no-volume-of-size", fmt.Sprintf("has %s", size.String())
	}
	if volumehelper.CheckVolumeModeMismatches(&c.Spec, &pv.Spec) {
		return "volume-mode", fmt.Sprintf("has another volume mode than %s", *c.Spec.VolumeMode)
	}
	if s, err := metav1.LabelSelectorAsSelector(c.Spec.Selector); err == nil && c.Spec.Selector != nil && !s.Matches(labels.Set(pv.Labels)) {
		return "volume-selector", "does not have the labels that the claim selects"
	}
	if has, want := ptr.Deref(pv.Spec.VolumeAttributesClassName, ""), ptr.Deref(c.Spec.VolumeAttributesClassName, ""); has != want {
		return "volume-attributes-class", fmt.Sprintf("has the VolumeAttributesClass %q, where the claim asks for %q", has, want)
	}
	return "", ""
}

// fits reports whether a volume is there that the claim can be bound to.
func (v *view) fits(c *corev1.PersistentVolumeClaim) bool {
	for i := range v.s.Volumes {
		pv := &v.s.Volumes[i]
		if volumehelper.GetPersistentVolumeClass(pv) != volumehelper.GetPersistentVolumeClaimClass(c) {
			continue
		}
		if kind, _ := volumeObstacle(pv, c); kind == "" {
			return true
		}
	}
	return false
}

// byHand reports whether somebody made volumes of a class by hand: claims and volumes find each other by its name, whether there is a StorageClass
// of that name or not. Volumes that a provisioner made tell of a class that was there.
func (v *view) byHand(class string) bool {
	return slices.ContainsFunc(v.s.Volumes, func(pv corev1.PersistentVolume) bool {
		return volumehelper.GetPersistentVolumeClass(&pv) == class && pv.Annotations[volumehelper.AnnDynamicallyProvisioned] == ""
	})
}

// staticVolume is a claim that nobody makes a volume for: one must be there that fits.
func (v *view) staticVolume(f *Finding, c *corev1.PersistentVolumeClaim, class string) *Finding {
	if why := v.unread("persistentvolumes"); why != "" {
		return v.claimUnknown(f, c, Evidence{clusterRef("persistentvolume", "*"), "(not read)", why})
	}
	of := fmt.Sprintf("of class %q", class)
	if class == "" {
		of = "without a class"
	}
	counts := map[Cause]int{}
	total := 0
	var released *corev1.PersistentVolume
	var differ []string
	for i := range v.s.Volumes {
		pv := &v.s.Volumes[i]
		if volumehelper.GetPersistentVolumeClass(pv) != class {
			continue
		}
		kind, text := volumeObstacle(pv, c)
		if kind == "" {
			return v.claimUnknown(f, c, Evidence{clusterRef("persistentvolume", pv.Name), "status.phase", string(pv.Status.Phase) + ", and it would fit"})
		}
		if kind == "volume-released" && (released == nil || sameClaim(pv, c)) {
			released = pv
		}
		total++
		if counts[kind]++; kind != "volume-taken" {
			differ = append(differ, pv.Name+" "+text)
		}
		if len(f.Evidence) < 12 {
			f.Evidence = append(f.Evidence, Evidence{clusterRef("persistentvolume", pv.Name), "obstacle", text})
		}
	}
	f.Do = []string{"make a PersistentVolume that fits, or use a class with a provisioner that makes them"}
	f.Look = append(f.Look, "kubectl get persistentvolumes")
	free := total - counts["volume-taken"]
	if released != nil {
		return v.released(f, c, released)
	}
	switch {
	case total == 0:
		f.Cause, f.What = "no-volume", fmt.Sprintf("waits for a volume %s that somebody makes by hand, and there is none", of)
	case free == 0:
		f.Cause, f.What = "no-volume", fmt.Sprintf("finds no free volume %s: all %d are taken by other claims", of, total)
	case counts["no-volume-of-size"] == free:
		f.Cause, f.What = "no-volume-of-size", fmt.Sprintf("asks for %s, and none of the %s %s has that size", storage(c), plural(free, "free volume", "free volumes"), of)
	case counts["access-mode"] == free:
		f.Cause, f.What = "access-mode", fmt.Sprintf("asks for %s, and none of the %s %s has that access mode", modesText(c.Spec.AccessModes), plural(free, "free volume", "free volumes"), of)
	default:
		f.Cause, f.What = "no-volume", fmt.Sprintf("finds none of the %s %s that fits: %s", plural(free, "free volume", "free volumes"), of, list(differ))
		for _, kind := range []Cause{"volume-mode", "volume-selector", "volume-attributes-class"} {
			if counts[kind] == free {
				f.Cause = kind
			}
		}
	}
	if total == 0 {
		v.otherClass(f, c, class)
	}
	return f
}

// otherClass makes a finding of a claim that waits for a volume by hand say which volume it might have, were it of the claim's class.
func (v *view) otherClass(f *Finding, c *corev1.PersistentVolumeClaim, class string) {
	if class == "" {
		f.Why = "the class \"\" asks for a volume that somebody made, and never for one of the default class: that is what a claim without storageClassName asks for"
	}
	for i := range v.s.Volumes {
		pv := &v.s.Volumes[i]
		if kind, _ := volumeObstacle(pv, c); kind != "" || pv.Annotations[volumehelper.AnnDynamicallyProvisioned] != "" {
			continue
		}
		volume, has := clusterRef("persistentvolume", pv.Name), volumehelper.GetPersistentVolumeClass(pv)
		// Whether it is meant is not known.
		f.Evidence = append(f.Evidence, Evidence{volume, "spec.storageClassName", fmt.Sprintf("%q", has)})
		f.Do = append(f.Do, fmt.Sprintf("the volume %s would fit but for its class %q: if it is meant, have both name the same class", pv.Name, has))
		return
	}
}

func sameClaim(pv *corev1.PersistentVolume, c *corev1.PersistentVolumeClaim) bool {
	return pv.Spec.ClaimRef != nil && pv.Spec.ClaimRef.Namespace == c.Namespace && pv.Spec.ClaimRef.Name == c.Name
}

// released is a claim that a volume would fit, if it did not still belong to a claim that is gone.
func (v *view) released(f *Finding, c *corev1.PersistentVolumeClaim, pv *corev1.PersistentVolume) *Finding {
	claim, volume := f.Object, clusterRef("persistentvolume", pv.Name)
	ref := pv.Spec.ClaimRef
	f.Cause, f.Object = "volume-released", volume
	f.What = fmt.Sprintf("is %s and still belongs to an earlier claim %s, so that claim %s is not bound to it", pv.Status.Phase, ref.Name, c.Name)
	if ref.Namespace != c.Namespace {
		f.What = fmt.Sprintf("is %s and still belongs to an earlier claim %s/%s, so that claim %s is not bound to it", pv.Status.Phase, ref.Namespace, ref.Name, c.Name)
	}
	f.Evidence = append(f.Evidence,
		Evidence{volume, "spec.claimRef", fmt.Sprintf("%s/%s, uid %s", ref.Namespace, ref.Name, firstOf(string(ref.UID), "(none)"))},
		Evidence{claim, "metadata.uid", string(c.UID)},
		Evidence{volume, "spec.persistentVolumeReclaimPolicy", string(pv.Spec.PersistentVolumeReclaimPolicy)})
	f.Why = "a volume that is retained is never bound again by itself: a claim of the same name is another claim"
	path, drops := "/spec/claimRef", "the reference to the claim"
	if sameClaim(pv, c) {
		path, drops = "/spec/claimRef/uid", "the earlier claim's uid"
	}
	f.Do = []string{
		fmt.Sprintf("if the claim may have the data on it, take %s out of the volume: kubectl patch pv %s --type json -p '[{\"op\":\"remove\",\"path\":%q}]'", drops, pv.Name, path),
		"else make another PersistentVolume that fits",
	}
	f.Look = append(f.Look, getYAML(volume))
	if pv.Status.Phase == corev1.VolumeFailed {
		f.Evidence = append(f.Evidence, Evidence{volume, "status.message", firstOf(oneLine(pv.Status.Message), "(none)")})
	}
	return f
}

// chosenVolume is a claim that names its volume and is not bound to it.
func (v *view) chosenVolume(f *Finding, c *corev1.PersistentVolumeClaim) *Finding {
	if why := v.unread("persistentvolumes"); why != "" {
		return v.claimUnknown(f, c, Evidence{clusterRef("persistentvolume", c.Spec.VolumeName), "(not read)", why})
	}
	f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.volumeName", c.Spec.VolumeName})
	volume := clusterRef("persistentvolume", c.Spec.VolumeName)
	pv := v.volume(c.Spec.VolumeName)
	if pv == nil {
		f.Cause, f.What = "no-volume", fmt.Sprintf("names the volume %s, which does not exist", c.Spec.VolumeName)
		f.Do = []string{"make that volume, or delete claim and pod to have them made from the set's template"}
		f.Look = append(f.Look, "kubectl get persistentvolumes")
		return f
	}
	f.Look = append(f.Look, getYAML(volume))
	has, asks := volumehelper.GetPersistentVolumeClass(pv), volumehelper.GetPersistentVolumeClaimClass(c)
	kind, text := volumeObstacle(pv, c)
	switch {
	case kind == "volume-released":
		return v.released(f, c, pv)
	case kind == "" && has != asks:
		kind, text = "volume-class", fmt.Sprintf("is of class %q, the claim of %q", has, asks)
	case kind == "":
		return v.claimUnknown(f, c, Evidence{volume, "status.phase", string(pv.Status.Phase) + ", and it would fit"})
	}
	f.Cause, f.What = kind, fmt.Sprintf("names the volume %s, which %s", pv.Name, text)
	f.Evidence = append(f.Evidence, Evidence{volume, "obstacle", text})
	f.Do = []string{"make claim and volume agree, or delete claim and pod to have them made from the set's template"}
	if t := v.templateOf(c.Name); t != nil && t.Spec.VolumeName == pv.Name {
		f.Why = "the set's volumeClaimTemplates name one volume, so that the claims of all its pods ask for the same"
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.volumeClaimTemplates[" + t.Name + "].spec.volumeName", t.Spec.VolumeName})
		f.Do = []string{"create the set anew (--cascade=orphan keeps its pods) without volumeName in volumeClaimTemplates; reserve volumes for claims by spec.claimRef of each volume"}
	}
	return f
}
