package linear

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const limit = 20 * time.Second

func put(value int64, call, ret int) Op {
	return Op{Writes: true, Value: value, Call: time.Duration(call), Return: time.Duration(ret)}
}

func get(found int64, call, ret int) Op {
	return Op{Reads: true, Found: found, Call: time.Duration(call), Return: time.Duration(ret)}
}

func swap(found, value int64, call, ret int) Op {
	return Op{Reads: true, Found: found, Writes: true, Value: value, Call: time.Duration(call), Return: time.Duration(ret)}
}

func pending(o Op) Op {
	o.Pending = true
	return o
}

func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		ops  []Op
		want Result
		part int // how many operations contradict each other
	}{
		"nothing":                                   {nil, Explained, 0},
		"one after another":                         {[]Op{put(1, 0, 1), get(1, 2, 3), put(2, 4, 5), get(2, 6, 7)}, Explained, 0},
		"at the same time, either order":            {[]Op{put(1, 0, 9), put(2, 0, 9), get(2, 10, 11), get(2, 12, 13)}, Explained, 0},
		"a read beside a write":                     {[]Op{put(1, 0, 1), put(2, 2, 9), get(1, 3, 4), get(2, 5, 6)}, Explained, 0},
		"a read that goes back":                     {[]Op{put(1, 0, 1), put(2, 2, 9), get(2, 3, 4), get(1, 5, 6)}, Illegal, 4},
		"a stale read":                              {[]Op{put(1, 0, 1), put(2, 2, 3), get(1, 4, 5)}, Illegal, 3},
		"a value gone":                              {[]Op{put(1, 0, 1), get(0, 4, 5)}, Illegal, 2},
		"a value that nobody wrote":                 {[]Op{put(1, 0, 1), get(7, 4, 5)}, Illegal, 1},
		"a value from the future":                   {[]Op{get(1, 0, 1), put(1, 2, 3)}, Illegal, 1},
		"a swap of what is there":                   {[]Op{put(1, 0, 1), swap(1, 2, 2, 3), get(2, 4, 5)}, Explained, 0},
		"two swaps of the same value":               {[]Op{put(1, 0, 1), swap(1, 2, 2, 9), swap(1, 3, 2, 9)}, Illegal, 3},
		"a lost write, and much before it":          {[]Op{put(1, 0, 1), get(1, 2, 3), put(2, 4, 5), get(2, 6, 7), put(3, 8, 9), get(2, 10, 11), get(2, 12, 13)}, Illegal, 3},
		"pending and never seen":                    {[]Op{put(1, 0, 1), pending(put(2, 2, 3)), get(1, 4, 5)}, Explained, 0},
		"pending and seen late":                     {[]Op{put(1, 0, 1), pending(put(2, 2, 3)), get(1, 4, 5), get(2, 6, 7), get(2, 8, 9)}, Explained, 0},
		"pending, seen and gone":                    {[]Op{put(1, 0, 1), pending(put(2, 2, 3)), get(2, 4, 5), get(1, 6, 7)}, Illegal, 4},
		"pending and read before the call":          {[]Op{get(2, 0, 1), pending(put(2, 2, 3))}, Illegal, 1},
		"a pending swap that was seen":              {[]Op{put(1, 0, 1), pending(swap(1, 2, 2, 3)), get(2, 4, 5)}, Explained, 0},
		"a pending swap of what was not there":      {[]Op{put(1, 0, 1), put(5, 2, 3), pending(swap(1, 2, 4, 5)), get(2, 6, 7)}, Illegal, 4},
		"a chain of pending swaps":                  {[]Op{pending(put(1, 0, 1)), pending(swap(1, 2, 0, 1)), pending(swap(2, 3, 0, 1)), get(3, 2, 3)}, Explained, 0},
		"a chain that was read the wrong way round": {[]Op{pending(put(1, 0, 1)), pending(swap(1, 2, 0, 1)), get(2, 2, 3), get(1, 4, 5)}, Illegal, 4},
	} {
		got, part := Check(c.ops, limit)
		if got != c.want || len(part) != c.part {
			t.Errorf("%s: expected %s by %d operations, found %s by %v", name, c.want, c.part, got, part)
		}
	}
}

