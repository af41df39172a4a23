package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func newE2ECommand() *cobra.Command {
	return &cobra.Command{
		Use:   "e2e",
		Short: "Run the suite on the kept cluster, or on one that is made for it and removed again",
		Long: `Run the suite on the cluster that "cluster up" keeps, or on one that is made for it and removed again.

Set by environment variables: FOCUS (a regular expression on the text of specs), LABELS (a Ginkgo label filter; a guarantee's
label is its ID with a dot for the slash, such as ordering.create), LEVEL (core, extended, disruptive), PROCS, SEED, REPORT_DIR,
STORAGE_CLASS, LIMITS (name=duration, ...), KEEP_CLUSTER=1 (a cluster made for the run stays if it fails), and those of
"cluster up".`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return judgedOr(runE2E(cmd.Context(), os.Getenv, cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
}

func runE2E(ctx context.Context, getenv func(string) string, out, progress io.Writer) error {
	begin := time.Now()
	a, problems := readAsked(getenv, contract.Core, contract.Extended, contract.Disruptive)
	if len(problems) > 0 {
		return unfit(problems)
	}
	// The suite compiles while the cluster comes up; neither needs the other.
	suite := build(ctx)
	if err := checkSelection(ctx, suite, a, true); err != nil {
		return err
	}
	if err := emptyReport(a.reportDir); err != nil {
		_, buildErr := suite()
		return errors.Join(err, buildErr)
	}
	up, err := cluster.Up(ctx, cluster.Options{
		Name: getenv("CLUSTER_NAME"), NodeImage: getenv("NODE_IMAGE"), KubernetesVersion: getenv("K8S_VERSION"),
		Workload: a.images, Progress: progress,
	})
	if err != nil {
		_, buildErr := suite()
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted before the cluster was ready; nothing was judged: %w", err)
		}
		return errors.Join(err, buildErr)
	}
	built, err := suite()
	var run *verdict.Run
	var s runconfig.Settings
	if err == nil {
		s = a.settings(fmt.Sprintf("%s-%d", up.Name(), begin.Unix()), up.Images)
		s.Kubeconfig, s.Suite = up.Kubeconfig(), built.identity
		if a.level == contract.Disruptive {
			s.Kind = &runconfig.Kind{Name: up.Name(), Engine: up.Engine().Host()}
		}
		var found preflight.Findings
		if found, err = ask(ctx, a, s, progress); err == nil && len(found.Problems) > 0 {
			err = unfit(found.Problems)
		}
		s.Facts = found.Facts
	}
	if err == nil {
		fmt.Fprintf(progress, "suite: first spec after %.1f s\n", time.Since(begin).Seconds())
		run, err = execute(ctx, built, a, s, out)
	}
	failed := err != nil || run.Overall != verdict.Conformant
	if a.keep && failed && !up.Reused() {
		err = errors.Join(err, up.Keep())
		fmt.Fprintf(progress, "cluster: kept, since the run failed; its kubeconfig is %s\n", up.Kubeconfig())
	}
	// The cluster goes also after an interruption.
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	if s.Kind != nil && up.Kept() {
		// Specs mend what they hurt; one that was killed could not.
		err = errors.Join(err, up.Restore(closing))
	}
	if closeErr := up.Close(closing); closeErr != nil {
		err = errors.Join(err, closeErr)
	}
	if err != nil {
		return err
	}
	return conclude(out, run, time.Since(begin))
}
