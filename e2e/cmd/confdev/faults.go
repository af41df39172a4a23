package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
)

// resultsFile holds what was last found of every fault in the default version.
const resultsFile = "e2e/internal/selftest/faults/RESULTS.md"

// uncaughtFaults is the value of FAULT that means the faults which no run of this suite has caught.
const uncaughtFaults = "uncaught"

// faultsOptions are the options of faults.
type faultsOptions struct {
	trialOptions
	fault string
	// kubernetesVersion is one of faults.Versions, or empty for the default.
	kubernetesVersion string
}

func newFaultsCommand() *cobra.Command {
	var o faultsOptions
	command := &cobra.Command{
		Use:   "faults",
		Short: "Plant faults in a cluster's StatefulSet controller and show that the suite catches each",
		Long: `Plant faults in the controllers of kind clusters made for it, in each one after another, run the specs that should notice, and print
which were caught and under which guarantee. At the end, with no fault in force, everything has to pass. Ten or more faults are shared
by two clusters; those that show only while nodes or the control plane are disrupted are tried on another one, with workers. A database
has a cluster of its own for its faults. The names of these end in -second, -outage and -database.

FAULT=legal-* plants what looks like a fault and is none, under which all specs run and no guarantee may be found broken.

RESULTS.md in the report folder lists every fault with what its last run found, this run's or an earlier one's; it is written also when
the run is interrupted, and FAULT=` + uncaughtFaults + ` goes on with the faults that this suite has not caught yet. When it lacks nothing and is of the
default version, ` + resultsFile + ` is written as well.

With BY=explore ` + exploredFile + ` gets the rows of the faults that were tried.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runFaults(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := flagsOf(command)
	o.addFlags(f)
	f.String(&o.kubernetesVersion, "K8S_VERSION", "", "`version` of Kubernetes to plant them in: "+strings.Join(faults.Versions(), " or "))
	o.addBy(f)
	f.String(&o.fault, "FAULT", "", "`names` of the faults, with * for any text, separated by commas; "+uncaughtFaults+" for those that this suite has not caught yet, "+controlFolder+" for the control alone (default: all)")
	return command
}

func runFaults(ctx context.Context, o faultsOptions, out, progress io.Writer) error {
	kubernetes, purpose, err := o.version()
	if err != nil {
		return err
	}
	if purpose, err = o.tryBy(purpose); err != nil {
		return err
	}
	chosen, err := chooseFaults(o.fault, kubernetes)
	if err != nil {
		return err
	}
	folder, err := o.validate(purpose)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	if !o.Exploration.Only {
		o.Exploration = runner.Exploration{} // each fault says which specs should notice it
	}
	o.Exploration.Shrink = false // the first finding is enough
	if o.fault == "" && o.Exploration.Only {
		chosen = explorable(chosen)
	}
	trial := o.trial(kubernetes, faults.In(kubernetes), out, progress)
	if chosen, err = trial.choose(ctx, o.fault, chosen); err != nil {
		return err
	}
	begin := time.Now()
	err = trial.everywhere(ctx, chosen, buildFaulty(ctx, kubernetes, chosen, progress))
	// What was found counts, also when the run was interrupted or lost a cluster.
	all := trial.compose()
	if o.fault == "" || o.fault == uncaughtFaults {
		trial.table = all
	}
	fmt.Fprintf(out, "%s; this run took %.0f min\n", trial.table.summary(), time.Since(begin).Minutes())
	err = errors.Join(err, trial.save(all))
	if o.Exploration.Only && kubernetes == faults.Versions()[0] {
		// How many random acts miss is a figure, and no failure.
		return errors.Join(err, trial.saveExplored(context.WithoutCancel(ctx), exploredFile))
	}
	if err != nil {
		return err
	}
	if !trial.table.good() {
		return uncaughtError{}
	}
	return nil
}

// trial returns a trial of faults of a version of Kubernetes.
func (o *faultsOptions) trial(kubernetes string, all []faults.Fault, out, progress io.Writer) faultTrial {
	o.Focus, o.Labels = "", "" // each fault says which specs should notice it
	return faultTrial{
		options: o.trialOptions, out: out, progress: progress, all: all, load: loadEarlier(o.ReportDir, kubernetes), table: faultTable{kubernetes: kubernetes},
	}
}

// version is the version to plant faults in, with the name of what is kept of it, in which versions must not mix.
func (o *faultsOptions) version() (kubernetes, purpose string, err error) {
	versions := faults.Versions()
	switch {
	case o.kubernetesVersion == "", o.kubernetesVersion == versions[0]:
		return versions[0], "faults", nil
	case slices.Contains(versions, o.kubernetesVersion):
		return o.kubernetesVersion, "faults-" + o.kubernetesVersion, nil
	}
	return "", "", cli.UsageError{Err: fmt.Errorf("K8S_VERSION=%s: faults can be planted in %s", o.kubernetesVersion, strings.Join(versions, " and "))}
}

// buildFaulty builds the faulty program in the background and returns a function that waits for its path; there is none when no chosen
// fault is in it.
func buildFaulty(ctx context.Context, kubernetes string, chosen []faults.Fault, progress io.Writer) func() (string, error) {
	if len(chosen) > 0 && !slices.ContainsFunc(chosen, faults.Fault.Planted) {
		return func() (string, error) { return "", nil }
	}
	built := sync.OnceValues(func() (string, error) { return faults.Build(ctx, kubernetes, progress) })
	go func() { _, _ = built() }()
	return built
}

// chooseFaults returns the faults of a version that a list of patterns names; no list names all, and the words none and uncaught name no fault.
func chooseFaults(patterns, kubernetes string) ([]faults.Fault, error) {
	switch patterns {
	case "":
		return faults.In(kubernetes), nil
	case controlFolder, uncaughtFaults:
		return nil, nil
	}
	return choose("FAULT", patterns, slices.Concat(faults.In(kubernetes), faults.Variations()), func(f faults.Fault) string { return f.Name }, resultsFile+" lists them")
}
