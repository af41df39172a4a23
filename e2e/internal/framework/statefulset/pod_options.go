package statefulset

import (
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HoldReadiness gives each pod a readiness gate, so that it is not Ready until the spec releases it.
func HoldReadiness() Option {
	return func(s *appsv1.StatefulSet) {
		s.Spec.Template.Spec.ReadinessGates = append(s.Spec.Template.Spec.ReadinessGates, corev1.PodReadinessGate{ConditionType: Gate})
	}
}

// Command sets the shell script that the pods run.
func Command(script string) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.Containers[0].Command = []string{"sh", "-c", script} }
}

// Grace sets the pods' termination grace period in seconds.
func Grace(seconds int64) Option {
	return func(s *appsv1.StatefulSet) { s.Spec.Template.Spec.TerminationGracePeriodSeconds = &seconds }
}

// TolerateUnreachable sets the pods' tolerationSeconds for a node that is not ready or unreachable to 1, where 300 is the default.
func TolerateUnreachable() Option {
	return func(s *appsv1.StatefulSet) {
		for _, key := range []string{corev1.TaintNodeNotReady, corev1.TaintNodeUnreachable} {
			s.Spec.Template.Spec.Tolerations = append(s.Spec.Template.Spec.Tolerations, corev1.Toleration{
				Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(1)),
			})
		}
	}
}

// The exit codes of a container of SlowShutdown: it exited by itself after its preStop hook, or without it.
const (
	ExitAfterHook   = 7
	ExitWithoutHook = 8
)

// SlowShutdown makes pods need that many seconds in a preStop hook and then in their handler of SIGTERM. The exit code shows whether the hook
// ran; a container that was killed has another one.
func SlowShutdown(hook, handler int) Option {
	// The termination log is a file that every container may write, whatever its root file system.
	const trace = "/dev/termination-log"
	script := fmt.Sprintf("trap 'sleep %d; [ -s %s ] && exit %d; exit %d' TERM; while :; do sleep 3600 & wait; done", handler, trace, ExitAfterHook, ExitWithoutHook)
	return func(s *appsv1.StatefulSet) {
		Command(script)(s)
		s.Spec.Template.Spec.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{
			Command: []string{"sh", "-c", fmt.Sprintf("sleep %d; echo the hook ran > %s", hook, trace)},
		}}}
	}
}

// HoldShutdownOfFirst makes the pod of ordinal 0 go on when it is told to end, until LetEnd or the end of its grace period. The others end at
// once.
func HoldShutdownOfFirst() Option {
	return Command("h=$(hostname); case ${h%%.*} in *-0) ;; *) may=1;; esac; " +
		"trap 'must=1; [ -n \"$may\" ] && exit 0' TERM; trap 'may=1; [ -n \"$must\" ] && exit 0' USR1; while :; do sleep 3600 & wait; done")
}

// second is the name of the container that FurtherFields adds.
const second = "second"

// FurtherFields sets fields of many kinds in the template, which the sets of other specs leave out and which change nothing of what their pods do: a label and
// an annotation, a second container like the first, requests, probes, volumes, and where a pod may run.
func FurtherFields() Option {
	return func(s *appsv1.StatefulSet) {
		metav1.SetMetaDataLabel(&s.Spec.Template.ObjectMeta, TemplateKey, "further")
		metav1.SetMetaDataAnnotation(&s.Spec.Template.ObjectMeta, TemplateKey, "further")
		pod := &s.Spec.Template.Spec
		another := pod.Containers[0].DeepCopy()
		another.Name = second
		another.Env = []corev1.EnvVar{{Name: "SECOND", Value: "yes"}, {Name: "NAME", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.name"}}}}
		another.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "nobody"}, Optional: new(true)}}}
		another.WorkingDir = "/"
		requests := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Mi")}
		maps.Copy(requests, another.Resources.Requests) // POD_PATCH's
		another.Resources.Requests = requests
		another.VolumeMounts = append(another.VolumeMounts, corev1.VolumeMount{Name: "scratch", MountPath: "/scratch"}, corev1.VolumeMount{Name: "labels", MountPath: "/labels"})
		another.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}, InitialDelaySeconds: 60, TimeoutSeconds: 30}
		another.StartupProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"true"}}}, PeriodSeconds: 1, TimeoutSeconds: 30}
		another.Ports = []corev1.ContainerPort{{Name: "nobody", ContainerPort: 9}}
		pod.Containers = append(pod.Containers, *another)
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "scratch", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: "labels", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
			Items: []corev1.DownwardAPIVolumeFile{{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}}},
		}}})
		pod.AutomountServiceAccountToken = new(false)
		pod.OS = &corev1.PodOS{Name: corev1.Linux}
		pod.Tolerations = append(pod.Tolerations, corev1.Toleration{Key: TemplateKey, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule})
		pod.DNSConfig = &corev1.PodDNSConfig{Options: []corev1.PodDNSConfigOption{{Name: "attempts", Value: new("3")}}}
		pod.HostAliases = []corev1.HostAlias{{IP: "192.0.2.1", Hostnames: []string{"nobody.example"}}}
		if len(pod.TopologySpreadConstraints) == 0 {
			pod.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: s.Spec.Selector,
			}}
		}
		affinity := affinityOf(pod)
		if affinity.PodAntiAffinity == nil {
			affinity.PodAntiAffinity = &corev1.PodAntiAffinity{}
		}
		preferred := &affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		*preferred = append(*preferred, corev1.WeightedPodAffinityTerm{
			Weight: 1, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname, LabelSelector: s.Spec.Selector},
		})
	}
}

// InitContainer has a container like the first end in each pod before that starts.
func InitContainer() Option {
	return func(s *appsv1.StatefulSet) {
		pod := &s.Spec.Template.Spec
		first := pod.Containers[0].DeepCopy()
		first.Name, first.Command, first.Ports = "init", []string{"true"}, nil
		pod.InitContainers = append(pod.InitContainers, *first)
	}
}

// affinityOf returns the affinity of a pod, to add to: POD_PATCH may have set one.
func affinityOf(pod *corev1.PodSpec) *corev1.Affinity {
	if pod.Affinity == nil {
		pod.Affinity = &corev1.Affinity{}
	}
	return pod.Affinity
}
