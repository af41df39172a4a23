package diagnose

import (
	"fmt"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// noDeviceClass is a device class in the scheduler's words.
var noDeviceClass = regexp.MustCompile(`request (\S+): device class (\S+) does not exist`)

// withoutDevices is a pod that the scheduler does not look at since a resource claim of its does not exist, nil if all have one: the claims of
// templates are made for the pod by a controller of their own, which writes their names into the pod's status.
func (v *view) withoutDevices(p *corev1.Pod, f Finding) *Finding {
	pod := v.ref("pod", p.Name)
	for _, c := range p.Spec.ResourceClaims {
		made := slices.ContainsFunc(p.Status.ResourceClaimStatuses, func(s corev1.PodResourceClaimStatus) bool { return s.Name == c.Name })
		f.Area, f.Cause = Scheduling, "resource-claim"
		f.Look = []string{describe(pod), kubectl(pod, "get resourceclaims,resourceclaimtemplates")}
		switch {
		case c.ResourceClaimTemplateName != nil && !made:
			template := v.ref("resourceclaimtemplate", *c.ResourceClaimTemplateName)
			f.What = fmt.Sprintf("waits for its resource claim %s, which has not been made from the template %s: most likely the template does not exist", c.Name, template.Name)
			f.Evidence = append(f.Evidence, Evidence{pod, "spec.resourceClaims[" + c.Name + "].resourceClaimTemplateName", template.Name}, Evidence{pod, "status.resourceClaimStatuses[" + c.Name + "]", "(absent)"})
			f.Do = []string{"see whether the template exists in the pod's namespace, and create it or correct its name; the claim is then made", "if it exists: see what kube-controller-manager says of it"}
			if e := v.newest("Pod", p.Name, p.UID, "FailedResourceClaimCreation"); e != nil {
				f.Evidence = append(f.Evidence, eventEvidence(e))
				if contains(e.Message)("not found") {
					f.Object = template
					f.What = fmt.Sprintf("does not exist, and pod %s is to have its resource claim %s made from it", p.Name, c.Name)
					f.Do = []string{"create the template, or correct its name in the set's template; the claim is then made"}
				} else {
					f.What = fmt.Sprintf("waits for its resource claim %s, which cannot be made: %s", c.Name, oneLine(e.Message))
					f.Do = []string{"correct what the message names"}
				}
			}
			return &f
		case c.ResourceClaimName != nil:
			f.What = fmt.Sprintf("waits for the resource claim %s: most likely it does not exist", *c.ResourceClaimName)
			f.Evidence = append(f.Evidence, Evidence{pod, "spec.resourceClaims[" + c.Name + "].resourceClaimName", *c.ResourceClaimName})
			f.Do = []string{"see whether the claim exists in the pod's namespace, and create it or correct its name in the set's template"}
			return &f
		}
	}
	return nil
}

// devicesOf says what the scheduler's words about resource claims mean.
func devicesOf(p *corev1.Pod, f Finding, message string) Finding {
	if m := noDeviceClass.FindStringSubmatch(message); m != nil {
		f.Cause, f.Object = "device-class-missing", clusterRef("deviceclass", m[2])
		f.What = fmt.Sprintf("does not exist, and a resource claim of pod %s asks for it (request %s)", p.Name, m[1])
		f.Why = "the driver that offers such devices is not installed, or the claim misspells the class"
		f.Do = []string{"install the driver that brings the class, or create the class; the scheduler then goes on by itself", "or correct deviceClassName in the claim's template, and delete claim and pod"}
		f.Look = append(f.Look, "kubectl get deviceclasses,resourceslices")
	}
	return f
}
