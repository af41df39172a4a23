package runner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// maxRetries bounds RETRIES: a cluster on which no spec is left in peace so many times is not judged by trying once more.
const maxRetries = 5

// suiteText is what Ginkgo puts before the text of each spec when it looks for a focus.
const suiteText = "StatefulSet conformance"

// repeatDisturbed repeats the specs that other clients disturbed, those that are then disturbed again, and so on, as often as RETRIES allows
// and the run's time limit leaves time for. The outcomes are added to those of the run.
func (o *Options) repeatDisturbed(ctx context.Context, s runconfig.Settings, begin time.Time, out io.Writer) error {
	for attempt := 2; attempt <= o.Retries+1 && ctx.Err() == nil; attempt++ {
		why, err := verdict.Disturbed(o.ReportDir)
		left := o.TimeLimit - time.Since(begin)
		if err != nil || len(why) == 0 || left < time.Minute {
			return err
		}
		texts := slices.Sorted(maps.Keys(why))
		fmt.Fprintf(out, "\nrepeating %d specs that were disturbed, attempt %d:\n", len(texts), attempt)
		for _, text := range texts {
			fmt.Fprintf(out, "  %s: %s\n", text, why[text])
		}
		again := *o
		again.Focus, again.TimeLimit, again.FailFast = focusOn(texts), left, false
		again.ReportDir = filepath.Join(o.ReportDir, verdict.AttemptFolder(attempt))
		s.Attempt, s.ReportDir = attempt, again.ReportDir
		if err := again.runAttempt(ctx, s, out); err != nil {
			return err
		}
		if err := errors.Join(collect(o.ReportDir, again.ReportDir), verdict.AddAttempt(o.ReportDir, again.ReportDir, why)); err != nil {
			return fmt.Errorf("adding attempt %d to the report: %w", attempt, err)
		}
	}
	return nil
}

// runAttempt runs the specs in a folder of the attempt's own.
func (o *Options) runAttempt(ctx context.Context, s runconfig.Settings, out io.Writer) error {
	if err := os.Mkdir(o.ReportDir, reportdir.FolderMode); err != nil {
		return err
	}
	return o.runSpecs(ctx, s, out, func() {})
}

// focusOn is a focus on the specs of those texts and no others.
func focusOn(texts []string) string {
	quoted := make([]string, 0, len(texts))
	for _, text := range texts {
		quoted = append(quoted, regexp.QuoteMeta(text))
	}
	return "^" + suiteText + " (?:" + strings.Join(quoted, "|") + ")$"
}

// collect moves what specs of an attempt saved to where those of the run are. Their names are the attempt's own, but for the rights.
func collect(dir, attempt string) error {
	for _, folder := range []string{"histories", "failures", EpisodesFolder, apiclient.UsageFolder} {
		entries, err := os.ReadDir(filepath.Join(attempt, folder))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(dir, folder), reportdir.FolderMode); err != nil {
			return err
		}
		for _, e := range entries {
			name := e.Name()
			if folder == apiclient.UsageFolder {
				name = filepath.Base(attempt) + "-" + name
			}
			if err := os.Rename(filepath.Join(attempt, folder, e.Name()), filepath.Join(dir, folder, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
