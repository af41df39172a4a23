package judge

import (
	"math"
	"slices"
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
