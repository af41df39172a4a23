package main

import (
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/disturbances"
)

func TestChooseDisturbances(t *testing.T) {
	for patterns, want := range map[string]int{"": len(disturbances.All()), "slow-connection": 1, "*-restarts": 2, "slow-connection, cut-connections": 2} {
		got, err := chooseDisturbances(patterns)
		if err != nil || len(got) != want {
			t.Errorf("DISTURBANCE=%s: expected %d, found %d, %v", patterns, want, len(got), err)
		}
	}
	for _, patterns := range []string{"nothing-so", "[", "slow-connection,nothing-so"} {
		if _, err := chooseDisturbances(patterns); err == nil || cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("DISTURBANCE=%s: expected wrong use, found %v", patterns, err)
		}
	}
}
