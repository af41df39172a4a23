package explore

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// publicImage is the image of fixtures/set.yaml.
const publicImage = "busybox:1.37"

// The claim templates that sets have: none, the first, or both.
const dataClaim, logClaim = "data", "log"

// restarted is the annotation of a template that is restarted.
const restarted = history.Prefix + "restarted"

// noSuchImage is never pulled, so that no registry is asked for it.
const noSuchImage = "statefulset-conformance/no-such-image:1"

// readFixture returns the service and the set of fixtures/set.yaml.
func readFixture() (service, set map[string]any, err error) {
	data, err := fixtures.Manifests.ReadFile(fixtures.Set)
	if err != nil {
		return nil, nil, err
	}
	for doc := range bytes.SplitSeq(data, []byte("\n---\n")) {
		o := map[string]any{}
		if err := yaml.Unmarshal(doc, &o); err != nil {
			return nil, nil, fmt.Errorf("fixtures/%s: %w", fixtures.Set, err)
		}
		switch o["kind"] {
		case "Service":
			service = o
		case "StatefulSet":
			set = o
		}
	}
	if service == nil || set == nil {
		return nil, nil, errors.New("fixtures/" + fixtures.Set + ": expected a Service and a StatefulSet")
	}
	return service, set, nil
}

// create returns the requests that make a set and the service that it names.
func (a *Act) create(image string) ([]Request, error) {
	service, set, err := readFixture()
	if err != nil {
		return nil, err
	}
	named := object("metadata", object("name", a.Set))
	merge(service, named)
	merge(service, object("spec", object("selector", object("app", a.Set))))
	patch, err := a.Spec.patch(a.Set, image)
	if err != nil {
		return nil, err
	}
	merge(set, named)
	merge(set, object("spec", map[string]any{"serviceName": a.Set, "selector": object("matchLabels", object("app", a.Set))}))
	merge(set, object("spec", patch))
	return []Request{
		{Method: Post, Resource: history.Services, Name: a.Set, Verb: history.VerbCreate, Text: "create service " + a.Set, Body: service, Exists: true},
		{Method: Post, Resource: history.Sets, Name: a.Set, Verb: history.VerbCreate, Text: a.Words(), Body: set},
	}, nil
}

// patch returns the part spec of a merge patch that changes a set to what the spec asks for.
func (s *Spec) patch(set, image string) (map[string]any, error) {
	out := map[string]any{}
	for field, value := range map[string]*int32{"replicas": s.Replicas, "minReadySeconds": s.MinReadySeconds, "revisionHistoryLimit": s.HistoryLimit} {
		if value != nil {
			out[field] = *value
		}
	}
	if s.Start != nil {
		out["ordinals"] = object("start", *s.Start)
	}
	if s.Policy != "" {
		out["podManagementPolicy"] = string(s.Policy)
	}
	retention := map[string]any{}
	if s.WhenScaled != "" {
		retention["whenScaled"] = string(s.WhenScaled)
	}
	if s.WhenDeleted != "" {
		retention["whenDeleted"] = string(s.WhenDeleted)
	}
	if len(retention) > 0 {
		out["persistentVolumeClaimRetentionPolicy"] = retention
	}
	if strategy := s.strategy(); len(strategy) > 0 {
		out["updateStrategy"] = strategy
	}
	var claims []any
	for _, name := range s.Claims {
		template := claimNamed(name, map[string]string{"template": name})
		template.Annotations = map[string]string{history.Prefix + "template": name}
		if name == logClaim {
			template.Spec.Resources.Requests[corev1.ResourceStorage] = resource.MustParse("24Mi")
		}
		claim, err := toMap(template)
		if err != nil {
			return nil, err
		}
		claims = append(claims, without(without(claim, "apiVersion"), "kind"))
	}
	if len(claims) > 0 {
		out["volumeClaimTemplates"] = claims
	}
	if s.Template == nil {
		return out, nil
	}
	template, err := s.Template.body(set, image)
	out["template"] = template
	return out, err
}

func (s *Spec) strategy() map[string]any {
	out, rolling := map[string]any{}, map[string]any{}
	if s.Strategy != "" {
		out["type"] = string(s.Strategy)
	}
	if s.Partition != nil {
		rolling["partition"] = *s.Partition
	}
	if most := s.MaxUnavailable; most != nil {
		rolling["maxUnavailable"] = number(*most)
	}
	if len(rolling) > 0 {
		out["rollingUpdate"] = rolling
	}
	if s.Strategy != "" && s.Strategy != appsv1.RollingUpdateStatefulSetStrategyType {
		out["rollingUpdate"] = nil
	}
	return out
}

// number writes a number as one, a percentage as a text, and nothing as null.
func number(text string) any {
	if text == "" {
		return nil
	}
	if n, err := strconv.Atoi(text); err == nil {
		return n
	}
	return text
}

