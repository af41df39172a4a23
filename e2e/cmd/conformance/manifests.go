package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hero-academy/statefulset-conformance/e2e/deploy"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
)

func newManifestsCommand() *cobra.Command {
	var suite string
	command := &cobra.Command{
		Use:   "manifests NAME",
		Short: "Print a manifest to apply to a cluster: " + strings.Join(deploy.Names(), ", "),
		Long: `Print a manifest to apply to a cluster:

  rbac               an account with the rights of a run, and a policy that confines it
  rbac-namespaced    the rights of a run in existing namespaces, to be applied in each
  rbac-record        the rights of "conformance record" in a namespace, which only read, to be applied in each
  rbac-record-nodes  the right to read nodes, which a recording can do without
  record             "conformance record" as a Deployment with an account of its own, whose rights are the two above
  job                the suite as a Job that this account runs
  audit-policy       an audit policy whose log "conformance record --audit-log" can read; it is for the API server, and not to be applied
  sonobuoy           the suite as a plugin of Sonobuoy

For example: conformance manifests rbac | kubectl apply -f -`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return cli.UsageError{Err: fmt.Errorf("%q wants one argument, the name of a manifest: %s", cmd.CommandPath(), strings.Join(deploy.Names(), ", "))}
			}
			return nil
		},
		ValidArgs: deploy.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := deploy.Manifest(args[0])
			if err != nil {
				return cli.UsageError{Err: err}
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), withImage(text, suite))
			return err
		},
	}
	cli.NewFlags(command.Flags(), os.Getenv).String(&suite, images.SuiteSetting, "", "`image` of the suite in a registry, by digest (default: "+images.Suite+", which must be brought to the nodes)")
	return command
}

// withImage has a manifest run an image of a registry in place of the one that is brought to the nodes.
func withImage(text, image string) string {
	if image == "" {
		return text
	}
	return strings.NewReplacer("image: "+images.Suite, "image: "+image, "imagePullPolicy: Never", "imagePullPolicy: IfNotPresent").Replace(text)
}
