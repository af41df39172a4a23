package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/settings"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

func newJudgeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "judge REPORT",
		Short: "Judge the histories of a report folder again, without a cluster",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			begin := time.Now()
			s, err := settings.Load(filepath.Join(args[0], "settings.json"))
			if err != nil {
				return wrongUse{fmt.Errorf("%s is no report folder of this suite: %w", args[0], err)}
			}
			run, err := verdict.Folder(args[0], s.Level)
			if err != nil {
				return err
			}
			return conclude(cmd.OutOrStdout(), &run, time.Since(begin))
		},
	}
}
