package verdict

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// A spec that other clients disturbed may be repeated. The attempts are specs of their own, each with its text and history; a later one says in
// Repeats which spec it repeats. A violation counts in whichever attempt it was found, and no spec with one is repeated. What an earlier
// attempt could not decide counts no more once a later one passed.

// AttemptFolder is the folder of a repetition, below the report folder. Histories, evidence and rights are moved out of it.
func AttemptFolder(attempt int) string { return fmt.Sprintf("attempt-%d", attempt) }

// origin is the text of a spec's first attempt.
func (s *Spec) origin() string {
	if s.Repeats != "" {
		return s.Repeats
	}
	return s.Text
}

// supersede marks the attempts of specs that were repeated because of a disturbance and whose repetition passed.
func supersede(specs []Spec, judged []JudgedHistory) {
	superseded := map[string]bool{}
	for i := range specs {
		s := &specs[i]
		s.Superseded = s.Disturbance != "" && slices.ContainsFunc(specs, func(o Spec) bool {
			return o.State == "passed" && o.origin() == s.origin() && o.Text != s.Text
		})
		superseded[s.Text] = s.Superseded
	}
	for i := range judged {
		judged[i].superseded = superseded[judged[i].Spec]
	}
}

// Disturbed returns the specs of a report folder that are worth repeating, by the text of the first attempt, each with the reason: the last
// attempt was disturbed, is inconclusive, and found nothing broken.
func Disturbed(dir string) (map[string]string, error) {
	outcomes, err := readSpecs(dir)
	if err != nil {
		return nil, err
	}
	last := map[string]Spec{}
	for _, s := range outcomes.Specs {
		if before, there := last[s.origin()]; s.Selected && s.History != "" && (!there || before.Attempt < s.Attempt) {
			last[s.origin()] = s
		}
	}
	why := map[string]string{}
	for origin, s := range last {
		h, err := load(dir, s.History)
		if err != nil {
			continue // it recorded nothing, or nothing that can be read
		}
		if reason := judge.Disturbance(h); reason != "" && inconclusive(s, judgeHistory(s.History, h)) {
			why[origin] = reason
		}
	}
	return why, nil
}

// inconclusive reports whether an attempt broke nothing and left something open.
func inconclusive(s Spec, j JudgedHistory) bool {
	open := s.State != "passed" && s.State != "skipped" || j.Incomplete != ""
	for _, r := range j.Results {
		if len(r.Violations) > 0 {
			return false
		}
		open = open || len(r.Inconclusive) > 0
	}
	return open
}

// AddAttempt adds the outcomes of the specs that were repeated, which the folder of the attempt holds, to those of the report folder, and notes
// with the attempts before why. Other specs of the attempt are left out.
func AddAttempt(dir, attempt string, why map[string]string) error {
	all, err := readSpecs(dir)
	if err != nil {
		return err
	}
	again, err := readSpecs(attempt)
	if err != nil {
		return err
	}
	if all.Run == "" {
		all.Run = again.Run
	}
	for i := range all.Specs {
		if s := &all.Specs[i]; s.Disturbance == "" {
			s.Disturbance = why[s.origin()]
		}
	}
	for _, s := range again.Specs {
		if s.Selected {
			all.Specs = append(all.Specs, s)
		}
	}
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		return err
	}
	return reportdir.Write(dir, SpecsFile, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n", data)
		return err
	})
}
