package diagnose

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

// Trimmed returns a copy without what no diagnosis looks at, and without what package redact removes: a state is passed on to others.
func (s *State) Trimmed() *State {
	c := *s
	if s.StatefulSet != nil {
		c.StatefulSet = s.StatefulSet.DeepCopy()
		trimMeta(c.StatefulSet)
		redact.Object(c.StatefulSet, "")
		keepHooks(&c.StatefulSet.Spec.Template.Spec, &s.StatefulSet.Spec.Template.Spec)
		c.StatefulSet.Spec.Template.Spec.DNSConfig = s.ownServers(s.StatefulSet.Spec.Template.Spec.DNSConfig)
		// The times of changes stay: how long ago something changed shows what is late.
		c.StatefulSet.ManagedFields = times(s.StatefulSet.ManagedFields)
	}
	c.Pods = trimAll(s.Pods, trimPod)
	c.Claims = trimPlain(s.Claims)
	c.Services = trimPlain(s.Services)
	c.Volumes = trimAll(s.Volumes, trimVolume)
	c.Events = trimAll(s.Events, trimEvent)
	c.Nodes = trimAll(s.Nodes, trimNode)
	c.Slices = trimPlain(s.Slices)
	c.Quotas = trimPlain(s.Quotas)
	c.Budgets = trimPlain(s.Budgets)
	c.Limits = trimPlain(s.Limits)
	c.Policies = trimPlain(s.Policies)
	c.Autoscalers = trimAll(s.Autoscalers, trimAutoscaler)
	c.CSINodes = trimAll(s.CSINodes, trimCSINode)
	c.Classes = trimPlain(s.Classes)
	c.Leases = trimPlain(s.Leases)
	c.Validating = trimPlain(s.Validating)
	c.Mutating = trimPlain(s.Mutating)
	system := systemTrimmer{s.provisioners()}
	c.Providers = trimAll(s.Providers, system.deployment)
	c.ProviderPods = trimAll(s.ProviderPods, system.pod)
	c.Resolver.Deployments = trimAll(s.Resolver.Deployments, system.deployment)
	c.Resolver.Pods = trimAll(s.Resolver.Pods, system.pod)
	c.Resolver.Services = trimPlain(s.Resolver.Services)
	c.Resolver.Events = trimAll(s.Resolver.Events, trimEvent)
	c.Resolver.Corefile = trimCorefile(s.Resolver.Corefile)
	return &c
}

// ownServers keeps of a pod's DNS which name servers are the cluster's, and that there are others; and whether something is appended to short names.
func (s *State) ownServers(c *corev1.PodDNSConfig) *corev1.PodDNSConfig {
	if c == nil {
		return nil
	}
	v := newView(s)
	kept := &corev1.PodDNSConfig{}
	for _, server := range c.Nameservers {
		if !v.clustersDNS(server) {
			server = redact.Hidden
		}
		kept.Nameservers = append(kept.Nameservers, server)
	}
	if len(c.Searches) > 0 {
		kept.Searches = []string{redact.Hidden}
	}
	return kept
}

func (s *State) provisioners() []string {
	var names []string
	for i := range s.Classes {
		names = append(names, s.Classes[i].Provisioner)
	}
	return names
}

func trimMeta(o metav1.Object) {
	o.SetResourceVersion("")
}

func times(fields []metav1.ManagedFieldsEntry) []metav1.ManagedFieldsEntry {
	var out []metav1.ManagedFieldsEntry
	for _, f := range fields {
		out = append(out, metav1.ManagedFieldsEntry{Manager: f.Manager, Operation: f.Operation, Time: f.Time, Subresource: f.Subresource})
	}
	return out
}

// object is a pointer to an API object.
type object[T any] interface {
	*T
	metav1.Object
	DeepCopyInto(*T)
}

func trimPlain[T any, P object[T]](all []T) []T { return trimAll(all, func(_, _ P) {}) }

