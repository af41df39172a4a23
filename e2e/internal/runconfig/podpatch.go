package runconfig

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// PodPatch is a strategic merge patch for the template of every pod that a run makes, as JSON has it; nil changes nothing. It has only fields
// that no check rests on.
type PodPatch map[string]any

// The fields that a patch may have. They say where a pod runs, as whom and with how much, and what policies look for. Whatever decides how a
// pod starts, becomes ready, ends or is named stays the fixtures' own: with other values, checks would show something else than they say.
func patchable() map[string][]string {
	return map[string][]string{
		"":                {"metadata", "spec"},
		"metadata":        {"annotations", "labels"},
		"spec.containers": {"imagePullPolicy", "name", "resources", "securityContext"},
		"spec": {
			"affinity", "automountServiceAccountToken", "containers", "enableServiceLinks", "hostUsers", "imagePullSecrets", "nodeSelector",
			"preemptionPolicy", "priorityClassName", "runtimeClassName", "schedulerName", "securityContext", "serviceAccountName", "tolerations",
			"topologySpreadConstraints",
		},
	}
}

// ParsePodPatch reads a patch from YAML or JSON. The error says in a line which field may not be in it, or what is wrong with its value.
func ParsePodPatch(text []byte) (PodPatch, error) {
	if bytes.Contains(text, []byte("\n---")) {
		return nil, errors.New("expected one document")
	}
	var p PodPatch
	if err := yaml.UnmarshalStrict(text, &p); err != nil {
		return nil, fmt.Errorf("expected an object with metadata and spec of a pod: %w", err)
	}
	return p, p.Validate()
}

