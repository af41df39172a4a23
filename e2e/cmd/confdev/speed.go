package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodefault"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// speedOptions are the options of speed.
type speedOptions struct {
	trialOptions
	runs string
}

func newSpeedCommand() *cobra.Command {
	var o speedOptions
	command := &cobra.Command{
		Use:   "speed",
		Short: "Measure how long the suite takes on a kept kind cluster",
		Long: `Run the suite RUNS times on a kind cluster that is kept, and print the seconds of each run, their median, and what share of the processors' time
the run itself and other programs of this machine took meanwhile: a figure that was taken beside other work says little. The cluster has the name of that of
"make cluster" and stays for the next time.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runSpeed(cmd.Context(), o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := flagsOf(command)
	o.addFlags(f)
	f.String(&o.runs, "RUNS", "5", "`number` of runs")
	return command
}

func runSpeed(ctx context.Context, o speedOptions, out, progress io.Writer) (err error) {
	runs, err := strconv.Atoi(o.runs)
	if err != nil || runs < 1 {
		return cli.UsageError{Err: fmt.Errorf("RUNS=%s: expected how often the suite is to run, 1 or more", o.runs)}
	}
	folder, err := o.validate("speed")
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	on, err := newDevCluster(ctx, o.Options, cluster.Options{Name: o.clusterName, Workload: o.Images, Keep: true, Progress: progress}, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	var all []float64
	for i := range runs {
		one, err := on.measured(ctx, fmt.Sprintf("run-%d", i+1))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "run %d of %d: %s\n", i+1, runs, one)
		all = append(all, one.seconds)
	}
	fmt.Fprintf(out, "median of %d: %.1f s\n", runs, median(all))
	return nil
}

// median returns the middle one of some numbers, of which there is at least one; of an even number the mean of the middle two.
func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// measuredRun is what a run took.
type measuredRun struct {
	guarantees, specs int
	seconds           float64
	// before and after are the processors' times, and own is what the run took of them, in seconds; cpu says why they are not known.
	before, after processorTime
	own           float64
	cpu           error
}

func (r measuredRun) String() string {
	text := fmt.Sprintf("%.1f s, %.2f s for each of %d guarantees, %d specs", r.seconds, r.seconds/float64(max(r.guarantees, 1)), r.guarantees, r.specs)
	whole := float64(r.after.total-r.before.total) / ticks
	if r.cpu != nil || whole <= 0 {
		return text + "; the processors' times are not known here"
	}
	busy := float64(r.after.busy-r.before.busy) / ticks
	return fmt.Sprintf("%s; processors busy %.0f %%, of which others took %.0f", text, 100*busy/whole, 100*max(busy-r.own, 0)/whole)
}

// measured runs the suite once and measures that. A run that is not conformant has no figure.
func (d *devCluster) measured(ctx context.Context, name string) (measuredRun, error) {
	var r measuredRun
	var own float64
	own, r.cpu = d.ownTime(ctx)
	if r.cpu == nil {
		r.before, r.cpu = processorTimes()
	}
	begin := time.Now()
	run, err := d.run(ctx, name)
	if err != nil {
		return r, err
	}
	r.seconds = time.Since(begin).Seconds()
	if r.cpu == nil {
		r.after, r.cpu = processorTimes()
	}
	if r.cpu == nil {
		r.own, r.cpu = d.ownTime(ctx)
		r.own -= own
	}
	if run.Overall != verdict.Conformant {
		return r, fmt.Errorf("%s: %s, and only what a conformant run took is a figure", filepath.Join(d.options.ReportDir, name), run.Overall)
	}
	for _, row := range run.Rows {
		if row.Verdict == verdict.Pass {
			r.guarantees++
		}
	}
	saved, err := report.Load(filepath.Join(d.options.ReportDir, name))
	if err == nil {
		r.specs = len(saved.Specs)
	}
	return r, err
}

// ownTime returns the seconds that the processors have worked for the cluster's nodes, this process, and those that it started and that have ended.
func (d *devCluster) ownTime(ctx context.Context) (float64, error) {
	nodes, err := nodefault.List(ctx, d.up.Engine().Client, d.up.Name())
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for _, node := range nodes {
		// Of version 2 of cgroups, or of version 1.
		text, err := d.up.Engine().Output(ctx, "exec", node.Name, "sh", "-c", "cat /sys/fs/cgroup/cpu.stat 2>/dev/null || cat /sys/fs/cgroup/cpuacct/cpuacct.usage")
		if err != nil {
			return 0, err
		}
		seconds, err := cgroupTime(text)
		if err != nil {
			return 0, fmt.Errorf("node %s: %w", node.Name, err)
		}
		sum += seconds
	}
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if err := syscall.Getrusage(who, &used); err != nil {
			return 0, err
		}
		sum += time.Duration(used.Utime.Nano() + used.Stime.Nano()).Seconds()
	}
	return sum, nil
}

// cgroupTime reads the processors' time of a cgroup in seconds: from cpu.stat, in microseconds, or from cpuacct.usage, in nanoseconds.
func cgroupTime(text string) (float64, error) {
	scale, number := time.Nanosecond, strings.TrimSpace(text)
	if usage, is := strings.CutPrefix(number, "usage_usec "); is {
		scale = time.Microsecond
		number, _, _ = strings.Cut(usage, "\n")
	}
	n, err := strconv.ParseInt(number, 10, 64)
	return (time.Duration(n) * scale).Seconds(), err
}

// processorTime is what all processors of this machine have done since it was started, in ticks.
type processorTime struct{ busy, total int64 }

// processorTimes reads /proc/stat, which systems other than Linux do not have.
func processorTimes() (processorTime, error) {
	file, err := os.Open("/proc/stat")
	if err != nil {
		return processorTime{}, err
	}
	defer func() { _ = file.Close() }()
	line, err := bufio.NewReader(file).ReadString('\n')
	if err != nil {
		return processorTime{}, err
	}
	return parseProcessorTimes(line)
}

// ticks is how many of /proc/stat's units a second has (proc_stat(5): USER_HZ, 100 on all that Go supports).
const ticks = 100

// parseProcessorTimes reads the first line of /proc/stat: after its name user, nice, system, idle, iowait, irq, softirq, steal, and guests' time that user has too.
func parseProcessorTimes(line string) (processorTime, error) {
	const idle, iowait, last = 3, 4, 8
	fields := strings.Fields(line)
	if len(fields) < 1+last || fields[0] != "cpu" {
		return processorTime{}, fmt.Errorf("expected the times of all processors, found %q", line)
	}
	var t processorTime
	for i, field := range fields[1 : 1+last] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return processorTime{}, err
		}
		t.total += n
		if i != idle && i != iowait {
			t.busy += n
		}
	}
	return t, nil
}
