package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

func newReportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report REPORT",
		Short: "Render the pages of a report folder again from its saved data",
		Args:  cli.OneReport,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := report.Load(args[0])
			if err != nil {
				return cli.UsageError{Err: err}
			}
			if err := report.SaveFiles(args[0], c); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "rendered %s/%s\n", args[0], report.PageFile)
			return nil
		},
	}
}
