package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// completeWithin bounds what a shell waits for a cluster's names.
const completeWithin = 3 * time.Second

// completed is what a shell completes a flag with.
type completed = func(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective)

// addCompletions has shells complete the flags of a command that choose among what a kubeconfig or a cluster has.
func addCompletions(c *cobra.Command) {
	namespaces := named(func(ctx context.Context, client kubernetes.Interface) (runtime.Object, error) {
		return client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	})
	for flag, complete := range map[string]completed{
		"context": contexts,
		"storage-class": named(func(ctx context.Context, client kubernetes.Interface) (runtime.Object, error) {
			return client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
		}),
		"namespace": namespaces, "namespaces": namespaces,
	} {
		if c.Flag(flag) != nil && c.Flag("kubeconfig") != nil {
			_ = c.RegisterFlagCompletionFunc(flag, complete) // fails for a flag that is not there
		}
	}
}

// named completes with the names in a list that the cluster is asked for, and with nothing where it does not answer.
func named(list func(context.Context, kubernetes.Interface) (runtime.Object, error)) completed {
	return func(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		names, err := namesOfCluster(command, list)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

func namesOfCluster(command *cobra.Command, list func(context.Context, kubernetes.Interface) (runtime.Object, error)) (names []string, err error) {
	ctx, cancel := context.WithTimeout(command.Context(), completeWithin)
	defer cancel()
	s, err := chosen(command)
	if err != nil {
		return nil, err
	}
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	found, err := list(ctx, client)
	if err != nil {
		return nil, err
	}
	err = meta.EachListItem(found, func(o runtime.Object) error {
		named, err := meta.Accessor(o)
		if err == nil {
			names = append(names, named.GetName())
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// chosen returns the choice of the cluster as far as it is typed.
func chosen(command *cobra.Command) (s runconfig.Settings, err error) {
	s.Context = command.Flag("context").Value.String()
	s.Kubeconfig, err = kubeconfigPath(command.Flag("kubeconfig").Value.String())
	return s, err
}

// contexts are the names of the kubeconfig's contexts.
func contexts(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	s, err := chosen(command)
	if err != nil || s.Kubeconfig == "" {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	raw, err := s.ClientConfig().RawConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(raw.Contexts)), cobra.ShellCompDirectiveNoFileComp
}
