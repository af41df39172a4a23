package diagnose

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// misfit is a claim that is not bound although a volume was made for it: the two differ, nil if none was, or they do not.
func (v *view) misfit(f *Finding, c *corev1.PersistentVolumeClaim) *Finding {
	for i := range v.s.Volumes {
		pv := &v.s.Volumes[i]
		if ref := pv.Spec.ClaimRef; !sameClaim(pv, c) || pv.DeletionTimestamp != nil || ref.UID != "" && ref.UID != c.UID {
			continue
		}
		kind, text := fitObstacle(pv, c)
		if kind == "" {
			return nil // It is about to be bound.
		}
		volume := clusterRef("persistentvolume", pv.Name)
		f.Cause, f.What = kind, fmt.Sprintf("is not bound to the volume %s, which was made for it and %s", pv.Name, text)
		f.Evidence = append(f.Evidence, Evidence{volume, "spec.claimRef", fmt.Sprintf("%s/%s", c.Namespace, c.Name)}, Evidence{volume, "obstacle", text})
		f.Why = "what made the volume did not make it as the claim asks"
		f.Do = []string{"have the claim ask for what the provisioner makes: change volumeClaimTemplates of a new set (--cascade=orphan keeps its pods), and delete claim and pod"}
		f.Look = append(f.Look, getYAML(volume))
		if kind == "volume-attributes-class" {
			f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.volumeAttributesClassName", ptr.Deref(c.Spec.VolumeAttributesClassName, "")})
			f.Why = "the provisioner leaves out the VolumeAttributesClass: its driver does not know of them, or is too old"
			f.Do[0] = "take volumeAttributesClassName out of volumeClaimTemplates of a new set (--cascade=orphan keeps its pods), and delete claim and pod; or use a class whose driver knows such classes"
		}
		return f
	}
	return nil
}

// modified is a claim whose volume is to get other attributes, nil if it has those that it asks for.
func (v *view) modified(f *Finding, c *corev1.PersistentVolumeClaim) *Finding {
	m := c.Status.ModifyVolumeStatus
	if m == nil || c.Status.Phase != corev1.ClaimBound {
		return nil
	}
	f.Evidence = []Evidence{
		{f.Object, "status.modifyVolumeStatus", string(m.Status) + ", to " + m.TargetVolumeAttributesClassName},
		{f.Object, "status.currentVolumeAttributesClassName", firstOf(ptr.Deref(c.Status.CurrentVolumeAttributesClassName, ""), "(none)")},
	}
	for _, cond := range c.Status.Conditions {
		if cond.Type == corev1.PersistentVolumeClaimVolumeModifyVolumeError {
			f.Evidence = append(f.Evidence, Evidence{f.Object, "status.conditions[" + string(cond.Type) + "]", oneLine(cond.Reason + ": " + cond.Message)})
		}
	}
	f.Cause, f.What = "modify-fails", fmt.Sprintf("cannot get the VolumeAttributesClass %s", m.TargetVolumeAttributesClassName)
	switch m.Status {
	case corev1.PersistentVolumeClaimModifyVolumePending:
		f.What += ": the class does not exist, or the claim is not in a state to be modified (Pending)"
		f.Do = []string{"see whether the class exists (kubectl get volumeattributesclasses), and create it or name another in the claim"}
	case corev1.PersistentVolumeClaimModifyVolumeInfeasible:
		f.What += ": its driver rejects it (Infeasible)"
		f.Do = []string{"read what the driver says (describe the claim), and name a class in the claim that it accepts; the volume keeps its attributes meanwhile"}
	default:
		f.Cause, f.What = Note, fmt.Sprintf("is being given the VolumeAttributesClass %s", m.TargetVolumeAttributesClassName)
		f.Do = []string{"wait, and ask again"}
	}
	return f
}
