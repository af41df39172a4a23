// Package planted tells the faulty places of a kube-controller-manager which of them is in force. It is compiled into that program
// alone; nothing of this project imports it.
package planted

import (
	"context"
	"net"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
)

// file holds the name of the fault in force. It is mounted from the node, so that switching takes no restart.
const file = "/etc/kubernetes/planted/fault"

// fresh is how long a reading of the file is good for.
const fresh = 50 * time.Millisecond

//nolint:gochecknoglobals // The places it is called from have nothing to hold state in.
var (
	mu      sync.Mutex
	name    string
	readAt  time.Time
	calls   int
	ready   = map[types.UID]bool{}
	settled = map[types.UID]int{} // how many pods a set had when all were Ready
	first   = map[types.UID]corev1.PodTemplateSpec{}
	seen    = map[string]*corev1.Pod{}
	tainted = map[string]bool{}
	serving = map[string]bool{}  // pods that were last seen with their deletion not requested
	budget  = map[string]int32{} // how many disruptions the last budget of a namespace allowed
	least   = map[string]int{}
	leaving = map[types.UID]bool{} // sets all of whose pods were last seen with their deletion requested
	started = time.Now()
	away    time.Time // when the API server was last found away
	looking bool      // whether somebody looks for that
)

// stoppedAfter is how long no program waits for its next turn that was not stopped meanwhile.
const stoppedAfter = 20 * time.Second

// In reports whether that fault is in force.
func In(fault string) bool {
	mu.Lock()
	defer mu.Unlock()
	return in(fault)
}

func in(fault string) bool {
	if now := time.Now(); now.Sub(readAt) > fresh {
		text, _ := os.ReadFile(file) // no file, no fault
		name, readAt = strings.TrimSpace(string(text)), now
	}
	return name == fault || name == "legal-all" && strings.HasPrefix(fault, "legal-")
}

// SometimesIn is In, one time in three.
func SometimesIn(fault string) bool {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return false
	}
	calls++
	return calls%3 == 0
}

// See remembers what WasReady, Settled and others tell.
func See(set *appsv1.StatefulSet, pods []*corev1.Pod) {
	mu.Lock()
	defer mu.Unlock()
	remember(set, pods)
	for _, pod := range pods {
		if isReady(pod) {
			ready[pod.UID] = true
		}
		// A pod with no grace period left is about to vanish, by force or after it has stopped: what was seen before tells which.
		if grace := pod.DeletionGracePeriodSeconds; pod.DeletionTimestamp == nil || grace == nil || *grace > 0 {
			serving[pod.Namespace+"/"+pod.Name] = pod.DeletionTimestamp == nil
		}
		if leaves(pod, "DeletionByTaintManager") {
			tainted[pod.Namespace+"/"+pod.Name] = true
		}
	}
	leaving[set.UID] = len(pods) > 0 && !slices.ContainsFunc(pods, func(p *corev1.Pod) bool { return p.DeletionTimestamp == nil })
	if n := set.Spec.Replicas; n != nil && *n > 0 && set.Status.ReadyReplicas == *n {
		settled[set.UID] = int(*n)
	}
}

func isReady(pod *corev1.Pod) bool {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

// WasReady reports whether a pod has ever been Ready.
func WasReady(pod *corev1.Pod) bool {
	mu.Lock()
	defer mu.Unlock()
	return ready[pod.UID]
}

// LongUnready reports whether the fault is in force and a pod has not been Ready for four seconds now.
func LongUnready(fault string, pod *corev1.Pod) bool {
	if !In(fault) || isReady(pod) {
		return false
	}
	since := pod.CreationTimestamp
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			since = c.LastTransitionTime
		}
	}
	return !since.IsZero() && time.Since(since.Time) > 4*time.Second
}

// AllLeaving reports whether the fault is in force and all pods of a set are being deleted.
func AllLeaving(fault string, set *appsv1.StatefulSet) bool {
	mu.Lock()
	defer mu.Unlock()
	return in(fault) && leaving[set.UID]
}