// trimAll returns redacted copies; more trims each of them further and may look at what it was.
func trimAll[T any, P object[T]](all []T, more func(trimmed, was P)) []T {
	out := make([]T, len(all))
	for i := range all {
		P(&all[i]).DeepCopyInto(&out[i])
		trimMeta(P(&out[i]))
		redact.Object(P(&out[i]), "")
		more(&out[i], &all[i])
	}
	return out
}

// trimPod keeps of the containers what a diagnosis speaks of.
func trimPod(p, was *corev1.Pod) {
	keepHooks(&p.Spec, &was.Spec)
	keepVolumes(&p.Spec, &was.Spec)
	keepMounts(&p.Spec)
	keepShells(&p.Spec, &was.Spec)
	for _, all := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range all {
			c := &all[i]
			if was := c.SecurityContext; was != nil {
				c.SecurityContext = &corev1.SecurityContext{RunAsUser: was.RunAsUser, ReadOnlyRootFilesystem: was.ReadOnlyRootFilesystem, Capabilities: was.Capabilities}
			}
			c.TerminationMessagePath, c.TerminationMessagePolicy = "", ""
		}
	}
	for _, all := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range all {
			c := &all[i]
			c.AllocatedResources, c.Resources, c.User, c.VolumeMounts, c.ImageID, c.ContainerID = nil, nil, nil, nil, "", ""
		}
	}
	p.Status.AllocatedResources, p.Status.Resources, p.Status.PodIPs = nil, nil, nil
}

// systemTrimmer keeps what shows whether a pod of the cluster's own runs, and which program it is: of its command and environment only the names
// of these provisioners, by which a provisioner's pods are found.
type systemTrimmer struct{ provisioners []string }

func (t systemTrimmer) mentioned(text string) string {
	for _, name := range t.provisioners {
		if name != "" && strings.Contains(text, name) {
			return name
		}
	}
	return ""
}

func (t systemTrimmer) pod(p, was *corev1.Pod) {
	trimPod(p, was)
	p.Spec = t.spec(&was.Spec)
	for _, all := range [][]corev1.ContainerStatus{p.Status.InitContainerStatuses, p.Status.ContainerStatuses} {
		for i := range all {
			// What a program wrote when it ended is its owner's business.
			for _, ended := range []*corev1.ContainerStateTerminated{all[i].State.Terminated, all[i].LastTerminationState.Terminated} {
				if ended != nil {
					ended.Message = ""
				}
			}
		}
	}
}

func (t systemTrimmer) deployment(d, was *appsv1.Deployment) {
	d.Spec.Template = corev1.PodTemplateSpec{Spec: t.spec(&was.Spec.Template.Spec)}
	d.Status.Conditions = nil
}

func (t systemTrimmer) spec(spec *corev1.PodSpec) corev1.PodSpec {
	containers := make([]corev1.Container, 0, len(spec.Containers))
	for i := range spec.Containers {
		c := &spec.Containers[i]
		kept := corev1.Container{Name: c.Name, Image: c.Image}
		for _, word := range slices.Concat(c.Command, c.Args) {
			if name := t.mentioned(word); name != "" {
				kept.Args = append(kept.Args, name)
			}
		}
		for _, e := range c.Env {
			if name := t.mentioned(e.Value); name != "" {
				kept.Args = append(kept.Args, name)
			}
		}
		containers = append(containers, kept)
	}
	return corev1.PodSpec{NodeName: spec.NodeName, Containers: containers}
}

// trimCorefile keeps a Corefile's blocks, the names of its plugins and of their options, the zones of the plugin kubernetes, and the arguments of
// the plugins that answer instead of it, which are names and addresses of DNS. Arguments of others may be credentials, or lead to the API server.
func trimCorefile(text string) string {
	lines := strings.Split(text, "\n")
	depth, inside := 0, false // whether the arguments of a plugin's options are kept
	for i, line := range lines {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if depth == 1 {
			inside = slices.Contains(answersInstead(), words[0])
		}
		whole := inside || depth == 1 && words[0] == "kubernetes"
		switch {
		case strings.HasPrefix(words[0], "#"):
			lines[i] = ""
			continue
		case depth > 0 && !whole && len(words) > 1:
			lines[i] = words[0]
			if words[len(words)-1] == "{" {
				lines[i] += " {"
			}
		}
		depth += strings.Count(lines[i], "{") - strings.Count(lines[i], "}")
	}
	return strings.Join(lines, "\n")
}

