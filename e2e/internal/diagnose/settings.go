package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// What kubelets say of ConfigMaps and Secrets that a pod needs and that are not there.
var (
	noObject    = regexp.MustCompile(`\b(configmap|secret) "([^"]+)" not found`)
	noKey       = regexp.MustCompile(`couldn't find key (\S+) in (ConfigMap|Secret) [^/\s]+/(\S+)`)
	noVolumeKey = regexp.MustCompile(`references non-existent (secret|config) key: (\S+)`)
)

// settingMissing is a ConfigMap, a Secret or a key of one that a message says is not there, nil if it says so of none. user is what needs it.
func (l podInspector) settingMissing(message, user string) *Finding {
	kind, name, key := "", "", ""
	if m := noObject.FindStringSubmatch(message); m != nil {
		kind, name = m[1], m[2]
	} else if m := noKey.FindStringSubmatch(message); m != nil {
		kind, name, key = strings.ToLower(m[2]), m[3], m[1]
	} else if m := noVolumeKey.FindStringSubmatch(message); m != nil {
		kind, key = strings.Replace(m[1], "config", "configmap", 1), m[2]
		name = l.mounted(kind, message)
	}
	if kind == "" || name == "" {
		return nil
	}
	f := &Finding{
		Cause: "config-missing", Area: Config, Object: Ref{Kind: kind, Namespace: l.pod.Namespace, Name: name}, Seen: l.seen,
		What: fmt.Sprintf("does not exist, and %s of pod %s needs it", user, l.p.Name),
		Do: []string{
			"create it, or correct its name in the set's template; the kubelet tries again by itself",
			"where the program can do without: optional: true in the set's template",
		},
	}
	f.Look = []string{kubectl(f.Object, "get %ss", kind), describe(l.pod)}
	if key != "" {
		f.What = fmt.Sprintf("has no key %s, which %s of pod %s needs", key, user, l.p.Name)
		f.Do[0] = "add the key to it, or correct the key in the set's template; the kubelet tries again by itself"
		f.Look[0] = describe(f.Object) // which shows the keys and not the values
	}
	return f
}

