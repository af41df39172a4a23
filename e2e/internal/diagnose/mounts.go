package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
)

// setup is a pod on a node whose containers cannot even be made, as its events say.
func (v *view) setup(l podInspector) *Finding {
	if len(l.p.Status.ContainerStatuses) > 0 {
		for i := range l.p.Status.ContainerStatuses {
			if w := l.p.Status.ContainerStatuses[i].State.Waiting; w == nil || (w.Reason != "ContainerCreating" && w.Reason != "PodInitializing") {
				return nil
			}
		}
	}
	owns := l.newest("VolumePermissionChangeInProgress")
	// A first failure may be the kubelet not having seen a new object yet.
	if e := l.newest("FailedAttachVolume", "FailedMount", "FailedMapVolume"); e != nil && !(owns != nil && strings.HasPrefix(e.Message, inVain)) && (e.Count > 1 || len(eventsOf(l.events, "Pod", l.p.Name, l.p.UID, e.Reason)) > 1 || e.Reason == "FailedAttachVolume" || v.now.Sub(at(e)) > patience) {
		return v.mount(l, e)
	}
	if e := owns; e != nil {
		return &Finding{
			Cause: Note, Area: Storage, Object: l.pod, Seen: l.seen, What: "waits until the ownership of the files on a volume has been changed to its fsGroup", Evidence: []Evidence{eventEvidence(e)},
			Do:   []string{"wait; with many files set fsGroupChangePolicy: OnRootMismatch in the template's securityContext, so that it is done once"},
			Look: []string{describe(l.pod)},
		}
	}
	if e := l.newest("FailedCreatePodSandBox", "NetworkNotReady"); e != nil {
		return l.sandbox(e)
	}
	return nil
}

// What the kubelet and the attach controller say of a CSI driver that a node does not know. No field says it of a mount that fails.
var (
	driverUnknown = regexp.MustCompile(`driver name (\S+) not found in the list of registered CSI drivers`)
	driverMissing = regexp.MustCompile(`CSINode \S+ does not contain driver (\S+)`)
	noToken       = regexp.MustCompile(`failed to fetch token: serviceaccounts "([^"]+)" not found`)
	ofVolume      = regexp.MustCompile(`for volume "([^"]+)"`)
	modeDiffers   = regexp.MustCompile(`volume (\S+) has volumeMode (\w+), but is specified in (volumeMounts|volumeDevices)`)
)

// inVain is how the kubelet begins to say that it waited for volumes and they did not come, which tells less than what it says of one of them.
const inVain = "Unable to attach or mount volumes"

// mount is a volume that the kubelet cannot use.
func (v *view) mount(l podInspector, e *corev1.Event) *Finding {
	for _, said := range eventsOf(l.events, "Pod", l.p.Name, l.p.UID, "FailedMount", "FailedAttachVolume", "FailedMapVolume") {
		// The kubelet also says that it waited in vain, which tells less.
		if strings.HasPrefix(e.Message, inVain) && said.Count > 1 {
			e = said
		}
		for _, words := range []*regexp.Regexp{driverUnknown, driverMissing} {
			if m := words.FindStringSubmatch(said.Message); m != nil {
				return v.driver(l, said, m[1])
			}
		}
	}
	if m := ofVolume.FindStringSubmatch(e.Message); m != nil {
		if f := l.settingMissing(oneLine(e.Message), "volume "+m[1]); f != nil {
			f.Evidence = append(f.Evidence, eventEvidence(e))
			return f
		}
	}
	// Up to 1.36 it is "Multi-Attach error for volume ...", from 1.37 on "Waiting for detach for volume ...".
	if contains(e.Message)("Multi-Attach", "Waiting for detach") {
		return v.attached(l, e)
	}
	if e.Reason == "FailedAttachVolume" && contains(strings.ToLower(e.Message))("already attached", "is attached to", "volumeinuse") {
		f := v.attached(l, e)
		f.What += ": " + oneLine(e.Message)
		return f
	}
	if f := l.memoryVolume(e); f != nil {
		return f
	}
	if f := v.otherMode(l, e); f != nil {
		return f
	}
	if m := noToken.FindStringSubmatch(e.Message); m != nil {
		return &Finding{
			Cause: "no-service-account", Area: Admission, Object: v.ref("serviceaccount", m[1]), Seen: l.seen, Evidence: []Evidence{eventEvidence(e)},
			What: "does not exist any more, and pod " + l.p.Name + " needs a token of it",
			Do:   []string{"create the service account again; the kubelet tries again by itself"}, Look: []string{kubectl(l.pod, "get serviceaccounts"), describe(l.pod)},
		}
	}
	if f := v.notAttached(l, e); f != nil {
		return f
	}
	said, why, do := mountAdvice(oneLine(e.Message), l.p.Spec.NodeName)
	return &Finding{
		Cause: "volume-mount", Area: Storage, Object: l.pod, Seen: l.seen, What: "cannot use a volume: " + said,
		Evidence: []Evidence{eventEvidence(e)}, Why: why, Do: []string{do}, Look: []string{describe(l.pod)},
	}
}

