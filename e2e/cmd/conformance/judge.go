package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func newJudgeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "judge REPORT",
		Short: "Judge the histories of a report folder again, without a cluster",
		Args:  oneReport,
		RunE: func(cmd *cobra.Command, args []string) error {
			return judgeFolder(cmd.OutOrStdout(), args[0])
		},
	}
}

// judgeFolder judges a report folder from its histories and holds the report against the outcome.
func judgeFolder(out io.Writer, dir string) error {
	begin := time.Now()
	s, err := runconfig.Load(filepath.Join(dir, settingsFile))
	if err != nil {
		return wrongUse{fmt.Errorf("%s is no report folder of this suite: %w", dir, err)}
	}
	said, err := report.Load(dir)
	if err != nil {
		return wrongUse{err}
	}
	run, err := verdict.JudgeFolder(dir, s.Level)
	if err != nil {
		return err
	}
	again, err := report.New(dir, &run, s, said.Start, time.Since(begin))
	if err != nil {
		return err
	}
	if diffs := said.Compare(again); len(diffs) > 0 {
		return fmt.Errorf("the report does not agree with its histories:\n  %s", strings.Join(diffs, "\n  "))
	}
	return conclude(out, &run, time.Since(begin))
}
