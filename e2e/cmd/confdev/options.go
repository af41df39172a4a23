package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

// imageOptions say what a kind cluster is made of.
type imageOptions struct {
	nodeImage, kubernetesVersion string
}

func (o *imageOptions) addFlags(f cli.Flags) {
	f.String(&o.nodeImage, "NODE_IMAGE", "", "node `image` to use as it is")
	f.String(&o.kubernetesVersion, "K8S_VERSION", "", "`version` of Kubernetes")
}

// trialOptions are the options of a command that tries the suite itself.
type trialOptions struct {
	runner.Options
	clusterName string
	keep        bool
	// by is what a cluster is tried with: bySpecs or byExploring.
	by string
}

// What a cluster may be tried with.
const (
	bySpecs     = "specs"
	byExploring = "explore"
)

func (o *trialOptions) addFlags(f cli.Flags) {
	o.AddFlags(f)
	addClusterName(f, &o.clusterName)
	f.Bool(&o.keep, "KEEP_CLUSTER", "keep the cluster for the next time")
}

// validate completes the options and opens the report folder, which is below the usual one if nobody named another.
func (o *trialOptions) validate(purpose string) (*runner.ReportDir, error) {
	if err := cluster.CheckName(o.clusterName); err != nil {
		return nil, asUsage(err)
	}
	o.UseReportDir(purpose)
	if problems := o.Validate(contract.Core, contract.Extended); len(problems) > 0 {
		return nil, runner.PreflightError(problems)
	}
	return runner.OpenReport(o.ReportDir)
}

func (o *trialOptions) addBy(f cli.Flags) {
	f.String(&o.by, "BY", bySpecs, "`what` the cluster is tried with: "+bySpecs+", or "+byExploring+" for random acts alone, for the time of EXPLORE (5m) at most")
}

// tryBy has the cluster be tried as BY says, and completes the name of what is kept of it.
func (o *trialOptions) tryBy(purpose string) (string, error) {
	switch o.by {
	case bySpecs:
		return purpose, nil
	case byExploring:
		o.Exploration.Default(exploreTime)
		o.Exploration.Only = true
		return purpose + "-" + byExploring, nil
	}
	return "", cli.UsageError{Err: fmt.Errorf("BY=%s: expected %s or %s", o.by, bySpecs, byExploring)}
}

// clusterFor is the name of the cluster for a purpose, unless one was named.
func (o *trialOptions) clusterFor(purpose string) string {
	if o.clusterName != "" {
		return o.clusterName
	}
	return cluster.DefaultName + "-" + purpose
}

// runName names a run on a cluster: two that begin in the same second must not take each other's namespaces for their own.
func runName(on string) string {
	return fmt.Sprintf("%s-%d-%s", on, time.Now().Unix(), rand.String(5))
}

// flagsOf are the flags of a command, with the environment as their defaults.
func flagsOf(command *cobra.Command) cli.Flags { return cli.NewFlags(command.Flags(), os.Getenv) }

// up is cluster.Up; a version or an image that cannot be had is wrong use.
func up(ctx context.Context, o cluster.Options) (*cluster.Cluster, error) {
	c, err := cluster.Up(ctx, o)
	return c, asUsage(err)
}

// asUsage marks the errors of packages cluster and nodeimage that the person can fix.
func asUsage(err error) error {
	if errors.As(err, new(*cluster.InvalidNameError)) || errors.As(err, new(*nodeimage.UnsupportedVersionError)) || errors.As(err, new(*nodeimage.MissingImageError)) {
		return cli.UsageError{Err: err}
	}
	return err
}
