package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/export"
)

func newFetchCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "fetch REPORT <LOG",
		Short: "Unpack the report that a run with REPORT_IN_LOG=1 has left in its log",
		Long: `Unpack the report that a run with REPORT_IN_LOG=1 has left in its log:
  kubectl logs --namespace statefulset-conformance job/statefulset-conformance | conformance fetch job-report`,
		Args: cli.OneReport,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := export.ReadReport(cmd.InOrStdin(), args[0]); err != nil {
				return cli.UsageError{Err: err}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "fetched %s\n", args[0])
			return nil
		},
	}
}
