package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// diagnoseLimit bounds all requests to the cluster.
const diagnoseLimit = 30 * time.Second

// diagnoseOptions are the options of diagnose.
type diagnoseOptions struct {
	clusterOptions
	namespace, set string
	state, save    string // files
}

func newDiagnoseCommand() *cobra.Command {
	var o diagnoseOptions
	command := &cobra.Command{
		Use:   "diagnose [-n NAMESPACE] SET",
		Short: "Say why a StatefulSet is in trouble, on any cluster",
		Long: `Say why a StatefulSet is in trouble, on any cluster. It follows each symptom (a pod that is Pending, not Ready, was never
created or does not end; names that do not resolve; pods that cannot be evicted) to the object that causes it, and prints the
evidence, the likely cause, what to do next and the command that shows it. It only reads. What the account may not read is reported.

Exit codes: 0 nothing is wrong, or nothing is late yet; 1 every symptom has a cause; 2 wrong use, or the cluster or the set cannot
be read; 3 a symptom has no cause that could be found.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return cli.UsageError{Err: fmt.Errorf("%q wants one argument, the name of a StatefulSet, and got %d", cmd.CommandPath(), len(args))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				o.set = strings.TrimPrefix(args[0], "statefulset/")
			}
			return o.diagnose(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := cli.NewFlags(command.Flags(), os.Getenv)
	o.addFlags(f)
	f.StringP(&o.namespace, "NAMESPACE", "n", "", "`name` of the set's namespace (default: the context's)")
	f.String(&o.set, "SET", "", "`name` of the set, instead of the argument")
	f.String(&o.state, "STATE", "", "diagnose the state that was saved to this `file`, without a cluster")
	f.String(&o.save, "SAVE", "", "save what was read to this `file`")
	return command
}

func (o *diagnoseOptions) diagnose(ctx context.Context, out io.Writer) error {
	state, err := o.read(ctx)
	if err != nil {
		return cli.UsageError{Err: err}
	}
	if o.save != "" {
		if err := state.Save(o.save); err != nil {
			return cli.UsageError{Err: fmt.Errorf("SAVE: %w", err)}
		}
	}
	found := diagnose.Diagnose(state)
	if err := diagnose.Write(out, state, found); err != nil {
		return err
	}
	switch diagnose.Conclude(found) {
	case diagnose.Explained:
		return diagnosed{"the set is in trouble", 1}
	case diagnose.Unexplained:
		return diagnosed{"the set is in trouble, and not all of it could be explained", 3}
	}
	return nil
}

// diagnosed ends the process with a diagnosis' exit code.
type diagnosed struct {
	text string
	code int
}

func (d diagnosed) Error() string { return fmt.Sprintf("%s (exit code %d)", d.text, d.code) }

// ExitCode is the process's exit code.
func (d diagnosed) ExitCode() int { return d.code }

func (o *diagnoseOptions) read(ctx context.Context) (*diagnose.State, error) {
	if o.state != "" {
		return diagnose.Load(o.state)
	}
	ctx, cancel := context.WithTimeout(ctx, diagnoseLimit)
	defer cancel()
	var s runconfig.Settings
	_, wrong, err := o.choose(&s)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return nil, errors.New(wrong[0].Text)
	}
	config, err := s.RESTConfig()
	if err != nil {
		return nil, err
	}
	config.QPS = -1 // some two dozen requests at once are no load
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	if problem := preflight.Reach(ctx, client); problem != nil {
		return nil, errors.New(problem.Text)
	}
	if o.namespace == "" {
		o.namespace = contextNamespace(s)
	}
	if o.set == "" {
		return nil, fmt.Errorf("SET: expected the name of a StatefulSet, found none; %s", setsOf(ctx, client, o.namespace))
	}
	state, err := capture.State(ctx, client, o.namespace, o.set)
	if err != nil {
		return nil, err
	}
	if state.StatefulSet == nil {
		return nil, fmt.Errorf("expected a StatefulSet %s in namespace %s, found none; %s", o.set, o.namespace, setsOf(ctx, client, o.namespace))
	}
	return state, nil
}

func contextNamespace(s runconfig.Settings) string {
	if s.Kubeconfig != "" {
		if name, _, err := s.ClientConfig().Namespace(); err == nil && name != "" {
			return name
		}
	}
	return metav1.NamespaceDefault
}

// setsOf says which sets a namespace has.
func setsOf(ctx context.Context, client kubernetes.Interface, namespace string) string {
	if _, err := client.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{}); apierrors.IsNotFound(err) {
		return fmt.Sprintf("the cluster has no namespace %s: name another with NAMESPACE=", namespace)
	}
	list, err := client.AppsV1().StatefulSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return "name one with SET="
	}
	if len(list.Items) == 0 {
		return fmt.Sprintf("namespace %s has no StatefulSets: name another with NAMESPACE=", namespace)
	}
	names := make([]string, 0, len(list.Items))
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	slices.Sort(names)
	const most = 10
	if len(names) > most {
		names = append(names[:most], "...")
	}
	return fmt.Sprintf("namespace %s has %s: name one with SET=", namespace, strings.Join(names, ", "))
}
