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

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/cleanup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

// cleanOptions are the options of clean.
type cleanOptions struct {
	certifyOptions
	run string
}

func newCleanCommand() *cobra.Command {
	var o cleanOptions
	command := &cobra.Command{
		Use:   "clean",
		Short: "Remove what interrupted runs left on a cluster, and nothing else",
		Long: `Remove what interrupted runs left on a cluster, found by label: the namespaces that runs made, or with NAMESPACES=a,b,... what they made
in those. A run that is under way there would lose its namespaces too: RUN names the one run that is meant.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return cleanCluster(cmd.Context(), &o, cmd.ErrOrStderr()) },
	}
	f := cli.NewFlags(command.Flags(), os.Getenv)
	o.addFlags(f)
	f.String(&o.run, "RUN", "", "`name` of the run whose objects are removed (default: every run)")
	return command
}

// cleanCluster removes what runs left on a cluster.
func cleanCluster(ctx context.Context, o *cleanOptions, out io.Writer) error {
	problems := o.Validate(allLevels()...)
	var s runconfig.Settings
	target, wrong, err := o.choose(&s)
	if err != nil {
		return err
	}
	if problems = append(problems, wrong...); len(problems) > 0 {
		return runner.PreflightError(problems)
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
	if o.run != "" {
		selector += "=" + o.run
	}
	found, err := left(ctx, client, o.Namespaces, selector)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		fmt.Fprintln(out, "clean: nothing is left there")
		return nil
	}
	for _, o := range found {
		fmt.Fprintf(out, "clean: removing %s, left by run %s\n", cleanup.Describe(o), o.GetLabels()[runconfig.RunLabel])
	}
	if err := cleanup.Delete(ctx, client, found); err != nil {
		return err
	}
	// The account may list what it removes, and need not be allowed more.
	err = wait.PollUntilContextTimeout(ctx, time.Second, o.Limits.NamespaceGone, true, func(ctx context.Context) (bool, error) {
		found, err = left(ctx, client, o.Namespaces, selector)
		return len(found) == 0, err
	})
	if err != nil && len(found) > 0 {
		return fmt.Errorf("%s is still there: see its finalizers and status.conditions (kubectl get -o yaml): %w", cleanup.Describe(found[0]), err)
	}
	return err
}

// left finds what runs left: the namespaces that they made, or what they made in existing ones.
func left(ctx context.Context, client klient.Client, namespaces []string, selector string) ([]crclient.Object, error) {
	if len(namespaces) == 0 {
		return cleanup.Namespaces(ctx, client, selector)
	}
	var out []crclient.Object
	for _, name := range namespaces {
		found, err := cleanup.Objects(ctx, client, name, selector)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}
