package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// earlierRun is what the report folder holds of a fault, or of a control.
type earlierRun struct {
	run     *verdict.Run
	suite   runconfig.Suite
	seconds float64
	// interrupted says that it did not come to its end, so that what it does not show may be there.
	interrupted bool
}

// of returns what the run found of a fault.
func (e earlierRun) of(f faults.Fault) faultResult {
	result := faultResult{Fault: f, seconds: e.seconds, untried: e.run == nil}
	if !result.untried {
		result.read(e.run)
		result.untried = e.interrupted && result.outcome() != faultCaught
	}
	return result
}

// loadEarlier returns a function that judges again what was recorded in a version of Kubernetes below a folder.
func loadEarlier(dir, kubernetes string) func(string, contract.Level) (earlierRun, error) {
	return func(folder string, level contract.Level) (earlierRun, error) {
		below := filepath.Join(dir, folder)
		saved, err := report.Load(below)
		if err != nil {
			return earlierRun{}, err
		}
		if found := saved.Cluster.KubernetesVersion; found != kubernetes {
			return earlierRun{}, fmt.Errorf("%s is of Kubernetes %s, not %s", below, found, kubernetes)
		}
		run, err := verdict.JudgeFolder(below, level)
		if err != nil {
			return earlierRun{}, err
		}
		return earlierRun{
			run: &run, suite: runconfig.Suite{Version: saved.Suite.Version, Digest: saved.Suite.Digest}, seconds: saved.Seconds, interrupted: runner.Interrupted(saved, &run),
		}, nil
	}
}

// choose completes what chooseFaults chose: it returns the faults to try, and notes the controls that are due.
func (t *faultTrial) choose(ctx context.Context, patterns string, chosen []faults.Fault) ([]faults.Fault, error) {
	switch patterns {
	case "", controlFolder:
		for _, c := range faultClusters() {
			if c.control != "" {
				t.controls = append(t.controls, c.control)
			}
		}
	case uncaughtFaults:
		suite, err := runner.Identity(ctx)
		if err != nil {
			return nil, err
		}
		chosen = t.uncaught(suite)
	}
	t.of = len(chosen)
	return chosen, nil
}

// uncaught returns the faults that no run of a suite in the report folder has caught, and notes the controls that no such run found conformant.
func (t *faultTrial) uncaught(suite runconfig.Suite) []faults.Fault {
	var left []faults.Fault
	for _, c := range faultClusters() {
		if c.control == "" {
			continue
		}
		if r, err := t.load(c.control, c.level); err != nil || r.interrupted || !runner.SameSuite(r.suite, suite) || r.run.Overall != verdict.Conformant {
			t.controls = append(t.controls, c.control)
		}
		for _, f := range c.takes(t.all) {
			r, _ := t.load(f.Name, c.level) // without one the fault is untried
			if result := r.of(f); !runner.SameSuite(r.suite, suite) || result.outcome() != faultCaught {
				left = append(left, f)
			}
		}
	}
	return left
}

// compose makes the table of all faults from the results of this run and from what the report folder holds of earlier ones.
func (t *faultTrial) compose() faultTable {
	table := faultTable{kubernetes: t.table.kubernetes}
	for _, c := range faultClusters() {
		if c.control == "" {
			continue
		}
		if control, err := t.load(c.control, c.level); err == nil && !control.interrupted {
			table.controls = append(table.controls, control.run.Overall)
		} else {
			table.untriedControls++
		}
		for _, f := range c.takes(t.all) {
			table.results = append(table.results, t.result(f, c.level))
		}
	}
	return table
}

// result is the last result of a fault.
func (t *faultTrial) result(f faults.Fault, level contract.Level) faultResult {
	if at := slices.IndexFunc(t.table.results, func(r faultResult) bool { return r.Name == f.Name }); at >= 0 {
		return t.table.results[at]
	}
	earlier, _ := t.load(f.Name, level) // without one the fault is untried
	return earlier.of(f)
}

// save writes the table of all faults into the report folder, and as resultsFile when it is whole and of the default version.
func (t *faultTrial) save(table faultTable) error {
	files := []string{filepath.Join(t.options.ReportDir, filepath.Base(resultsFile))}
	if table.whole() && table.kubernetes == faults.Versions()[0] && !t.options.Exploration.Only {
		files = append(files, resultsFile)
	}
	for _, file := range files {
		if err := os.WriteFile(file, []byte(table.markdown()), 0o644); err != nil {
			return err
		}
	}
	fmt.Fprintf(t.out, "%s lists all %d faults, %d of them not tried yet\n", files[len(files)-1], len(table.results), table.count(faultUntried))
	return nil
}
