package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/simulated"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// scaleConfig is the kind configuration of the cluster: one real node, beside which the simulated ones are.
const scaleConfig = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{role: control-plane}]\n"

// scaleOptions are the options of scale.
type scaleOptions struct {
	trialOptions
	sizes, recorded string
}

func newScaleCommand() *cobra.Command {
	var o scaleOptions
	command := &cobra.Command{
		Use:   "scale",
		Short: "Run the specs of scale with up to a thousand pods, on simulated nodes",
		Long: `Run the specs of scale on a kind cluster that is made for it, with simulated nodes: one set of so many pods, ordered and Parallel, and as many
pods in sets of five, are created, scaled, rolled out, half of them deleted, and deleted. Every judge judges what is recorded. What the controller and this
suite take is printed for each of SIZES, and is no part of conformance. A spec that takes more than a quarter of TIME_LIMIT goes no further and says so.
Then "conformance record" records RECORDED sets of ten pods, in four namespaces, while they are created, rolled out, lose half of their pods and are
deleted, and what that took is printed.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runScale(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := flagsOf(command)
	o.addFlags(f)
	f.String(&o.sizes, "SIZES", "10,100,1000", "`numbers` of pods, with commas between them")
	f.String(&o.recorded, "RECORDED", "200", "`number` of sets of ten pods that are recorded by \"conformance record\", 0 for none")
	return command
}

func runScale(ctx context.Context, o scaleOptions, out, progress io.Writer) (err error) {
	var sizes []int
	for text := range strings.SplitSeq(o.sizes, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < 1 || n > runner.MaxScale {
			return cli.UsageError{Err: fmt.Errorf("SIZES=%s: expected numbers of pods from 1 to %d with commas between them", o.sizes, runner.MaxScale)}
		}
		sizes = append(sizes, n)
	}
	recorded, err := strconv.Atoi(o.recorded)
	if err != nil || recorded < 0 || recorded > runner.MaxScale {
		return cli.UsageError{Err: fmt.Errorf("RECORDED=%s: expected a number of sets from 0 to %d", o.recorded, runner.MaxScale)}
	}
	o.Labels, o.Procs = runner.ScaleLabel, "1"
	folder, err := o.validate("scale")
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	o.Scale.Pods, o.Scale.PodPatch = slices.Max(sizes), simulated.PodPatch()
	on, err := newDevCluster(ctx, o.Options, cluster.Options{
		Name: o.clusterFor("scale"), Config: []byte(scaleConfig), Workload: o.Images, Progress: progress,
	}, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	stop, err := simulated.Start(ctx, on.up.RESTConfig(), max(o.Scale.Pods, recorded*podsOfRecorded))
	if err != nil {
		return err
	}
	defer stop()
	on.out = out
	var lines strings.Builder
	defer func() { fmt.Fprint(out, lines.String()) }() // below all that the runs print; of the sizes before one that fails, too
	for _, n := range sizes {
		line, err := on.scaled(ctx, n)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%d pods: %s\n", n, line)
	}
	if recorded > 0 {
		line, err := on.recorded(ctx, recorded, progress)
		if err != nil {
			return err
		}
		fmt.Fprintln(&lines, line)
	}
	return nil
}

// scaled runs the specs of scale with so many pods and says what that took.
func (d *devCluster) scaled(ctx context.Context, pods int) (string, error) {
	scale := *d.settings.Scale
	scale.Pods = pods
	d.settings.Scale = &scale
	name := fmt.Sprintf("pods-%d", pods)
	run, err := d.run(ctx, name)
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	if err != nil {
		return "", err
	}
	dir := filepath.Join(d.options.ReportDir, name)
	if run.Overall != verdict.Conformant {
		return "", fmt.Errorf("%s: %s; see %s", name, run.Overall, filepath.Join(dir, report.PageFile))
	}
	begin := time.Now()
	if _, err := runner.Judge(dir, d.settings, begin); err != nil {
		return "", err
	}
	judged := time.Since(begin)
	page, err := os.Stat(filepath.Join(dir, report.PageFile))
	if err != nil {
		return "", err
	}
	all, err := runner.LoadScale(dir)
	if err != nil {
		return "", err
	}
	var events int
	var memory uint64
	for _, r := range all {
		events, memory = events+r.Events, max(memory, r.Memory)
	}
	return fmt.Sprintf("%d events, judged in %.1f s; a page of %.1f MB; the process that recorded had %d MiB", events, judged.Seconds(), float64(page.Size())/1e6, memory>>20), nil
}
