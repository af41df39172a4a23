package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/matrix"
)

// shapesFile holds what the last whole run found.
const shapesFile = "e2e/internal/selftest/matrix/RESULTS.md"

func newShapesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "shapes",
		Short: "Run the suite on clusters of other versions, address families, zones and storage",
		Long: `Run the suite on kind clusters of other shapes than its own, one after another, each made for it, and print its verdicts.

` + shapesFile + ` is written when the report folder holds a run of every shape, this one's or an earlier one's.

Set by environment variables: SHAPE (names, with * for any text, separated by commas), CLUSTER_NAME, REPORT_DIR, LIMITS, PROCS, LEVEL,
LABELS, FOCUS.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runShapes(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func runShapes(ctx context.Context, out, progress io.Writer) error {
	all := matrix.All()
	chosen, err := chooseTrials("SHAPE", os.Getenv("SHAPE"), all, func(s matrix.Variant) string { return s.Name })
	if err != nil {
		return err
	}
	a, err := askedOfTrials("shapes")
	if err != nil {
		return err
	}
	table := trialTable{
		title: "Clusters of other shapes, and what the suite said", command: "make shapes", kind: "shape", kinds: "shapes",
		intro: "Each is a kind cluster made for its run.",
	}
	for i, shape := range chosen {
		row := trialRow{trial: trialOf(shape)}
		if err := onShape(ctx, a, shape, &row, progress); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			row = trialRow{trial: row.trial, trouble: err.Error()}
		}
		fmt.Fprintf(out, "%2d/%d  %s\n", i+1, len(chosen), row)
		table.rows = append(table.rows, row)
	}
	var trials []trial
	for _, shape := range all {
		trials = append(trials, trialOf(shape))
	}
	return table.conclude(out, a.reportDir, shapesFile, trials)
}

func trialOf(s matrix.Variant) trial {
	return trial{name: s.Name, what: s.Summary, bug: s.Bug, breaks: s.Breaks}
}

// onShape runs the suite on a cluster that is made for it.
func onShape(ctx context.Context, a asked, shape matrix.Variant, row *trialRow, progress io.Writer) (err error) {
	if shape.StorageClass != "" {
		a.storageClass = shape.StorageClass
	}
	on, err := benchOn(ctx, a, build(ctx), cluster.Options{
		Name: benchName("shapes"), Config: shape.Config, KubernetesVersion: shape.KubernetesVersion, Workload: a.images, Progress: progress,
	}, shape.Prepare)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	*row, err = on.trial(ctx, row.trial)
	return err
}
