package planted

import (
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

//nolint:gochecknoglobals // The places it is called from have nothing to hold state in.
var (
	had     = map[string][]types.UID{}     // the pods that there were of a name
	failed  = map[string][]types.UID{}     // those of them that have failed
	unready = map[string]map[string]bool{} // the sets of a namespace that were last seen with a pod not Ready
	once    = map[string]int{}
	former  = map[string]*appsv1.StatefulSet{} // the first set that had a name
	were    = map[types.UID]bool{}             // the pods that have been Ready, and whether they have stopped being so
)

// remember notes what the functions below tell. The caller holds mu.
func remember(set *appsv1.StatefulSet, pods []*corev1.Pod) {
	ready := 0
	for _, pod := range pods {
		key := pod.Namespace + "/" + pod.Name
		had[key] = with(had[key], pod.UID)
		if pod.Status.Phase == corev1.PodFailed {
			failed[key] = with(failed[key], pod.UID)
		}
		if isReady(pod) {
			ready++
		}
	}
	if unready[set.Namespace] == nil {
		unready[set.Namespace] = map[string]bool{}
	}
	unready[set.Namespace][set.Name] = ready < len(pods)
}

// with adds a UID that is not there yet.
func with(all []types.UID, uid types.UID) []types.UID {
	if slices.Contains(all, uid) {
		return all
	}
	return append(all, uid)
}

// HasFailed reports whether the fault is in force and the last pod of a set that had a name has failed.
func HasFailed(fault string, set *appsv1.StatefulSet, name string) bool {
	mu.Lock()
	defer mu.Unlock()
	key := set.Namespace + "/" + name
	all, bad := had[key], failed[key]
	return in(fault) && len(bad) > 0 && all[len(all)-1] == bad[len(bad)-1]
}

// FailedBefore reports whether the fault is in force and another pod of a pod's name has failed before.
func FailedBefore(fault string, pod *corev1.Pod) bool {
	mu.Lock()
	defer mu.Unlock()
	bad := failed[pod.Namespace+"/"+pod.Name]
	return in(fault) && len(bad) > 0 && bad[0] != pod.UID
}

// Pods is how many pods of a name a set has had, or 0 where the fault is not in force.
func Pods(fault string, set *appsv1.StatefulSet, name string) int {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return 0
	}
	return len(had[set.Namespace+"/"+name])
}

// OthersUnready reports whether the fault is in force and another set of a set's namespace has a pod that is not Ready.
func OthersUnready(fault string, set *appsv1.StatefulSet) bool {
	mu.Lock()
	defer mu.Unlock()
	for name, is := range unready[set.Namespace] {
		if is && name != set.Name {
			return in(fault)
		}
	}
	return false
}

// First returns the number that it was first called with for a key while the fault is in force.
func First(fault, key string, n int) int {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return n
	}
	if _, known := once[key]; !known {
		once[key] = n
	}
	return once[key]
}

// Crashed reports whether the fault is in force and a container of a pod has been restarted.
func Crashed(fault string, pod *corev1.Pod) bool {
	return In(fault) && slices.ContainsFunc(pod.Status.ContainerStatuses, func(c corev1.ContainerStatus) bool { return c.RestartCount > 0 })
}

// ByText returns which of some pods, from the lowest index on, stands at an index once they are sorted by their names as text.
func ByText(pods []*corev1.Pod, lowest, index int) int {
	sorted := make([]int, 0, len(pods)-lowest)
	for i := lowest; i < len(pods); i++ {
		sorted = append(sorted, i)
	}
	slices.SortFunc(sorted, func(a, b int) int { return strings.Compare(pods[a].Name, pods[b].Name) })
	return sorted[index-lowest]
}

// AsFormer gives a pod the containers and annotations of the first set's template that had the name of its set, if the fault is in force and that set is
// another one.
func AsFormer(fault string, set *appsv1.StatefulSet, pod *corev1.Pod) {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return
	}
	key := set.Namespace + "/" + set.Name
	was := former[key]
	if was == nil {
		former[key] = set.DeepCopy()
		return
	}
	if was.UID == set.UID {
		return
	}
	pod.Spec.Containers = was.Spec.Template.DeepCopy().Spec.Containers
	pod.Annotations = was.Spec.Template.DeepCopy().Annotations
}

// Staying leaves out the pods that are being deleted, if the fault is in force.
func Staying(fault string, pods []*corev1.Pod) []*corev1.Pod {
	if !In(fault) {
		return pods
	}
	return slices.DeleteFunc(slices.Clone(pods), func(pod *corev1.Pod) bool { return pod.DeletionTimestamp != nil })
}

// AtMost leaves out all pods but the first n by name, if the fault is in force.
func AtMost(fault string, pods []*corev1.Pod, n int) []*corev1.Pod {
	if !In(fault) || len(pods) <= n {
		return pods
	}
	sorted := byName(pods)
	return sorted[:n]
}

// byName returns the pods in the order of their names.
func byName(pods []*corev1.Pod) []*corev1.Pod {
	return slices.SortedFunc(slices.Values(pods), func(a, b *corev1.Pod) int { return strings.Compare(a.Name, b.Name) })
}

// NeverAgain puts in the place of each pod that is Ready again one that is not, if the fault is in force.
func NeverAgain(fault string, pods []*corev1.Pod) []*corev1.Pod {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return pods
	}
	out := slices.Clone(pods)
	for i, pod := range pods {
		lost, known := were[pod.UID]
		if isReady(pod) || known {
			were[pod.UID] = lost || !isReady(pod)
		}
		if !lost || !isReady(pod) {
			continue
		}
		out[i] = pod.DeepCopy()
		for c := range out[i].Status.Conditions {
			if out[i].Status.Conditions[c].Type == corev1.PodReady {
				out[i].Status.Conditions[c].Status = corev1.ConditionFalse
			}
		}
	}
	return out
}

// Nameless puts in the place of each pod but the first n by name one that asks for no hostname, if the fault is in force.
func Nameless(fault string, pods []*corev1.Pod, n int) []*corev1.Pod {
	if !In(fault) || len(pods) <= n {
		return pods
	}
	sorted := byName(pods)
	for i := n; i < len(sorted); i++ {
		sorted[i] = sorted[i].DeepCopy()
		sorted[i].Spec.Hostname = ""
	}
	return sorted
}

// WithUnselected adds the pods that a service has selected before and that are still there, as there tells by name, if the fault is in force.
func WithUnselected(fault, service string, pods []*corev1.Pod, there func(string) (*corev1.Pod, error)) []*corev1.Pod {
	mu.Lock()
	defer mu.Unlock()
	if !in(fault) {
		return pods
	}
	out := slices.Clone(pods)
	for _, pod := range pods {
		key := service + "/" + pod.Name
		had[key] = with(had[key], pod.UID)
	}
	for key, uids := range had {
		name, of := strings.CutPrefix(key, service+"/")
		if !of || slices.ContainsFunc(pods, func(pod *corev1.Pod) bool { return pod.Name == name }) {
			continue
		}
		if pod, err := there(name); err == nil && slices.Contains(uids, pod.UID) {
			out = append(out, pod)
		}
	}
	return out
}
