package diagnose_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// settingCases are of Secrets that were changed while pods ran that read them.
func settingCases() []built {
	const (
		refused = `FATAL: password authentication failed for user "web"`
		crash   = "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: " + refused
		old     = "configuration: secret/login was changed 2m ago, and pod web-0, whose container began before, has the earlier values and is refused a login"
		anew    = "configuration: secret/login was changed 2m ago, after pod web-0 was made, whose container has started anew since, with the new values, and is refused a login"
	)
	setting := func(s state, ago time.Duration, change func(*diagnose.Setting)) state {
		login := diagnose.Setting{Kind: diagnose.SecretKind, Name: "login", Changed: s.ago(ago)}
		change(&login)
		s.Settings = append(s.Settings, login)
		// The claim is as old as the set: data of an earlier one explain nothing.
		s.StatefulSet.CreationTimestamp = s.ago(time.Hour)
		return s
	}
	nothing := func(*diagnose.Setting) {}
	ends := func(t *testing.T, said string, ran, ago time.Duration, change func(*diagnose.Setting)) state {
		t.Helper()
		s := running(t)
		s.crashing("web-0", 1, ran).LastTerminationState.Terminated.Message = said
		return setting(s, ago, change)
	}
	// web-0 runs, and its probe fails since its program is refused a login.
	waits := func(t *testing.T, said string, ago time.Duration, change func(*diagnose.Setting)) state {
		t.Helper()
		s := running(t)
		s.container("web-0", func(c *corev1.Container) {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(80)}}}
		})
		s.unready("web-0", 90*time.Second)
		s.said("web-0", "Unhealthy", "Readiness probe failed: connection refused", 2*time.Second)
		s.Says = []diagnose.Says{{Pod: "web-0", Container: "main", Text: said}}
		return setting(s, ago, change)
	}
	return []built{
		{"a Secret that was changed under a Ready pod", func(t *testing.T) state {
			t.Helper()
			return setting(running(t), 2*time.Minute, nothing)
		}, "configuration: secret/login was changed 2m ago, and pod web-0, which began before, still runs with what it was", diagnose.Note},
		{"twin: its files are mounted as a whole", func(t *testing.T) state {
			t.Helper()
			return setting(running(t), 2*time.Minute, func(s *diagnose.Setting) { s.Files = true })
		}, "configuration: secret/login was changed 2m ago, and pod web-0 began before: the kubelet has put the new files in their place", diagnose.Note},
		{"twin: it is older than the pods", func(t *testing.T) state {
			t.Helper()
			return setting(running(t), time.Hour, nothing)
		}, "", ""},

		{"a password that was changed, and a container that starts with it", func(t *testing.T) state {
			t.Helper()
			return ends(t, refused, 5*time.Second, 2*time.Minute, nothing)
		}, anew, "secret-changed"},
		{"twin: the Secret is older than the pod", func(t *testing.T) state {
			t.Helper()
			return ends(t, refused, 5*time.Second, 30*time.Minute, nothing)
		}, crash, "crash-loop"},
		{"twin: a ConfigMap was changed", func(t *testing.T) state {
			t.Helper()
			return ends(t, refused, 5*time.Second, 2*time.Minute, func(s *diagnose.Setting) { s.Kind = "" })
		}, crash, "crash-loop"},
		{"twin: the program ends for another reason", func(t *testing.T) state {
			t.Helper()
			return ends(t, "FATAL: no space left on device", 5*time.Second, 2*time.Minute, nothing)
		}, "container: pod/web-0 has container main that ends again and again (4 restarts, exit code 1), and says: FATAL: no space left on device", "crash-loop"},
		{"a container that began before the change", func(t *testing.T) state {
			t.Helper()
			return ends(t, refused, 4*time.Minute, 2*time.Minute, nothing)
		}, old, "secret-changed"},
		{"twin: whose files were replaced", func(t *testing.T) state {
			t.Helper()
			return ends(t, refused, 4*time.Minute, 2*time.Minute, func(s *diagnose.Setting) { s.Files = true })
		}, crash, "crash-loop"},
		{"a container that runs with the earlier password", func(t *testing.T) state {
			t.Helper()
			return waits(t, refused, 2*time.Minute, nothing)
		}, old, "secret-changed"},
		{"twin: the Secret is older than it", func(t *testing.T) state {
			t.Helper()
			return waits(t, refused, time.Hour, nothing)
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
		{"twin: it does not speak of a login", func(t *testing.T) state {
			t.Helper()
			return waits(t, "waiting for peers", 2*time.Minute, nothing)
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},
	}
}

func TestSettingsOfATemplate(t *testing.T) {
	ref := func(name string) corev1.LocalObjectReference { return corev1.LocalObjectReference{Name: name} }
	spec := &corev1.PodSpec{
		InitContainers: []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: ref("init")}}}}},
		Containers: []corev1.Container{{
			EnvFrom: []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: ref("all")}}},
			Env: []corev1.EnvVar{
				{Name: "PASSWORD", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: ref("login")}}},
				{Name: "MODE", ValueFrom: &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{LocalObjectReference: ref("all")}}},
				{Name: "PLAIN", Value: "1"},
			},
			VolumeMounts: []corev1.VolumeMount{{Name: "tls"}, {Name: "mixed", SubPath: "a"}, {Name: "login"}, {Name: "data"}},
		}},
		Volumes: []corev1.Volume{
			{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "tls"}}},
			{Name: "login", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "login"}}},
			{Name: "mixed", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
				{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: ref("part")}}, {Secret: &corev1.SecretProjection{LocalObjectReference: ref("token")}},
			}}}},
			{Name: "data"},
		},
	}
	want := []diagnose.Setting{
		{Name: "all"}, {Name: "part"}, {Kind: "secret", Name: "init"}, {Kind: "secret", Name: "login"}, {Kind: "secret", Name: "tls", Files: true}, {Kind: "secret", Name: "token"},
	}
	if diff := cmp.Diff(want, slices.Clip(diagnose.SettingsOf(spec))); diff != "" {
		t.Error(diff)
	}
}
