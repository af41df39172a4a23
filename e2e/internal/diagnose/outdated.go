package diagnose

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Setting is a ConfigMap and when it was last changed.
type Setting struct {
	Name    string      `json:"name"`
	Changed metav1.Time `json:"changed"`
}

// SettingsOf returns the ConfigMaps that containers of a pod read when they start and not later, sorted: for their environment, or for single files that
// are mounted by subPath.
func SettingsOf(spec *corev1.PodSpec) []string {
	var names []string
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				names = append(names, e.ConfigMapRef.Name)
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
				names = append(names, e.ValueFrom.ConfigMapKeyRef.Name)
			}
		}
		for _, m := range c.VolumeMounts {
			at := slices.IndexFunc(spec.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name && v.ConfigMap != nil })
			if at >= 0 && m.SubPath != "" {
				names = append(names, spec.Volumes[at].ConfigMap.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// outdated is the note that a Ready pod runs with settings that have been changed since it began, nil if nothing was.
func (v *view) outdated(p *corev1.Pod) *Finding {
	for _, s := range v.s.Settings {
		at := slices.IndexFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
			return c.State.Running != nil && c.State.Running.StartedAt.Before(&s.Changed)
		})
		if at < 0 {
			continue
		}
		c := &p.Status.ContainerStatuses[at]
		config, pod, set := v.ref("configmap", s.Name), v.ref("pod", p.Name), v.setRef()
		return &Finding{
			Cause: Note, Area: Config, Object: config, Path: []Ref{set, pod, config}, Seen: "nothing is broken: the set's template is the same, so that no pod is made anew",
			What: fmt.Sprintf("was changed %s ago, and pod %s, which began before, still runs with what it was: environment and files that are mounted by subPath are read when a container starts", v.ago(s.Changed.Time), p.Name),
			Evidence: []Evidence{
				{config, "metadata.managedFields[*].time", s.Changed.UTC().Format("15:04:05")}, {pod, field(c, ".state.running.startedAt"), c.State.Running.StartedAt.UTC().Format("15:04:05")},
			},
			Why:  "a change of a ConfigMap changes no template and starts no rollout, by design",
			Do:   []string{"to have it take effect: " + kubectl(set, "rollout restart statefulset %s", set.Name), "to have that happen by itself: put a hash of the settings into an annotation of the set's template"},
			Look: []string{kubectl(config, "get configmap %s -o yaml --show-managed-fields", s.Name)},
		}
	}
	return nil
}
