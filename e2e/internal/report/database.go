package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Database sums up what the databases of a run went through, at the level workload.
type Database struct {
	Versions     []string `json:"versions"`
	Absences     int      `json:"absences"` // how often a member was away
	Operations   int      `json:"operations"`
	Acknowledged int      `json:"acknowledged"` // writes
	Lost         int      `json:"lost"`         // of them
	// LongestPause is the longest stretch without an acknowledged write, in seconds.
	LongestPause float64 `json:"longestPause"`
}

// databaseOf sums up the histories with a database; nil where there is none.
func databaseOf(histories []verdict.JudgedHistory) *Database {
	var out *Database
	for _, j := range histories {
		c := j.Carried
		if c == nil {
			continue
		}
		if out == nil {
			out = &Database{Versions: []string{}}
		}
		for _, v := range c.Versions {
			if !slices.Contains(out.Versions, v) {
				out.Versions = append(out.Versions, v)
			}
		}
		out.Absences += c.Absences
		out.Operations += c.Operations
		out.Acknowledged += c.Acknowledged
		out.Lost += c.Lost
		out.LongestPause = max(out.LongestPause, float64(c.LongestPause.Milliseconds())/1000)
	}
	if out != nil {
		slices.Sort(out.Versions)
	}
	return out
}

// String says it in a sentence.
func (d *Database) String() string {
	return fmt.Sprintf("carried etcd %s through %s of a member: %s in %s, %d lost, longest pause %.1f s", strings.Join(d.Versions, " and "),
		count(d.Absences, "absence", "absences"), count(d.Acknowledged, "acknowledged write", "acknowledged writes"), count(d.Operations, "operation", "operations"), d.Lost, d.LongestPause)
}
