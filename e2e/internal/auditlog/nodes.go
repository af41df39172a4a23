package auditlog

import "github.com/hero-academy/statefulset-conformance/e2e/internal/history"

// nodes holds the newest version of each node, by its name.
type nodes map[string]*history.Event

// repeats takes note of a version of a node, and reports whether it shows what the one before it did: kubelets write again every few minutes what has
// not changed, of all nodes of the cluster. After a line that comes late nothing counts as a repetition until the next.
func (n nodes) repeats(e *history.Event) bool {
	last := n[e.Name]
	if last != nil && last.RV() > e.RV() {
		delete(n, e.Name)
		return false
	}
	n[e.Name] = e
	return history.SameNode(last, e)
}
