package judge

import (
	"sort"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// asked reports whether the spec itself deleted or evicted the object, alone or in a sweep over all that then existed.
func (m *model) asked(uid types.UID, first, deleting *history.Event) bool {
	if _, ours := m.bySpec[uid]; ours {
		return true
	}
	if len(m.swept) == 0 {
		return false
	}
	for _, key := range []sweep{{first.Resource, ""}, {first.Resource, first.Name}, {"", ""}, {"", first.Name}} {
		marks := m.swept[key]
		// What holds for any sweep before the deletion holds for the last of them.
		i := sort.Search(len(marks), func(i int) bool { return marks[i].Seq >= deleting.Seq }) - 1
		// What was there when the request came may not have been seen yet when the mark was made.
		if i >= 0 && (marks[i].Seq > first.Seq || first.At <= marks[i].At+watchSkew) {
			return true
		}
	}
	return false
}

// sweep is what a deletion of the spec's that names no UID speaks of; what is empty leaves that open.
type sweep struct {
	resource history.Resource
	name     string
}

// sweeps arranges the spec's deletions that name no UID.
func sweeps(marks []history.Operation) map[sweep][]history.Operation {
	out := map[sweep][]history.Operation{}
	for _, mark := range marks {
		if mark.Verb == history.VerbDelete && mark.UID == "" {
			key := sweep{mark.Resource, mark.Name}
			out[key] = append(out[key], mark)
		}
	}
	return out
}

// foreign reports whether somebody else than the suite made the set, in a history that tells which sets the suite made.
func (m *model) foreign(s *setLife) bool {
	told := false
	for _, mark := range m.h.Operations {
		if mark.Verb != history.VerbCreate || mark.Resource != history.Sets {
			continue
		}
		if mark.Name == s.name {
			return false
		}
		told = true
	}
	return told
}

// strangers returns the versions of the spec's own sets that somebody else asked for, the first of each set: each change of a
// spec makes a new generation, and the spec marks each of its own. Of a set that it did not make nobody can tell.
func (m *model) strangers() []*history.Event {
	about := map[string][]history.Operation{}
	for _, mark := range m.h.Operations {
		if mark.Resource == history.Sets || mark.Resource == "" {
			about[mark.Name] = append(about[mark.Name], mark)
		}
	}
	var out []*history.Event
	for _, s := range m.sets {
		if s.created == nil {
			continue
		}
		ours := false
		var asked []int // the spec's own changes, by their place in the history
		for _, mark := range about[s.name] {
			switch {
			case mark.Verb == history.VerbCreate && mark.Seq < s.created.Seq:
				ours, asked = true, asked[:0]
			case mark.Verb == history.VerbUpdate || mark.Verb == history.VerbScale:
				asked = append(asked, mark.Seq)
			}
		}
		if !ours {
			continue
		}
		for _, v := range s.specs {
			// A request for deletion makes a new generation too.
			if v.Terminating() || v.Gone() {
				break
			}
			if v.Generation-1 > int64(sort.SearchInts(asked, v.Seq)) {
				out = append(out, v)
				break
			}
		}
		if s.deleting != nil && !m.asked(s.uid, s.events[0], s.deleting) {
			out = append(out, s.deleting)
		}
	}
	return out
}

// given returns the names that the spec itself gave to objects of a resource, or to some whose resource its marks do not tell.
func (m *model) given(r history.Resource) map[string]bool {
	names := map[string]bool{}
	for _, mark := range m.h.Operations {
		if mark.Verb == history.VerbCreate && (mark.Resource == "" || mark.Resource == r) {
			names[mark.Name] = true
		}
	}
	return names
}
