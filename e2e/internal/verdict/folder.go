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

// Folder judges a report folder from its saved histories. A spec that ran and left no history is not passed over: it is a
// recording that is not whole. A folder with neither histories nor outcomes of specs is an error; one whose specs all stopped before
// they recorded anything, since the cluster lacks what they ask about, holds nothing to judge and is inconclusive.
func Folder(dir string, level contract.Level) (Run, error) {
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
	var judged []Judged
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
		judged = append(judged, judgeOne(filepath.ToSlash(name), h))
	}
	if specs == nil {
		// The run was cut short before its specs were told: what is there is judged, and the run is not whole.
		for _, j := range judged {
			specs = append(specs, Spec{
				Text: j.Spec, State: "interrupted", Selected: true, History: j.File, Message: "the run ended before its outcome was written",
			})
		}
	}
	for _, s := range specs {
		// A spec that failed before it recorded anything tells why itself.
		if s.Selected && s.State == "passed" && s.History != "" && !known[s.History] {
			judged = append(judged, Judged{Spec: s.Text, File: s.History, Cut: "the spec ran but its history " + s.History + " is missing"})
		}
	}
	return Weigh(level, specs, judged), nil
}

func judgeOne(file string, h *history.History) Judged {
	j := Judged{Spec: h.Header.Spec, File: file, Wall: h.Duration(), Zone: h.Header.Zone}
	if h.End != nil && h.End.Invalid {
		j.Cut = h.End.Reason
		return j
	}
	j.Results = judge.History(h)
	if n := len(h.Events); n > 0 {
		j.Active = h.Events[n-1].At - h.Events[0].At
	}
	switch {
	case h.End == nil:
		j.Cut = "it was cut short: the file has no end"
	case !h.End.Complete:
		j.Cut = h.End.Reason
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
