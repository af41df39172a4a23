package diagnose

import (
	"fmt"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// scalers are the autoscalers that decide how many pods the set has.
func (v *view) scalers() []*autoscalingv2.HorizontalPodAutoscaler {
	var out []*autoscalingv2.HorizontalPodAutoscaler
	for i := range v.s.Autoscalers {
		if h := &v.s.Autoscalers[i]; Targets(h, v.set.Name) {
			out = append(out, h)
		}
	}
	return out
}

// Targets reports whether an autoscaler is for the StatefulSet of a name in its namespace.
func Targets(h *autoscalingv2.HorizontalPodAutoscaler, set string) bool {
	t := h.Spec.ScaleTargetRef
	group, _, _ := strings.Cut(t.APIVersion, "/")
	return t.Kind == "StatefulSet" && t.Name == set && group == "apps"
}

// scaled tells of autoscalers that undo what others write to the set's replicas, and of those that cannot tell how many there are to be. The set
// does as it is told, so that these are notes; two autoscalers of one set are not.
func (v *view) scaled() []Finding {
	found := v.missing()
	all := v.scalers()
	for _, h := range all {
		scaler := v.ref("horizontalpodautoscaler", h.Name)
		least := int32(1)
		if h.Spec.MinReplicas != nil {
			least = *h.Spec.MinReplicas
		}
		f := Finding{
			Cause: Note, Area: Controller, Object: scaler, Path: []Ref{v.setRef(), scaler},
			Seen:     fmt.Sprintf("the set is asked for %d replicas", v.replicas()),
			Evidence: []Evidence{{scaler, "spec.minReplicas, spec.maxReplicas", fmt.Sprintf("%d, %d", least, h.Spec.MaxReplicas)}, {v.setRef(), "spec.replicas", fmt.Sprint(v.replicas())}},
			Look:     []string{describe(scaler)},
		}
		if len(all) > 1 {
			f.Cause, f.What = "several-autoscalers", fmt.Sprintf("is one of %d autoscalers of the set: each undoes what the other does", len(all))
			f.Do = []string{"keep one of them: " + kubectl(scaler, "get horizontalpodautoscalers")}
			return append(found, f)
		}
		if e := v.outOfRange(h); e != nil {
			bound, field := h.Spec.MaxReplicas, "maxReplicas"
			if strings.Contains(e.Message, "below") {
				bound, field = least, "minReplicas"
			}
			f.What = fmt.Sprintf("set the replicas back to %d, its %s, %s ago: what somebody else wrote to replicas was out of its range", bound, field, v.ago(at(e)))
			f.Evidence = append(f.Evidence, eventEvidence(e))
			f.Do = []string{
				fmt.Sprintf("for another number of pods change minReplicas and maxReplicas: %s", kubectl(scaler, `patch hpa %s -p '{"spec":{"maxReplicas":N}}'`, h.Name)),
				"leave replicas out of what deployment tools write for a set that has an autoscaler",
			}
			found = append(found, f)
			continue
		}
		if c := blind(h); c != nil && v.replicas() > 0 && v.now.Sub(c.LastTransitionTime.Time) > patience {
			f.What = "cannot tell how many replicas there are to be: " + oneLine(c.Message)
			f.Evidence = append(f.Evidence, Evidence{scaler, "status.conditions[" + string(c.Type) + "]", oneLine(string(c.Status) + " " + c.Reason + ": " + c.Message)})
			f.Do = []string{"see whether what gives it the metric runs (metrics-server, an adapter), and whether the set's template requests what is measured"}
			found = append(found, f)
		}
	}
	return found
}

// outOfRange is what an autoscaler says of replicas that it set back since they were out of its range, nil if it did not do so of late.
func (v *view) outOfRange(h *autoscalingv2.HorizontalPodAutoscaler) *corev1.Event {
	for _, e := range v.events("HorizontalPodAutoscaler", h.Name, h.UID, "SuccessfulRescale") {
		if contains(e.Message)("above Spec.MaxReplicas", "below Spec.MinReplicas") {
			return e
		}
	}
	return nil
}

// blind is the condition that says that an autoscaler has no figures, or cannot write, nil if it works.
func blind(h *autoscalingv2.HorizontalPodAutoscaler) *autoscalingv2.HorizontalPodAutoscalerCondition {
	at := slices.IndexFunc(h.Status.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
		return c.Status == corev1.ConditionFalse && (c.Type == autoscalingv2.ScalingActive || c.Type == autoscalingv2.AbleToScale) && c.Reason != "ScalingDisabled"
	})
	if at < 0 {
		return nil
	}
	return &h.Status.Conditions[at]
}