// body returns a template as a merge patch has it.
func (t *Template) body(set, image string) (map[string]any, error) {
	_, fixture, err := readFixture()
	if err != nil {
		return nil, err
	}
	var typed appsv1.StatefulSet
	data, err := yaml.Marshal(fixture)
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(data, &typed); err != nil {
		return nil, err
	}
	pod := typed.Spec.Template
	pod.Labels = map[string]string{"app": set, history.Prefix + "template": t.Name}
	metav1.SetMetaDataAnnotation(&pod.ObjectMeta, history.Prefix+"template", t.Name)
	if t.Restart != "" {
		metav1.SetMetaDataAnnotation(&pod.ObjectMeta, restarted, t.Restart)
	}
	c := &pod.Spec.Containers[0]
	c.Image, c.Args = image, []string{t.Name} // $0 of the command's shell
	c.Env = []corev1.EnvVar{{Name: history.TemplateEnv, Value: t.Name}}
	for _, name := range t.Mounts {
		c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/" + name})
	}
	t.Extra.add(&pod, t.Mounts)
	c = &pod.Spec.Containers[0]
	if t.Stop > 0 {
		c.Command = []string{"sh", "-c", fmt.Sprintf("trap 'sleep %d; exit 0' TERM; while :; do sleep 3600 & wait; done", t.Stop)}
		pod.Spec.TerminationGracePeriodSeconds = new(int64(t.Stop + 5))
	}
	switch t.Fault {
	case Unready:
		c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"false"}}}, PeriodSeconds: 5}
	case Crashing:
		c.Command = []string{"sh", "-c", "exit 1"}
	case Ending:
		c.Command = []string{"sh", "-c", "sleep 2"}
	case Unpullable:
		c.Image, c.ImagePullPolicy = noSuchImage, corev1.PullNever
	case Unplaced:
		pod.Spec.SchedulerName = "nobody"
	}
	out, err := toMap(&pod)
	if err != nil {
		return nil, err
	}
	spec, meta := out["spec"].(map[string]any), out["metadata"].(map[string]any)
	if t.Gate {
		spec["readinessGates"] = []any{map[string]any{"conditionType": string(Gate)}}
	}
	// A merge patch takes away only what it names.
	for _, optional := range []struct {
		in  map[string]any
		key string
	}{
		{spec, "readinessGates"},
		{spec, "schedulerName"},
		{spec, "tolerations"},
		{spec, "hostname"},
		{spec, "subdomain"},
		{spec, "volumes"},
		{meta["labels"].(map[string]any), appsv1.PodIndexLabel},
		{meta["annotations"].(map[string]any), restarted},
	} {
		if _, has := optional.in[optional.key]; !has {
			optional.in[optional.key] = nil
		}
	}
	return out, nil
}

// add gives a pod template the extra.
func (e Extra) add(pod *corev1.PodTemplateSpec, mounts []string) {
	switch e {
	case Sidecar:
		c := pod.Spec.Containers[0].DeepCopy()
		c.Name, c.Args, c.Env, c.Ports, c.VolumeMounts = "beside", nil, nil, nil, nil
		pod.Spec.Containers = append(pod.Spec.Containers, *c)
	case Tolerating:
		pod.Spec.Tolerations = []corev1.Toleration{{Key: history.Prefix + "run", Operator: corev1.TolerationOpExists}}
	case Named:
		pod.Spec.Hostname, pod.Spec.Subdomain = "own", "own"
		pod.Labels[appsv1.PodIndexLabel] = "99"
	case Shadowing:
		for _, name := range mounts {
			pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
		}
	}
}

// claim returns the claim that a set would make for a pod. The name begins with that of the claim template.
func (a *Act) claim() (map[string]any, error) { return toMap(claimNamed(a.Object, labelsOf(a.Set))) }

func claimNamed(name string, labels map[string]string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "PersistentVolumeClaim"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("16Mi")}},
		},
	}
}

// outsider returns a pod with the labels of the set that the set has not made.
func (a *Act) outsider(image string) (map[string]any, error) {
	template, err := (&Template{Name: "outsider"}).body(a.Set, image)
	if err != nil {
		return nil, err
	}
	spec := template["spec"].(map[string]any)
	if a.Once {
		spec["restartPolicy"] = string(corev1.RestartPolicyNever)
	}
	return merge(map[string]any{}, map[string]any{
		"apiVersion": "v1", "kind": "Pod", "spec": spec,
		"metadata": map[string]any{"name": a.Object, "labels": object("app", a.Set)},
	}), nil
}

// ClaimOf is the name of the claim that a template gives the pod of that name.
func ClaimOf(template, pod string) string { return template + "-" + pod }

// podOf is the name of the pod of an ordinal.
func podOf(set string, ordinal int) string { return fmt.Sprintf("%s-%d", set, ordinal) }

// memberOf reports whether a pod's name is one that the set may give.
func memberOf(set, pod string) bool {
	return history.Ordinal(pod) >= 0 && strings.TrimSuffix(pod, fmt.Sprintf("-%d", history.Ordinal(pod))) == set
}
