package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/apiproxy"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// controlFolder is where the run with no fault in force is kept, below the report folder.
const controlFolder = "none"

// These end the waits of specs whose fault keeps something from ever happening; a fault that is caught late is not caught in vain. Judges
// want to see a status that does not follow for 20 seconds. A pod is Ready after its claims are bound, of which the slowest of a whole run took 17 seconds.
const (
	faultLimits = "pod-created=8s,pod-ready=25s,pod-gone=10s,claim-bound=20s,claim-gone=10s,status-settled=18s,collected=10s,dns-follows=8s"
	// outageLimits leave the control plane its own patience with silent nodes.
	outageLimits = "pod-ready=30s,pods-taken=80s"
	// databaseLimits leave etcd the time that its members take to find each other.
	databaseLimits = "pod-created=15s,pod-ready=40s,pod-gone=30s"
)

// faultCluster is a kind of cluster that faults are planted in.
type faultCluster struct {
	suffix string // of the cluster's name
	// nodeFaults says that nodes and the control plane are disrupted here.
	nodeFaults bool
	level      contract.Level
	// limits end the waits of specs under a fault.
	limits string
	// control is where the run with no fault in force is kept, below the report folder; "" where another cluster's counts for it.
	control string
	// least is how many faults make the cluster worth its while.
	least int
}

// faultClusters lists them. Most faults show on a single node; under many of them the specs wait most of the time for what never comes, so that two
// can share a machine.
func faultClusters() []faultCluster {
	return []faultCluster{
		{level: contract.Extended, limits: faultLimits, control: controlFolder},
		{suffix: "-second", level: contract.Extended, limits: faultLimits, least: 10},
		// What is waited for here is the control plane's own patience with silent nodes, which is long.
		{suffix: "-outage", nodeFaults: true, level: contract.Disruptive, limits: outageLimits, control: controlFolder + "-outage"},
		// A database waits for its own elections, and wants a second node for its members.
		{suffix: "-database", level: contract.Workload, limits: databaseLimits, control: controlFolder + "-database"},
	}
}

// takes returns those of some faults that are planted here.
func (c faultCluster) takes(some []faults.Fault) []faults.Fault {
	return slices.DeleteFunc(slices.Clone(some), func(f faults.Fault) bool {
		return f.NeedsNodeFault != c.nodeFaults || f.NeedsDatabase != (c.level == contract.Workload)
	})
}

// name is the name of the cluster.
func (c faultCluster) name(o *trialOptions) string { return o.clusterFor("faults") + c.suffix }

// provide makes the cluster, or takes the one that was kept.
func (c faultCluster) provide(ctx context.Context, o trialOptions, kubernetes string, progress io.Writer) (*devCluster, error) {
	o.Level = c.level
	options := cluster.Options{
		Name: c.name(&o), KubernetesVersion: kubernetes, Workload: o.Images, Keep: o.keep, Exclusive: true, Progress: progress,
	}
	if c.level == contract.Extended {
		options.Config = faults.ClusterConfig(kubernetes)
	}
	on, err := newDevCluster(ctx, o.Options, options, nil)
	if err == nil && c.nodeFaults {
		on.settings.Kind = &runconfig.Kind{Name: on.up.Name(), Engine: on.up.Engine().Host()}
	}
	return on, err
}

// faultTrial tries faults, on each cluster one after another.
type faultTrial struct {
	options       trialOptions
	out, progress io.Writer
	// all are the faults of the version, of is how many of them are tried.
	all []faults.Fault
	of  int
	// controls are the folders of the runs with no fault in force that are due; without any the control is of the tried faults alone.
	controls []string
	// mutants says that these are mutants: none has a guarantee of its own, so that what is noticed first is enough, and no control is due.
	mutants bool
	// load reads what the report folder holds of a fault or control.
	load func(folder string, level contract.Level) (earlierRun, error)

	mu    sync.Mutex
	table faultTable
}

// clusters returns the kinds of clusters that are used. The first spec that waits in vain for what a mutant keeps from happening ends its run: it must not
// do so because the machine is busy, so there is one cluster, and specs wait as long as they do without a fault.
func (t *faultTrial) clusters() []faultCluster {
	if t.mutants {
		return []faultCluster{{level: contract.Extended, control: controlFolder}}
	}
	return faultClusters()
}

