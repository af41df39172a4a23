package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// Database sums up what one of the databases of the level workload went through, in all specs of a run.
type Database struct {
	Name         string   `json:"name"`
	Versions     []string `json:"versions"`
	Absences     int      `json:"absences"` // how often a member was away
	Operations   int      `json:"operations"`
	Acknowledged int      `json:"acknowledged"` // writes
	Lost         int      `json:"lost"`         // of them
	// LongestPause is the longest stretch without an acknowledged write, in seconds.
	LongestPause float64 `json:"longestPause"`
}

// databasesOf sums up the histories with a database, by its name.
func databasesOf(histories []verdict.JudgedHistory) []Database {
	var out []Database
	for _, j := range histories {
		c := j.Carried
		if c == nil {
			continue
		}
		name := "a database"
		if len(c.Versions) > 0 {
			name, _ = database(c.Versions[0])
		}
		i := slices.IndexFunc(out, func(d Database) bool { return d.Name == name })
		if i < 0 {
			out, i = append(out, Database{Name: name, Versions: []string{}}), len(out)
		}
		d := &out[i]
		for _, v := range c.Versions {
			if _, version := database(v); !slices.Contains(d.Versions, version) {
				d.Versions = append(d.Versions, version)
			}
		}
		d.Absences += c.Absences
		d.Operations += c.Operations
		d.Acknowledged += c.Acknowledged
		d.Lost += c.Lost
		d.LongestPause = max(d.LongestPause, float64(c.LongestPause.Milliseconds())/1000)
	}
	slices.SortFunc(out, func(a, b Database) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	for _, d := range out {
		slices.Sort(d.Versions)
	}
	return out
}

// database takes apart what a member said it is: etcd names its version alone.
func database(says string) (name, version string) {
	if name, version, named := strings.Cut(says, " "); named {
		return name, version
	}
	return "etcd", says
}

// String says it in a sentence.
func (d Database) String() string {
	what := d.Name
	if len(d.Versions) > 0 {
		what += " " + strings.Join(d.Versions, " and ")
	}
	return fmt.Sprintf("carried %s through %s of a member: %s in %s, %d lost, longest pause %.1f s", what,
		count(d.Absences, "absence", "absences"), count(d.Acknowledged, "acknowledged write", "acknowledged writes"), count(d.Operations, "operation", "operations"), d.Lost, d.LongestPause)
}
