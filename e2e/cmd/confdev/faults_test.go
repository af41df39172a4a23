package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func TestEveryGuaranteeHasItsFaults(t *testing.T) {
	for _, g := range contract.All() {
		var kinds []faults.Kind
		count := 0
		for _, f := range faults.All() {
			if slices.Contains(f.Breaks, g.ID) {
				count++
				if !slices.Contains(kinds, f.Kind) {
					kinds = append(kinds, f.Kind)
				}
			}
		}
		switch {
		case count == 0:
			t.Errorf("%s: no fault breaks it", g.ID)
		case g.Level == contract.Core && g.ID.Family() != "api" && len(kinds) < 2:
			t.Errorf("%s is core: expected an obvious and a subtle fault, found %v", g.ID, kinds)
		}
	}
}

func TestFaultLimitsAreValid(t *testing.T) {
	if _, err := runconfig.DefaultLimits().Override(faultLimits); err != nil {
		t.Error(err)
	}
}

func TestChooseFaults(t *testing.T) {
	all, err := chooseFaults("", faults.Versions()[0])
	if err != nil || len(all) != len(faults.All()) {
		t.Errorf("expected every fault, found %d, %v", len(all), err)
	}
	some, err := chooseFaults("grace-cut*, force-deletes,grace-cut", faults.Versions()[0])
	if err != nil || len(some) != 2 {
		t.Errorf("expected two faults, found %v, %v", some, err)
	}
	for _, word := range []string{controlFolder, uncaughtFaults} {
		if none, err := chooseFaults(word, faults.Versions()[0]); err != nil || len(none) != 0 {
			t.Errorf("%s: expected no fault, found %v, %v", word, none, err)
		}
	}
	if _, err := chooseFaults("no-such-fault", faults.Versions()[0]); cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("expected wrong use, found %v", err)
	}
}

func TestEveryFaultHasItsCluster(t *testing.T) {
	planted := map[string]int{}
	for _, c := range faultClusters() {
		for _, f := range c.takes(faults.All()) {
			if c.control != "" {
				planted[f.Name]++
			}
			for _, id := range slices.Concat(f.Breaks, f.Shows) {
				if g, _ := contract.Get(id); !c.level.Includes(g.Level) {
					t.Errorf("%s is to show in %s, which is not checked where it is planted: set NeedsNodeFault or NeedsDatabase", f.Name, id)
				}
			}
		}
		if _, err := runconfig.DefaultLimits().Override(c.limits); err != nil {
			t.Errorf("%s: %v", c.suffix, err)
		}
	}
	for _, f := range faults.All() {
		if planted[f.Name] != 1 {
			t.Errorf("%s: expected one cluster with a control to take it, found %d", f.Name, planted[f.Name])
		}
	}
}

func TestAQueueHandsOutEachFaultOnce(t *testing.T) {
	all := faults.All()
	waiting := queue(all)
	var found []string
	for f := range waiting {
		found = append(found, f.Name)
	}
	if len(found) != len(all) || found[0] != all[0].Name {
		t.Errorf("expected the %d faults in their order, found %d", len(all), len(found))
	}
}

func TestAFaultTableIsGoodOnlyIfEveryControlIs(t *testing.T) {
	caught := faultResult{Fault: faults.Fault{Breaks: []contract.ID{contract.OrderingCreate}}, named: []contract.ID{contract.OrderingCreate}}
	for name, c := range map[string]struct {
		controls []verdict.Overall
		want     bool
	}{
		"both":     {[]verdict.Overall{verdict.Conformant, verdict.Conformant}, true},
		"not one":  {[]verdict.Overall{verdict.Conformant, verdict.NotConformant}, false},
		"open":     {[]verdict.Overall{verdict.OverallInconclusive, verdict.Conformant}, false},
		"no clean": {nil, false},
	} {
		if table := (faultTable{results: []faultResult{caught}, controls: c.controls}); table.good() != c.want {
			t.Errorf("%s: expected good to be %t with controls %v", name, c.want, c.controls)
		}
	}
}

// recordedRuns stands for a report folder.
type recordedRuns map[string]earlierRun

func (r recordedRuns) load(folder string, _ contract.Level) (earlierRun, error) {
	run, found := r[folder]
	if !found {
		return run, os.ErrNotExist
	}
	return run, nil
}

// wholeRun is what the report folder holds of a whole run in which every fault was caught.
func wholeRun(suite runconfig.Suite) recordedRuns {
	runs := recordedRuns{}
	for _, c := range faultClusters() {
		if c.control != "" {
			runs[c.control] = earlierRun{suite: suite, run: &verdict.Run{Overall: verdict.Conformant}}
		}
	}
	for _, f := range faults.All() {
		runs[f.Name] = earlierRun{suite: suite, seconds: 60, run: &verdict.Run{Rows: []verdict.Row{{Guarantee: contract.Guarantee{ID: f.Breaks[0]}, Verdict: verdict.Fail}}}}
	}
	return runs
}

