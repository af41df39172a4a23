package judge_test

import (
	"bytes"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

//nolint:gochecknoglobals // A flag of the test.
var updateGolden = flag.Bool("update", false, "write testdata/golden.txt anew")

// goldenFile holds all results of the histories below: a change of the judges that is not meant to change a verdict must not change it.
const goldenFile = "testdata/golden.txt"

const (
	// goldenSeeds is how many simulated histories the golden file covers as they are.
	goldenSeeds = 500
	// goldenPlaces is in how many of them, at most, it covers each mutation.
	goldenPlaces = 4
)

// TestGoldenVerdicts compares the judges' whole output, byte for byte, on simulated histories, on mutated ones and on every history
// that is saved in the repository.
func TestGoldenVerdicts(t *testing.T) {
	if raceEnabled {
		t.Skip("the same without the race detector is enough, and ten times as fast")
	}
	var out bytes.Buffer
	for seed := range uint64(goldenSeeds) {
		writeVerdicts(&out, fmt.Sprintf("seed %d", seed), judge.History(simulator.History(seed)))
	}
	all := mutations()
	for _, id := range slices.Sorted(maps.Keys(all)) {
		writeMutated(&out, id, all[id])
	}
	for _, path := range savedHistories(t) {
		h, err := history.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		writeVerdicts(&out, filepath.Base(path), judge.History(h))
	}
	if *updateGolden {
		if err := os.WriteFile(goldenFile, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	reportDifferences(t, string(want), out.String())
}

// writeMutated writes the results of the first histories that have a place for a mutation. Where it looks depends on the guarantee alone,
// so that a new one adds blocks to the file and changes none.
func writeMutated(w io.Writer, id contract.ID, mutate mutation) {
	start := fnv.New64a()
	start.Write([]byte(id))
	for i, found := uint64(0), 0; i < goldenSeeds && found < goldenPlaces; i++ {
		seed := (start.Sum64() + i) % goldenSeeds
		if h := newMutableHistory(simulator.History(seed), rand.New(rand.NewPCG(seed, 1))); mutate(h) {
			writeVerdicts(w, fmt.Sprintf("mutated for %s, seed %d", id, seed), judge.History(h.sorted()))
			found++
		}
	}
}

// savedHistories lists every history file of the repository.
func savedHistories(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"../report/testdata/*/histories/*", "../../../fixtures/histories/*/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("expected saved histories at %s, found none (%v)", pattern, err)
		}
		paths = append(paths, found...)
	}
	return slices.DeleteFunc(paths, func(path string) bool { return !strings.Contains(filepath.Base(path), ".jsonl") })
}

// writeVerdicts writes one block: a line of counts for the guarantees that were exercised, then every note and finding.
func writeVerdicts(w io.Writer, name string, results []judge.Result) {
	results = slices.Clone(results)
	slices.SortFunc(results, func(a, b judge.Result) int { return strings.Compare(string(a.Guarantee), string(b.Guarantee)) })
	fmt.Fprintf(w, "== %s\n", name)
	for _, r := range results {
		if r.Exercised > 0 || r.Excused.Total() > 0 {
			fmt.Fprintf(w, " %s %d/%d", r.Guarantee, r.Exercised, r.Excused.Total())
		}
	}
	fmt.Fprintln(w)
	for _, r := range results {
		for _, n := range r.Notes {
			fmt.Fprintf(w, "%s note: %s\n", r.Guarantee, n)
		}
		for _, f := range r.Violations {
			fmt.Fprintf(w, "%s broken: [%s] at %d by %v: %s\n", r.Guarantee, f.Set, f.At, f.Seqs, f.Text)
		}
		for _, f := range r.Inconclusive {
			fmt.Fprintf(w, "%s inconclusive: [%s] at %d by %v: %s\n", r.Guarantee, f.Set, f.At, f.Seqs, f.Text)
		}
	}
}

// reportDifferences lists the histories whose results differ from the golden file, the first five with both results.
func reportDifferences(t *testing.T, want, got string) {
	t.Helper()
	if want == got {
		return
	}
	before, after := blocks(want), blocks(got)
	reported := 0
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] == after[name] {
			continue
		}
		if reported++; reported <= 5 {
			t.Errorf("%s: expected\n%sfound\n%s", name, before[name], after[name])
		}
	}
	t.Errorf("%d of %d histories differ from %s; if that is intended, run the test with -update and give the reason in the commit",
		reported, len(after), goldenFile)
}

func blocks(text string) map[string]string {
	out := map[string]string{}
	for _, b := range strings.Split(text, "== ")[1:] {
		name, rest, _ := strings.Cut(b, "\n")
		out[name] = rest
	}
	return out
}
