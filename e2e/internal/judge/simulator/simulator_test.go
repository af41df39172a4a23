package simulator_test

import (
	"bytes"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

func TestSameSeedSameHistory(t *testing.T) {
	for seed := range uint64(50) {
		if once, again := written(t, seed), written(t, seed); once != again {
			t.Fatalf("seed %d: two histories differ", seed)
		}
	}
	if written(t, 1) == written(t, 2) {
		t.Error("seeds 1 and 2 give the same history")
	}
}

// written returns the history of the seed in its file format.
func written(t *testing.T, seed uint64) string {
	t.Helper()
	var file bytes.Buffer
	if err := simulator.History(seed).Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.String()
}
