package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

func newReportCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "report REPORT",
		Short: "Render the pages of a report folder, or of a recording's, again from its saved data",
		Args:  cli.OneReport,
		RunE: func(cmd *cobra.Command, args []string) error {
			if r, err := recording.Load(args[0]); err == nil {
				return errors.Join(report.RenderRecording(args[0], r), rendered(cmd, args[0]))
			} else if !errors.Is(err, fs.ErrNotExist) {
				return cli.UsageError{Err: err}
			}
			c, err := report.Load(args[0])
			if err != nil {
				return cli.UsageError{Err: err}
			}
			if err := report.SaveFiles(args[0], c); err != nil {
				return err
			}
			return rendered(cmd, args[0])
		},
	}
}

func rendered(cmd *cobra.Command, dir string) error {
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "rendered %s/%s\n", dir, report.PageFile)
	return err
}
