package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// patience is how long something without any sign of an error may take before it counts as a symptom.
const patience = time.Minute

// view answers questions about a state.
type view struct {
	s   *State
	set *appsv1.StatefulSet
	now time.Time
}

func newView(s *State) *view {
	v := &view{s: s, set: s.StatefulSet, now: s.now()}
	if s.Since.Duration > 0 {
		young := *s
		young.Events = slices.DeleteFunc(slices.Clone(s.Events), func(e corev1.Event) bool { return v.now.Sub(at(&e)) > s.Since.Duration })
		v.s = &young
	}
	return v
}

// noSet is the finding that the set itself is not there.
func (v *view) noSet() Finding {
	set := v.ref("statefulset", v.s.Name)
	return Finding{
		Cause: "set-missing", Area: Controller, Object: set, What: "does not exist",
		Seen: fmt.Sprintf("namespace %s has no StatefulSet of that name", v.s.Namespace),
		Do:   []string{"see whether name and namespace are right"},
		Look: []string{kubectl(set, "get statefulsets")},
	}
}

func (v *view) setRef() Ref { return v.ref("statefulset", v.set.Name) }

func (v *view) replicas() int {
	if v.set.Spec.Replicas == nil {
		return 1
	}
	return int(*v.set.Spec.Replicas)
}

func (v *view) start() int {
	if v.set.Spec.Ordinals == nil {
		return 0
	}
	return int(v.set.Spec.Ordinals.Start)
}

func (v *view) ordered() bool { return v.set.Spec.PodManagementPolicy != appsv1.ParallelPodManagement }

func (v *view) podName(ordinal int) string { return fmt.Sprintf("%s-%d", v.set.Name, ordinal) }

// pod returns the pod of that name, nil if there is none.
func (v *view) pod(name string) *corev1.Pod {
	for i := range v.s.Pods {
		if v.s.Pods[i].Name == name {
			return &v.s.Pods[i]
		}
	}
	return nil
}

// controls reports whether the set controls an object.
func (v *view) controls(o metav1.Object) bool {
	owner := metav1.GetControllerOf(o)
	return owner != nil && owner.UID == v.set.UID
}

// ordinal returns the ordinal in a pod's name, -1 if it has not the form of a name of this set's.
func (v *view) ordinal(name string) int {
	rest, ok := strings.CutPrefix(name, v.set.Name+"-")
	if !ok || rest == "" || (len(rest) > 1 && rest[0] == '0') || len(rest) > 9 {
		return -1
	}
	n := 0
	for _, r := range rest {
		if r < '0' || r > '9' {
			return -1
		}
		n = n*10 + int(r-'0')
	}
	return n
}

func (v *view) claim(name string) *corev1.PersistentVolumeClaim {
	for i := range v.s.Claims {
		if v.s.Claims[i].Name == name {
			return &v.s.Claims[i]
		}
	}
	return nil
}

func (v *view) volume(name string) *corev1.PersistentVolume {
	for i := range v.s.Volumes {
		if v.s.Volumes[i].Name == name {
			return &v.s.Volumes[i]
		}
	}
	return nil
}

func (v *view) class(name string) *storagev1.StorageClass {
	for i := range v.s.Classes {
		if v.s.Classes[i].Name == name {
			return &v.s.Classes[i]
		}
	}
	return nil
}

func (v *view) node(name string) *corev1.Node {
	for i := range v.s.Nodes {
		if v.s.Nodes[i].Name == name {
			return &v.s.Nodes[i]
		}
	}
	return nil
}

func (v *view) lease(namespace, name string) *coordinationv1.Lease {
	for i := range v.s.Leases {
		if l := &v.s.Leases[i]; l.Namespace == namespace && l.Name == name {
			return l
		}
	}
	return nil
}

// unread returns why something could not be read, "" if it was.
func (v *view) unread(what string) string {
	for _, u := range v.s.Unread {
		if u.What == what {
			return u.Why
		}
	}
	return ""
}