func trimNode(n, _ *corev1.Node) {
	n.Annotations = nil
	n.Spec = corev1.NodeSpec{Taints: n.Spec.Taints, Unschedulable: n.Spec.Unschedulable}
	n.Status = corev1.NodeStatus{Allocatable: n.Status.Allocatable, Conditions: n.Status.Conditions}
}

// trimAutoscaler keeps of an autoscaler its bounds and whether it works: what it measures is its owner's business.
func trimAutoscaler(h, _ *autoscalingv2.HorizontalPodAutoscaler) {
	h.Spec.Metrics, h.Spec.Behavior, h.Status.CurrentMetrics = nil, nil, nil
}

func trimEvent(e, _ *corev1.Event) {
	e.ObjectMeta = metav1.ObjectMeta{Name: e.Name, Namespace: e.Namespace, CreationTimestamp: e.CreationTimestamp}
	e.InvolvedObject.ResourceVersion = ""
}

// trimVolume keeps of where a volume lies the name of its driver.
func trimVolume(pv, was *corev1.PersistentVolume) {
	if was.Spec.CSI != nil {
		pv.Spec.CSI = &corev1.CSIPersistentVolumeSource{Driver: was.Spec.CSI.Driver}
	}
}

// trimCSINode keeps the names of a node's drivers.
func trimCSINode(n, _ *storagev1.CSINode) {
	for i := range n.Spec.Drivers {
		n.Spec.Drivers[i] = storagev1.CSINodeDriver{Name: n.Spec.Drivers[i].Name}
	}
}

// keepHooks keeps that a container has hooks, and nothing of what they do.
func keepHooks(spec, was *corev1.PodSpec) {
	keep := func(all, were []corev1.Container) {
		for i := range all {
			l := were[i].Lifecycle
			if l == nil {
				continue
			}
			all[i].Lifecycle = &corev1.Lifecycle{}
			if l.PostStart != nil {
				all[i].Lifecycle.PostStart = &corev1.LifecycleHandler{}
			}
			if l.PreStop != nil {
				all[i].Lifecycle.PreStop = &corev1.LifecycleHandler{}
			}
		}
	}
	keep(spec.InitContainers, was.InitContainers)
	keep(spec.Containers, was.Containers)
}

// keepMounts keeps where containers mount the volumes that are kept: what they run, and the files that they name, may lie there.
func keepMounts(spec *corev1.PodSpec) {
	for _, all := range [][]corev1.Container{spec.InitContainers, spec.Containers} {
		for i := range all {
			all[i].VolumeMounts = slices.DeleteFunc(all[i].VolumeMounts, func(m corev1.VolumeMount) bool {
				return !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name })
			})
		}
	}
}

// keepVolumes keeps of a pod's volumes of what kind they are, and which ConfigMaps, Secrets, images and paths of the node they name, as the kubelet's
// messages do.
func keepVolumes(spec, was *corev1.PodSpec) {
	for _, v := range was.Volumes {
		kept := corev1.Volume{Name: v.Name}
		switch {
		case v.Secret != nil:
			kept.Secret = &corev1.SecretVolumeSource{SecretName: v.Secret.SecretName, DefaultMode: v.Secret.DefaultMode}
		case v.ConfigMap != nil:
			kept.ConfigMap = &corev1.ConfigMapVolumeSource{LocalObjectReference: v.ConfigMap.LocalObjectReference, DefaultMode: v.ConfigMap.DefaultMode}
		case v.Image != nil:
			kept.Image = v.Image
		case v.Ephemeral != nil:
			kept.Ephemeral = &corev1.EphemeralVolumeSource{}
		case v.EmptyDir != nil:
			kept.EmptyDir = v.EmptyDir
		case v.HostPath != nil:
			kept.HostPath = v.HostPath
		default:
			continue
		}
		spec.Volumes = append(spec.Volumes, kept)
	}
}
