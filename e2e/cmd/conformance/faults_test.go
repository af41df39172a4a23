package main

import (
	"slices"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/limits"
	"github.com/hero-academy/statefulset-conformance/hack/faults"
)

func TestFaultsBreakGuaranteesThatExist(t *testing.T) {
	for _, f := range faults.All() {
		for _, id := range f.Breaks {
			if _, ok := guarantee.Get(guarantee.ID(id)); !ok {
				t.Errorf("%s: no guarantee is named %q", f.Name, id)
			}
		}
	}
}

func TestEveryGuaranteeHasItsFaults(t *testing.T) {
	for _, g := range guarantee.All() {
		var kinds []faults.Kind
		count := 0
		for _, f := range faults.All() {
			if slices.Contains(f.Breaks, string(g.ID)) {
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
		case !beyond && g.Level == guarantee.Core && g.ID.Family() != "api" && len(kinds) < 2:
			t.Errorf("%s is core: expected an obvious and a subtle fault, found %v", g.ID, kinds)
		}
	}
}

func TestFaultLimitsAreValid(t *testing.T) {
	if _, err := limits.Default().Override(faultLimits); err != nil {
		t.Error(err)
	}
}

func TestChooseFaults(t *testing.T) {
	all, err := chooseFaults("")
	if err != nil || len(all) != len(faults.All()) {
		t.Errorf("expected every fault, found %d, %v", len(all), err)
	}
	some, err := chooseFaults("grace-*, force-deletes,grace-cut")
	if err != nil || len(some) != 2 {
		t.Errorf("expected two faults, found %v, %v", some, err)
	}
	if none, err := chooseFaults("none"); err != nil || len(none) != 0 {
		t.Errorf("expected the control alone, found %v, %v", none, err)
	}
	if _, err := chooseFaults("no-such-fault"); exitCode(err) != exitWrongUse {
		t.Errorf("expected wrong use, found %v", err)
	}
}
