package history

import (
	"reflect"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The resources beside those that guarantees are about, which recordings have where the account may read them. No judge looks at them.
const (
	// Nodes are those of the whole cluster. What changes nothing that is recorded of a node is no event: a kubelet writes its status all the time.
	Nodes Resource = "nodes"
	// Budgets are the PodDisruptionBudgets of the namespace.
	Budgets Resource = "poddisruptionbudgets"
)

// Surroundings lists the resources that recordings have and judges do without.
func Surroundings() []Resource { return []Resource{Nodes, Budgets} }

// Surrounds reports whether the resource is one that no judge looks at.
func (r Resource) Surrounds() bool { return r == Nodes || r == Budgets }

// known lists every resource of which a history may have events.
func known() []Resource { return append(Resources(), Surroundings()...) }

// Node is what says whether pods can run on a node.
type Node struct {
	Unschedulable bool            `json:"unschedulable,omitempty"` // spec.unschedulable, which kubectl cordon sets
	Taints        []Taint         `json:"taints,omitempty"`
	Conditions    []NodeCondition `json:"conditions,omitempty"`
}

// Taint is a taint of a node.
type Taint struct {
	Key    string             `json:"key"`
	Value  string             `json:"value,omitempty"`
	Effect corev1.TaintEffect `json:"effect"`
}

// NodeCondition is a node's condition without its message.
type NodeCondition struct {
	Type       corev1.NodeConditionType `json:"type"`
	Status     corev1.ConditionStatus   `json:"status"`
	Reason     string                   `json:"reason,omitempty"`
	Transition metav1.Time              `json:"transition,omitzero"`
}

// Condition returns the condition of that type, or nil.
func (n *Node) Condition(t corev1.NodeConditionType) *NodeCondition {
	for i := range n.Conditions {
		if n.Conditions[i].Type == t {
			return &n.Conditions[i]
		}
	}
	return nil
}

// Budget is a PodDisruptionBudget.
type Budget struct {
	Selector *metav1.LabelSelector `json:"selector,omitempty"` // none selects no pod, an empty one all of the namespace
	// MinAvailable and MaxUnavailable are as written, "" where unset.
	MinAvailable   string `json:"minAvailable,omitempty"`
	MaxUnavailable string `json:"maxUnavailable,omitempty"`
	// Computed says that the disruption controller has looked at the present spec; the numbers below are of an older one, or of none, without.
	Computed bool `json:"computed,omitempty"`
	// Allowed is how many evictions the budget allows now, Healthy how many of its pods are Ready and Desired how many must be, of Expected.
	Allowed  int32 `json:"allowed"`
	Healthy  int32 `json:"healthy"`
	Desired  int32 `json:"desired"`
	Expected int32 `json:"expected"`
	// Evicting is of how many pods an eviction was allowed that the disruption controller has not seen done yet (status.disruptedPods).
	Evicting int `json:"evicting,omitempty"`
}

// SameNode reports whether two events show the same of one node, by their UIDs and all that is recorded of it.
func SameNode(a, b *Event) bool {
	return a != nil && b != nil && a.Node != nil && b.Node != nil && a.UID == b.UID && a.Terminating() == b.Terminating() && reflect.DeepEqual(a.Node, b.Node)
}

// nodeMeta leaves labels and owners out, which say nothing of a set's pods and are many.
func nodeMeta(m *metav1.ObjectMeta) Meta {
	out := metaOf(m)
	out.Labels, out.Owners, out.Finalizers = nil, nil, nil
	return out
}

func nodeOf(o *corev1.Node) *Node {
	n := &Node{Unschedulable: o.Spec.Unschedulable}
	for _, t := range o.Spec.Taints {
		n.Taints = append(n.Taints, Taint{Key: t.Key, Value: t.Value, Effect: t.Effect})
	}
	for _, c := range o.Status.Conditions {
		n.Conditions = append(n.Conditions, NodeCondition{Type: c.Type, Status: c.Status, Reason: c.Reason, Transition: c.LastTransitionTime})
	}
	return n
}

func budgetOf(o *policyv1.PodDisruptionBudget) *Budget {
	b := &Budget{
		Selector: o.Spec.Selector, Computed: o.Status.ObservedGeneration >= o.Generation,
		Allowed: o.Status.DisruptionsAllowed, Healthy: o.Status.CurrentHealthy, Desired: o.Status.DesiredHealthy, Expected: o.Status.ExpectedPods,
		Evicting: len(o.Status.DisruptedPods),
	}
	if o.Spec.MinAvailable != nil {
		b.MinAvailable = o.Spec.MinAvailable.String()
	}
	if o.Spec.MaxUnavailable != nil {
		b.MaxUnavailable = o.Spec.MaxUnavailable.String()
	}
	return b
}
