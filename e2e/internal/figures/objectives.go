package figures

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Objective is what a person wants of a figure that is of no one node or class, and what came of it. It is no part of conformance.
type Objective struct {
	Kind Kind `json:"kind"`
	// Of says which value of the figure is meant: median, p95 or max.
	Of string `json:"of"`
	// Want is the most that it may be and Found what it was, in seconds.
	Want  float64 `json:"want"`
	Found float64 `json:"found,omitempty"`
	// Count is how often it was measured. Met is never true without a measurement.
	Count int  `json:"count"`
	Met   bool `json:"met"`
}

// values are the names of a figure's values.
func values() []string { return []string{"median", "p95", "max"} }

// value returns the value of that name.
func (f *Figure) value(name string) float64 {
	switch name {
	case "median":
		return f.Median
	case "p95":
		return f.P95
	}
	return f.Max
}

// ParseObjective reads an objective such as pod-ready.p95=30s.
func ParseObjective(text string) (Objective, error) {
	name, limit, _ := strings.Cut(text, "=")
	kind, of, _ := strings.Cut(name, ".")
	want, err := time.ParseDuration(limit)
	if !slices.Contains(Kinds(), Kind(kind)) || !slices.Contains(values(), of) || err != nil || want <= 0 {
		return Objective{}, fmt.Errorf("%q: expected a figure, one of %s, and a duration, such as pod-ready.p95=30s; figures are %v", text, strings.Join(values(), ", "), Kinds())
	}
	return Objective{Kind: Kind(kind), Of: of, Want: want.Seconds()}, nil
}

// Hold returns what came of objectives. Those that cannot be read, which a command refuses before its run, are left out.
func Hold(objectives []string, all []Figure) []Objective {
	var out []Objective
	for _, text := range objectives {
		o, err := ParseObjective(text)
		if err != nil {
			continue
		}
		for _, f := range all {
			if f.Kind == o.Kind && f.Of == "" {
				o.Found, o.Count = f.value(o.Of), f.Count
				o.Met = o.Found <= o.Want
			}
		}
		out = append(out, o)
	}
	return out
}

// String says in a sentence what came of it.
func (o Objective) String() string {
	what := fmt.Sprintf("%s.%s: at most %g s wanted", o.Kind, o.Of, o.Want)
	switch {
	case o.Count == 0:
		return what + ", never measured"
	case o.Met:
		return fmt.Sprintf("%s, met: %g s of %d", what, o.Found, o.Count)
	}
	return fmt.Sprintf("%s, NOT MET: %g s of %d", what, o.Found, o.Count)
}
