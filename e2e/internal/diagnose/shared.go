package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// samePort makes a finding of a container that finds its port in use say who may have it: with whom a pod shares its ports is what its fields say.
func (v *view) samePort(p *corev1.Pod, f *Finding) {
	said := func(e Evidence) bool {
		return strings.HasPrefix(e.Value, "exit code ") && contains(strings.ToLower(e.Value))("address already in use", "eaddrinuse")
	}
	if f.Cause != "crash-loop" || !slices.ContainsFunc(f.Evidence, said) {
		return
	}
	if !p.Spec.HostNetwork {
		var others []string
		for _, c := range p.Spec.Containers {
			if !contains(f.What)("container " + c.Name + " ") {
				others = append(others, c.Name)
			}
		}
		if len(others) > 0 {
			f.What += fmt.Sprintf("; the containers of a pod share its ports, and %s may have it", list(others))
			f.Do = append(f.Do, "give each container of the set's template ports of its own")
		}
		return
	}
	var there []string
	for i := range v.s.Pods {
		if q := &v.s.Pods[i]; v.controls(q) && q.Name != p.Name && q.Spec.NodeName == p.Spec.NodeName && q.Spec.HostNetwork {
			there = append(there, q.Name)
		}
	}
	f.Evidence = append(f.Evidence, Evidence{v.ref("pod", p.Name), "spec.hostNetwork", "true, on node " + p.Spec.NodeName})
	f.Do = append(f.Do, "declare the port in the set's template (ports.containerPort): with hostNetwork the scheduler then gives each node one such pod; or do without hostNetwork")
	if len(there) > 0 {
		f.What += fmt.Sprintf("; it is in the network of node %s (hostNetwork), and so is %s, with the same ports", p.Spec.NodeName, list(there))
		f.Why = "pods in the node's network share its ports, and the scheduler keeps apart only those that declare them"
		return
	}
	f.What += fmt.Sprintf("; it is in the network of node %s (hostNetwork), where another program has the port", p.Spec.NodeName)
}

// sameData makes a finding of a container that finds its data locked say which other pod has them, if one names the same claim, or the same path of the
// same node.
func (v *view) sameData(p *corev1.Pod, f *Finding) {
	if f.Cause != "crash-loop" || f.Why != dataLocked {
		return
	}
	for i := range v.s.Pods {
		q := &v.s.Pods[i]
		if q.Name == p.Name || q.Status.Phase != corev1.PodRunning {
			continue
		}
		for _, name := range ClaimNames(p) {
			if !slices.Contains(ClaimNames(q), name) {
				continue
			}
			f.Cause, f.Area, f.Object = "claim-shared", Storage, v.ref("persistentvolumeclaim", name)
			f.Path = []Ref{v.ref("pod", p.Name), f.Object}
			f.What = fmt.Sprintf("is of pods %s and %s alike, and while the one has its files locked the other ends: pod %s %s", q.Name, p.Name, p.Name, f.What)
			f.Evidence = append(f.Evidence, Evidence{v.ref("pod", p.Name), "spec.volumes[*].persistentVolumeClaim", name}, Evidence{v.ref("pod", q.Name), "spec.volumes[*].persistentVolumeClaim", name})
			f.Why = "several pods name the same claim, and a program that locks its data lets no other at them"
			f.Do = []string{"give each pod a claim of its own (volumeClaimTemplates instead of a claim in the template's volumes)"}
			return
		}
		if path := samePath(p, q); path != "" {
			f.Cause, f.Area = "path-shared", Storage
			f.What += fmt.Sprintf("; pod %s on the same node %s mounts the same path %s of it (hostPath)", q.Name, p.Spec.NodeName, path)
			f.Evidence = append(f.Evidence, Evidence{v.ref("pod", q.Name), "spec.volumes[*].hostPath.path", path})
			f.Why = "a hostPath is the same directory for all pods of a node, and a program that locks its data lets no other at them"
			f.Do = []string{"give each pod a claim of its own (volumeClaimTemplates), or a directory of its own below the path (subPathExpr with the pod's name)"}
			return
		}
	}
}

// samePath is a path of their node that two pods mount, "" if there is none.
func samePath(p, q *corev1.Pod) string {
	if p.Spec.NodeName == "" || p.Spec.NodeName != q.Spec.NodeName {
		return ""
	}
	for i := range p.Spec.Volumes {
		for j := range q.Spec.Volumes {
			if a, b := p.Spec.Volumes[i].HostPath, q.Spec.Volumes[j].HostPath; a != nil && b != nil && a.Path == b.Path {
				return a.Path
			}
		}
	}
	return ""
}

// reference is what refers to a variable that Kubernetes replaces in commands, arguments and values, if it knows the variable.
var reference = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)`)

// unexpanded makes a finding of a container say that what it writes holds a reference to a variable which nothing has replaced.
func (v *view) unexpanded(p *corev1.Pod, f *Finding) {
	if f.Cause != "crash-loop" && f.Cause != "readiness-probe" && f.Cause != "init-container" {
		return
	}
	for _, e := range f.Evidence {
		m := reference.FindStringSubmatch(e.Value)
		if m == nil || !strings.HasPrefix(e.Value, "exit code ") && !strings.HasPrefix(e.Field, logField) {
			continue
		}
		for _, c := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
			if !contains(f.What)("container " + c.Name) {
				continue
			}
			has := slices.ContainsFunc(c.Env, func(o corev1.EnvVar) bool { return o.Name == m[1] })
			set := v.setRef()
			f.Cause, f.Area, f.Object, f.Why = "variable-missing", Config, set, "a reference to a variable that is not known is left as it is, without an error"
			f.Evidence = append(f.Evidence, Evidence{set, "spec.template.spec.containers[" + c.Name + "].env[*].name", envNames(&c)})
			f.Do = []string{"compare the name with those in env of the container in the set's template, letter by letter"}
			f.What = fmt.Sprintf("gives container %s no variable %s, so that %s is left as it is; pod %s %s", c.Name, m[1], m[0], p.Name, f.What)
			if has {
				f.What = strings.Replace(f.What, "no variable "+m[1]+",", "the variable "+m[1]+" after one that refers to it,", 1)
				f.Do = []string{"put the variable before those that refer to it in env of the container, in the set's template"}
			} else if len(c.EnvFrom) > 0 {
				f.Do = append(f.Do, "or with the keys of the ConfigMap or Secret in envFrom")
			}
			return
		}
	}
}

func envNames(c *corev1.Container) string {
	var names []string
	for _, e := range c.Env {
		names = append(names, e.Name)
	}
	return strings.Join(names, ", ")
}
