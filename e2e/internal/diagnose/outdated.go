package diagnose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// SecretKind is the kind of a setting that is a Secret.
const SecretKind = "secret"

// Setting is a ConfigMap or a Secret, and when it was last changed. What it holds is in no state.
type Setting struct {
	// Kind is "" for a ConfigMap, which all were in older states, or SecretKind.
	Kind    string      `json:"kind,omitempty"`
	Name    string      `json:"name"`
	Changed metav1.Time `json:"changed"`
	// Files says that it is mounted as a whole: the kubelet puts changed files in their place.
	Files bool `json:"files,omitempty"`
}

// kind is the setting's kind, as kubectl writes it.
func (s *Setting) kind() string { return cmp.Or(s.Kind, "configmap") }

// SettingsOf returns the ConfigMaps and then the Secrets of a pod's containers, sorted, without times. Those for their environment, or for single files
// that are mounted by subPath, are read when a container starts and not later.
func SettingsOf(spec *corev1.PodSpec) []Setting {
	var at, files []Setting
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, e := range c.EnvFrom {
			if e.ConfigMapRef != nil {
				at = append(at, Setting{Name: e.ConfigMapRef.Name})
			}
			if e.SecretRef != nil {
				at = append(at, Setting{Kind: SecretKind, Name: e.SecretRef.Name})
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
				at = append(at, Setting{Name: e.ValueFrom.ConfigMapKeyRef.Name})
			}
			if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
				at = append(at, Setting{Kind: SecretKind, Name: e.ValueFrom.SecretKeyRef.Name})
			}
		}
		for _, m := range c.VolumeMounts {
			for _, s := range settingsIn(spec.Volumes, m.Name) {
				if s.Files = m.SubPath == "" && m.SubPathExpr == ""; s.Files {
					files = append(files, s)
				} else {
					at = append(at, s)
				}
			}
		}
	}
	for _, s := range files {
		if !slices.ContainsFunc(at, func(o Setting) bool { return o.Kind == s.Kind && o.Name == s.Name }) {
			at = append(at, s)
		}
	}
	slices.SortFunc(at, func(a, b Setting) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Name, b.Name))
	})
	return slices.Compact(at)
}

// settingsIn returns the ConfigMaps and Secrets in the volume of a name.
func settingsIn(volumes []corev1.Volume, name string) []Setting {
	var out []Setting
	for _, v := range volumes {
		if v.Name != name {
			continue
		}
		if v.ConfigMap != nil {
			out = append(out, Setting{Name: v.ConfigMap.Name})
		}
		if v.Secret != nil {
			out = append(out, Setting{Kind: SecretKind, Name: v.Secret.SecretName})
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				out = append(out, Setting{Name: s.ConfigMap.Name})
			}
			if s.Secret != nil {
				out = append(out, Setting{Kind: SecretKind, Name: s.Secret.Name})
			}
		}
	}
	return out
}

// settingEvidence is when a setting was changed, and a command that shows it without what it holds.
func (v *view) settingEvidence(s *Setting) (object Ref, evidence Evidence, look string) {
	object = v.ref(s.kind(), s.Name)
	return object, Evidence{object, "metadata.managedFields[*].time", s.Changed.UTC().Format("15:04:05")},
		kubectl(object, "get %s %s -o jsonpath='{.metadata.managedFields[*].time}'", s.kind(), s.Name)
}

// outdated is the note that a Ready pod runs with settings that have been changed since it began, nil if nothing was.
func (v *view) outdated(p *corev1.Pod) *Finding {
	for i := range v.s.Settings {
		s := &v.s.Settings[i]
		at := slices.IndexFunc(p.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool {
			return c.State.Running != nil && c.State.Running.StartedAt.Before(&s.Changed)
		})
		if at < 0 || s.Files && v.now.Sub(s.Changed.Time) > time.Hour {
			continue // Who has it read anew has done so by then.
		}
		c := &p.Status.ContainerStatuses[at]
		config, changed, look := v.settingEvidence(s)
		pod, set := v.ref("pod", p.Name), v.setRef()
		f := &Finding{
			Cause: Note, Area: Config, Object: config, Path: []Ref{set, pod, config}, Seen: "nothing is broken: the set's template is the same, so that no pod is made anew",
			What:     fmt.Sprintf("was changed %s ago, and pod %s, which began before, still runs with what it was: environment and files that are mounted by subPath are read when a container starts", v.ago(s.Changed.Time), p.Name),
			Evidence: []Evidence{changed, {pod, field(c, ".state.running.startedAt"), c.State.Running.StartedAt.UTC().Format("15:04:05")}},
			Why:      "a change of a ConfigMap or a Secret changes no template and starts no rollout, by design",
			Do:       []string{"to have it take effect: " + kubectl(set, "rollout restart statefulset %s", set.Name), "to have that happen by itself: put a hash of the settings into an annotation of the set's template"},
			Look:     []string{look},
		}
		if s.Files {
			f.What = fmt.Sprintf("was changed %s ago, and pod %s began before: the kubelet has put the new files in their place, or does so within two minutes, and a program that reads them at its start alone goes on with the old ones", v.ago(s.Changed.Time), p.Name)
			f.Do[0] = "if the program does not read them anew by itself: " + kubectl(set, "rollout restart statefulset %s", set.Name)
		}
		return f
	}
	return nil
}

