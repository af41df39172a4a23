package judge

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestMomentsFindTheLatestOfARange(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for size := range 20 {
		var all ordinals
		for len(all) < size {
			all.add(random.IntN(60))
		}
		m, plain := momentsOf(all), map[int]time.Duration{}
		for range 200 {
			if size > 0 {
				n := all[random.IntN(size)]
				// Also to an earlier moment, as for a new pod that is not Ready.
				plain[n] = time.Duration(random.IntN(50))
				m.set(n, plain[n])
			}
			from, to := random.IntN(62), random.IntN(62)
			var want time.Duration
			for n, at := range plain {
				if n >= from && n < to {
					want = max(want, at)
				}
			}
			if got := m.latest(from, to); got != want {
				t.Fatalf("of %v in [%d, %d): expected %d, found %d", plain, from, to, want, got)
			}
		}
	}
}
