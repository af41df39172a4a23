package verdict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// JudgeFolder judges a report folder from its saved histories. A spec that passed and left no history counts as an incomplete
// recording. A folder with neither histories nor outcomes of specs is an error; one whose specs were all skipped before they recorded
// anything is inconclusive.
func JudgeFolder(dir string, level contract.Level) (Run, error) {
	outcomes, err := readSpecs(dir)
	if err != nil {
		return Run{}, err
	}
	specs, name := outcomes.Specs, outcomes.Run
	files, err := historyFiles(dir)
	if err != nil {
		return Run{}, err
	}
	if len(files) == 0 && specs == nil {
		return Run{}, fmt.Errorf("%s holds no history below histories/: nothing was recorded, so nothing can be judged", dir)
	}
	var judged []JudgedHistory
	known := map[string]bool{}
	var foreign []string
	for _, file := range files {
		h, err := load(dir, file)
		if err != nil {
			return Run{}, fmt.Errorf("a history cannot be read: %w", err)
		}
		if name == "" {
			name = h.Header.Run
		}
		if h.Header.Run != "" && h.Header.Run != name {
			foreign = append(foreign, fmt.Sprintf("%s is of the run %s, and this report of %s: another run writes into this folder; it was not judged", file, h.Header.Run, name))
			continue
		}
		known[file] = true
		judged = append(judged, judgeHistory(file, h))
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
	run := Decide(level, specs, judged)
	run.Name = name
	for _, why := range foreign {
		run.AddTrouble(why)
	}
	return run, nil
}

// maxHistories bounds the histories of a report: a run has one for each spec.
const maxHistories = 1000

// historyFile is the form of a history's path below the report folder.
var historyFile = regexp.MustCompile(`^histories/[a-z0-9-]+\.jsonl(\.gz)?$`)

func historyFiles(dir string) ([]string, error) {
	names, err := reportdir.Names(dir, "histories", maxHistories)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return slices.DeleteFunc(names, func(name string) bool { return !historyFile.MatchString(name) }), err
}

func load(dir, file string) (*history.History, error) {
	f, err := reportdir.Open(dir, file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	h, err := history.Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, file), err)
	}
	return h, nil
}

func judgeHistory(file string, h *history.History) JudgedHistory {
	j := JudgedHistory{Spec: h.Header.Spec, File: file, Recorded: h.Duration(), Zone: h.Header.Zone, Version: h.Header.Version, Promises: h.Header.Promises(), Explored: h.Header.Explored, Lag: h.Header.Lag, ClockSkew: h.Header.ClockSkew}
	if h.End != nil && h.End.Invalid {
		j.Incomplete = h.End.Reason
		return j
	}
	j.Results, j.Responses, j.Changes = judge.History(h), judge.Responses(h), h.SpecChanges()
	j.Figures = figures.Measure(h, j.Responses)
	j.Carried = judge.Carry(h)
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

// countsOpen reports whether what the history leaves open makes a verdict inconclusive.
func (j *JudgedHistory) countsOpen() bool { return !j.superseded && !j.Explored }

func readSpecs(dir string) (Outcomes, error) {
	data, err := reportdir.Read(dir, SpecsFile, reportdir.MaxText)
	if errors.Is(err, os.ErrNotExist) {
		return Outcomes{}, nil
	}
	if err != nil {
		return Outcomes{}, err
	}
	out, err := parseSpecs(data)
	if err != nil {
		return Outcomes{}, fmt.Errorf("%s: %w", filepath.Join(dir, SpecsFile), err)
	}
	return out, nil
}

// parseSpecs reads the outcomes of specs, of older runs too, which wrote the list alone.
func parseSpecs(data []byte) (Outcomes, error) {
	var out Outcomes
	into := any(&out)
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("[")) {
		into = &out.Specs
	}
	if err := json.Unmarshal(data, into); err != nil {
		return Outcomes{}, err
	}
	for _, s := range out.Specs {
		if s.History != "" && !historyFile.MatchString(s.History) {
			return Outcomes{}, fmt.Errorf("spec %q: expected a file below histories, found %q", s.Text, s.History)
		}
	}
	slices.SortFunc(out.Specs, func(a, b Spec) int { return strings.Compare(a.Text, b.Text) })
	return out, nil
}
