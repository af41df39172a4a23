package simulator

import (
	"math/rand/v2"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// TestCachesStayWithinTheLag: no simulated cache is behind by more than the judges allow for, as a recorder sees it whose own watches are
// out of step.
func TestCachesStayWithinTheLag(t *testing.T) {
	allowed := historytest.New().History().Header.Lag
	for seed := range uint64(1_000) {
		cl := &cluster{rng: rand.New(rand.NewPCG(seed, 0x5e7))}
		if o := cl.randomOptions(); o.cacheLag+o.watchSkew > allowed {
			t.Fatalf("seed %d: the cache may be behind by %v and a watch by %v, expected %v at most in sum", seed, o.cacheLag, o.watchSkew, allowed)
		}
	}
}
