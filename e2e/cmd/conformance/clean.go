package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/wait"
	crclient "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/e2e-framework/klient"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/given"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/cluster"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func newCleanCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "clean",
		Short: "Remove all that this project ever left on this machine, or on the cluster of KUBECONFIG or CONTEXT, and nothing else",
		Long: `Remove all that this project ever left on this machine, and nothing else: its clusters, its images in the container engine,
the container engine that it started, and its cache folder. Installed Debian packages stay.

With KUBECONFIG or CONTEXT set it removes what interrupted runs left on that cluster instead, found by label: the namespaces that
runs made, or with NAMESPACES=a,b,... what they made in those. A run that is under way there would lose its namespaces too: RUN
names the one run that is meant.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, out := cmd.Context(), cmd.ErrOrStderr()
			if os.Getenv("KUBECONFIG") != "" || os.Getenv("CONTEXT") != "" {
				return cleanCluster(ctx, os.Getenv, out)
			}
			return cleanMachine(ctx, out)
		},
	}
}

func cleanMachine(ctx context.Context, out io.Writer) error {
	if err := cluster.RemoveAll(ctx, out); err != nil {
		return err
	}
	if err := nodeimage.Clean(ctx, out); err != nil {
		return err
	}
	if err := engine.Clean(ctx, out); err != nil {
		return err
	}
	cache, err := engine.CacheDir()
	if err != nil {
		return err
	}
	return os.RemoveAll(cache)
}

// cleanCluster removes what runs left on a cluster that is not the suite's to remove.
func cleanCluster(ctx context.Context, getenv func(string) string, out io.Writer) error {
	a, problems := readAsked(getenv, allLevels()...)
	s := runconfig.Settings{Context: getenv("CONTEXT")}
	var err error
	if s.Kubeconfig, err = kubeconfigPath(getenv("KUBECONFIG")); err != nil {
		return wrongUse{fmt.Errorf("KUBECONFIG: %w", err)}
	}
	target, wrong := preflight.Kubeconfig(s)
	if problems = append(problems, wrong...); len(problems) > 0 {
		return unfit(problems)
	}
	fmt.Fprintf(out, "clean: context %s at %s\n", target.Context, target.Server)
	config, err := s.RESTConfig()
	if err != nil {
		return err
	}
	client, err := klient.New(config)
	if err != nil {
		return err
	}
	selector := runconfig.ManagedByLabel + "=" + runconfig.ManagedBy + "," + runconfig.RunLabel
	if run := getenv("RUN"); run != "" {
		selector += "=" + run
	}
	found, err := left(ctx, client, a.namespaces, selector)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		fmt.Fprintln(out, "clean: nothing is left there")
		return nil
	}
	for _, o := range found {
		fmt.Fprintf(out, "clean: removing %s, left by run %s\n", given.Name(o), o.GetLabels()[runconfig.RunLabel])
	}
	if err := given.Remove(ctx, client, found); err != nil {
		return err
	}
	// The account may list what it removes, and need not be allowed more.
	err = wait.PollUntilContextTimeout(ctx, time.Second, a.limits.NamespaceGone, true, func(ctx context.Context) (bool, error) {
		found, err = left(ctx, client, a.namespaces, selector)
		return len(found) == 0, err
	})
	if err != nil && len(found) > 0 {
		return fmt.Errorf("%s is still there: see its finalizers and status.conditions (kubectl get -o yaml): %w", given.Name(found[0]), err)
	}
	return err
}

// left finds what runs left: namespaces, or what they made in those that were given.
func left(ctx context.Context, client klient.Client, namespaces []string, selector string) ([]crclient.Object, error) {
	if len(namespaces) == 0 {
		return given.Namespaces(ctx, client, selector)
	}
	var out []crclient.Object
	for _, name := range namespaces {
		found, err := given.Objects(ctx, client, name, selector)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
