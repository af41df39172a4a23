package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// filePath is a file's path in what a program writes.
var filePath = regexp.MustCompile(`(?:^|[\s"'(=:\[` + "`" + `])(/[\w.@+-]+(?:/[\w.@+-]*)*)`)

// place is where a path leads that a container's program names.
type place struct {
	path   string
	mount  *corev1.VolumeMount // nil: into what the image has
	volume *corev1.Volume
}

// placeIn is where the last path in a message leads that lies on a volume, or else the last path; nil if there is none.
func (l podInspector) placeIn(spec *corev1.Container, message string) *place {
	var out *place
	for _, m := range filePath.FindAllStringSubmatch(message, -1) {
		at := &place{path: strings.TrimRight(m[1], "/.")}
		for i := range spec.VolumeMounts {
			mount := &spec.VolumeMounts[i]
			root := strings.TrimSuffix(mount.MountPath, "/")
			if at.path != root && !strings.HasPrefix(at.path, root+"/") || at.mount != nil && len(at.mount.MountPath) > len(mount.MountPath) {
				continue
			}
			if v := slices.IndexFunc(l.p.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name }); v >= 0 {
				at.mount, at.volume = mount, &l.p.Spec.Volumes[v]
			}
		}
		if out == nil || at.mount != nil || out.mount == nil {
			out = at
		}
	}
	return out
}

// settings is the ConfigMap or Secret that a volume holds, in words, and the mode of its files; "" if it holds neither.
func (p *place) settings() (from string, mode int32) {
	const usual = 0o644
	switch v := p.volume; {
	case v == nil:
		return "", 0
	case v.ConfigMap != nil:
		return "configmap/" + v.ConfigMap.Name, ptr.Deref(v.ConfigMap.DefaultMode, usual)
	case v.Secret != nil:
		return "secret/" + v.Secret.SecretName, ptr.Deref(v.Secret.DefaultMode, usual)
	case v.Projected != nil:
		return "projected volume " + v.Name, ptr.Deref(v.Projected.DefaultMode, usual)
	case v.DownwardAPI != nil:
		return "downwardAPI volume " + v.Name, ptr.Deref(v.DownwardAPI.DefaultMode, usual)
	}
	return "", 0
}

// claim is the claim whose volume a path leads to, "" if it leads to none.
func (p *place) claim(pod *corev1.Pod) string {
	switch {
	case p.volume == nil:
	case p.volume.PersistentVolumeClaim != nil:
		return p.volume.PersistentVolumeClaim.ClaimName
	case p.volume.Ephemeral != nil:
		return pod.Name + "-" + p.volume.Name
	}
	return ""
}

// file makes a finding of a container that ended say what the place of the file that its last words name has to do with it, and reports whether
// that is known. The words are the program's own; where the path leads is what the pod's fields say.
func (l podInspector) file(f *Finding, spec *corev1.Container, said string) bool {
	words := contains(strings.ToLower(said))
	if known := readLastWords(said); known != nil && known.noFile {
		return false
	}
	if l.incapable(f, spec, said) || l.withoutToken(f, said) {
		return true
	}
	at := l.placeIn(spec, said)
	if at == nil {
		return words("is a directory") && l.directory(f, l.subPaths(spec))
	}
	if at.mount == nil && !l.mountsKnown() {
		return false
	}
	switch {
	case words("no space left on device", "disk quota exceeded"):
		return l.full(f, at)
	case words("read-only file system"):
		return l.readOnly(f, at, spec)
	case words("permission denied", "operation not permitted", "access is denied"):
		return l.notPermitted(f, at, spec)
	case words("is a directory"):
		return l.directory(f, slices.DeleteFunc(l.subPaths(spec), func(p *place) bool { return strings.TrimSuffix(p.mount.MountPath, "/") != at.path }))
	case words("no such file or directory", "cannot find the file", "file not found"):
		return l.absent(f, at)
	}
	return false
}

// mountsKnown reports whether the pod's containers have the mounts that they should have: a state that was saved by an earlier version lacks them.
func (l podInspector) mountsKnown() bool {
	mounted := func(name string) bool {
		return slices.ContainsFunc(slices.Concat(l.p.Spec.InitContainers, l.p.Spec.Containers), func(c corev1.Container) bool {
			return slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == name }) ||
				slices.ContainsFunc(c.VolumeDevices, func(d corev1.VolumeDevice) bool { return d.Name == name })
		})
	}
	return !slices.ContainsFunc(l.p.Spec.Volumes, func(v corev1.Volume) bool { return v.PersistentVolumeClaim != nil && !mounted(v.Name) })
}

