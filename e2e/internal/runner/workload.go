package runner

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Workload is what a cluster wants of pods, claims and namespaces beside what the fixtures say of them.
type Workload struct {
	PodPatch                              runconfig.PodPatch
	ClaimSize                             *resource.Quantity
	PullSecret                            string // absolute path
	NamespaceLabels, NamespaceAnnotations map[string]string

	patchFile, claimSize, labels, annotations              string // as typed
	nodeSelector, tolerations, priorityClass, runtimeClass string
}

func (w *Workload) addFlags(f cli.Flags) {
	f.String(&w.patchFile, "POD_PATCH", "", "`file` with a strategic merge patch for the template of every pod, such as metadata.labels, spec.tolerations, resources of spec.containers (main, nginx)")
	f.String(&w.nodeSelector, "NODE_SELECTOR", "", "`labels` that the nodes of pods must have, as a=b,...; added to POD_PATCH")
	f.String(&w.tolerations, "TOLERATIONS", "", "`taints` that pods tolerate, as key[=value][:effect],...; added to POD_PATCH")
	f.String(&w.priorityClass, "PRIORITY_CLASS", "", "`name` of the pods' PriorityClass; added to POD_PATCH")
	f.String(&w.runtimeClass, "RUNTIME_CLASS", "", "`name` of the pods' RuntimeClass; added to POD_PATCH")
	f.String(&w.PullSecret, "PULL_SECRET", "", "`file` with credentials of registries, as docker login writes it: each namespace gets a secret of it, which pods name")
	f.String(&w.claimSize, "CLAIM_SIZE", "", "least `size` of claims, such as 1Gi (default: "+runconfig.SmallestClaim+", and of the lesson's example 64Mi)")
	f.String(&w.labels, "NAMESPACE_LABELS", "", "further `labels` of the namespaces that the run makes, as a=b,...")
	f.String(&w.annotations, "NAMESPACE_ANNOTATIONS", "", "further `annotations` of the namespaces that the run makes, as a=b,...")
}

// validate completes the settings and reports what is wrong with them. existing says that the run makes no namespaces.
func (w *Workload) validate(existing bool, wrong func(format string, args ...any)) {
	w.validatePods(wrong)
	if w.claimSize != "" {
		size, err := resource.ParseQuantity(w.claimSize)
		if least := resource.MustParse(runconfig.SmallestClaim); err != nil || size.Cmp(least) < 0 {
			wrong("CLAIM_SIZE=%s: expected a size of %s or more, such as 1Gi", w.claimSize, runconfig.SmallestClaim)
		}
		w.ClaimSize = &size
	}
	var err error
	if w.NamespaceLabels, err = runconfig.ParseNamespaceLabels(w.labels); err != nil {
		wrong("NAMESPACE_LABELS=%s: %v", w.labels, err)
	}
	if w.NamespaceAnnotations, err = runconfig.ParseNamespaceAnnotations(w.annotations); err != nil {
		wrong("NAMESPACE_ANNOTATIONS=%s: %v", w.annotations, err)
	}
	if existing && w.labels+w.annotations != "" {
		wrong("NAMESPACE_LABELS, NAMESPACE_ANNOTATIONS: expected none where NAMESPACES names the namespaces: label those yourself")
	}
	if existing && w.PullSecret != "" {
		wrong("PULL_SECRET=%s: expected none where NAMESPACES names the namespaces: make the secret there, and name it in spec.imagePullSecrets of POD_PATCH", w.PullSecret)
	}
	if w.PullSecret != "" {
		if _, err := runconfig.ReadPullSecret(w.PullSecret); err != nil {
			wrong("PULL_SECRET=%s: %v", w.PullSecret, err)
		}
		w.PullSecret, _ = filepath.Abs(w.PullSecret)
	}
}

// validatePods reads the patch of pods, and adds to it what further settings say.
func (w *Workload) validatePods(wrong func(format string, args ...any)) {
	w.PodPatch = nil
	if w.patchFile != "" {
		text, err := os.ReadFile(w.patchFile)
		if err == nil {
			w.PodPatch, err = runconfig.ParsePodPatch(text)
		}
		if err != nil {
			wrong("POD_PATCH=%s: %v", w.patchFile, err)
			return
		}
	}
	added := map[string]any{}
	if w.priorityClass != "" {
		added["priorityClassName"] = w.priorityClass
	}
	if w.runtimeClass != "" {
		added["runtimeClassName"] = w.runtimeClass
	}
	if w.PullSecret != "" {
		added["imagePullSecrets"] = []any{map[string]any{"name": runconfig.PullSecretName}}
	}
	selector, err := runconfig.ParseKeys(w.nodeSelector)
	if err != nil {
		wrong("NODE_SELECTOR=%s: %v", w.nodeSelector, err)
	}
	if len(selector) > 0 {
		added["nodeSelector"] = toAny(selector)
	}
	if all := w.parseTolerations(wrong); len(all) > 0 {
		added["tolerations"] = all
	}
	if len(added) == 0 {
		return
	}
	w.PodPatch = w.PodPatch.With(added)
	if err := w.PodPatch.Validate(); err != nil {
		wrong("NODE_SELECTOR, TOLERATIONS, PRIORITY_CLASS, RUNTIME_CLASS: %v", err)
	}
}

// parseTolerations reads taints as kubectl taint writes them.
func (w *Workload) parseTolerations(wrong func(format string, args ...any)) []any {
	var out []any
	for _, taint := range strings.FieldsFunc(w.tolerations, func(r rune) bool { return r == ',' }) {
		key, effect, _ := strings.Cut(taint, ":")
		key, value, equal := strings.Cut(key, "=")
		if key == "" || !slices.Contains([]corev1.TaintEffect{"", corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}, corev1.TaintEffect(effect)) {
			wrong("TOLERATIONS=%s: expected taints as key[=value][:effect],... with the effect NoSchedule, PreferNoSchedule or NoExecute, found %q", w.tolerations, taint)
			return nil
		}
		t := map[string]any{"key": key, "operator": string(corev1.TolerationOpExists)}
		if equal {
			t["operator"], t["value"] = string(corev1.TolerationOpEqual), value
		}
		if effect != "" {
			t["effect"] = effect
		}
		out = append(out, t)
	}
	return out
}

func toAny(all map[string]string) map[string]any {
	out := map[string]any{}
	for key := range maps.Keys(all) {
		out[key] = all[key]
	}
	return out
}
