package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// e2eOptions are the options of e2e.
type e2eOptions struct {
	trialOptions
	images imageOptions
}

func (o *e2eOptions) addFlags(f cli.Flags) {
	o.trialOptions.addFlags(f)
	o.images.addFlags(f)
}

func newE2ECommand() *cobra.Command {
	var o e2eOptions
	command := &cobra.Command{
		Use:   "e2e",
		Short: "Run the suite on the kept cluster, or on one that is made for it and removed again",
		Long: `Run the suite on the cluster that "cluster up" keeps, or on one that is made for it and removed again. With KEEP_CLUSTER=1 a cluster made
for the run stays if the run fails.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runner.OrInconclusive(runE2E(cmd.Context(), &o, cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
	o.addFlags(flagsOf(command))
	return command
}

func runE2E(ctx context.Context, o *e2eOptions, out, progress io.Writer) error {
	begin := time.Now()
	if problems := o.Validate(contract.Levels()...); len(problems) > 0 {
		return runner.PreflightError(problems)
	}
	if err := cluster.CheckName(o.clusterName); err != nil {
		return asUsage(err)
	}
	if o.Exploration.Only {
		o.Labels = runner.ExploreLabel
	} else if err := o.CheckSelection(true); err != nil {
		return err
	}
	folder, err := runner.OpenReportKeeping(o.ReportDir, progress)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	c, err := up(ctx, cluster.Options{
		Name: o.clusterName, NodeImage: o.images.nodeImage, KubernetesVersion: o.images.kubernetesVersion, Workload: o.Images,
		Databases: o.Level == contract.Workload, Exclusive: o.Level == contract.Disruptive, Progress: progress,
	})
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("interrupted before the cluster was ready; nothing was judged: %w", err)
		}
		return o.NotJudged(runconfig.Settings{ReportDir: o.ReportDir}, begin, err)
	}
	var run *verdict.Run
	var specs time.Duration
	s, err := o.settingsOn(ctx, c, progress)
	if err == nil {
		fmt.Fprintf(progress, "suite: first spec after %.1f s\n", time.Since(begin).Seconds())
		first := time.Now()
		run, err = o.Execute(ctx, s, out)
		specs = time.Since(first)
	}
	failed := err != nil || run == nil || run.Overall != verdict.Conformant
	if o.keep && failed && !c.Reused() {
		err = errors.Join(err, c.Keep())
		fmt.Fprintf(progress, "cluster: kept, since the run failed; its kubeconfig is %s\n", c.Kubeconfig())
	}
	// The cluster goes also after an interruption.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	if s.Kind != nil && c.Kept() {
		// Specs repair the nodes that they disrupt; one that was killed could not.
		err = errors.Join(err, c.Restore(closing))
	}
	if closeErr := c.Close(closing); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	if run == nil {
		return o.NotJudged(s, begin, err)
	}
	// A cluster that cannot be removed changes no verdict.
	return errors.Join(runner.Conclude(out, run, specs, time.Since(begin)), err)
}

// settingsOn are the settings of a run on a cluster, which is checked first.
func (o *e2eOptions) settingsOn(ctx context.Context, c *cluster.Cluster, progress io.Writer) (s runconfig.Settings, err error) {
	s = o.Settings(runName(c.Name()), c.Images)
	s.Kubeconfig = c.Kubeconfig()
	s.KeepNamespaces = !c.Kept() && !o.keep
	if o.Level == contract.Disruptive {
		s.Kind = &runconfig.Kind{Name: c.Name(), Engine: c.Engine().Host()}
	}
	if s.Suite, err = runner.Identity(ctx); err != nil {
		return s, err
	}
	found, err := o.Preflight(ctx, s, progress)
	s.Facts = found.Facts
	if err == nil && len(found.Problems) == 0 && o.Level == contract.Workload {
		config, err := o.RESTConfig(s)
		if err != nil {
			return s, err
		}
		found.Problems = preflight.ProbeDatabases(ctx, config, s).Problems
	}
	if err == nil && len(found.Problems) > 0 {
		err = runner.PreflightError(found.Problems)
	}
	return s, err
}
