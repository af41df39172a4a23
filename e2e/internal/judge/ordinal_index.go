package judge

import (
	"cmp"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// ordinalIndex holds pods by ordinal.
type ordinalIndex struct {
	places ordinals
	lives  [][]*podLife // by place, oldest first
}

// newOrdinalIndex arranges pods, which may be a million, without a map: ordinals mostly follow each other.
func newOrdinalIndex(pods []*podLife) ordinalIndex {
	byOrdinal := func(a, b *podLife) int { return cmp.Or(cmp.Compare(a.ordinal, b.ordinal), cmp.Compare(a.nr, b.nr)) }
	if !slices.IsSortedFunc(pods, byOrdinal) {
		pods = slices.Clone(pods)
		slices.SortFunc(pods, byOrdinal)
	}
	n := 0
	for i, p := range pods {
		if i == 0 || p.ordinal != pods[i-1].ordinal {
			n++
		}
	}
	r := ordinalIndex{places: make(ordinals, 0, n), lives: make([][]*podLife, 0, n)}
	for from := 0; from < len(pods); {
		to := from + 1
		for to < len(pods) && pods[to].ordinal == pods[from].ordinal {
			to++
		}
		r.places = append(r.places, pods[from].ordinal)
		r.lives = append(r.lives, pods[from:to:to])
		from = to
	}
	return r
}

// of returns the pods of an ordinal, oldest first.
func (r *ordinalIndex) of(ordinal int) []*podLife {
	if i := r.places.from(ordinal); i < len(r.places) && r.places[i] == ordinal {
		return r.lives[i]
	}
	return nil
}

// kinOf says under which key the pods are found that can have the same name as this one: what comes before the ordinal, or the
// whole name where that is not written as an ordinal is.
func kinOf(pod string) string {
	i := strings.LastIndexByte(pod, '-')
	if history.Ordinal(pod) < 0 || (pod[i+1] == '0' && i+2 < len(pod)) {
		return pod
	}
	return pod[:i]
}

// sameName returns the pods of a name, whoever they belonged to, oldest first.
func (m *model) sameName(name string) []*podLife {
	kin := m.podsBySet[kinOf(name)]
	return kin.of(history.Ordinal(name))
}

// ordinals numbers the ordinals that a set ever had a pod of, so that a set of them fits in few words whatever the ordinals are.
type ordinals []int

// from returns the first place whose ordinal is n or above.
func (p ordinals) from(n int) int {
	// Without a gap in the ordinals there is nothing to search for.
	if len(p) > 0 && n >= p[0] && n-p[0] < len(p) && p[n-p[0]] == n {
		return n - p[0]
	}
	i, _ := slices.BinarySearch(p, n)
	return i
}

// at returns the place of an ordinal, or false if it has none.
func (p ordinals) at(n int) (int, bool) {
	i := p.from(n)
	return i, i < len(p) && p[i] == n
}

// slab hands out room for values that live as long as the model they belong to, that of many at a time.
type slab[T any] struct {
	free []T
	size int // of a piece
}

// take returns an empty slice with room for n values.
func (s *slab[T]) take(n int) []T {
	if len(s.free) < n {
		s.free = make([]T, max(n, s.size))
	}
	out := s.free[:0:n]
	s.free = s.free[n:]
	return out
}