// placed is where a path leads.
func (l podInspector) placed(at *place) Evidence {
	if at.mount == nil {
		return Evidence{l.pod, "spec.containers[*].volumeMounts", "none at or above " + at.path}
	}
	value := fmt.Sprintf("mountPath %s, volume %s", at.mount.MountPath, at.mount.Name)
	if at.mount.SubPath != "" {
		value += ", subPath " + at.mount.SubPath
	}
	if at.mount.ReadOnly {
		value += ", readOnly"
	}
	return Evidence{l.pod, "spec.containers[*].volumeMounts", value}
}

// full is a volume without room.
func (l podInspector) full(f *Finding, at *place) bool {
	name := at.claim(l.p)
	if name == "" {
		return false
	}
	f.Evidence = append(f.Evidence, l.placed(at))
	claim := Ref{Kind: "persistentvolumeclaim", Namespace: l.pod.Namespace, Name: name}
	f.Cause, f.Area, f.Object = "volume-full", Storage, claim
	f.What = fmt.Sprintf("has no room left at %s, and pod %s %s", at.mount.MountPath, l.p.Name, f.What)
	f.Why = "the program says so of a file on this volume: bytes or inodes of it are used up"
	f.Do = []string{
		"make the claim larger, if its class has allowVolumeExpansion: " + kubectl(claim, `patch pvc %s -p '{"spec":{"resources":{"requests":{"storage":"SIZE"}}}}'`, name) + "; the set's template stays as it is",
		"or free room on it: while the program does not start, from another pod that mounts the claim on the same node",
	}
	f.Look = append(f.Look, describe(claim))
	return true
}

// readOnly is a file that may not be written where it is.
func (l podInspector) readOnly(f *Finding, at *place, spec *corev1.Container) bool {
	from, _ := at.settings()
	switch {
	case from != "":
		f.What += fmt.Sprintf("; %s is mounted at %s, and such volumes can only be read", from, at.mount.MountPath)
		f.Do = []string{"have an init container copy it into an emptyDir, and mount that there; or have the program write elsewhere"}
	case at.mount != nil && at.mount.ReadOnly:
		f.What += fmt.Sprintf("; the volume %s is mounted at %s with readOnly: true", at.mount.Name, at.mount.MountPath)
		f.Do = []string{"take readOnly out of that mount in the set's template, or have the program write elsewhere"}
	case at.mount == nil && spec.SecurityContext != nil && spec.SecurityContext.ReadOnlyRootFilesystem != nil && *spec.SecurityContext.ReadOnlyRootFilesystem:
		f.What += fmt.Sprintf("; no volume is mounted at %s, and the container's own file system can only be read (readOnlyRootFilesystem)", at.path)
		f.Do = []string{"mount an emptyDir at the directory that it writes to, in the set's template"}
		f.Evidence = append(f.Evidence, Evidence{l.pod, "spec.containers[" + spec.Name + "].securityContext.readOnlyRootFilesystem", "true"})
	case at.claim(l.p) != "":
		claim := Ref{Kind: "persistentvolumeclaim", Namespace: l.pod.Namespace, Name: at.claim(l.p)}
		f.What += fmt.Sprintf("; it is on the volume of claim %s, which nothing in the pod mounts for reading only", claim.Name)
		f.Why = "the node's kernel makes a file system read-only when its disk fails or was cut off for a while: it stays so until it is mounted anew"
		f.Do = []string{
			"see the kernel's log on node " + l.p.Spec.NodeName + " for errors of that disk, and what the storage says of the volume",
			"once the disk is well: delete the pod, so that the volume is mounted anew: " + kubectl(l.pod, "delete pod %s", l.p.Name),
		}
		f.Evidence = append(f.Evidence, l.placed(at))
		return true // It may lie in the data all the same.
	default:
		return false
	}
	f.Cause, f.Why = "file-access", ""
	f.Evidence = append(f.Evidence, l.placed(at))
	return true
}

// user is the number of the user that a container runs as, if its pod says so.
func (l podInspector) user(spec *corev1.Container) (id int64, known bool) {
	if own := spec.SecurityContext; own != nil && own.RunAsUser != nil {
		return *own.RunAsUser, true
	}
	if all := l.p.Spec.SecurityContext; all != nil && all.RunAsUser != nil {
		return *all.RunAsUser, true
	}
	return 0, false
}

