package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// devCluster is a kind cluster to try the suite itself on: with faults planted, under disturbances, or again and again.
type devCluster struct {
	options  runner.Options
	up       *cluster.Cluster
	settings runconfig.Settings
	// out, if set, receives the progress of the runs, besides their log.
	out io.Writer
}

// newDevCluster makes a cluster, or takes the one that was kept, and checks it. prepare, if set, adds to the cluster what kind does not, and to the settings
// what that wants.
func newDevCluster(ctx context.Context, ro runner.Options, o cluster.Options, prepare func(context.Context, *devCluster) error) (_ *devCluster, err error) {
	if ro.Exploration.Only {
		ro.Labels = runner.ExploreLabel
	} else if err := ro.CheckSelection(false); err != nil {
		return nil, err
	}
	o.Databases = ro.Level == contract.Workload
	c, err := up(ctx, o)
	if err != nil {
		return nil, err
	}
	d := &devCluster{options: ro, up: c}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close(ctx))
		}
	}()
	d.settings = ro.Settings("", c.Images)
	d.settings.Kubeconfig = c.Kubeconfig()
	if prepare != nil {
		if err := prepare(ctx, d); err != nil {
			return nil, err
		}
	}
	if d.settings.Suite, err = runner.Identity(ctx); err != nil {
		return nil, err
	}
	found, err := ro.Preflight(ctx, d.settings, o.Progress)
	if err != nil {
		return nil, err
	}
	if len(found.Problems) > 0 {
		return nil, runner.PreflightError(found.Problems)
	}
	d.settings.Facts = found.Facts
	return d, nil
}

// close removes the cluster, or releases one that is kept, also when ctx has ended.
func (d *devCluster) close(ctx context.Context) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	return d.up.Close(closing)
}

// run runs the suite once, into a folder of its own below the report folder; progress goes to a file there.
func (d *devCluster) run(ctx context.Context, name string) (*verdict.Run, error) {
	o, s := d.options, d.settings
	o.ReportDir = filepath.Join(d.options.ReportDir, name)
	folder, err := runner.OpenReport(o.ReportDir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = folder.Close() }()
	if s.Run == "" {
		s.Run = runName(d.up.Name())
	}
	s.ReportDir, s.Labels = o.ReportDir, o.Labels
	log, err := os.OpenFile(filepath.Join(o.ReportDir, "log.txt"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, reportdir.FileMode)
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	if d.out != nil {
		return o.Execute(ctx, s, io.MultiWriter(d.out, log))
	}
	return o.Execute(ctx, s, log)
}

// choose returns what a list of patterns names, in the order of the patterns and each once. hint says where a name can be looked up.
func choose[T any](variable, patterns string, all []T, name func(T) string, hint string) ([]T, error) {
	var chosen []T
	taken := map[string]bool{}
	for pattern := range strings.SplitSeq(patterns, ",") {
		known := false
		for _, one := range all {
			matched, err := path.Match(strings.TrimSpace(pattern), name(one))
			if err != nil {
				return nil, cli.UsageError{Err: fmt.Errorf("%s=%s: %w", variable, pattern, err)}
			}
			known = known || matched
			if matched && !taken[name(one)] {
				taken[name(one)] = true
				chosen = append(chosen, one)
			}
		}
		if !known {
			return nil, cli.UsageError{Err: fmt.Errorf("%s=%s: nothing is named so; %s", variable, pattern, hint)}
		}
	}
	return chosen, nil
}
