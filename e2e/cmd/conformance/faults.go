package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/limits"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
	"github.com/hero-academy/statefulset-conformance/hack/faults"
)

// faultLimits end the waits of a spec whose fault keeps something from ever happening: the cluster is idle beside the one spec, and
// a fault that is caught late is not caught in vain.
const faultLimits = "pod-created=8s,pod-ready=12s,pod-gone=10s,claim-bound=12s,claim-gone=10s,status-settled=8s,collected=10s,dns-follows=8s"

// resultsFile holds what the last whole run found.
const resultsFile = "hack/faults/RESULTS.md"

func newFaultsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "faults",
		Short: "Plant faults in a cluster's StatefulSet controller and show that the suite catches each",
		Long: `Plant faults in the controllers of a kind cluster made for it, one after another, run the specs that should notice, and print
which were caught and under which guarantee. At the end, with no fault in force, everything has to pass.

` + resultsFile + ` is written when the report folder holds a run of every fault, this one's or an earlier one's.

Set by environment variables: FAULT (names, with * for any text, separated by commas; none for the control alone),
KEEP_CLUSTER=1 (the cluster stays for the next time, with its own controllers), CLUSTER_NAME, REPORT_DIR, LIMITS, PROCS.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runFaults(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func runFaults(ctx context.Context, out, progress io.Writer) (err error) {
	chosen, err := chooseFaults(os.Getenv("FAULT"))
	if err != nil {
		return err
	}
	a, err := askedOfTrials("faults")
	if err != nil {
		return err
	}
	// Each fault says which specs should notice it.
	a.level, a.focus, a.labels = guarantee.Extended, "", ""
	faulty := buildFaulty(ctx, chosen, progress)
	on, err := provideBench(ctx, a, "faults", progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	up := on.up
	binary, err := faulty()
	if err != nil {
		return err
	}
	node := faults.Node{Engine: up.Engine(), Name: up.Name() + "-control-plane"}
	if err := node.Prepare(ctx); err != nil {
		return err
	}
	if a.keep {
		defer func() {
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			err = errors.Join(err, node.Restore(closing))
		}()
	}
	if binary != "" {
		if err := node.Plant(ctx, binary); err != nil {
			return err
		}
		if err := up.AwaitCommand(ctx, "kube-controller-manager", faults.Program); err != nil {
			return err
		}
	}
	return faultRun{bench: *on, node: node, out: out}.all(ctx, chosen)
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

// chooseFaults returns the faults that a list of patterns names; no list names all, and the word none asks for the control alone.
func chooseFaults(patterns string) ([]faults.Fault, error) {
	switch patterns {
	case "":
		return faults.All(), nil
	case controlFolder:
		return nil, nil
	}
	return choose("FAULT", patterns, faults.All(), func(f faults.Fault) string { return f.Name }, resultsFile+" lists them")
}

// faultRun runs the suite against one fault after another.
type faultRun struct {
	bench
	node faults.Node
	out  io.Writer
}

func (r faultRun) all(ctx context.Context, chosen []faults.Fault) error {
	whole := len(chosen) == len(faults.All()) || len(chosen) == 0
	results := map[string]faultResult{}
	for i, f := range chosen {
		result, err := r.one(ctx, f)
		if err != nil {
			return err
		}
		fmt.Fprintf(r.out, "%3d/%d  %s\n", i+1, len(chosen), result)
		results[f.Name] = result
	}
	name := controlFolder
	if !whole {
		name = "none-of-these"
	}
	control, err := r.control(ctx, name, chosen)
	if err != nil {
		return err
	}
	fmt.Fprintf(r.out, "no fault in force: %s, exit code %d\n", control.Overall, control.ExitCode())
	table := faultTable{control: control}
	for _, f := range chosen {
		table.results = append(table.results, results[f.Name])
	}
	fmt.Fprintln(r.out, table.summary())
	if all := r.compose(results); all != nil {
		if err := os.WriteFile(resultsFile, []byte(all.markdown()), 0o644); err != nil {
			return err
		}
		fmt.Fprintf(r.out, "%s tells of all %d faults\n", resultsFile, len(all.results))
	}
	if !table.good() {
		return uncaughtError{}
	}
	return nil
}

// uncaughtError says that the suite itself was found wanting.
type uncaughtError struct{}

// Error says what to look at.
func (uncaughtError) Error() string {
	return "not every fault was caught under the guarantee it breaks, or the suite raised an alarm without one"
}

// controlFolder is where the run with no fault in force is kept, below the report folder.
const controlFolder = "none"

// compose makes the table of all faults from the results of this run and from the reports of earlier ones, or none while some are missing.
func (r faultRun) compose(results map[string]faultResult) *faultTable {
	control, _, err := r.earlier(controlFolder)
	if err != nil {
		return nil
	}
	table := &faultTable{control: control}
	for _, f := range faults.All() {
		result, known := results[f.Name]
		if !known {
			result = faultResult{Fault: f}
			var run *verdict.Run
			if run, result.seconds, err = r.earlier(f.Name); err != nil {
				return nil
			}
			result.read(run)
		}
		table.results = append(table.results, result)
	}
	return table
}

// earlier weighs again what an earlier run recorded below the report folder, and tells how many seconds it took.
func (r faultRun) earlier(name string) (*verdict.Run, float64, error) {
	dir := filepath.Join(r.asked.reportDir, name)
	told, err := report.Load(dir)
	if err != nil {
		return nil, 0, err
	}
	run, err := verdict.Folder(dir, guarantee.Extended)
	return &run, told.Seconds, err
}

// one brings a fault into force and runs the specs that should notice.
func (r faultRun) one(ctx context.Context, f faults.Fault) (faultResult, error) {
	result := faultResult{Fault: f}
	if err := r.node.Begin(ctx, f); err != nil {
		return result, err
	}
	begin := time.Now()
	// The first spec that fails says enough, unless it fails for something else.
	r.asked.failFast, r.settings.Hasty = true, true
	run, err := r.specs(ctx, f.Name, slices.Concat(f.Breaks, f.Shows), faultLimits)
	if err == nil && ctx.Err() == nil && !result.caughtBy(run) && run.Overall != verdict.Conformant {
		r.asked.failFast = false
		run, err = r.specs(ctx, f.Name, slices.Concat(f.Breaks, f.Shows), faultLimits)
	}
	result.seconds = time.Since(begin).Seconds()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	if end := r.node.End(ending, f); end != nil {
		return result, end
	}
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	if err != nil {
		// Where no spec ran there is no history: nothing noticed.
		result.trouble = err.Error()
		return result, nil
	}
	result.read(run)
	return result, nil
}

// control runs the same specs with no fault in force.
func (r faultRun) control(ctx context.Context, name string, chosen []faults.Fault) (*verdict.Run, error) {
	var ids []string
	if len(chosen) == 0 {
		chosen = faults.All()
	}
	for _, f := range chosen {
		ids = append(append(ids, f.Breaks...), f.Shows...)
	}
	slices.Sort(ids)
	return r.specs(ctx, name, slices.Compact(ids), os.Getenv("LIMITS"))
}

// specs runs the specs that set out to prove some guarantees.
func (r faultRun) specs(ctx context.Context, name string, ids []string, changes string) (*verdict.Run, error) {
	labels := make([]string, 0, len(ids))
	for _, id := range ids {
		labels = append(labels, strings.Replace(id, "/", ".", 1))
	}
	l, err := limits.Default().Override(changes, os.Getenv("LIMITS"))
	if err != nil {
		return nil, err
	}
	r.settings.Limits = l
	r.asked.labels = strings.Join(labels, " || ")
	return r.run(ctx, name)
}