// mounted is the ConfigMap or Secret in the volume that a message speaks of, "" if it holds none or several.
func (l podInspector) mounted(kind, message string) string {
	m := ofVolume.FindStringSubmatch(message)
	if m == nil {
		return ""
	}
	var names []string
	add := func(of, name string) {
		if of == kind {
			names = append(names, name)
		}
	}
	for _, v := range l.p.Spec.Volumes {
		if v.Name != m[1] {
			continue
		}
		if v.Secret != nil {
			add("secret", v.Secret.SecretName)
		}
		if v.ConfigMap != nil {
			add("configmap", v.ConfigMap.Name)
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.Secret != nil {
				add("secret", s.Secret.Name)
			}
			if s.ConfigMap != nil {
				add("configmap", s.ConfigMap.Name)
			}
		}
	}
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

// config is a container that cannot be made.
func (l podInspector) config(c *corev1.ContainerStatus, word string) *Finding {
	w := c.State.Waiting
	message := asRuncSays(oneLine(w.Message))
	evidence := Evidence{l.pod, field(c, ".state.waiting"), oneLine(w.Reason + ": " + w.Message)}
	if f := l.settingMissing(message, word+" "+c.Name); f != nil {
		f.Evidence = append(f.Evidence, evidence)
		return f
	}
	f := &Finding{
		Cause: "container-config", Area: Container, Object: l.pod, Seen: l.seen,
		What:     fmt.Sprintf("has %s %s that cannot be made: %s", word, c.Name, firstOf(ofWhichPod.ReplaceAllString(message, ""), w.Reason)),
		Evidence: []Evidence{evidence}, Look: []string{describe(l.pod)},
		Do: []string{"correct what the message names: a user that the image does not have, a mount, a path"},
	}
	switch has := contains(message); {
	case execFails.MatchString(message):
		l.cannotStart(f, c, word, message)
	case mountFails.MatchString(message), notMade.MatchString(message), noWorkingDir.MatchString(message), has("OOM-killed", "memory limit too low"):
		notStarted(f, c, word, message)
		l.startsInMemory(f, c)
	case noVariable.MatchString(message):
		f.What = fmt.Sprintf("has %s %s that cannot be made: a subPathExpr of it names the variable %s, which it does not have", word, c.Name, noVariable.FindStringSubmatch(message)[1])
		f.Do = []string{"give the container that variable in env (not envFrom, which does not count here), or correct subPathExpr in the set's template"}
	case noSubPath.MatchString(message):
		l.subPathFails(f, c, word, noSubPath.FindStringSubmatch(message)[1])
	case has("SubPath", "subPath"):
		f.Do = []string{"correct subPath or subPathExpr in the set's template: it is a path below the volume, without a slash at its start and without .."}
	case has("seccomp profile"):
		f.Do = []string{"put the profile into the kubelet's folder for them on every node that may run the pod, or use RuntimeDefault in the template's securityContext"}
	case has("runAsUser breaks non-root policy"):
		f.Do = []string{"runAsUser is 0 and runAsNonRoot is true in the template's securityContext: give runAsUser a number that is not 0, or take runAsNonRoot out"}
	case has("runAsNonRoot"):
		f.Do = []string{"set securityContext.runAsUser in the set's template to a number that is not 0 and that the image's files allow, or use an image that names such a user"}
	case has("deadline exceeded", "is reserved for", "name is reserved", "DeadlineExceeded"):
		f.Cause, f.Area = "runtime-slow", Node
		f.What = fmt.Sprintf("has %s %s that node %s does not make in time: %s", word, c.Name, l.p.Spec.NodeName, message)
		f.Why = "the node's container runtime is overloaded or hangs, often on a slow disk: nothing in the set is wrong"
		f.Do = []string{"see how busy the disk and the container runtime of node " + l.p.Spec.NodeName + " are; restart the runtime if it hangs"}
	}
	return f
}

// noSubPath is what the kubelet says of a path below a volume that it cannot make or enter. Why, it tells its own log alone.
var noSubPath = regexp.MustCompile(`failed to (?:prepare subPath|create subPath directory) for volumeMount "([^"]+)"`)

// subPathFails makes a finding of a container say which path below which volume the kubelet cannot give it.
func (l podInspector) subPathFails(f *Finding, c *corev1.ContainerStatus, word, volume string) {
	where, path := "volume "+volume, ""
	if claim := claimBehind(l.p, volume); claim != "" {
		where += " (claim " + claim + ")"
	}
	mounts := l.specOf(c.Name).VolumeMounts
	for i := range mounts {
		if mounts[i].Name == volume {
			path = firstOf(path, mounts[i].SubPath, mounts[i].SubPathExpr)
		}
	}
	f.What = fmt.Sprintf("has %s %s that cannot be made: the kubelet cannot make or enter its subPath %s of %s", word, c.Name, path, where)
	f.Why = "a file or a symbolic link is where the path has a directory, or the volume can only be read, or root has no right there (NFS with root_squash)"
	f.Do = []string{"look at what the volume holds along that path, from another pod that mounts the volume as a whole; then correct it there, or subPath in the set's template"}
}

// notRun is what a runtime writes into a container's log whose program, named by its path, cannot be run: newer ones start the container all the same.
var notRun = regexp.MustCompile(`(?m)^exec /\S+: (?:no such file or directory|permission denied)\s*$`)

// startsInMemory makes a finding of a container that its limit of memory does not let start say which volume in memory may have used it up.
func (l podInspector) startsInMemory(f *Finding, c *corev1.ContainerStatus) {
	kept := l.inMemory(l.specOf(c.Name))
	if f.Cause != "out-of-memory" || kept == "" {
		return
	}
	f.What += kept + ", and stays there when the container is made anew"
	f.Why = "what an earlier container of the pod wrote there is left until the pod goes"
	f.Do = append([]string{"give the volume a sizeLimit well below the limit of memory, or put it on the disk (without medium: Memory), in the set's template; the present pod has to be deleted"}, f.Do...)
}

// execFails is what runtimes say of a program that cannot be started.
var execFails = regexp.MustCompile(`exec(?:: "[^"]*"| /\S+): .+$`)

// cannotStart makes a finding say that a container's program cannot be started. message is one line, in the words of runc.
func (l podInspector) cannotStart(f *Finding, c *corev1.ContainerStatus, word, message string) {
	f.Cause, f.What = "cannot-start", fmt.Sprintf("has %s %s whose command cannot be started", word, c.Name)
	if s := l.scriptOf(l.specOf(c.Name), message); s != nil {
		f.What += ": " + strings.TrimSuffix(execFails.FindString(message), ": unknown")
		s.cannotRun(f, c, word, message)
		return
	}
	if strings.Contains(message, "exec format error") {
		f.What = fmt.Sprintf("has %s %s whose program is not made for its node: exec format error", word, c.Name)
		f.Why = "the image is for another processor architecture than node " + l.p.Spec.NodeName + ", or the program is a script without its first line (#!)"
		f.Do = []string{"use an image for that architecture, or choose nodes of the image's with the label kubernetes.io/arch"}
		return
	}
	if notStarted(f, c, word, message) {
		return
	}
	f.What += ": " + strings.TrimSuffix(execFails.FindString(message), ": unknown")
	f.Why = "the image has no such program, or the user may not run it: the message says which; a script is also called not found if its first line names an interpreter that is not there"
	f.Do = []string{"correct command and args in the set's template, or the image"}
	l.hidden(f, c, message)
	if m := execOf.FindStringSubmatch(message); len(m) > 1 && strings.Contains(m[1], " ") {
		f.What += "; its command is one word with spaces in it, and taken for the name of one program"
		f.Why = "nothing splits a command into words unless it is given to a shell"
		f.Do = []string{"make each word an item of command of its own in the set's template, or run the whole by a shell: [sh, -c, \"...\"]"}
	} else if len(m) > 1 && strings.HasPrefix(m[1], "-") {
		f.What += "; its command is an option and no program"
		f.Why = "command takes the place of the image's own program (its entrypoint), and args are given to that"
		f.Do = []string{"put the options into args in the set's template, and leave command out or begin it with the program"}
	}
}

// outOfMemory makes a finding of a container that the kernel killed for memory say whose memory ran out: without a limit of its own or of its pod's
// it is the node's.
func (l podInspector) outOfMemory(f *Finding, c *corev1.ContainerStatus, word, restarts string, spec *corev1.Container) {
	f.Cause = "out-of-memory"
	f.Why = "the limit is too low for the program, or the program leaks"
	f.Do = []string{"raise resources.limits.memory in the set's template, or have the program use less"}
	if limit, has := spec.Resources.Limits[corev1.ResourceMemory]; has {
		f.What = fmt.Sprintf("has %s %s that uses more memory than its limit %s and is killed (%s)", word, c.Name, limit.String(), restarts) + l.inMemory(spec)
		return
	}
	if all := l.p.Spec.Resources; all != nil {
		if limit, has := all.Limits[corev1.ResourceMemory]; has {
			f.What = fmt.Sprintf("has %s %s that is killed, since the pod uses more memory than its limit %s (%s)", word, c.Name, limit.String(), restarts)
			return
		}
	}
	node := l.p.Spec.NodeName
	f.Cause, f.Area, f.Object = "node-out-of-memory", Node, clusterRef("node", node)
	f.What = fmt.Sprintf("ran out of memory, and %s %s of pod %s, which has no limit, was killed (%s)", word, c.Name, l.p.Name, restarts)
	f.Evidence = append(f.Evidence, Evidence{l.pod, "spec.containers[" + c.Name + "].resources.limits[memory]", "(absent)"})
	f.Why = "without a limit a container is killed only when all pods of the node together have used up its memory: it, or a neighbour, uses too much"
	f.Do = []string{
		"see which pods use the memory of node " + node + ": kubectl top pods -A --sort-by memory",
		"have the set's template request what its pods use, and limit those that use too much",
	}
	f.Look = append(f.Look, describe(f.Object))
}

// inMemory says that a container mounts a volume that is kept in memory, "" if it mounts none: what it writes there counts as memory of its own.
func (l podInspector) inMemory(spec *corev1.Container) string {
	for _, v := range l.p.Spec.Volumes {
		mounts := slices.ContainsFunc(spec.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == v.Name })
		if v.EmptyDir != nil && v.EmptyDir.Medium == corev1.StorageMediumMemory && mounts {
			return fmt.Sprintf("; what it writes to its volume %s, an emptyDir that is kept in memory, counts as well", v.Name)
		}
	}
	return ""
}

// meaning is what an exit code says by convention, "" if it says nothing.
func meaning(code int32) string {
	return map[int32]string{
		0:   "the program ends without an error, and what a set runs has to go on: its command has nothing to wait for, or goes into the background",
		126: "what its command names cannot be executed, by the convention of shells (permissions, an interpreter that is missing)",
		127: "what its command names was not found, by the convention of shells",
		132: "the node's processor does not know an instruction of the program or of a library (SIGILL): they are built for newer ones, or the processor is emulated",
		135: "the program could not be given memory that it was to have (SIGBUS): huge pages beyond its limit of them, or a mapped file that was cut or whose disk is full",
		136: "the program's arithmetic failed (SIGFPE): a defect of it",
		134: "the program ended itself (SIGABRT): its own log says why",
		130: "the program was interrupted (SIGINT), and nothing that was read says by whom",
		143: "something told the program to end (SIGTERM), and nothing that was read says what: a process beside it, or whoever stops containers on the node",
		139: "the program touched memory that is not its own (SIGSEGV): a defect of it, or a library that does not fit",
	}[code]
}
