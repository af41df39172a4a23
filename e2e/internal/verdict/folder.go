package verdict

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// JudgeFolder judges a report folder from its saved histories. A spec that passed and left no history counts as an incomplete
// recording. A folder with neither histories nor outcomes of specs is an error; one whose specs were all skipped before they recorded
// anything is inconclusive.
func JudgeFolder(dir string, level contract.Level) (Run, error) {
	specs, err := readSpecs(filepath.Join(dir, SpecsFile))
	if err != nil {
		return Run{}, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "histories", "*.jsonl*"))
	if err != nil {
		return Run{}, err
	}
	if len(files) == 0 && specs == nil {
		return Run{}, fmt.Errorf("%s holds no history below histories/: nothing was recorded, so nothing can be judged", dir)
	}
	var judged []JudgedHistory
	known := map[string]bool{}
	for _, file := range files {
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return Run{}, err
		}
		known[filepath.ToSlash(name)] = true
		h, err := history.Load(file)
		if err != nil {
			return Run{}, fmt.Errorf("a history cannot be read: %w", err)
		}
		judged = append(judged, judgeHistory(filepath.ToSlash(name), h))
	}
	if specs == nil {
		// The run ended before it wrote its specs: what was recorded is judged, and the run is incomplete.
		for _, j := range judged {
			specs = append(specs, Spec{
				Text: j.Spec, State: "interrupted", Selected: true, History: j.File, Message: "the run ended before its outcome was written",
			})
		}
	}
	for _, s := range specs {
		// The message of a spec that failed before it recorded anything says why.
		if s.Selected && s.State == "passed" && s.History != "" && !known[s.History] {
			judged = append(judged, JudgedHistory{Spec: s.Text, File: s.History, Incomplete: "the spec ran but its history " + s.History + " is missing"})
		}
	}
	return Decide(level, specs, judged), nil
}

func judgeHistory(file string, h *history.History) JudgedHistory {
	j := JudgedHistory{Spec: h.Header.Spec, File: file, Recorded: h.Duration(), Zone: h.Header.Zone, Lag: h.Header.Lag, ClockSkew: h.Header.ClockSkew}
	if h.End != nil && h.End.Invalid {
		j.Incomplete = h.End.Reason
		return j
	}
	j.Results = judge.History(h)
	if n := len(h.Events); n > 0 {
		j.Active = h.Events[n-1].At - h.Events[0].At
	}
	switch {
	case h.End == nil:
		j.Incomplete = "it was cut short: the file has no end"
	case !h.End.Complete:
		j.Incomplete = h.End.Reason
	}
	return j
}

func readSpecs(path string) ([]Spec, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var specs []Spec
	if err := json.Unmarshal(data, &specs); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	slices.SortFunc(specs, func(a, b Spec) int {
		switch {
		case a.Text < b.Text:
			return -1
		case a.Text > b.Text:
			return 1
		}
		return 0
	})
	return specs, nil
}
