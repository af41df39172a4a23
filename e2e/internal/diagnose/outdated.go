package diagnose

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Setting is a ConfigMap and when it was last changed.
type Setting struct {
	Name    string      `json:"name"`
	Changed metav1.Time `json:"changed"`
	// Files says that it is mounted as a whole: the kubelet puts changed files in their place.
	Files bool `json:"files,omitempty"`
}

// SettingsOf returns the ConfigMaps of a pod's containers, sorted, without times. Those for their environment, or for single files that are mounted by
// subPath, are read when a container starts and not later.
func SettingsOf(spec *corev1.PodSpec) []Setting {
	var names, files []string
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
			switch {
			case at >= 0 && m.SubPath != "":
				names = append(names, spec.Volumes[at].ConfigMap.Name)
			case at >= 0:
				files = append(files, spec.Volumes[at].ConfigMap.Name)
			}
		}
	}
	slices.Sort(names)
	slices.Sort(files)
	var out []Setting
	for _, name := range slices.Compact(names) {
		out = append(out, Setting{Name: name})
	}
	for _, name := range slices.Compact(files) {
		if !slices.Contains(names, name) {
			out = append(out, Setting{Name: name, Files: true})
		}
	}
	return out
}

// outdated is the note that a Ready pod runs with settings that have been changed since it began, nil if nothing was.
func (v *view) outdated(p *corev1.Pod) *Finding {
	for _, s := range v.s.Settings {
		at := slices.IndexFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
			return c.State.Running != nil && c.State.Running.StartedAt.Before(&s.Changed)
		})
		if at < 0 || s.Files && v.now.Sub(s.Changed.Time) > time.Hour {
			continue // Who has it read anew has done so by then.
		}
		c := &p.Status.ContainerStatuses[at]
		config, pod, set := v.ref("configmap", s.Name), v.ref("pod", p.Name), v.setRef()
		f := &Finding{
			Cause: Note, Area: Config, Object: config, Path: []Ref{set, pod, config}, Seen: "nothing is broken: the set's template is the same, so that no pod is made anew",
			What: fmt.Sprintf("was changed %s ago, and pod %s, which began before, still runs with what it was: environment and files that are mounted by subPath are read when a container starts", v.ago(s.Changed.Time), p.Name),
			Evidence: []Evidence{
				{config, "metadata.managedFields[*].time", s.Changed.UTC().Format("15:04:05")}, {pod, field(c, ".state.running.startedAt"), c.State.Running.StartedAt.UTC().Format("15:04:05")},
			},
			Why:  "a change of a ConfigMap changes no template and starts no rollout, by design",
			Do:   []string{"to have it take effect: " + kubectl(set, "rollout restart statefulset %s", set.Name), "to have that happen by itself: put a hash of the settings into an annotation of the set's template"},
			Look: []string{kubectl(config, "get configmap %s -o yaml --show-managed-fields", s.Name)},
		}
		if s.Files {
			f.What = fmt.Sprintf("was changed %s ago, and pod %s began before: the kubelet has put the new files in their place, or does so within two minutes, and a program that reads them at its start alone goes on with the old ones", v.ago(s.Changed.Time), p.Name)
			f.Do[0] = "if the program does not read them anew by itself: " + kubectl(set, "rollout restart statefulset %s", set.Name)
		}
		return f
	}
	return nil
}
