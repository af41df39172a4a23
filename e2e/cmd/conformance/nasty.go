package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cluster/outage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/guarantee"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/settings"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
	"github.com/hero-academy/statefulset-conformance/hack/faults"
	"github.com/hero-academy/statefulset-conformance/hack/nasty"
)

// nastyFile holds what the last whole run found.
const nastyFile = "hack/nasty/RESULTS.md"

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
	a, problems := readAsked(os.Getenv, guarantee.Core, guarantee.Extended)
	if len(problems) > 0 {
		return unfit(problems)
	}
	if os.Getenv("REPORT_DIR") == "" {
		a.reportDir = filepath.Join(a.reportDir, "nasty")
	}
	if err := emptyReport(a.reportDir); err != nil {
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
	begin := time.Now()
	var table nastyTable
	for i, adversity := range chosen {
		row, err := on.under(ctx, adversity, client)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%2d/%d  %s\n", i+1, len(chosen), row)
		table.rows = append(table.rows, row)
	}
	table.took = time.Since(begin)
	fmt.Fprintln(out, table.summary())
	if len(chosen) == len(nasty.All()) && a.focus == "" && a.labels == "" {
		if err := os.WriteFile(nastyFile, []byte(table.markdown()), 0o644); err != nil {
			return err
		}
	}
	if alarms := table.alarms(); alarms > 0 {
		return fmt.Errorf("%d false alarms: the cluster is correct, so the suite accused it wrongly", alarms)
	}
	return nil
}

// chooseAdversities returns those that a list of patterns names; none names all.
func chooseAdversities(patterns string) ([]nasty.Adversity, error) {
	all := nasty.All()
	if patterns == "" {
		return all, nil
	}
	name := func(a nasty.Adversity) string { return a.Name }
	var names []string
	for _, a := range all {
		names = append(names, name(a))
	}
	return choose("ADVERSITY", patterns, all, name, "expected one of "+strings.Join(names, ", "))
}

// under runs the suite while something befalls it.
func (b *bench) under(ctx context.Context, a nasty.Adversity, client kubernetes.Interface) (nastyRow, error) {
	row := nastyRow{Adversity: a}
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return row, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	s := *b
	s.settings.Run = fmt.Sprintf("nasty-%d", time.Now().Unix())
	scene := &nasty.Scene{
		Kubeconfig: b.up.Kubeconfig(), Client: client, Namespaces: settings.RunLabel + "=" + s.settings.Run,
		Engine: b.up.Engine(), Node: b.up.Name() + "-control-plane", Dir: dir,
		Kill: outage.Of(b.up.Name(), b.up.Engine().Host()).KillComponent,
	}
	undo, err := a.Begin(ctx, scene)
	if err != nil {
		return row, err
	}
	s.settings.Kubeconfig = scene.Kubeconfig
	begin := time.Now()
	run, err := s.run(ctx, a.Name)
	row.seconds = time.Since(begin).Seconds()
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	if end := undo(ending); end != nil {
		return row, errors.Join(err, fmt.Errorf("%s: %w", a.Name, end))
	}
	if ctx.Err() != nil {
		return row, context.Cause(ctx)
	}
	if err != nil {
		return row, err
	}
	row.read(run)
	return row, errors.Join(b.up.AwaitReady(ctx), scene.AwaitController(ctx))
}

// nastyRow is what the suite said under one adversity.
type nastyRow struct {
	nasty.Adversity
	overall                                      verdict.Overall
	pass, inconclusive, notApplicable, specCount int
	// accused lists the guarantees that were found broken, each with the first finding's sentence; reasons why others stayed open.
	accused, reasons []string
	seconds          float64
}

func (r *nastyRow) read(run *verdict.Run) {
	r.overall, r.specCount = run.Overall, len(run.Specs)
	for _, row := range run.Rows {
		switch row.Verdict {
		case verdict.Pass:
			r.pass++
		case verdict.NotApplicable:
			r.notApplicable++
		case verdict.Inconclusive:
			r.inconclusive++
			if len(row.Reasons) > 0 {
				r.reasons = append(r.reasons, row.Reasons[0])
			}
		case verdict.Fail, verdict.Deviation:
			text := string(row.ID)
			if len(row.Findings) > 0 {
				text += ": " + row.Findings[0].Text
			}
			r.accused = append(r.accused, text)
		case verdict.NotAsked:
		}
	}
}

func (r nastyRow) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-20s %s: %d pass, %d inconclusive, %d accused (%.0f s)", r.Name, r.overall, r.pass, r.inconclusive, len(r.accused), r.seconds)
	for _, a := range r.accused {
		b.WriteString("\n       FALSE ALARM " + a)
	}
	return b.String()
}

// nastyTable is what the suite said under all of them.
type nastyTable struct {
	rows []nastyRow
	took time.Duration
}

func (t nastyTable) alarms() int {
	n := 0
	for _, r := range t.rows {
		n += len(r.accused)
	}
	return n
}

func (t nastyTable) summary() string {
	return fmt.Sprintf("%d adversities, %d false alarms; %.0f min", len(t.rows), t.alarms(), t.took.Minutes())
}

// markdown writes RESULTS.md.
func (t nastyTable) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- Written by \"make nasty\". -->\n\n# A correct cluster under adversities, and what the suite said\n\nKubernetes %s. %s.\n\n", faults.KubernetesVersion, t.summary())
	b.WriteString("The suite may say pass or inconclusive; whatever it accuses the cluster of is a false alarm.\n\n")
	b.WriteString("| adversity | what happens | verdict | pass | inconclusive | accused | seconds |\n| --- | --- | --- | ---: | ---: | --- | ---: |\n")
	for _, r := range t.rows {
		accused := strings.ReplaceAll(strings.Join(r.accused, "; "), "|", "\\|")
		if accused == "" {
			accused = "nothing"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %d | %d | %s | %.0f |\n", r.Name, r.What, r.overall, r.pass, r.inconclusive, accused, r.seconds)
	}
	return b.String()
}
