package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// leaseGrace is added to a lease's own duration before its holder counts as gone: another may be about to take over.
const leaseGrace = 15 * time.Second

// expired reports whether nobody has renewed a lease in time.
func (v *view) expired(l *coordinationv1.Lease) bool {
	if l.Spec.RenewTime == nil {
		return false
	}
	if l.Spec.HolderIdentity != nil && *l.Spec.HolderIdentity == "" {
		return v.now.Sub(l.Spec.RenewTime.Time) > leaseGrace/3 // It was given back, and nobody has taken it.
	}
	length := 15 * time.Second
	if l.Spec.LeaseDurationSeconds != nil {
		length = time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second
	}
	return v.now.Sub(l.Spec.RenewTime.Time) > length+leaseGrace
}

// controllerManager is the finding that no controller manager runs, nil if one does or nothing was read that shows it.
func (v *view) controllerManager() *Finding {
	return v.component("kube-controller-manager", "controller-down",
		"sets, endpoints, node health and garbage are looked after by it: no pod is created, replaced or removed until it runs")
}

// component is the finding that a part of the control plane does not run, by its lease of leadership.
func (v *view) component(name string, cause Cause, without string) *Finding {
	l := v.lease(metav1.NamespaceSystem, name)
	if l == nil || !v.expired(l) || v.actedSince(name, l.Spec.RenewTime.Time) {
		return nil
	}
	holder := "(none: it was given back)"
	if l.Spec.HolderIdentity != nil && *l.Spec.HolderIdentity != "" {
		holder = *l.Spec.HolderIdentity
	}
	lease := systemRef("lease", metav1.NamespaceSystem, name)
	host, _, held := strings.Cut(holder, "_")
	f := &Finding{
		Cause: cause, Area: Controller, Object: lease,
		What: fmt.Sprintf("has not been renewed for %s: %s does not run, unless it runs without leader election", v.ago(l.Spec.RenewTime.Time), name),
		Evidence: []Evidence{
			{lease, "spec.renewTime", l.Spec.RenewTime.UTC().Format(time.RFC3339)},
			{lease, "spec.holderIdentity", holder},
		},
		Why: without,
		Do:  []string{"see whether the pod " + name + " runs on the control plane, and why not: its log, its manifest in /etc/kubernetes/manifests"},
		Look: []string{
			kubectl(lease, "get lease %s -o yaml", name), kubectl(lease, "get pods -l component=%s -o wide", name),
		},
	}
	if held {
		f.Do = append(f.Do, "the last to hold it was on "+host)
	}
	if v.set != nil {
		f.Seen = fmt.Sprintf("statefulset %s is not looked after", v.set.Name)
		if v.set.Status.ObservedGeneration < v.set.Generation {
			f.Evidence = append(f.Evidence, Evidence{v.setRef(), "status.observedGeneration", fmt.Sprintf("%d, metadata.generation %d", v.set.Status.ObservedGeneration, v.set.Generation)})
		}
	}
	return f
}

// actedSince reports whether a part of the control plane has done something well after its lease was last renewed: it then runs without
// leader election, and the lease is of an earlier time.
func (v *view) actedSince(name string, renewed time.Time) bool {
	source := map[string]string{"kube-controller-manager": "statefulset-controller", "kube-scheduler": "default-scheduler"}[name]
	renewed = renewed.Add(time.Minute)
	for i := range v.s.Events {
		e := &v.s.Events[i]
		if (e.Source.Component == source || e.ReportingController == source) && at(e).After(renewed) {
			return true
		}
	}
	return slices.ContainsFunc(v.set.ManagedFields, func(m metav1.ManagedFieldsEntry) bool {
		return m.Manager == name && m.Time != nil && m.Time.After(renewed)
	})
}

// beingDeleted is a set that is being deleted: its controller then does nothing but count its pods.
func (v *view) beingDeleted() *Finding {
	if v.set.DeletionTimestamp == nil {
		return nil
	}
	set := v.setRef()
	f := &Finding{
		Cause: "set-terminating", Area: Termination, Object: set, What: "is being deleted, and held by its finalizers " + list(v.set.Finalizers) + ": no pod is made, replaced or removed by it",
		Seen: fmt.Sprintf("it was deleted %s ago and is still there", v.ago(v.set.DeletionTimestamp.Time)), Path: []Ref{set},
		Evidence: []Evidence{
			{set, "metadata.deletionTimestamp", v.set.DeletionTimestamp.UTC().Format(time.RFC3339)}, {set, "metadata.finalizers", list(v.set.Finalizers)},
		},
		Do: []string{
			"find the controller of that finalizer and see whether it runs",
			"if it is gone for good, take the finalizer away: " + kubectl(set, `patch statefulset %s --type json -p '[{"op":"remove","path":"/metadata/finalizers"}]'`, set.Name),
		},
		Look: []string{getYAML(set)},
	}
	if slices.Contains(v.set.Finalizers, metav1.FinalizerDeleteDependents) {
		f.Why = "it was deleted in the foreground: it goes once the garbage collector has removed all that it owns"
		f.Do = []string{"see what of its pods does not end, or whether kube-controller-manager runs"}
	}
	if v.now.Sub(v.set.DeletionTimestamp.Time) < patience {
		f.Cause = Note
	}
	return f
}

// namespaceEnds is a namespace that is being deleted, nil if it is not.
func (v *view) namespaceEnds() *Finding {
	at := v.s.NamespaceDeleted
	if at == nil {
		return nil
	}
	namespace := clusterRef("namespace", v.s.Namespace)
	f := &Finding{
		Cause: "namespace-terminating", Area: Termination, Object: namespace, What: "is being deleted, so that nothing can be created in it, and what is there goes",
		Seen: fmt.Sprintf("it was deleted %s ago and is still there", v.ago(at.Time)), Path: []Ref{v.setRef(), namespace},
		Evidence: []Evidence{{namespace, "metadata.deletionTimestamp", at.UTC().Format(time.RFC3339)}},
		Do:       []string{"see what holds the namespace: its status.conditions name what is left, and the finalizers"}, Look: []string{getYAML(namespace)},
	}
	if len(v.s.NamespaceHeld) > 0 {
		f.What += ": " + oneLine(strings.Join(v.s.NamespaceHeld, "; "))
	}
	for _, held := range v.s.NamespaceHeld {
		f.Evidence = append(f.Evidence, Evidence{namespace, "status.conditions", oneLine(held)})
	}
	if v.now.Sub(at.Time) < patience {
		f.Cause = Note
	}
	return f
}

func sortEvidence(all []Evidence) {
	slices.SortStableFunc(all, func(a, b Evidence) int { return strings.Compare(a.Field, b.Field) })
}
