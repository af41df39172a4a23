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
	fmt.Fprintf(progress, "cluster: tried in %.1f s; the DNS zone is %s\n", time.Since(begin).Seconds(), s.Facts.DNSZone)
	s.Limits, err = fittingLimits(found.PodStart, o.LimitChanges, progress)
	return err
}

// fittingLimits returns the limits for a cluster on which a pod took so long to start; those that a person has changed stay. It says which became longer.
func fittingLimits(podStart time.Duration, changes string, progress io.Writer) (runconfig.Limits, error) {
	usual, err := runconfig.DefaultLimits().Override(changes)
	if err != nil {
		return usual, err
	}
	fitting, err := runconfig.DefaultLimits().ForStart(podStart).Override(changes)
	if err == nil && fitting != usual {
		fmt.Fprintf(progress, "limits: %s, since a pod took %.1f s to start; LIMITS= sets others\n", strings.Join(fitting.Changed(), ", "), podStart.Seconds())
	}
	return fitting, err
}
