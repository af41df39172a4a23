package linear

import (
	"slices"
	"sort"
	"time"
)

// shortest returns what had happened up to the first return by which no order explained it any more.
func shortest(ops []Op, end time.Time) []Op {
	var returns []time.Duration
	for _, o := range ops {
		if !o.Pending {
			returns = append(returns, o.Return)
		}
	}
	slices.Sort(returns)
	// Undecided counts as illegal: the shortest that is known to be illegal is wanted, and all of them together are.
	n := sort.Search(len(returns), func(i int) bool { return explain(prepare(until(ops, returns[i])), end) != Explained })
	for ; n < len(returns); n++ {
		if part := until(ops, returns[n]); explain(prepare(part), end) == Illegal {
			return part
		}
		if !time.Now().Before(end) {
			break
		}
	}
	return ops
}

// until returns the operations as they stood at a moment: what had been called and had not returned was pending.
func until(ops []Op, at time.Duration) []Op {
	var out []Op
	for _, o := range ops {
		if o.Call > at {
			continue
		}
		o.Pending = o.Pending || o.Return > at
		out = append(out, o)
	}
	return out
}

// shrink leaves out operations, many at a time and then one by one, as long as no order explains the others.
func shrink(ops []Op, end time.Time) []Op {
	for size := max(1, len(ops)/2); ; {
		before := len(ops)
		for from := 0; from < len(ops); {
			fewer := without(ops, from, min(from+size, len(ops)))
			if len(fewer) < len(ops) && explain(prepare(fewer), end) == Illegal {
				ops = fewer
			} else {
				from += size
			}
		}
		switch {
		case !time.Now().Before(end) || size == 1 && len(ops) == before:
			return ops
		case size > 1:
			size /= 2
		}
	}
}

// without leaves out the operations of some places, but no write of a value that one of the rest reads: what is left is illegal only if all are.
func without(ops []Op, from, to int) []Op {
	keep := make([]bool, len(ops))
	read := map[int64]bool{}
	for i, o := range ops {
		keep[i] = i < from || i >= to
		if keep[i] && o.Reads {
			read[o.Found] = true
		}
	}
	for changed := true; changed; {
		changed = false
		for i := from; i < to; i++ {
			if o := ops[i]; !keep[i] && o.Writes && read[o.Value] {
				keep[i], changed = true, true
				if o.Reads {
					read[o.Found] = true
				}
			}
		}
	}
	var out []Op
	for i, o := range ops {
		if keep[i] {
			out = append(out, o)
		}
	}
	return out
}
