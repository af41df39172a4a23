package linear

import (
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Op is an operation on a register, which holds a number, 0 at first. A swap reads and writes in one.
type Op struct {
	Client       int
	Reads        bool
	Found        int64 // that it read
	Writes       bool
	Value        int64 // that it wrote: no two operations write the same
	Call, Return time.Duration
	// Pending says that its outcome is not known: it may have been carried out at any time since the call, or not at all.
	Pending bool
	// Ref is the caller's own.
	Ref int
}

// Result is what Check found.
type Result string

// The results.
const (
	Explained Result = "explained"
	Illegal   Result = "illegal"
	Undecided Result = "undecided" // the limit passed first
)

// Check decides whether an order of operations explains what each of them read, and agrees with time: an operation that returned before another was
// called comes first. If none does it returns some of the operations, in the order of their calls, that none explains either, and of which none can be
// left out; fewer have been left out where the limit passed.
func Check(ops []Op, limit time.Duration) (Result, []Op) {
	end := time.Now().Add(limit)
	r := explain(prepare(ops), end)
	if r != Illegal {
		return r, nil
	}
	smallest := shrink(shortest(ops, end), end)
	slices.SortStableFunc(smallest, func(a, b Op) int { return int(a.Call - b.Call) })
	return Illegal, smallest
}

// explain searches for the order. ops have no pending ones.
func explain(ops []Op, end time.Time) Result {
	left := time.Until(end)
	if left <= 0 {
		return Undecided // no limit at all, to porcupine
	}
	all := make([]porcupine.Operation, 0, len(ops))
	for _, o := range ops {
		all = append(all, porcupine.Operation{ClientId: o.Client, Input: o, Call: int64(o.Call), Return: int64(o.Return)})
	}
	register := porcupine.Model{
		Init: func() any { return int64(0) },
		Step: func(state, input, _ any) (bool, any) {
			o := input.(Op)
			if o.Reads && o.Found != state.(int64) {
				return false, state
			}
			if o.Writes {
				return true, o.Value
			}
			return true, state
		},
		Hash: func(state any) uint64 { return uint64(state.(int64)) },
	}
	switch porcupine.CheckOperationsTimeout(register, all, left) {
	case porcupine.Ok:
		return Explained
	case porcupine.Illegal:
		return Illegal
	}
	return Undecided
}

// never stands for the return of an operation that has none.
const never = time.Duration(math.MaxInt64)

// prepare returns the operations of which it is known that they were carried out. A pending one whose value nobody read explains and contradicts
// nothing, whether it was carried out or not. One whose value was read was carried out before the first of those reads returned.
func prepare(ops []Op) []Op {
	pending := map[int64]*Op{} // by value
	var out []*Op
	for i := range ops {
		o := ops[i]
		if !o.Pending {
			out = append(out, &o)
		} else if o.Writes {
			o.Return = never
			pending[o.Value] = &o
		}
	}
	// What is found to have been carried out has read something itself.
	for i := 0; i < len(out); i++ {
		o := out[i]
		if !o.Reads {
			continue
		}
		if wrote := pending[o.Found]; wrote != nil {
			delete(pending, o.Found)
			out = append(out, wrote)
		}
	}
	boundReturns(out)
	known := make([]Op, 0, len(out))
	for _, o := range out {
		o.Pending = false
		known = append(known, *o)
	}
	return known
}

// boundReturns gives each operation without a return that of the first operation that read its value and returned.
func boundReturns(ops []*Op) {
	open := map[int64]*Op{}
	for _, o := range ops {
		if o.Return == never {
			open[o.Value] = o
		}
	}
	for changed := true; changed; {
		changed = false
		for _, o := range ops {
			wrote := open[o.Found]
			if o.Reads && wrote != nil && wrote != o && o.Return < wrote.Return && wrote.Return > wrote.Call {
				wrote.Return, changed = max(o.Return, wrote.Call), true
			}
		}
	}
}