// Validate returns why a patch is not one that a run may use.
func (p PodPatch) Validate() error {
	if len(p) == 0 {
		return errors.New("expected an object with metadata or spec of a pod, found nothing")
	}
	if err := p.validateFields(); err != nil {
		return err
	}
	data, err := json.Marshal(p)
	if err != nil {
		return err
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	strict.DisallowUnknownFields()
	var typed corev1.PodTemplateSpec
	if err := strict.Decode(&typed); err != nil {
		return fmt.Errorf("expected fields and values of a pod: %w", err)
	}
	if err := validateMetadata(typed.Labels, typed.Annotations); err != nil {
		return err
	}
	for _, t := range typed.Spec.Tolerations {
		if stopsEvictions(t) {
			return fmt.Errorf("toleration of %q: expected none of effect NoExecute for every taint or for one that specs have pods evicted for: "+
				"evictions could not be judged; name the taint of your nodes", t.Key)
		}
	}
	return nil
}

// validateMetadata returns why labels and annotations that a person adds are not valid, or not the person's to set.
func validateMetadata(labels, annotations map[string]string) error {
	errs := append(metav1validation.ValidateLabels(labels, field.NewPath("labels")), validation.ValidateAnnotations(annotations, field.NewPath("annotations"))...)
	if len(errs) > 0 {
		return errs.ToAggregate()
	}
	for _, key := range slices.Concat(slices.Sorted(maps.Keys(labels)), slices.Sorted(maps.Keys(annotations))) {
		if ownKey(key) {
			return fmt.Errorf("%s: expected a key that neither the suite nor Kubernetes itself sets", key)
		}
	}
	return nil
}

func (p PodPatch) validateFields() error {
	if err := onlyFields(p, ""); err != nil {
		return err
	}
	for _, part := range []string{"metadata", "spec"} {
		if value, there := p[part]; there {
			if err := onlyFields(value, part); err != nil {
				return err
			}
		}
	}
	meta, _ := p["metadata"].(map[string]any)
	for key, value := range meta {
		if _, is := value.(map[string]any); !is {
			return fmt.Errorf("metadata.%s: expected an object, found %v", key, value)
		}
	}
	spec, _ := p["spec"].(map[string]any)
	containers, there := spec["containers"]
	if !there {
		return nil
	}
	list, _ := containers.([]any)
	if len(list) == 0 {
		return errors.New("spec.containers: expected a list of main or nginx, the names that the suite's containers have")
	}
	for _, c := range list {
		if err := onlyFields(c, "spec.containers"); err != nil {
			return err
		}
		if name, _ := c.(map[string]any)["name"].(string); !fixtures.IsMain(name) {
			return fmt.Errorf("spec.containers: expected main or nginx, the names that the suite's containers have, found %q: a patch adds, renames and removes none", name)
		}
	}
	return nil
}

// onlyFields returns an error where a value at a path is no object, or has a field that a patch may not have.
func onlyFields(value any, path string) error {
	object, is := value.(map[string]any)
	if patch, root := value.(PodPatch); root {
		object, is = patch, true
	}
	if !is {
		return fmt.Errorf("%s: expected an object, found %v", path, value)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(patchable()[path], key) {
			return fmt.Errorf("%s: may not be changed, since checks rest on it or it is no field of pods; what may be there is %s",
				strings.TrimPrefix(path+"."+key, "."), strings.Join(patchable()[path], ", "))
		}
	}
	return nil
}

// ownKey reports whether a label or annotation is the suite's own, or one that Kubernetes gives to pods of sets and to namespaces.
func ownKey(key string) bool {
	return strings.HasPrefix(key, Group+"/") || slices.Contains([]string{
		"app", ManagedByLabel, PodSecurityLabel, "controller-revision-hash", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", corev1.LabelMetadataName,
	}, key)
}

// stopsEvictions reports whether a toleration keeps pods on a node that specs have them evicted from.
func stopsEvictions(t corev1.Toleration) bool {
	if t.Effect != "" && t.Effect != corev1.TaintEffectNoExecute {
		return false
	}
	return t.Key == "" || t.Key == corev1.TaintNodeNotReady || t.Key == corev1.TaintNodeUnreachable || strings.HasPrefix(t.Key, Group+"/")
}

// Template returns a pod template, as JSON has it, with the patch applied. It may be applied again to the result, which then stays the same.
func (p PodPatch) Template(template map[string]any) (map[string]any, error) {
	if len(p) == 0 {
		return template, nil
	}
	patched, err := strategicpatch.StrategicMergeMapPatch(runtime.DeepCopyJSON(template), p.forContainersOf(template), corev1.PodTemplateSpec{})
	if err != nil {
		return nil, fmt.Errorf("applying the patch of pods: %w", err)
	}
	return patched, nil
}

// With returns the patch with further fields of a pod's spec: objects and lists that it has get what they lack.
func (p PodPatch) With(spec map[string]any) PodPatch {
	out := PodPatch{}
	if p != nil {
		out = runtime.DeepCopyJSON(p)
	}
	mine, ok := out["spec"].(map[string]any)
	if !ok {
		mine = map[string]any{}
		out["spec"] = mine
	}
	for key, value := range spec {
		switch was := mine[key].(type) {
		case map[string]any:
			if further, ok := value.(map[string]any); ok {
				maps.Copy(was, further)
			}
		case []any:
			if further, ok := value.([]any); ok {
				mine[key] = append(was, further...)
			}
		default:
			mine[key] = value
		}
	}
	return out
}

// forContainersOf returns the patch without what it says of containers that a template has not: those would be added.
func (p PodPatch) forContainersOf(template map[string]any) map[string]any {
	patch := runtime.DeepCopyJSON(p)
	spec, _ := patch["spec"].(map[string]any)
	list, is := spec["containers"].([]any)
	if !is {
		return patch
	}
	there := map[any]bool{}
	inner, _ := template["spec"].(map[string]any)
	have, _ := inner["containers"].([]any)
	for _, c := range have {
		if container, ok := c.(map[string]any); ok {
			there[container["name"]] = true
		}
	}
	spec["containers"] = slices.DeleteFunc(list, func(c any) bool {
		container, _ := c.(map[string]any)
		return !there[container["name"]]
	})
	return patch
}

// apply applies the patch to a pod template in place.
func (p PodPatch) apply(t *corev1.PodTemplateSpec) error {
	if len(p) == 0 {
		return nil
	}
	// Through JSON, since numbers of a patch are JSON's.
	data, err := json.Marshal(t)
	if err != nil {
		return err
	}
	var fields map[string]any
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	if fields, err = p.Template(fields); err != nil {
		return err
	}
	if data, err = json.Marshal(fields); err != nil {
		return err
	}
	*t = corev1.PodTemplateSpec{}
	return json.Unmarshal(data, t)
}

// published is the patch without the values of its annotations, which a report does not hold.
func (p PodPatch) published() PodPatch {
	if len(p) == 0 {
		return nil
	}
	out := PodPatch(runtime.DeepCopyJSON(p))
	meta, _ := out["metadata"].(map[string]any)
	annotations, _ := meta["annotations"].(map[string]any)
	for key := range annotations {
		annotations[key] = redact.Hidden
	}
	return out
}