func TestAnInterruptedRunOfFaultsGoesOn(t *testing.T) {
	this, other := runconfig.Suite{Digest: "this"}, runconfig.Suite{Digest: "other"}
	runs := wholeRun(this)
	missed := earlierRun{suite: this, run: &verdict.Run{Overall: verdict.Conformant}}
	cut := missed
	cut.interrupted = true
	// A fault that was caught was caught, though the run ended there.
	caught := runs["grace-cut"]
	caught.interrupted = true
	runs["grace-cut"] = caught
	old := runs["order-ignored"]
	old.suite = other
	delete(runs, "force-deletes")
	runs["min-ready-ignored"], runs["names-from-one"], runs["order-ignored"], runs["none-outage"] = missed, cut, old, cut

	trial := faultTrial{all: faults.All(), load: runs.load, table: faultTable{kubernetes: faults.Versions()[0]}}
	var names []string
	for _, f := range trial.uncaught(this) {
		names = append(names, f.Name)
	}
	slices.Sort(names)
	if want := []string{"force-deletes", "min-ready-ignored", "names-from-one", "order-ignored"}; !slices.Equal(names, want) {
		t.Errorf("expected to go on with %v, found %v", want, names)
	}
	if want := []string{"none-outage"}; !slices.Equal(trial.controls, want) {
		t.Errorf("expected the controls %v, found %v", want, trial.controls)
	}

	table := trial.compose()
	if table.whole() || table.good() || len(table.results) != len(faults.All()) {
		t.Errorf("expected an incomplete table of all faults, found %s", table.summary())
	}
	for outcome, want := range map[string]int{faultUntried: 2, faultMissed: 1, faultCaught: len(faults.All()) - 3} {
		if got := table.count(outcome); got != want {
			t.Errorf("expected %d %s, found %d", want, outcome, got)
		}
	}
	if want := "| names-from-one | obvious | There is no pod 0, which every configuration names as the first member. | not tried yet |"; !strings.Contains(table.markdown(), want) {
		t.Errorf("expected %q in the table, found:\n%s", want, table.markdown())
	}
	// What this run found counts for more than what the folder holds.
	trial.table.results = []faultResult{caught.of(faults.Fault{Name: "min-ready-ignored", Breaks: []contract.ID{contract.TerminationGraceful}})}
	if table := trial.compose(); table.count(faultMissed) != 0 {
		t.Errorf("expected the result of this run, found %s", table.summary())
	}
}

func TestAWholeRunOfFaultsIsGood(t *testing.T) {
	suite := runconfig.Suite{Digest: "this"}
	trial := faultTrial{all: faults.All(), load: wholeRun(suite).load, table: faultTable{kubernetes: faults.Versions()[0]}}
	if left := trial.uncaught(suite); len(left)+len(trial.controls) > 0 {
		t.Errorf("expected nothing to go on with, found %d faults and the controls %v", len(left), trial.controls)
	}
	if table := trial.compose(); !table.whole() || !table.good() {
		t.Errorf("expected a whole table in which all is caught, found %s", table.summary())
	}
}

func TestWhatAReportFolderHoldsOfAFault(t *testing.T) {
	version := faults.Versions()[0]
	for name, c := range map[string]struct {
		version, specs, trouble string
		untried, interrupted    bool
	}{
		"whole":           {version: version, specs: `{"specs": []}`},
		"another version": {version: "v1.2.3", specs: `{"specs": []}`, untried: true},
		"interrupted":     {version: version, specs: `{"specs": [{"text": "the run", "state": "interrupted"}]}`, interrupted: true},
		"killed":          {version: version, specs: `{"specs": []}`, trouble: "the run had not ended when this was written", interrupted: true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			below := filepath.Join(dir, "fault")
			if err := os.Mkdir(below, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(below, verdict.SpecsFile), []byte(c.specs), 0o600); err != nil {
				t.Fatal(err)
			}
			run := verdict.Decide(contract.Extended, nil, nil)
			if c.trouble != "" {
				run.AddTrouble(c.trouble)
			}
			saved, err := report.New(below, &run, runconfig.Settings{Level: contract.Extended, Suite: runconfig.Suite{Version: "v0"}, Facts: runconfig.Facts{KubernetesVersion: c.version}}, time.Now(), time.Minute)
			if err == nil {
				err = saved.Save(below)
			}
			if err != nil {
				t.Fatal(err)
			}
			found, err := loadEarlier(dir, version)("fault", contract.Extended)
			if (err != nil) != c.untried || found.interrupted != c.interrupted {
				t.Errorf("expected interrupted to be %t and an error %t, found %t, %v", c.interrupted, c.untried, found.interrupted, err)
			}
		})
	}
	if _, err := loadEarlier(t.TempDir(), version)("fault", contract.Extended); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("expected no report, found %v", err)
	}
}
