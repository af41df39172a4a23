package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
)

// resultsFile holds what the last whole run found.
const resultsFile = "e2e/internal/selftest/faults/RESULTS.md"

// faultsOptions are the options of faults.
type faultsOptions struct {
	trialOptions
	fault string
}

func newFaultsCommand() *cobra.Command {
	var o faultsOptions
	command := &cobra.Command{
		Use:   "faults",
		Short: "Plant faults in a cluster's StatefulSet controller and show that the suite catches each",
		Long: `Plant faults in the controllers of kind clusters made for it, in each one after another, run the specs that should notice, and print
which were caught and under which guarantee. At the end, with no fault in force, everything has to pass. Ten or more faults are shared
by two clusters; those that show only while nodes or the control plane are disrupted are tried on another one, with workers. Their names end
in -second and -outage.

` + resultsFile + ` is written when the report folder holds a run of every fault, this one's or an earlier one's.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runFaults(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := flagsOf(command)
	o.addFlags(f)
	f.String(&o.fault, "FAULT", "", "`names` of the faults, with * for any text, separated by commas; "+controlFolder+" for the control alone (default: all)")
	return command
}

func runFaults(ctx context.Context, o faultsOptions, out, progress io.Writer) error {
	chosen, err := chooseFaults(o.fault)
	if err != nil {
		return err
	}
	folder, err := o.validate("faults")
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	// Each fault says which specs should notice it.
	o.Focus, o.Labels = "", ""
	trial := faultTrial{options: o.trialOptions, out: out, progress: progress, of: len(chosen), whole: len(chosen) == len(faults.All()) || len(chosen) == 0}
	begin := time.Now()
	if err := trial.everywhere(ctx, chosen, buildFaulty(ctx, chosen, progress)); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; this run took %.0f min\n", trial.table.summary(), time.Since(begin).Minutes())
	if all := trial.compose(); all != nil {
		if err := os.WriteFile(resultsFile, []byte(all.markdown()), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(out, "%s lists all %d faults\n", resultsFile, len(all.results))
	}
	if !trial.table.good() {
		return uncaughtError{}
	}
	return nil
}

// buildFaulty builds the faulty program in the background and returns a function that waits for its path; there is none when no chosen
// fault is in it.
func buildFaulty(ctx context.Context, chosen []faults.Fault, progress io.Writer) func() (string, error) {
	if len(chosen) > 0 && !slices.ContainsFunc(chosen, faults.Fault.Planted) {
		return func() (string, error) { return "", nil }
	}
	built := sync.OnceValues(func() (string, error) { return faults.Build(ctx, progress) })
	go func() { _, _ = built() }()
	return built
}

// chooseFaults returns the faults that a list of patterns names; no list names all, and the word none means the control alone.
func chooseFaults(patterns string) ([]faults.Fault, error) {
	switch patterns {
	case "":
		return faults.All(), nil
	case controlFolder:
		return nil, nil
	}
	return choose("FAULT", patterns, faults.All(), func(f faults.Fault) string { return f.Name }, resultsFile+" lists them")
}
