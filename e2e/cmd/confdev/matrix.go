package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/matrix"
)

// matrixFile holds what the last whole run found.
const matrixFile = "e2e/internal/selftest/matrix/RESULTS.md"

// matrixOptions are the options of matrix.
type matrixOptions struct {
	trialOptions
	matrix string
}

func newMatrixCommand() *cobra.Command {
	var o matrixOptions
	command := &cobra.Command{
		Use:   "matrix",
		Short: "Run the suite on clusters of other versions, address families, zones and storage",
		Long: `Run the suite on the kind clusters of the matrix, one after another, each made for it, and print its verdicts.

` + matrixFile + ` has the last whole run on each of them, this one's or an earlier one's.
Runs with BY=explore, of random acts alone, are none of these.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runMatrix(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := flagsOf(command)
	o.addFlags(f)
	o.addBy(f)
	f.String(&o.matrix, "MATRIX", "", "`names` of the clusters, with * for any text, separated by commas (default: all)")
	return command
}

func runMatrix(ctx context.Context, o matrixOptions, out, progress io.Writer) error {
	all := matrix.All()
	chosen, err := chooseTrials("MATRIX", o.matrix, all, func(s matrix.Variant) string { return s.Name })
	if err != nil {
		return err
	}
	purpose, err := o.tryBy("matrix")
	if err != nil {
		return err
	}
	folder, err := o.validate(purpose)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	table := trialTable{
		title: "The matrix of clusters, and the verdicts of the suite", command: "make matrix", kind: "cluster", kinds: "clusters",
		intro: "Each is a kind cluster made for its run.",
	}
	for i, variant := range chosen {
		row := trialRow{trial: trialOf(variant)}
		if err := o.runOn(ctx, variant, &row, progress); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			row = trialRow{trial: row.trial, trouble: err.Error()}
			if err := row.saveRefusal(o.ReportDir); err != nil {
				return err
			}
		}
		fmt.Fprintf(out, "%2d/%d  %s\n", i+1, len(chosen), row)
		table.rows = append(table.rows, row)
	}
	var trials []trial
	for _, variant := range all {
		trials = append(trials, trialOf(variant))
	}
	return table.conclude(out, o.ReportDir, matrixFile, trials)
}

func trialOf(s matrix.Variant) trial {
	return trial{name: s.Name, what: s.Summary, bug: s.Bug, breaks: s.Breaks, refused: s.Refused}
}

// runOn runs the suite on a cluster that is made for it.
func (o matrixOptions) runOn(ctx context.Context, variant matrix.Variant, row *trialRow, progress io.Writer) (err error) {
	if variant.StorageClass != "" {
		o.StorageClass = variant.StorageClass
	}
	var registry *matrix.Registry
	defer func() {
		if registry != nil {
			err = errors.Join(err, registry.Close())
		}
	}()
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	config, err := variant.KindConfig(ctx, dir)
	if err != nil {
		return err
	}
	// What the variant starts ends with its cluster.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	on, err := newDevCluster(ctx, o.Options, cluster.Options{
		Name: o.clusterFor("matrix"), Config: config, KubernetesVersion: variant.KubernetesVersion, Workload: o.Images, Progress: progress,
	}, func(ctx context.Context, d *devCluster) error {
		err := variant.Prepare(ctx, matrix.On{
			Config: d.up.RESTConfig(), Engine: d.up.Engine().Client, Cluster: d.up.Name(), Settings: &d.settings, Progress: progress,
		})
		if err != nil || !variant.Registry {
			return err
		}
		if registry, err = matrix.ServeRegistry(ctx, d.up.Engine().Client, d.up.Name(), variant.Architecture, progress); err != nil {
			return err
		}
		return registry.Use(&d.settings)
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	// As on a cluster of others: what its policies, nodes and storage want of pods shows before the first spec.
	if err := on.options.Probe(ctx, &on.settings, progress); err != nil {
		return err
	}
	if *row, err = on.trial(ctx, row.trial); err != nil || registry == nil {
		return err
	}
	used, err := registry.Used()
	fmt.Fprintln(progress, used)
	return err
}
