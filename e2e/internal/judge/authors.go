package judge

import "github.com/hero-academy/statefulset-conformance/e2e/internal/history"

// Author is who asked for the deletion of a pod or claim.
type Author string

// The authors. Of the control plane's parts, the pod's condition DisruptionTarget tells which it was.
const (
	AuthorUnknown          Author = "" // any client may have: only the API server's audit log shows which
	AuthorController       Author = "StatefulSet controller"
	AuthorControlPlane     Author = "control plane"
	AuthorClient           Author = "another client"
	AuthorGarbageCollector Author = "garbage collector"
)

// DeletionAuthors returns who asked for the deletions of pods and claims that a history shows in which nobody ran a test, by the sequence number of the
// event that shows each first.
func DeletionAuthors(h *history.History) map[int]Author {
	m := newModel(h)
	out := map[int]Author{}
	for _, p := range m.pods {
		if p.deleting == nil {
			continue
		}
		switch m.whoDeleted(p) {
		case byController:
			out[p.deleting.Seq] = AuthorController
		case byControlPlane:
			out[p.deleting.Seq] = AuthorControlPlane
		case byClient:
			out[p.deleting.Seq] = AuthorClient
		default:
			out[p.deleting.Seq] = AuthorUnknown
		}
		if out[p.deleting.Seq] == AuthorUnknown && m.collected(p.deleting) {
			out[p.deleting.Seq] = AuthorGarbageCollector
		}
	}
	for _, c := range m.claims {
		if c.deleting != nil && m.collected(c.deleting) {
			out[c.deleting.Seq] = AuthorGarbageCollector
		} else if c.deleting != nil {
			out[c.deleting.Seq] = AuthorUnknown
		}
	}
	return out
}
