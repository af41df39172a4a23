package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/disturbances"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
)

// disturbancesFile holds what the last whole run found.
const disturbancesFile = "e2e/internal/selftest/disturbances/RESULTS.md"

// disturbancesOptions are the options of disturbances.
type disturbancesOptions struct {
	trialOptions
	disturbance, kubernetesVersion string
}

func newDisturbancesCommand() *cobra.Command {
	var o disturbancesOptions
	command := &cobra.Command{
		Use:   "disturbances",
		Short: "Disturb a correct cluster and show that the suite finds no guarantee broken",
		Long: `Run the suite on a kind cluster made for it, whose controllers are correct, under one disturbance after another, and print its verdicts.
Pass and inconclusive are right; a guarantee that is found broken is a false alarm.

` + disturbancesFile + ` has the last whole run under each of them, this one's or an earlier one's.
Runs with BY=explore, of random acts alone, are none of these.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDisturbances(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := flagsOf(command)
	o.addFlags(f)
	o.addBy(f)
	f.String(&o.kubernetesVersion, "K8S_VERSION", nodeimage.DefaultKubernetesVersion, "`version` of Kubernetes")
	f.String(&o.disturbance, "DISTURBANCE", "", "`names` of the disturbances, with * for any text, separated by commas (default: all)")
	return command
}

func runDisturbances(ctx context.Context, o disturbancesOptions, out, progress io.Writer) (err error) {
	chosen, err := chooseDisturbances(o.disturbance)
	if err != nil {
		return err
	}
	purpose, err := o.tryBy("disturbances")
	if err != nil {
		return err
	}
	folder, err := o.validate(purpose)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	o.Exploration.Shrink = false // acts are carried out again without the disturbance
	on, err := newDevCluster(ctx, o.Options, cluster.Options{
		Name: o.clusterFor("disturbances"), Config: faults.ClusterConfig(o.kubernetesVersion), KubernetesVersion: o.kubernetesVersion, Workload: o.Images,
		Keep: o.keep, Exclusive: true, Progress: progress,
	}, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	config := on.up.RESTConfig()
	config.QPS = -1 // disturbances must not wait for their turn
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	table := trialTable{
		title: "A correct cluster under disturbances, and the verdicts of the suite", command: "make disturbances", kind: "disturbance", kinds: "disturbances",
		intro: "Pass and inconclusive are right; a guarantee that is found broken is a false alarm.",
	}
	for i, d := range chosen {
		row, err := on.disturbed(ctx, d, client)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			row = trialRow{trial: row.trial, trouble: err.Error()}
		}
		fmt.Fprintf(out, "%2d/%d  %s\n", i+1, len(chosen), row)
		table.rows = append(table.rows, row)
	}
	var all []trial
	for _, d := range disturbances.All() {
		all = append(all, trial{name: d.Name, what: d.Summary})
	}
	return table.conclude(out, o.ReportDir, disturbancesFile, all)
}

// chooseDisturbances returns those that a list of patterns names; none names all.
func chooseDisturbances(patterns string) ([]disturbances.Disturbance, error) {
	return chooseTrials("DISTURBANCE", patterns, disturbances.All(), func(d disturbances.Disturbance) string { return d.Name })
}

// disturbed runs the suite under a disturbance.
func (d *devCluster) disturbed(ctx context.Context, chosen disturbances.Disturbance, client kubernetes.Interface) (trialRow, error) {
	row := trialRow{trial: trial{name: chosen.Name, what: chosen.Summary}}
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return row, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := *d
	s.settings.Run = runName("disturbed")
	scene := &disturbances.Env{
		Kubeconfig: d.up.Kubeconfig(), Client: client, Namespaces: runconfig.RunLabel + "=" + s.settings.Run,
		Engine: d.up.Engine(), Node: d.up.Name() + "-control-plane", Dir: dir,
		Kill: nodefault.Of(d.up.Name(), d.up.Engine().Host()).KillComponent,
	}
	undo, err := chosen.Begin(ctx, scene)
	if err != nil {
		return row, err
	}
	s.settings.Kubeconfig = scene.Kubeconfig
	row, err = s.trial(ctx, row.trial)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	if end := undo(ending); end != nil {
		return row, errors.Join(err, fmt.Errorf("%s: %w", chosen.Name, end))
	}
	if err != nil {
		return row, err
	}
	return row, errors.Join(d.up.AwaitReady(ctx), scene.AwaitController(ctx))
}
