package judge

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// asked reports whether the spec itself deleted or evicted the object, alone or in a sweep over all that then
// existed.
func (m *model) asked(uid types.UID, first, deleting *history.Event) bool {
	if _, ours := m.bySpec[uid]; ours {
		return true
	}
	for _, r := range []history.Resource{first.Resource, ""} {
		for _, mark := range m.swept[r] {
			// What was there when the request came may not have been seen yet when the mark was made.
			there := mark.Seq > first.Seq || first.At <= mark.At+arrival
			if there && mark.Seq < deleting.Seq && (mark.Name == "" || mark.Name == first.Name) {
				return true
			}
		}
	}
	return false
}

// given returns the names that the spec itself gave to objects of a resource, or to some whose resource its marks do not tell.
func (m *model) given(r history.Resource) map[string]bool {
	names := map[string]bool{}
	for _, mark := range m.h.Marks {
		if mark.Act == history.ActCreate && (mark.Resource == "" || mark.Resource == r) {
			names[mark.Name] = true
		}
	}
	return names
}