// notPermitted is a file that the container's user has no right to.
func (l podInspector) notPermitted(f *Finding, at *place, spec *corev1.Container) bool {
	who := "the image's user"
	if id, known := l.user(spec); known {
		who = fmt.Sprintf("user %d", id)
	}
	all := l.p.Spec.SecurityContext
	grouped := all != nil && all.FSGroup != nil
	from, mode := at.settings()
	const others = 0o004
	switch {
	case from != "" && mode&others == 0 && !grouped:
		f.What += fmt.Sprintf("; it comes from %s, whose files have the mode %04o and belong to root, and the container runs as %s", from, mode, who)
		f.Do = []string{"set fsGroup in the template's securityContext, which gives such files to that group, with the mode 0440 or 0640 on the volume; or the mode 0444"}
		f.Cause, f.Why = "file-access", ""
	case at.claim(l.p) != "" && grouped:
		f.What += fmt.Sprintf("; it is on the volume of claim %s, and fsGroup is set (%d)", at.claim(l.p), *all.FSGroup)
		f.Why = "fsGroup is not applied to every kind of volume (NFS, hostPath, drivers with fsGroupPolicy None), nor to a path that an earlier user made with rights of its own"
		f.Do = []string{"give the directory to " + who + ": an init container that runs as root can chown it, or the server that exports it; see fsGroupPolicy of the CSIDriver"}
	case at.claim(l.p) != "":
		f.What += fmt.Sprintf("; it is on the volume of claim %s, which belongs to root unless fsGroup is set, and the container runs as %s", at.claim(l.p), who)
		f.Why = ""
		f.Do = []string{"set fsGroup in the template's securityContext to a group of " + who + "; where the kind of volume does not follow it (NFS, hostPath), chown in an init container that runs as root"}
	case at.volume != nil && at.volume.HostPath != nil:
		f.What += fmt.Sprintf("; it is below %s of node %s (hostPath), which keeps the owner that it has there, and the container runs as %s", at.volume.HostPath.Path, l.p.Spec.NodeName, who)
		f.Do = []string{"chown that directory on the nodes, or in an init container that runs as root; fsGroup does not apply to hostPath"}
		f.Cause, f.Why = "file-access", ""
	case at.mount == nil && !strings.HasPrefix(at.path, "/proc") && !strings.HasPrefix(at.path, "/sys") && !strings.HasPrefix(at.path, "/dev"):
		f.What += fmt.Sprintf("; no volume is mounted at %s: it is the image's own, and the container runs as %s", at.path, who)
		f.Do = []string{"run it as the user that the image is made for (runAsUser in the template's securityContext), or mount an emptyDir where it writes; fsGroup does not help, since it is no volume"}
		f.Cause, f.Why = "file-access", ""
	default:
		return false
	}
	f.Evidence = append(f.Evidence, l.placed(at))
	return true
}

// subPaths are the mounts of single keys of ConfigMaps and Secrets.
func (l podInspector) subPaths(spec *corev1.Container) []*place {
	var out []*place
	for i := range spec.VolumeMounts {
		p := &place{path: spec.VolumeMounts[i].MountPath, mount: &spec.VolumeMounts[i]}
		if v := slices.IndexFunc(l.p.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == p.mount.Name }); v >= 0 {
			p.volume = &l.p.Spec.Volumes[v]
		}
		if from, _ := p.settings(); from != "" && p.mount.SubPath != "" {
			out = append(out, p)
		}
	}
	return out
}

// directory is a file that is a directory: a key that is not there, mounted by subPath, becomes one.
func (l podInspector) directory(f *Finding, mounts []*place) bool {
	if len(mounts) == 0 {
		return false
	}
	from, _ := mounts[0].settings()
	f.What += fmt.Sprintf("; %s is mounted at %s with subPath %s, which becomes an empty directory if it is no key there", from, mounts[0].mount.MountPath, mounts[0].mount.SubPath)
	f.Why = "a subPath that does not exist is made as a directory, without an error"
	f.Do = []string{"compare subPath in the set's template with the keys of " + from + ", letter by letter; then delete the pod: " + kubectl(l.pod, "delete pod %s", l.p.Name)}
	f.Cause = "file-access"
	for _, m := range mounts {
		f.Evidence = append(f.Evidence, l.placed(m))
	}
	return true
}

// absent is a file that is not there although a volume is mounted where it should be.
func (l podInspector) absent(f *Finding, at *place) bool {
	from, _ := at.settings()
	switch {
	case from != "" && at.path != at.mount.MountPath:
		f.What += fmt.Sprintf("; %s is mounted at %s, which hides what the image has there", from, at.mount.MountPath)
		f.Do = []string{"see whether " + from + " has that key; to add single files to a directory of the image, mount each by subPath in the set's template"}
	case at.volume != nil && at.volume.EmptyDir != nil && at.path != at.mount.MountPath:
		f.What += fmt.Sprintf("; the emptyDir volume %s is mounted at %s, which hides what the image has there and begins empty", at.volume.Name, at.mount.MountPath)
		f.Do = []string{"have an init container fill it, or mount it elsewhere in the set's template"}
	default:
		return false
	}
	f.Cause, f.Why = "file-access", ""
	f.Evidence = append(f.Evidence, l.placed(at))
	return true
}