// at is when an event was last seen.
func at(e *corev1.Event) time.Time {
	t := e.LastTimestamp.Time
	if e.Series != nil && e.Series.LastObservedTime.After(t) {
		t = e.Series.LastObservedTime.Time
	}
	if t.IsZero() {
		t = e.EventTime.Time
	}
	if t.IsZero() {
		t = e.CreationTimestamp.Time
	}
	return t
}

// stamp writes a time as the API does.
func stamp(t *metav1.Time) string { return t.UTC().Format(time.RFC3339) }

// events returns the events about an object, the newest first; reasons choose, none means all. uid keeps away what was said of an
// earlier object of the name.
func (v *view) events(kind, name string, uid types.UID, reasons ...string) []*corev1.Event {
	return eventsOf(v.s.Events, kind, name, uid, reasons...)
}

func eventsOf(all []corev1.Event, kind, name string, uid types.UID, reasons ...string) []*corev1.Event {
	var out []*corev1.Event
	for i := range all {
		e := &all[i]
		o := e.InvolvedObject
		if o.Kind == kind && o.Name == name && (uid == "" || o.UID == "" || o.UID == uid) && (len(reasons) == 0 || slices.Contains(reasons, e.Reason)) {
			out = append(out, e)
		}
	}
	slices.SortStableFunc(out, func(a, b *corev1.Event) int { return at(b).Compare(at(a)) })
	return out
}

// newest returns the newest of the events about an object, nil if there is none.
func (v *view) newest(kind, name string, uid types.UID, reasons ...string) *corev1.Event {
	if all := v.events(kind, name, uid, reasons...); len(all) > 0 {
		return all[0]
	}
	return nil
}

// eventEvidence returns an event as evidence.
func eventEvidence(e *corev1.Event) Evidence {
	o := e.InvolvedObject
	return Evidence{
		Object: Ref{Kind: strings.ToLower(o.Kind), Namespace: o.Namespace, Name: o.Name},
		Field:  "event " + e.Reason, Value: oneLine(e.Message),
	}
}

// appendWarnings appends the newest warning event of each reason about an object to evidence.
func (v *view) appendWarnings(evidence []Evidence, kind, name string, uid types.UID) []Evidence {
	seen := map[string]bool{}
	for _, e := range v.events(kind, name, uid) {
		if e.Type == corev1.EventTypeWarning && !seen[e.Reason] {
			seen[e.Reason] = true
			evidence = append(evidence, eventEvidence(e))
		}
	}
	return evidence
}

func condition(p *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == kind {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

func isReady(p *corev1.Pod) bool {
	c := condition(p, corev1.PodReady)
	return p.Status.Phase == corev1.PodRunning && c != nil && c.Status == corev1.ConditionTrue
}

// shown writes a condition for evidence.
func shown(c *corev1.PodCondition) string {
	return strings.TrimRight(oneLine(fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)), ": ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// ago writes how long something has lasted.
func (v *view) ago(t time.Time) string { return lasted(v.now.Sub(t)) }

func lasted(d time.Duration) string {
	d = max(d.Round(time.Second), 0)
	text := strings.Replace(d.String(), "m0s", "m", 1)
	if hours, ok := strings.CutSuffix(text, "h0m"); ok {
		return hours + "h"
	}
	return text
}

// namesOf writes the names of objects, sorted.
func namesOf[T any, P object[T]](all []T) string {
	var names []string
	for i := range all {
		names = append(names, P(&all[i]).GetName())
	}
	slices.Sort(names)
	return list(names)
}

// list writes names, the first few of them.
func list(names []string) string {
	const most = 4
	switch n := len(names); {
	case n == 0:
		return "none"
	case n == 1:
		return names[0]
	case n > most:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n-most)
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}

// plural writes a number with the singular or plural of a word.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