// Settled reports whether a set has ever had all its pods Ready.
func Settled(set *appsv1.StatefulSet) bool {
	mu.Lock()
	defer mu.Unlock()
	return settled[set.UID] > 0
}

// Added reports whether a set that has had all its pods Ready had no pod of that index then.
func Added(set *appsv1.StatefulSet, index int) bool {
	mu.Lock()
	defer mu.Unlock()
	return settled[set.UID] > 0 && index >= settled[set.UID]
}

// WithFirstAnnotations puts back the annotations that a set's template had first, as long as nothing else of it has changed.
func WithFirstAnnotations(fault string, set *appsv1.StatefulSet) {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return
	}
	was, known := first[set.UID]
	if known && reflect.DeepEqual(was.Spec, set.Spec.Template.Spec) {
		set.Spec.Template.Annotations = was.Annotations
		return
	}
	first[set.UID] = *set.Spec.Template.DeepCopy()
}

// Least returns the smallest number that it was called with for a key, or the number itself where the fault is not in force.
func Least(fault, key string, n int) int {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return n
	}
	if was, known := least[key]; known {
		n = min(n, was)
	}
	least[key] = n
	return n
}

// Allows remembers how many disruptions a budget of a namespace allows.
func Allows(fault, namespace string, disruptions int32) {
	mu.Lock()
	defer mu.Unlock()
	if in(fault) {
		budget[namespace] = disruptions
	}
}

// Forbidden reports whether the fault is in force and a budget of a namespace allowed no disruption.
func Forbidden(fault, namespace string) bool {
	mu.Lock()
	defer mu.Unlock()
	allowed, known := budget[namespace]
	return in(fault) && known && allowed <= 0
}

// Unterminated puts in the place of pods that are being deleted such that are not.
func Unterminated(fault string, pods []*corev1.Pod) []*corev1.Pod {
	return changed(fault, pods, func(pod *corev1.Pod) { pod.DeletionTimestamp = nil })
}

// Unserving puts in the place of pods that are being deleted such that are not Ready.
func Unserving(fault string, pods []*corev1.Pod) []*corev1.Pod {
	return changed(fault, pods, func(pod *corev1.Pod) {
		for i := range pod.Status.Conditions {
			if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
				c.Status = corev1.ConditionFalse
			}
		}
	})
}

// changed returns pods with changed copies of those that are being deleted.
func changed(fault string, pods []*corev1.Pod, change func(*corev1.Pod)) []*corev1.Pod {
	if !In(fault) {
		return pods
	}
	out := make([]*corev1.Pod, 0, len(pods))
	for _, pod := range pods {
		if pod.DeletionTimestamp != nil {
			pod = pod.DeepCopy()
			change(pod)
		}
		out = append(out, pod)
	}
	return out
}

// Object returns what a controller is known as to those that write its events.
func Object(controller any) runtime.Object {
	o, _ := controller.(runtime.Object) // every controller is one
	return o
}

// WithoutLast leaves out the pod whose name comes last, if there are two or more.
func WithoutLast(fault string, pods []*corev1.Pod) []*corev1.Pod {
	if !In(fault) || len(pods) < 2 {
		return pods
	}
	last := 0
	for i, pod := range pods {
		if pod.Name > pods[last].Name {
			last = i
		}
	}
	return append(append([]*corev1.Pod(nil), pods[:last]...), pods[last+1:]...)
}

// WithGone adds pods that are no more: those with names that no pod has now.
func WithGone(fault, service string, pods []*corev1.Pod) []*corev1.Pod {
	return withSeen(fault, service, pods, false)
}

// WithFirst puts in the place of each pod the one that was the first Ready one of its name.
func WithFirst(fault, service string, pods []*corev1.Pod) []*corev1.Pod {
	return withSeen(fault, service, pods, true)
}

func withSeen(fault, service string, pods []*corev1.Pod, first bool) []*corev1.Pod {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return pods
	}
	prefix := service + "/"
	here := map[string]bool{}
	out := make([]*corev1.Pod, 0, len(pods))
	for _, pod := range pods {
		here[pod.Name] = true
		old := seen[prefix+pod.Name]
		if old == nil && isReady(pod) && pod.DeletionTimestamp == nil {
			seen[prefix+pod.Name], old = pod, pod
		}
		if first && old != nil {
			pod = old
		}
		out = append(out, pod)
	}
	for key, pod := range seen {
		if strings.HasPrefix(key, prefix) && !here[pod.Name] && !first {
			out = append(out, pod)
		}
	}
	return out
}

