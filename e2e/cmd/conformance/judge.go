package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func newJudgeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "judge REPORT",
		Short: "Judge the histories of a report folder again, without a cluster",
		Args:  cli.OneReport,
		RunE: func(cmd *cobra.Command, args []string) error {
			self, err := runner.Identity(cmd.Context())
			if err != nil {
				return err
			}
			return judgeFolder(cmd.OutOrStdout(), args[0], self)
		},
	}
}

// judgeFolder judges the histories of a report folder again and compares the verdicts with those of the report. self is the suite that judges.
func judgeFolder(out io.Writer, dir string, self runconfig.Suite) error {
	begin := time.Now()
	s, err := runconfig.Load(filepath.Join(dir, runner.SettingsFile))
	if err != nil {
		return cli.UsageError{Err: fmt.Errorf("%s is no report folder of this suite: %w", dir, err)}
	}
	saved, err := report.Load(dir)
	if err != nil {
		return cli.UsageError{Err: err}
	}
	run, err := runner.Judge(dir, s, saved.Start)
	if err != nil {
		return disagreement(err)
	}
	again, err := report.New(dir, &run, s, saved.Start, time.Since(begin))
	if err != nil {
		return err
	}
	same := runner.SameSuite(self, runconfig.Suite(saved.Suite))
	diffs := append(saved.Compare(again, same), saved.CompareHistories(&run, s)...)
	if same && again.SpecsSHA256 != "" {
		missing, err := runner.Unaccounted(s, &run)
		if err != nil {
			return disagreement(fmt.Errorf("%s: %w", runner.SettingsFile, err))
		}
		for _, spec := range missing {
			diffs = append(diffs, fmt.Sprintf("the spec %q was to run, and the report says nothing of it", spec))
		}
	}
	if len(diffs) > 0 {
		return disagreement(fmt.Errorf("the report does not agree with its histories:\n  %s", strings.Join(diffs, "\n  ")))
	}
	if !same {
		fmt.Fprintf(out, "note: the suite %s judged, and this is %s: words, and rows that only one of them has, were not compared\n", saved.Suite.Version, self.Version)
	}
	took := time.Since(begin)
	return runner.Conclude(out, &run, took, took)
}

// disagreement returns the error of a report that cannot be judged again, or not to the same verdict: it says nothing about the cluster.
func disagreement(err error) error { return cli.ExitError{Err: err, Code: verdict.ExitUsage} }
