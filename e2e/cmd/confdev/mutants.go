package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
)

// mutantsOptions are the options of mutants.
type mutantsOptions struct {
	faultsOptions
	sample string
}

func newMutantsCommand() *cobra.Command {
	var o mutantsOptions
	command := &cobra.Command{
		Use:   "mutants",
		Short: "Change the StatefulSet controller in one place after another, by rule, and show which changes the suite notices",
		Long: `Make small changes of Kubernetes' StatefulSet controller by rule (a condition that never or always holds, one side of an "and" or "or" that
counts for nothing, a bound that is off by one, a statement left out), bring one after another into force in a kind cluster, and run all specs
until one finds something broken. A change that nothing notices either changes nothing that is promised, or shows what the suite does not see.

MUTANTS.md in the report folder lists all of them, with what their last run found, this run's or an earlier one's.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runMutants(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := flagsOf(command)
	o.addFlags(f)
	o.addBy(f)
	f.String(&o.sample, "SAMPLE", "", "`number` of mutants to try, taken at random by SEED (default: all of them)")
	f.String(&o.fault, "MUTANT", "", "`names` of the mutants, with * for any text, separated by commas; "+uncaughtFaults+" for those that this suite has not noticed yet (default: all)")
	return command
}

func runMutants(ctx context.Context, o mutantsOptions, out, progress io.Writer) error {
	kubernetes, purpose := faults.Versions()[0], "mutants"
	purpose, err := o.tryBy(purpose)
	if err != nil {
		return err
	}
	mutants, err := faults.Mutants(ctx, kubernetes, contract.Extended)
	if err != nil {
		return err
	}
	all := make([]faults.Fault, 0, len(mutants))
	for _, m := range mutants {
		all = append(all, m.Fault)
	}
	chosen := all
	if o.fault != "" && o.fault != uncaughtFaults {
		if chosen, err = choose("MUTANT", o.fault, all, func(f faults.Fault) string { return f.Name }, "MUTANTS.md in the report folder lists them"); err != nil {
			return err
		}
	}
	folder, err := o.validate(purpose)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	trial := o.trial(kubernetes, all, out, progress)
	trial.mutants = true
	if o.fault == uncaughtFaults {
		suite, err := runner.Identity(ctx)
		if err != nil {
			return err
		}
		chosen, trial.controls = trial.uncaught(suite), nil
	}
	if chosen, err = o.sampled(chosen); err != nil {
		return err
	}
	trial.of = len(chosen)
	begin := time.Now()
	built := sync.OnceValues(func() (string, error) { return faults.BuildMutants(ctx, kubernetes, progress) })
	go func() { _, _ = built() }()
	err = trial.everywhere(ctx, chosen, built)
	table := mutantTable{faultTable: trial.compose(), places: mutants}
	fmt.Fprintf(out, "%s; this run took %.0f min\n", table.summary(), time.Since(begin).Minutes())
	file := filepath.Join(o.ReportDir, "MUTANTS.md")
	if saved := os.WriteFile(file, []byte(table.markdown()), 0o644); saved != nil {
		return errors.Join(err, saved)
	}
	fmt.Fprintf(out, "%s lists all %d mutants\n", file, len(all))
	return err
}

// sampled returns as many of some mutants as SAMPLE asks for, chosen at random by SEED.
func (o *mutantsOptions) sampled(some []faults.Fault) ([]faults.Fault, error) {
	if o.sample == "" {
		return some, nil
	}
	n, err := strconv.Atoi(o.sample)
	if err != nil || n < 1 {
		return nil, cli.UsageError{Err: fmt.Errorf("SAMPLE=%s: expected how many mutants to try, 1 or more", o.sample)}
	}
	seed, _ := strconv.ParseInt(cmp.Or(o.Seed, "1"), 10, 64) // Validate has reported what is wrong with it
	some = slices.Clone(some)
	//nolint:gosec // The same seed has to choose the same ones.
	rand.New(rand.NewPCG(uint64(seed), 0)).Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	return some[:min(n, len(some))], nil
}

// mutantTable is the outcome of all mutants.
type mutantTable struct {
	faultTable

	places []faults.Mutant // those of the results, in their order
}

// summary counts what was tried.
func (t mutantTable) summary() string {
	untried := t.count(faultUntried)
	return fmt.Sprintf("%d of %d mutants tried: %d found broken, %d noticed and not named, %d not noticed",
		len(t.results)-untried, len(t.results), t.count(faultCaught), t.count(faultOpen), t.count(faultMissed))
}

// markdown writes MUTANTS.md: first what was not found broken, then the rest that was tried.
func (t mutantTable) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- Written by \"make mutants\". -->\n\n# Changes of the controller made by rule, and what noticed them\n\nKubernetes %s. %s.\n", t.kubernetes, t.summary())
	for _, part := range []struct {
		title string
		takes func(outcome string) bool
	}{
		{"Not found broken", func(outcome string) bool { return outcome == faultMissed || outcome == faultOpen }},
		{"Found broken", func(outcome string) bool { return outcome == faultCaught }},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| mutant | place | change | outcome | found broken | seconds |\n| --- | --- | --- | --- | --- | ---: |\n", part.title)
		for i, r := range t.results {
			if outcome := r.outcome(); part.takes(outcome) {
				place := t.places[i]
				fmt.Fprintf(&b, "| %s | %s:%d | %s | %s | %s | %.0f |\n", r.Name, filepath.Base(place.File), place.Line,
					strings.ReplaceAll("`"+r.Harm+"`", "|", "\\|"), outcome, joinIDs(r.named), r.seconds)
			}
		}
	}
	return b.String()
}
