package main

import (
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

func TestTryBy(t *testing.T) {
	for _, c := range []struct {
		args    []string
		purpose string // "" if it is wrong use
		only    bool
		lasts   time.Duration
	}{
		{purpose: "matrix"},
		{args: []string{"--explore=2m"}, purpose: "matrix", lasts: 2 * time.Minute},
		{args: []string{"--by=explore"}, purpose: "matrix-explore", only: true, lasts: 5 * time.Minute},
		{args: []string{"--by=explore", "--explore=2m"}, purpose: "matrix-explore", only: true, lasts: 2 * time.Minute},
		{args: []string{"--by=chance"}},
	} {
		var o trialOptions
		command := new(cobra.Command)
		f := cli.NewFlags(command.Flags(), func(string) string { return "" })
		o.addFlags(f)
		o.addBy(f)
		if err := command.ParseFlags(append(c.args, "--report-dir="+t.TempDir())); err != nil {
			t.Fatal(err)
		}
		purpose, err := o.tryBy("matrix")
		if problems := o.Validate(contract.Extended); len(problems) > 0 {
			t.Fatal(problems)
		}
		if purpose != c.purpose || (err == nil) != (c.purpose != "") || o.Exploration.Only != c.only || o.Exploration.Time != c.lasts {
			t.Errorf("%v: expected %q, only random acts %t, for %v; found %q (%v), %t, %v", c.args, c.purpose, c.only, c.lasts, purpose, err, o.Exploration.Only, o.Exploration.Time)
		}
	}
}
