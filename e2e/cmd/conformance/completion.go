package main

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// completeWithin bounds what a shell waits for a cluster's names.
const completeWithin = 3 * time.Second

// completed is what a shell completes a flag with.
type completed = func(command *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective)

// addCompletions has shells complete the flags of a command that choose among what a kubeconfig or a cluster has.
func addCompletions(c *cobra.Command) {
	for flag, complete := range map[string]completed{
		"context": contexts,
		"storage-class": named(func(ctx context.Context, client kubernetes.Interface) (names []string, err error) {
			list, err := client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, err
			}
			for _, item := range list.Items {
				names = append(names, item.Name)
			}
			return names, nil
		}),
		"namespace":  named(namespaces),
		"namespaces": named(namespaces),
	} {
		if c.Flag(flag) != nil && c.Flag("kubeconfig") != nil {
			_ = c.RegisterFlagCompletionFunc(flag, complete) // fails for a flag that is not there
		}
	}
}

func namespaces(ctx context.Context, client kubernetes.Interface) (names []string, err error) {
	list, err := client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, item := range list.Items {
		names = append(names, item.Name)
	}
	return names, nil
}

// named completes with names that the cluster is asked for, and with nothing where it does not answer.
func named(list func(context.Context, kubernetes.Interface) ([]string, error)) completed {
	return func(command *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(command.Context(), completeWithin)
		defer cancel()
		s, err := chosen(command)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		config, err := s.RESTConfig()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, err := list(ctx, client)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	}
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
