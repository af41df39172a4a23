package explore

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Coverage counts what episodes have done.
type Coverage struct {
	// Acts counts acts by their kind and the phase that their set was in.
	Acts map[Kind]map[history.Phase]int `json:"acts"`
	// Ways counts acts by their kind and each of the ways in which they were done.
	Ways map[Kind]map[string]int `json:"ways,omitempty"`
	// Exercised counts the transitions that exercised a guarantee.
	Exercised map[contract.ID]int `json:"exercised"`
	// With counts the episodes that had an act of a kind, and LedTo those of them that exercised a guarantee.
	With     map[Kind]int                 `json:"with,omitempty"`
	LedTo    map[Kind]map[contract.ID]int `json:"ledTo,omitempty"`
	Episodes int                          `json:"episodes"`
}

// NewCoverage is that of no episode.
func NewCoverage() *Coverage {
	return &Coverage{
		Acts: map[Kind]map[history.Phase]int{}, Ways: map[Kind]map[string]int{}, Exercised: map[contract.ID]int{},
		With: map[Kind]int{}, LedTo: map[Kind]map[contract.ID]int{},
	}
}

// note counts an act.
func (c *Coverage) note(a *Act, phases []history.Phase) {
	for _, p := range phases {
		count(c.Acts, a.Kind, p)
	}
	for _, way := range a.ways() {
		count(c.Ways, a.Kind, way)
	}
}

// count adds one to a count of counts.
func count[K, L comparable](in map[K]map[L]int, key K, of L) {
	if in[key] == nil {
		in[key] = map[L]int{}
	}
	in[key][of]++
}

// Add counts an episode.
func (c *Coverage) Add(e *Episode) {
	c.Episodes++
	done := map[Kind]bool{}
	for _, s := range e.Steps {
		if s.Failed == "" {
			c.note(&s.Act, s.in())
			done[s.Act.Kind] = true
		}
	}
	for id, n := range e.Exercised {
		c.Exercised[id] += n
	}
	for kind := range done {
		c.With[kind]++
		for id := range e.Exercised {
			count(c.LedTo, kind, id)
		}
	}
}

// rare is how many of the guarantees that were exercised count as rarely exercised ones.
const rare = 10

// leadsToRare returns how many of the guarantees that were exercised least an episode with such an act exercised, on average.
func (c *Coverage) leadsToRare(kind Kind) float64 {
	if c.With[kind] == 0 {
		return 0
	}
	n := 0
	for _, id := range c.byExercise()[:min(rare, len(c.Exercised))] {
		n += c.LedTo[kind][id]
	}
	return float64(n) / float64(c.With[kind])
}

// byExercise lists the guarantees that were exercised, the least first.
func (c *Coverage) byExercise() []contract.ID {
	return slices.SortedFunc(maps.Keys(c.Exercised), func(x, y contract.ID) int {
		return cmp.Or(cmp.Compare(c.Exercised[x], c.Exercised[y]), cmp.Compare(x, y))
	})
}

// ways is how often an act was done in the way, of those that this one is done in, that was seen least.
func (c *Coverage) ways(a *Act) int {
	least := math.MaxInt
	for _, way := range a.ways() {
		least = min(least, c.Ways[a.Kind][way])
	}
	return least
}

// seen is how often an act was done in the phase of those in which it was done least.
func (c *Coverage) seen(kind Kind, phases []history.Phase) int {
	if len(phases) == 0 {
		return c.Acts[kind][noPhase]
	}
	least := c.Acts[kind][phases[0]]
	for _, p := range phases[1:] {
		least = min(least, c.Acts[kind][p])
	}
	return least
}

// noPhase stands for that of a set that does not exist.
const noPhase history.Phase = "not there"

// LoadCoverage reads what earlier episodes have covered; a file that does not exist is of none.
func LoadCoverage(path string) (*Coverage, error) {
	c := NewCoverage()
	if path == "" {
		return c, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s: expected the coverage of an exploration: %w", path, err)
	}
	return c, nil
}

// Save writes the coverage to a file, in one step.
func (c *Coverage) Save(path string) error { return writeJSON(path, c) }

// Markdown is a table of acts by phases, and a list of what was exercised least.
func (c *Coverage) Markdown() string {
	var b strings.Builder
	phases := append([]history.Phase{noPhase}, history.AllPhases()...)
	pairs, seen := 0, 0
	fmt.Fprintf(&b, "# What was explored\n\n%d episodes. Each cell says how often an act was done to a set in that phase.\n\n| act |", c.Episodes)
	for _, p := range phases {
		fmt.Fprintf(&b, " %s |", p)
	}
	b.WriteString("\n| --- |" + strings.Repeat(" ---: |", len(phases)) + "\n")
	for _, kind := range Kinds() {
		fmt.Fprintf(&b, "| %s |", kind)
		for _, p := range phases {
			n := c.Acts[kind][p]
			if (p == noPhase) == (kind == CreateSet) {
				pairs++
				seen += min(n, 1)
			}
			fmt.Fprintf(&b, " %d |", n)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "\n%d of %d pairs of act and phase were seen.\n\n| act | done in these ways |\n| --- | --- |\n", seen, pairs)
	for _, kind := range Kinds() {
		if len(c.Ways[kind]) > 1 {
			fmt.Fprintf(&b, "| %s | %s |\n", kind, inWays(c.Ways[kind]))
		}
	}
	fmt.Fprintf(&b, "\n| guarantee | exercised |\n| --- | ---: |\n")
	for _, id := range c.byExercise() {
		fmt.Fprintf(&b, "| %s | %d |\n", id, c.Exercised[id])
	}
	return b.String()
}

// inWays writes how often acts of a kind were done in each way.
func inWays(ways map[string]int) string {
	var out []string
	for _, way := range sorted(ways) {
		out = append(out, fmt.Sprintf("%s %d", way, ways[way]))
	}
	return strings.Join(out, ", ")
}

// writeJSON writes a file of JSON in one step.
func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".explore-*")
	if err != nil {
		return err
	}
	_, err = file.Write(append(data, '\n'))
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// AddFolder counts the episodes that a folder holds, which need not exist.
func (c *Coverage) AddFolder(dir string) error {
	all, err := LoadFolder(dir)
	for _, e := range all {
		c.Add(e)
	}
	return err
}
