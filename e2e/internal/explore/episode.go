package explore

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Step is an act and when it is due.
type Step struct {
	After Moment `json:"after,omitzero"`
	Act   Act    `json:"do"`
	// Phases are those that the set was in when it was done.
	Phases []history.Phase `json:"phases,omitempty"`
	// End says that it belongs to the end of the episode, which follows from the state and is not carried out again from a file.
	End bool `json:"end,omitempty"`
	// Failed is the API server's refusal, or why the act was not possible.
	Failed string `json:"failed,omitempty"`
}

// in returns the phases that the set was in, or that it was not there.
func (s *Step) in() []history.Phase {
	if len(s.Phases) == 0 {
		return []history.Phase{noPhase}
	}
	return s.Phases
}

// Finding is what an episode found broken.
type Finding struct {
	Guarantee contract.ID `json:"guarantee"`
	Set       string      `json:"set,omitempty"`
	Text      string      `json:"text"`
}

// Episode is a course of acts, with what it showed.
type Episode struct {
	Format string `json:"format"`
	Seed   uint64 `json:"seed"`
	// Version is the cluster's version of Kubernetes.
	Version string `json:"kubernetesVersion,omitempty"`
	Steps   []Step `json:"steps"`
	// Broken is what was found broken.
	Broken []Finding `json:"broken,omitempty"`
	// Unsettled says which set was not in the end what it was last asked for, "" if all were.
	Unsettled string `json:"unsettled,omitempty"`
	// Disturbed says what other clients did to its sets.
	Disturbed string `json:"disturbed,omitempty"`
	// Exercised counts the transitions that exercised a guarantee.
	Exercised map[contract.ID]int `json:"exercised,omitempty"`
	// Seconds is how long it took, ActSeconds how much of that until its end began.
	Seconds    float64 `json:"seconds,omitempty"`
	ActSeconds float64 `json:"actSeconds,omitempty"`
	// History is the file of its recording, below the report folder.
	History string `json:"history,omitempty"`
	// File is where it was read from.
	File string `json:"-"`
}

// episodeFormat is the version of the file format.
const episodeFormat = "statefulset-episode/v1"

// maxSteps bounds the steps of a file.
const maxSteps = 1000

// LoadEpisode reads a saved episode.
func LoadEpisode(path string) (*Episode, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var e Episode
	if err := json.Unmarshal(data, &e); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := e.valid(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &e, nil
}

func (e *Episode) valid() error {
	switch {
	case e.Format != episodeFormat:
		return fmt.Errorf("expected an episode of the format %q, found %q", episodeFormat, e.Format)
	case len(e.Steps) == 0 || len(e.Steps) > maxSteps:
		return fmt.Errorf("expected 1 to %d steps, found %d", maxSteps, len(e.Steps))
	}
	var errs []error
	for i := range e.Steps {
		if err := e.Steps[i].Act.valid(); err != nil {
			errs = append(errs, fmt.Errorf("step %d: %w", i+1, err))
		}
	}
	return errors.Join(errs...)
}

// Save writes the episode to a file, in one step.
func (e *Episode) Save(path string) error {
	e.Format = episodeFormat
	return writeJSON(path, e)
}

// Chosen returns the steps that were chosen, without those of the end and those that were not possible.
func (e *Episode) Chosen() []Step {
	var out []Step
	for _, s := range e.Steps {
		if !s.End && s.Failed == "" {
			out = append(out, s)
		}
	}
	return out
}

// LoadFolder reads the episodes of a folder, by the names of their files; a folder that does not exist has none.
func LoadFolder(dir string) ([]*Episode, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, err
	}
	var out []*Episode
	for _, file := range files {
		e, err := LoadEpisode(file)
		if err != nil {
			return nil, err
		}
		e.File = file
		out = append(out, e)
	}
	return out, nil
}