// otherMode is a volume that a container mounts as files and whose claim is of a block device, or the other way round; nil if the kubelet says neither.
func (v *view) otherMode(l podInspector, e *corev1.Event) *Finding {
	m := modeDiffers.FindStringSubmatch(e.Message)
	if m == nil {
		return nil
	}
	f := &Finding{Cause: "volume-mode", Area: Storage, Object: l.pod, Seen: l.seen, Evidence: []Evidence{eventEvidence(e)}, Look: []string{describe(l.pod)}}
	claimed := "volume " + m[1]
	if c := v.claim(claimBehind(l.p, m[1])); c != nil {
		f.Object, claimed = v.ref("persistentvolumeclaim", c.Name), "it"
		f.Path, f.Look = []Ref{f.Object}, append(f.Look, describe(f.Object))
	}
	if m[3] == "volumeMounts" {
		f.What = fmt.Sprintf("is for a block device (volumeMode %s), and pod %s mounts %s as a file system (volumeMounts)", m[2], l.p.Name, claimed)
		f.Do = []string{"name it in volumeDevices with a devicePath in the set's template, if the program writes to a device itself"}
	} else {
		f.What = fmt.Sprintf("is for a file system (volumeMode %s), and pod %s takes %s as a block device (volumeDevices)", m[2], l.p.Name, claimed)
		f.Do = []string{"name it in volumeMounts with a mountPath in the set's template, if the program writes files"}
	}
	if f.Object == l.pod {
		f.What = strings.Replace(f.What, "is for", "has a volume "+m[1]+" that is for", 1)
	}
	f.Why = "a claim is given the one or the other, and the containers have to name it accordingly: neither is made from the other"
	f.Do = append(f.Do, "or make the set and the claim anew with the other volumeMode in the claim template: neither can be changed, and what is on the volume is not kept")
	return f
}

// claimBehind is the claim of a volume of a pod, "" if there is none.
func claimBehind(p *corev1.Pod, volume string) string {
	for i := range p.Spec.Volumes {
		if c := p.Spec.Volumes[i].PersistentVolumeClaim; c != nil && p.Spec.Volumes[i].Name == volume {
			return c.ClaimName
		}
	}
	return ""
}

// driver is a volume whose CSI driver the pod's node does not know.
func (v *view) driver(l podInspector, e *corev1.Event, driver string) *Finding {
	node := l.p.Spec.NodeName
	f := &Finding{
		Cause: "csi-driver", Area: Storage, Object: clusterRef("csinode", node), Seen: l.seen, Evidence: []Evidence{eventEvidence(e)},
		Why: "the driver's pod on that node does not run or has not registered: missing there (taint, nodeSelector), crashing, or given another kubelet directory",
		Do: []string{
			"look for the driver's pod on node " + node + " and, if there is one, for the log of its container node-driver-registrar",
			"if the driver is not installed in this cluster, install it, or use a class of another one",
		},
		Look: []string{getYAML(clusterRef("csinode", node)), podsOn(node), describe(l.pod)},
	}
	needs := ""
	for _, name := range ClaimNames(l.p) {
		c := v.claim(name)
		if c == nil {
			continue
		}
		if pv := v.volume(c.Spec.VolumeName); pv != nil && pv.Spec.CSI != nil && pv.Spec.CSI.Driver == driver {
			needs = fmt.Sprintf(", which the volume %s of claim %s needs", pv.Name, name)
			f.Path = []Ref{v.ref("persistentvolumeclaim", name), clusterRef("persistentvolume", pv.Name)}
			f.Evidence = append(f.Evidence, Evidence{clusterRef("persistentvolume", pv.Name), "spec.csi.driver", driver})
		}
	}
	if m := ofVolume.FindStringSubmatch(e.Message); m != nil && needs == "" {
		needs = fmt.Sprintf(", which the volume %s needs", m[1])
	}
	f.What = "does not list the driver " + driver + needs
	switch {
	case len(v.s.CSINodes) == 0:
		f.What = fmt.Sprintf("is of a node that does not know the driver %s%s", driver, needs)
	case v.knows(node, driver):
		f.Cause, f.Object = "volume-mount", l.pod
		f.What = fmt.Sprintf("could not use a volume, since node %s did not know the driver %s; by now it does", node, driver)
		f.Why, f.Do = "the driver registered after the kubelet's last attempt", []string{"wait: the kubelet tries again within two minutes"}
	case v.nodeWith(driver) != "":
		f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.drivers", "not " + driver + ", though other nodes list it"})
	default:
		f.Evidence = append(f.Evidence, Evidence{f.Object, "spec.drivers", "not " + driver + ", and no other node lists it either"})
		f.Why = "no node of the cluster knows the driver: it is not installed, or runs nowhere, or the volume misspells its name"
	}
	return f
}

// knows reports whether a node's kubelet has registered a driver.
func (v *view) knows(node, driver string) bool {
	return slices.ContainsFunc(v.s.CSINodes, func(c storagev1.CSINode) bool {
		return c.Name == node && slices.ContainsFunc(c.Spec.Drivers, func(d storagev1.CSINodeDriver) bool { return d.Name == driver })
	})
}

// nodeWith is a node that knows a driver, "" if none does.
func (v *view) nodeWith(driver string) string {
	for i := range v.s.CSINodes {
		if v.knows(v.s.CSINodes[i].Name, driver) {
			return v.s.CSINodes[i].Name
		}
	}
	return ""
}
