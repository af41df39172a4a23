package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/faults"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// bench is a cluster to try the suite itself on: with faults planted, under adversities, or again and again.
type bench struct {
	asked    asked
	up       *cluster.Cluster
	built    suiteBinaries
	settings runconfig.Settings
	// out, if it is there, is told as well what a run says.
	out io.Writer
}

// askedOfTrials returns what was asked of a command that tries the suite itself, with its own part of the report folder made ready.
func askedOfTrials(purpose string) (asked, error) {
	a, problems := readAsked(os.Getenv, contract.Core, contract.Extended)
	if len(problems) > 0 {
		return a, unfit(problems)
	}
	if os.Getenv("REPORT_DIR") == "" {
		a.reportDir = filepath.Join(a.reportDir, purpose)
	}
	return a, emptyReport(a.reportDir)
}

// benchName is how the cluster of a bench is called; purpose ends its name, unless it was given one.
func benchName(purpose string) string {
	if name := os.Getenv("CLUSTER_NAME"); name != "" {
		return name
	}
	return cluster.DefaultName + "-" + purpose
}

// provideBench makes a cluster of one node, or takes the one that was kept, and builds the suite. purpose ends the cluster's name.
func provideBench(ctx context.Context, a asked, purpose string, progress io.Writer) (*bench, error) {
	return benchOn(ctx, a, build(ctx), cluster.Options{
		Name: benchName(purpose), Config: faults.ClusterConfig, KubernetesVersion: faults.KubernetesVersion, Workload: a.images, Keep: a.keep, Progress: progress,
	}, nil)
}

// benchOn is a bench on a cluster as the options want it, for a suite that is being built. prepare, if there is one, gives the cluster
// what kind does not.
func benchOn(
	ctx context.Context, a asked, suite func() (suiteBinaries, error), o cluster.Options, prepare func(context.Context, kubernetes.Interface) error,
) (_ *bench, err error) {
	if err := checkSelection(ctx, suite, a, false); err != nil {
		return nil, err
	}
	up, err := cluster.Up(ctx, o)
	if err != nil {
		_, buildErr := suite()
		return nil, errors.Join(err, buildErr)
	}
	b := &bench{asked: a, up: up}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close(ctx))
		}
	}()
	if b.built, err = suite(); err != nil {
		return nil, err
	}
	if prepare != nil {
		client, err := kubernetes.NewForConfig(up.RESTConfig())
		if err != nil {
			return nil, err
		}
		if err := prepare(ctx, client); err != nil {
			return nil, err
		}
	}
	b.settings = a.settings("", up.Images)
	b.settings.Kubeconfig, b.settings.Suite = up.Kubeconfig(), b.built.identity
	found, err := ask(ctx, a, b.settings, o.Progress)
	if err != nil {
		return nil, err
	}
	if len(found.Problems) > 0 {
		return nil, unfit(found.Problems)
	}
	b.settings.Facts = found.Facts
	return b, nil
}

// close gives the cluster back, also when ctx has ended.
func (b *bench) close(ctx context.Context) error {
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	return b.up.Close(closing)
}

// run runs the suite once, into a folder of its own below the report folder; what it says goes to a file there.
func (b *bench) run(ctx context.Context, name string) (*verdict.Run, error) {
	a, s := b.asked, b.settings
	a.reportDir = filepath.Join(b.asked.reportDir, name)
	if err := emptyReport(a.reportDir); err != nil {
		return nil, err
	}
	if s.Run == "" {
		s.Run = fmt.Sprintf("%s-%d", b.up.Name(), time.Now().Unix())
	}
	s.ReportDir, s.Labels = a.reportDir, a.labels
	log, err := os.Create(filepath.Join(a.reportDir, "log.txt"))
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	if b.out != nil {
		return execute(ctx, b.built, a, s, io.MultiWriter(b.out, log))
	}
	return execute(ctx, b.built, a, s, log)
}

// choose returns what a list of patterns names, in the order of the patterns and each once. hint tells where a name can be looked up.
func choose[T any](variable, patterns string, all []T, name func(T) string, hint string) ([]T, error) {
	var chosen []T
	taken := map[string]bool{}
	for pattern := range strings.SplitSeq(patterns, ",") {
		known := false
		for _, one := range all {
			matched, err := path.Match(strings.TrimSpace(pattern), name(one))
			if err != nil {
				return nil, wrongUse{fmt.Errorf("%s=%s: %w", variable, pattern, err)}
			}
			known = known || matched
			if matched && !taken[name(one)] {
				taken[name(one)] = true
				chosen = append(chosen, one)
			}
		}
		if !known {
			return nil, wrongUse{fmt.Errorf("%s=%s: nothing is named so; %s", variable, pattern, hint)}
		}
	}
	return chosen, nil
}