func TestWithoutTimeNothingIsDecided(t *testing.T) {
	if got, part := Check([]Op{put(1, 0, 1), get(0, 2, 3)}, 0); got != Undecided || part != nil {
		t.Errorf("expected nothing to be decided, found %s by %v", got, part)
	}
}

// atomic returns what clients see of a register that is one: each operation takes place at a moment between call and return. Some answers are lost.
func atomic(rng *rand.Rand, clients, n int) []Op {
	type step struct {
		at time.Duration
		op *Op
	}
	var ops []*Op
	var steps []step
	for client := range clients {
		at := time.Duration(rng.IntN(100))
		for i := range n {
			o := &Op{Client: client, Call: at, Value: int64(client*n + i + 1), Pending: rng.IntN(10) == 0}
			effect := at + time.Duration(rng.IntN(100))
			o.Return = effect + time.Duration(rng.IntN(100))
			switch rng.IntN(3) {
			case 0:
				o.Reads, o.Value = true, 0
			case 1:
				o.Writes = true
			default:
				o.Reads, o.Writes = true, true
			}
			if !o.Pending || rng.IntN(2) == 0 {
				steps = append(steps, step{effect, o})
			}
			ops = append(ops, o)
			at = o.Return + 1 + time.Duration(rng.IntN(50))
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return int(a.at - b.at) })
	state := int64(0)
	for _, s := range steps {
		if s.op.Reads {
			s.op.Found = state
		}
		if s.op.Writes {
			state = s.op.Value
		}
	}
	out := make([]Op, 0, len(ops))
	for _, o := range ops {
		out = append(out, *o)
	}
	return out
}

func TestAtomicRegistersAreExplained(t *testing.T) {
	for seed := range uint64(50) {
		ops := atomic(rand.New(rand.NewPCG(seed, 1)), 8, 40)
		if got, part := Check(ops, limit); got != Explained {
			t.Fatalf("seed %d: expected an order, found %s by %v", seed, got, part)
		}
	}
}

// Each part that is returned is illegal by itself, and none of its operations can be left out.
func TestAnIllegalPartIsSmallest(t *testing.T) {
	found := 0
	for seed := range uint64(30) {
		rng := rand.New(rand.NewPCG(seed, 2))
		ops := atomic(rng, 6, 30)
		// A read, somewhere in the second half, of what was overwritten.
		i := len(ops)/2 + rng.IntN(len(ops)/2)
		if o := &ops[i]; o.Reads && !o.Pending {
			o.Found = ops[rng.IntN(len(ops))].Value
		}
		got, part := Check(ops, limit)
		if got != Illegal {
			continue
		}
		found++
		if explain(prepare(part), time.Now().Add(limit)) != Illegal {
			t.Errorf("seed %d: %v is legal", seed, part)
		}
		for n := range part {
			if fewer := without(part, n, n+1); len(fewer) < len(part) && explain(prepare(fewer), time.Now().Add(limit)) == Illegal {
				t.Errorf("seed %d: %v can be left out of %v", seed, part[n], part)
			}
		}
		if len(part) > 12 {
			t.Errorf("seed %d: expected a small part, found %d operations", seed, len(part))
		}
	}
	if found < 10 {
		t.Errorf("expected ten illegal histories, found %d", found)
	}
}

// BenchmarkCheck checks what eight clients see of one key in a minute or so.
func BenchmarkCheck(b *testing.B) {
	ops := atomic(rand.New(rand.NewPCG(1, 1)), 8, 500)
	for b.Loop() {
		if got, _ := Check(ops, limit); got != Explained {
			b.Fatal(got)
		}
	}
	b.ReportMetric(float64(len(ops))*float64(b.N)/b.Elapsed().Seconds(), "operations/s")
}