// refusedLogin reports whether a program says in what a finding rests on that a login was refused.
func refusedLogin(f *Finding) bool {
	return slices.ContainsFunc(f.Evidence, func(e Evidence) bool {
		if !strings.HasSuffix(e.Field, ".terminated") && !strings.HasPrefix(e.Field, logField) {
			return false
		}
		return contains(strings.ToLower(e.Value))("authentication failed", "access denied for user", "invalid username-password pair", "wrongpass", "invalid credentials", "login failed for user", "password did not match", "bad username or password")
	})
}

// rotated is a pod whose program is refused a login, and whose Secret has been changed since the pod was made, nil if it is not so. A container reads its
// environment when it starts: one that began before the change has the earlier values, one that began after it the new ones, which the other side may
// not have.
func (v *view) rotated(p *corev1.Pod, f *Finding) *Finding {
	if !refusedLogin(f) {
		return nil
	}
	for i := range v.s.Settings {
		s := &v.s.Settings[i]
		if s.Kind != SecretKind || !p.CreationTimestamp.Before(&s.Changed) {
			continue
		}
		began, started := lastStart(p)
		if started.IsZero() {
			continue
		}
		secret, changed, look := v.settingEvidence(s)
		pod, set := v.ref("pod", p.Name), v.setRef()
		out := *f
		out.Cause, out.Area, out.Object, out.Path = "secret-changed", Config, secret, []Ref{secret}
		out.Evidence = append(slices.Clone(f.Evidence), changed, Evidence{pod, began, started.UTC().Format("15:04:05")}, Evidence{pod, "metadata.creationTimestamp", p.CreationTimestamp.UTC().Format("15:04:05")})
		out.Look = append([]string{look}, f.Look...)
		ago := v.ago(s.Changed.Time)
		switch {
		case !started.Before(&s.Changed):
			out.What = fmt.Sprintf("was changed %s ago, after pod %s was made, whose container has started anew since, with the new values, and is refused a login", ago, p.Name)
			out.Why = "most databases take a password from their environment only when they make an empty data directory: to change the Secret does not change it there, and every container that starts anew asks with what nobody knows"
			out.Do = []string{"change the password in the database to what the Secret has now, or give the Secret its earlier values: the kubelet tries again by itself"}
		case s.Files:
			continue // Its files have been replaced: which of them the program has read is not known.
		default:
			out.What = fmt.Sprintf("was changed %s ago, and pod %s, whose container began before, has the earlier values and is refused a login: its environment is read when it starts", ago, p.Name)
			out.Why = "a change of a Secret changes no template and starts no rollout, by design"
			out.Do = []string{"have the containers start anew: " + kubectl(set, "rollout restart statefulset %s", set.Name), "to have that happen by itself: put a hash of the settings into an annotation of the set's template"}
		}
		return &out
	}
	return nil
}

// lastStart is when the newest run began of the first container of a pod that is not ready, and the field that says so.
func lastStart(p *corev1.Pod) (where string, at metav1.Time) {
	for i := range p.Status.ContainerStatuses {
		c := &p.Status.ContainerStatuses[i]
		switch {
		case c.Ready:
			continue
		case c.State.Running != nil:
			return field(c, ".state.running.startedAt"), c.State.Running.StartedAt
		case c.State.Terminated != nil:
			return field(c, ".state.terminated.startedAt"), c.State.Terminated.StartedAt
		case c.LastTerminationState.Terminated != nil:
			return field(c, ".lastState.terminated.startedAt"), c.LastTerminationState.Terminated.StartedAt
		}
	}
	return "", metav1.Time{}
}