// everywhere tries faults on all clusters that take some of them, side by side: where nodes are disrupted, most of the time is spent waiting.
func (t *faultTrial) everywhere(ctx context.Context, chosen []faults.Fault, faulty func() (string, error)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var running sync.WaitGroup
	all := t.clusters()
	errs := make([]error, len(all))
	waiting := map[contract.Level]chan faults.Fault{}
	for i, c := range all {
		on := c.takes(chosen)
		// Random acts wait for little, and fill the machine with one cluster.
		needless := c.least > 0 && (len(on) < c.least || t.options.Exploration.Only)
		if needless || (len(on) == 0 && !slices.Contains(t.controls, c.control)) {
			continue
		}
		if waiting[c.level] == nil {
			waiting[c.level] = queue(on)
		}
		next := waiting[c.level]
		running.Go(func() {
			if errs[i] = t.on(ctx, c, next, on, faulty); errs[i] != nil {
				stop(fmt.Errorf("the cluster %s could not be used: %w", c.name(&t.options), errs[i]))
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// queue returns a channel that holds all of some faults, and no more.
func queue(some []faults.Fault) chan faults.Fault {
	all := make(chan faults.Fault, len(some))
	for _, f := range some {
		all <- f
	}
	close(all)
	return all
}

// add notes and prints the result of a fault.
func (t *faultTrial) add(result faultResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.table.results = append(t.table.results, result)
	fmt.Fprintf(t.out, "%3d/%d  %s\n", len(t.table.results), t.of, result)
}

// addControl notes and prints what the specs found on a cluster with no fault in force.
func (t *faultTrial) addControl(control *verdict.Run) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.table.controls = append(t.table.controls, control.Overall)
	fmt.Fprintf(t.out, "no fault in force: %s, exit code %d\n", control.Overall, control.ExitCode())
}

// on tries on a cluster what it takes of the waiting faults, and then, if it has a control, the specs that should notice the chosen ones with
// none in force.
func (t *faultTrial) on(
	ctx context.Context, c faultCluster, waiting <-chan faults.Fault, chosen []faults.Fault, faulty func() (string, error),
) (err error) {
	on, err := c.provide(ctx, t.options, t.table.kubernetes, t.progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, on.close(ctx)) }()
	run := faultRun{devCluster: *on, cluster: c, node: faults.Node{Engine: on.up.Engine(), Name: on.up.Name() + "-control-plane", NodeFaults: c.nodeFaults}}
	if err := run.node.Prepare(ctx); err != nil {
		return err
	}
	if t.options.keep {
		defer func() {
			closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			err = errors.Join(err, run.node.Restore(closing))
		}()
	}
	binary, err := faulty()
	if err != nil {
		return err
	}
	if binary != "" {
		if err := run.node.Plant(ctx, binary); err != nil {
			return err
		}
		if err := on.up.AwaitComponent(ctx, "kube-controller-manager", faults.Program); err != nil {
			return err
		}
	}
	run.once = t.mutants
	for f := range waiting {
		result, err := run.one(ctx, f)
		if err != nil {
			return err
		}
		t.add(result)
		// What was not planted cannot be started again, and components that are killed on purpose start by themselves.
		if binary != "" && !c.nodeFaults {
			err = run.startAgain(ctx)
		}
		if err != nil {
			return err
		}
	}
	name := c.control
	switch {
	case t.mutants, c.control == "", len(t.controls) > 0 && !slices.Contains(t.controls, c.control):
		return nil
	case len(t.controls) > 0:
		chosen = c.takes(t.all)
	default:
		name += "-of-these"
	}
	control, err := run.control(ctx, name, chosen)
	if err != nil {
		return err
	}
	t.addControl(control)
	return nil
}

// uncaughtError says that the suite itself failed its test.
type uncaughtError struct{}

// Error says what to look at.
func (uncaughtError) Error() string {
	return "not every fault was caught under the guarantee it breaks, or the suite raised an alarm without one"
}

// faultRun runs the suite against one fault after another, in one cluster.
type faultRun struct {
	devCluster
	cluster faultCluster
	node    faults.Node
	// once says that the specs run once, to the first that fails, for whatever reason.
	once bool
}

// startAgain starts the faulty program anew if it has crashed under the fault before: the kubelet waits the longer the more often it did.
func (r faultRun) startAgain(ctx context.Context) error {
	const component = "kube-controller-manager"
	restarts, err := r.up.ComponentRestarts(ctx, component)
	if err != nil || restarts == 0 {
		return err
	}
	if err := r.node.Start(ctx); err != nil {
		return err
	}
	return r.up.AwaitComponent(ctx, component, faults.Program)
}

// one brings a fault into force and runs the specs that should notice.
func (r faultRun) one(ctx context.Context, f faults.Fault) (faultResult, error) {
	result := faultResult{Fault: f}
	begin := time.Now()
	run, err := r.under(ctx, f)
	result.seconds = time.Since(begin).Seconds()
	if end := r.end(ctx, f); end != nil {
		return result, end
	}
	if ctx.Err() != nil {
		return result, context.Cause(ctx)
	}
	if err == nil {
		result.read(run)
	} else {
		// Where no spec came to its end, or the fault could not be planted, there is nothing to judge: nothing noticed.
		result.trouble = err.Error()
	}
	return result, nil
}

// under runs the specs that should notice a fault; end must follow.
func (r faultRun) under(ctx context.Context, f faults.Fault) (*verdict.Run, error) {
	if err := r.node.Begin(ctx, f); err != nil {
		return nil, fmt.Errorf("the fault could not be planted: %w", err)
	}
	r.settings.SkipNamespaceWait = true
	if f.Request != nil {
		end, err := r.proxied(ctx, f)
		if err != nil {
			return nil, err
		}
		defer func() { _ = end() }()
	}
	if f.Kind == faults.Legal {
		return r.specs(ctx, f.Name, f.Shows, r.options.LimitChanges) // none named: all of them
	}
	// The first spec that fails says enough, unless it fails for something else, which an episode does not.
	r.options.FailFast, r.options.Exploration.Wanted = true, f.Breaks
	run, err := r.specs(ctx, f.Name, slices.Concat(f.Breaks, f.Shows), r.cluster.limits)
	if err == nil && ctx.Err() == nil && !r.once && !r.options.Exploration.Only && !(&faultResult{Fault: f}).caughtBy(run) && run.Overall != verdict.Conformant {
		r.options.FailFast = false
		run, err = r.specs(ctx, f.Name, slices.Concat(f.Breaks, f.Shows), r.cluster.limits)
	}
	return run, err
}

// end takes a fault back, also when ctx has ended.
func (r faultRun) end(ctx context.Context, f faults.Fault) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	if err := r.node.End(ending, f); err != nil || !r.cluster.nodeFaults {
		return err
	}
	// Specs repair the nodes that they disrupt; under a fault they may not get that far.
	return r.up.Restore(ending)
}

// proxied has the suite reach the API server through a proxy that makes the fault, until end is called.
func (r *faultRun) proxied(ctx context.Context, f faults.Fault) (end func() error, err error) {
	dir, err := os.MkdirTemp("", "conformance-*")
	if err != nil {
		return nil, err
	}
	proxy := &apiproxy.Proxy{Change: f.Request}
	if r.settings.Kubeconfig, err = proxy.Start(ctx, r.up.Kubeconfig(), dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return func() error { return errors.Join(proxy.Close(), os.RemoveAll(dir)) }, nil
}

// control runs the same specs with no fault in force.
func (r faultRun) control(ctx context.Context, name string, chosen []faults.Fault) (*verdict.Run, error) {
	var ids []contract.ID
	for _, f := range chosen {
		ids = append(append(ids, f.Breaks...), f.Shows...)
	}
	slices.Sort(ids)
	return r.specs(ctx, name, slices.Compact(ids), r.options.LimitChanges)
}

// specs runs the specs that set out to prove some guarantees.
func (r faultRun) specs(ctx context.Context, name string, ids []contract.ID, changes string) (*verdict.Run, error) {
	labels := make([]string, 0, len(ids))
	for _, id := range ids {
		labels = append(labels, strings.Replace(string(id), "/", ".", 1))
	}
	l, err := runconfig.DefaultLimits().Override(changes, r.options.LimitChanges)
	if err != nil {
		return nil, err
	}
	r.settings.Limits = l
	r.options.Labels = strings.Join(labels, " || ")
	return r.run(ctx, name)
}
