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

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/disturbances"
)

// nastyFile holds what the last whole run found.
const nastyFile = "e2e/internal/selftest/disturbances/RESULTS.md"

func newNastyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "nasty",
		Short: "Make life hard for a correct cluster and show that the suite accuses nobody",
		Long: `Run the suite on a kind cluster made for it, whose controllers are correct, under one adversity after another, and print its verdicts.
Pass and inconclusive are right; a guarantee that is found broken is a false alarm.

Set by environment variables: ADVERSITY (names, with * for any text, separated by commas; then ` + nastyFile + ` stays as it is),
KEEP_CLUSTER=1, CLUSTER_NAME, REPORT_DIR, LIMITS, PROCS, LEVEL, LABELS, FOCUS.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runNasty(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
}

func runNasty(ctx context.Context, out, progress io.Writer) (err error) {
	chosen, err := chooseAdversities(os.Getenv("ADVERSITY"))
	if err != nil {
		return err
	}
	a, err := askedOfTrials("nasty")
	if err != nil {
		return err
	}
	on, err := provideBench(ctx, a, "nasty", progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	config := on.up.RESTConfig()
	config.QPS = -1 // what befalls must not wait for its turn
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	table := trialTable{
		title: "A correct cluster under adversities, and what the suite said", command: "make nasty", kind: "adversity", kinds: "adversities",
		intro: "The suite may say pass or inconclusive; whatever it accuses the cluster of is a false alarm.",
	}
	for i, adversity := range chosen {
		row, err := on.under(ctx, adversity, client)
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
	for _, adversity := range disturbances.All() {
		all = append(all, trial{name: adversity.Name, what: adversity.Summary})
	}
	return table.conclude(out, a.reportDir, nastyFile, all)
}

// chooseAdversities returns those that a list of patterns names; none names all.
func chooseAdversities(patterns string) ([]disturbances.Disturbance, error) {
	return chooseTrials("ADVERSITY", patterns, disturbances.All(), func(a disturbances.Disturbance) string { return a.Name })
}

// under runs the suite while something befalls it.
func (b *bench) under(ctx context.Context, a disturbances.Disturbance, client kubernetes.Interface) (trialRow, error) {
	row := trialRow{trial: trial{name: a.Name, what: a.Summary}}
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return row, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := *b
	s.settings.Run = fmt.Sprintf("nasty-%d", time.Now().Unix())
	scene := &disturbances.Env{
		Kubeconfig: b.up.Kubeconfig(), Client: client, Namespaces: runconfig.RunLabel + "=" + s.settings.Run,
		Engine: b.up.Engine(), Node: b.up.Name() + "-control-plane", Dir: dir,
		Kill: nodefault.Of(b.up.Name(), b.up.Engine().Host()).KillComponent,
	}
	undo, err := a.Begin(ctx, scene)
	if err != nil {
		return row, err
	}
	s.settings.Kubeconfig = scene.Kubeconfig
	row, err = s.trial(ctx, row.trial)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	if end := undo(ending); end != nil {
		return row, errors.Join(err, fmt.Errorf("%s: %w", a.Name, end))
	}
	if err != nil {
		return row, err
	}
	return row, errors.Join(b.up.AwaitReady(ctx), scene.AwaitController(ctx))
}
