package judge

import (
	"math"
	"slices"
	"time"
)

// ordinals is a sorted set of ordinals.
type ordinals []int

func (o *ordinals) add(n int) {
	if i, found := slices.BinarySearch(*o, n); !found {
		*o = slices.Insert(*o, i, n)
	}
}

func (o *ordinals) remove(n int) {
	if i, found := slices.BinarySearch(*o, n); found {
		*o = slices.Delete(*o, i, i+1)
	}
}

func (o ordinals) has(n int) bool {
	_, found := slices.BinarySearch(o, n)
	return found
}

// in returns the members in [from, to), which are valid until the set changes.
func (o ordinals) in(from, to int) ordinals {
	i, _ := slices.BinarySearch(o, from)
	k, _ := slices.BinarySearch(o, max(from, to))
	return o[i:k]
}

// from returns the members that are n or above.
func (o ordinals) from(n int) ordinals { return o.in(n, math.MaxInt) }

// end returns the ordinal after the highest member, 0 if there is none.
func (o ordinals) end() int {
	if len(o) == 0 {
		return 0
	}
	return o[len(o)-1] + 1
}

// moments keeps a moment for each of a set of ordinals and finds the latest of a range of them: a tree in which each node has the later one of
// its two children, the leaves behind all others.
type moments struct {
	of   ordinals
	tree []time.Duration
}

// momentsOf has 0 for each of the ordinals.
func momentsOf(all ordinals) moments {
	return moments{of: all, tree: make([]time.Duration, 2*len(all))}
}

func (m moments) set(n int, at time.Duration) {
	i, _ := slices.BinarySearch(m.of, n)
	i += len(m.of)
	m.tree[i] = at
	for i /= 2; i > 0; i /= 2 {
		m.tree[i] = max(m.tree[2*i], m.tree[2*i+1])
	}
}

// latest returns the latest moment of the ordinals in [from, to), 0 if there is none.
func (m moments) latest(from, to int) (out time.Duration) {
	i, _ := slices.BinarySearch(m.of, from)
	k, _ := slices.BinarySearch(m.of, max(from, to))
	for i, k = i+len(m.of), k+len(m.of); i < k; i, k = i/2, k/2 {
		if i%2 == 1 {
			out = max(out, m.tree[i])
			i++
		}
		if k%2 == 1 {
			k--
			out = max(out, m.tree[k])
		}
	}
	return out
}
