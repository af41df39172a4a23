package main

import (
	"slices"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
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
		why, beyond := beyondFaults()[g.ID]
		switch {
		case beyond && count > 0:
			t.Errorf("%s has faults, and is said to be beyond them: %s", g.ID, why)
		case !beyond && count == 0:
			t.Errorf("%s: no fault breaks it", g.ID)
		case !beyond && g.Level == contract.Core && g.ID.Family() != "api" && len(kinds) < 2:
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
	some, err := chooseFaults("grace-*, force-deletes,grace-cut", faults.Versions()[0])
	if err != nil || len(some) != 2 {
		t.Errorf("expected two faults, found %v, %v", some, err)
	}
	if none, err := chooseFaults("none", faults.Versions()[0]); err != nil || len(none) != 0 {
		t.Errorf("expected the control alone, found %v, %v", none, err)
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
				if g, _ := contract.Get(id); g.Level == contract.Disruptive && !c.nodeFaults {
					t.Errorf("%s is to show in %s, which is not checked where it is planted: set NeedsNodeFault", f.Name, id)
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