// leaves reports whether a pod is terminating for a reason that its condition DisruptionTarget names.
func leaves(pod *corev1.Pod, reason string) bool {
	if pod.DeletionTimestamp == nil {
		return false
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.DisruptionTarget && c.Status == corev1.ConditionTrue {
			return c.Reason == reason
		}
	}
	return false
}

// Leaving reports whether a pod's deletion was requested that long ago, or up to a second longer: timestamps have seconds.
func Leaving(pod *corev1.Pod, since time.Duration) bool {
	if pod.DeletionTimestamp == nil || pod.DeletionGracePeriodSeconds == nil {
		return false
	}
	requested := pod.DeletionTimestamp.Add(-time.Duration(*pod.DeletionGracePeriodSeconds) * time.Second)
	return time.Since(requested) > since+time.Second
}

// Tainted reports whether the fault is in force and a pod has to leave since its node is tainted, as one is that does not answer.
func Tainted(fault string, pod *corev1.Pod) bool {
	return In(fault) && leaves(pod, "DeletionByTaintManager")
}

// WasTainted reports whether the fault is in force and a pod of that name had to leave for that.
func WasTainted(fault string, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	mu.Lock()
	defer mu.Unlock()
	return in(fault) && tainted[set.Namespace+"/"+pod.Name]
}

// Evicted reports whether the fault is in force and a pod has to leave since somebody evicted it.
func Evicted(fault string, pod *corev1.Pod) bool {
	return In(fault) && leaves(pod, "EvictionByEvictionAPI")
}

// Known reports whether the fault is in force and a pod of that name was seen before.
func Known(fault string, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	mu.Lock()
	defer mu.Unlock()
	_, known := serving[set.Namespace+"/"+pod.Name]
	return in(fault) && known
}

// Forced reports whether the fault is in force and a pod of that name was last seen with its deletion not requested, as one is that is deleted
// by force.
func Forced(fault string, set *appsv1.StatefulSet, pod *corev1.Pod) bool {
	mu.Lock()
	defer mu.Unlock()
	return in(fault) && serving[set.Namespace+"/"+pod.Name]
}

// Unmarked returns a copy of a pod without the condition DisruptionTarget.
func Unmarked(pod *corev1.Pod) *corev1.Pod {
	out := pod.DeepCopy()
	out.Status.Conditions = nil
	for _, c := range pod.Status.Conditions {
		if c.Type != corev1.DisruptionTarget {
			out.Status.Conditions = append(out.Status.Conditions, c)
		}
	}
	return out
}

// Restarted reports whether the fault is in force and this program has been started since a set was made.
func Restarted(fault string, set *appsv1.StatefulSet) bool {
	return In(fault) && started.After(set.CreationTimestamp.Time)
}

// Reconnected reports whether the fault is in force and the API server has been away since an object was made. This program ends itself
// when that takes too long.
func Reconnected(fault string, made metav1.Object) bool {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return false
	}
	if !looking {
		looking = true
		go look()
	}
	since := made.GetCreationTimestamp().Time
	return away.After(since) || started.After(since)
}

// look watches whether the API server of this node answers. One that was stopped together with this program was away, too.
func look() {
	ticker := time.NewTicker(fresh)
	defer ticker.Stop()
	dialer := net.Dialer{Timeout: time.Second}
	last := time.Now()
	for range ticker.C {
		stopped := time.Since(last) > stoppedAfter
		last = time.Now()
		connection, err := dialer.DialContext(context.Background(), "tcp", "127.0.0.1:6443") //nolint:forbidigo // No caller has one: this goes on as long as the program.
		if err == nil {
			_ = connection.Close()
		}
		if err == nil && !stopped {
			continue
		}
		mu.Lock()
		away = time.Now()
		mu.Unlock()
	}
}
