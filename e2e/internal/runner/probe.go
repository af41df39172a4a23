package runner

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Probe makes the first few objects in the cluster, removes them again, and adds what they showed to the settings: facts, and the limits that fit. What keeps the
// suite's objects from being made is an error.
func (o *Options) Probe(ctx context.Context, s *runconfig.Settings, progress io.Writer) error {
	begin := time.Now()
	config, err := o.RESTConfig(*s)
	if err != nil {
		return err
	}
	found := preflight.Probe(ctx, config, *s)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted before the first spec; nothing was judged: %w", context.Cause(ctx))
	}
	if len(found.Problems) > 0 {
		return PreflightError(found.Problems)
	}
	for _, note := range found.Notes {
		fmt.Fprintln(progress, "note:", note)
	}
	s.Facts.DNSZone, s.Facts.ImageIDs, s.Facts.NoBaseline = found.Facts.DNSZone, found.Facts.ImageIDs, found.Facts.NoBaseline
	s.Facts.Measured = found.Measured
	fmt.Fprintf(progress, "cluster: tried in %.1f s; the DNS zone is %s\n", time.Since(begin).Seconds(), s.Facts.DNSZone)
	if found.Measured.Any() {
		fmt.Fprintln(progress, "cluster:", found.Measured)
	}
	// The first pods are those that need their images pulled.
	took := found.Measured
	took.Started = max(took.Started, found.PodStart.Seconds())
	s.Limits, err = fittingLimits(took, o.LimitChanges, progress)
	return err
}

// fittingLimits returns the limits for a cluster that took so long; those that a person has changed stay. It says which became longer.
func fittingLimits(took runconfig.Measured, changes string, progress io.Writer) (runconfig.Limits, error) {
	usual, err := runconfig.DefaultLimits().Override(changes)
	if err != nil {
		return usual, err
	}
	fitting, err := runconfig.DefaultLimits().For(took).Override(changes)
	if err == nil && fitting != usual {
		fmt.Fprintf(progress, "limits: %s, four times what the cluster took (a pod %.1f s to start); LIMITS= sets others\n", strings.Join(fitting.Changed(), ", "), took.Started)
	}
	return fitting, err
}
