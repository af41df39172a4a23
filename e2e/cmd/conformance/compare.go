package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/comparison"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func newCompareCommand() *cobra.Command {
	var format string
	command := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Say what two reports differ in, such as before and after an upgrade",
		Long: `Say what two reports differ in, such as before and after an upgrade: the guarantees whose verdicts changed, those that only one contract
has, the figures that moved, and what else of cluster and settings is not the same. BEFORE and AFTER are report folders or their
` + report.File + `, of any version of this suite.

Exit codes: 0 nothing is worse; 1 a guarantee that held is broken or not shown any more, or the result is worse; 2 not comparable:
wrong use, no report, or no guarantee that was selected in both runs.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 || slices.Contains(args, "") {
				return cli.UsageError{Err: fmt.Errorf("%q wants two arguments, the report of before and that of after (make compare: BEFORE= and AFTER=)", cmd.CommandPath())}
			}
			if !slices.Contains(comparison.Formats(), format) {
				return cli.UsageError{Err: fmt.Errorf("--output: expected one of %s, found %q", strings.Join(comparison.Formats(), ", "), format)}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return compare(cmd.OutOrStdout(), args[0], args[1], format)
		},
	}
	command.Flags().StringVarP(&format, "output", "o", "text", "`form` of what is printed: "+strings.Join(comparison.Formats(), ", "))
	return command
}

// compare prints what two reports differ in; that the second is worse is an error.
func compare(out io.Writer, before, after, format string) error {
	var reports [2]*report.Conformance
	for i, path := range []string{before, after} {
		var err error
		if reports[i], err = report.LoadAny(path); err != nil {
			return cli.UsageError{Err: err}
		}
	}
	c := comparison.Of(reports[0], reports[1])
	if err := c.Write(out, format); err != nil {
		return err
	}
	switch c.Outcome {
	case comparison.Worse:
		return cli.ExitError{Err: errors.New("the second report is worse than the first"), Code: verdict.ExitNotConformant}
	case comparison.NotComparable:
		return cli.ExitError{Err: errors.New("the reports cannot be compared"), Code: verdict.ExitUsage}
	}
	return nil
}
