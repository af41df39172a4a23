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
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/folder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// listLimit is how long the list of all sets may take.
const listLimit = 30 * time.Second

// diagnoseLimits are how long a cluster may take to answer: the first request, a list of sets, and each request about a set.
type diagnoseLimits struct{ first, list, each time.Duration }

// diagnoseOptions are the options of diagnose.
type diagnoseOptions struct {
	clusterOptions
	namespace, set string
	everywhere     bool
	selector       string
	format         string
	since          time.Duration
	state, save    string // files
	from           string // a folder

	limits diagnoseLimits
}

func newDiagnoseCommand() *cobra.Command {
	return diagnoseCommand(diagnoseLimits{first: preflight.AnswerLimit, list: listLimit, each: capture.AnswerLimit})
}

func diagnoseCommand(limits diagnoseLimits) *cobra.Command {
	o := diagnoseOptions{limits: limits}
	command := &cobra.Command{
		Use:   "diagnose [-n NAMESPACE | -A] [-l SELECTOR | SET]",
		Short: "Say why a StatefulSet is in trouble, on any cluster",
		Long: `Say why a StatefulSet is in trouble, on any cluster. It follows each symptom (a pod that is Pending, not Ready, was never
created or does not end; names that do not resolve; pods that cannot be evicted) to the object that causes it, and prints the
evidence, the likely cause, what to do next and the command that shows it. It only reads. What the account may not read is reported.
Without the name of a set it diagnoses all of the namespace, of all namespaces (-A), or those with some labels (-l).
It also works without a cluster: --state FILE is what --save wrote, --from FOLDER what others collected (every JSON and YAML file in it is
looked at; all namespaces, unless -n names one). What is not in the folder is reported as not read;
of objects in files of their own there may be more, and a list has all. ` + "`kubectl cluster-info dump`" + ` holds neither
claims, volumes nor StatefulSets: add them with kubectl get statefulsets,pvc,pv,storageclasses -A -o yaml > FOLDER/more.yaml.

Exit codes: 0 nothing is wrong, or nothing is late yet; 1 every symptom has a cause; 2 wrong use: an option, a file, or a set that
does not exist; 3 a symptom has no cause that could be found; 4 the cluster does not answer, or does not let the sets be read.`,
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
			if err := o.check(); err != nil {
				return cli.UsageError{Err: err}
			}
			return o.diagnose(cmd.Context(), cmd.OutOrStdout())
		},
	}
	f := cli.NewFlags(command.Flags(), os.Getenv)
	o.addFlags(f)
	f.StringP(&o.namespace, "NAMESPACE", "n", "", "`name` of the sets' namespace (default: the context's)")
	f.String(&o.set, "SET", "", "`name` of the set, instead of the argument")
	f.String(&o.state, "STATE", "", "diagnose the state that was saved to this `file`, without a cluster")
	f.String(&o.save, "SAVE", "", "save what was read of the set to this `file`")
	command.Flags().StringVar(&o.from, "from", "", "diagnose what somebody collected into this `folder`: kubectl cluster-info dump, must-gather, kubectl get -o yaml")
	command.Flags().BoolVarP(&o.everywhere, "all-namespaces", "A", false, "diagnose the sets of all namespaces")
	command.Flags().StringVarP(&o.selector, "selector", "l", "", "diagnose the sets with these `labels`, such as app=db")
	command.Flags().StringVarP(&o.format, "output", "o", "text", "`form` of what is printed: "+strings.Join(diagnose.Formats(), ", "))
	command.Flags().DurationVar(&o.since, "since", 0, "leave out events that are older than this `duration`, such as 10m")
	return command
}

// check reports options that exclude each other or say nothing.
func (o *diagnoseOptions) check() error {
	several := o.everywhere || o.selector != ""
	switch {
	case !slices.Contains(diagnose.Formats(), o.format):
		return fmt.Errorf("--output: expected one of %s, found %q", strings.Join(diagnose.Formats(), ", "), o.format)
	case o.set != "" && several:
		return errors.New("expected the name of one set, or -A and -l for several, found both")
	case o.everywhere && o.namespace != "":
		return errors.New("expected -n or -A, found both")
	case o.save != "" && several:
		return errors.New("SAVE: a file holds the state of one set, and several were chosen")
	case o.state != "" && several:
		return errors.New("STATE: a file holds the state of one set, and -A or -l choose among a cluster's")
	case o.state != "" && o.from != "":
		return errors.New("expected STATE or --from, found both")
	case o.since < 0:
		return fmt.Errorf("--since: expected a duration such as 10m, found %s", o.since)
	}
	if _, err := labels.Parse(o.selector); err != nil {
		return fmt.Errorf("--selector: %w", err)
	}
	return nil
}

func (o *diagnoseOptions) diagnose(ctx context.Context, out io.Writer) error {
	states, err := o.read(ctx)
	if err != nil {
		return err
	}
	if o.save != "" {
		if len(states) > 1 {
			return cli.UsageError{Err: errors.New("SAVE: a file holds the state of one set, name it with SET=")}
		}
		if err := states[0].Save(o.save); err != nil {
			return cli.UsageError{Err: fmt.Errorf("SAVE: %w", err)}
		}
	}
	all := make([]diagnose.Diagnosis, 0, len(states))
	for _, s := range states {
		s.Since.Duration = o.since
		all = append(all, diagnose.Of(s))
	}
	if err := diagnose.WriteAll(out, o.format, all); err != nil {
		return err
	}
	switch diagnose.Conclusion(all) {
	case diagnose.Explained:
		return inTrouble("", 1)
	case diagnose.Unexplained:
		return inTrouble(", and not all of it could be explained", 3)
	}
	return nil
}

// unreadable returns the error of a cluster that does not answer, or that does not let the sets be read.
func unreadable(err error) error { return cli.ExitError{Err: err, Code: 4} }

// inTrouble returns the error of a diagnosis that found something; text goes on with how far it is explained.
func inTrouble(text string, code int) error {
	return cli.ExitError{Err: fmt.Errorf("in trouble%s (exit code %d)", text, code), Code: code}
}

func (o *diagnoseOptions) read(ctx context.Context) ([]*diagnose.State, error) {
	if o.state != "" {
		state, err := diagnose.Load(o.state)
		if err != nil {
			return nil, cli.UsageError{Err: err}
		}
		return []*diagnose.State{state}, nil
	}
	if o.from != "" {
		return o.collected(ctx)
	}
	var s runconfig.Settings
	_, wrong, err := o.choose(&s)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return nil, cli.UsageError{Err: errors.New(wrong[0].Text)}
	}
	config, err := s.RESTConfig()
	if err != nil {
		return nil, cli.UsageError{Err: err}
	}
	config.QPS = -1 // some two dozen requests at once are no load
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, cli.UsageError{Err: err}
	}
	if o.namespace == "" {
		o.namespace = contextNamespace(s)
	}
	o.limits = diagnoseLimits{first: o.within(o.limits.first), list: o.within(o.limits.list), each: o.within(o.limits.each)}
	if problem := preflight.Reach(ctx, client, o.limits.first); problem != nil {
		return nil, unreadable(errors.New(problem.Text))
	}
	return o.states(ctx, client)
}

// collected reads the sets that were chosen of a folder, at the time at which it was collected.
func (o *diagnoseOptions) collected(ctx context.Context) ([]*diagnose.State, error) {
	found, err := folder.Read(o.from)
	if err != nil {
		return nil, cli.UsageError{Err: fmt.Errorf("--from: %w", err)}
	}
	client, err := found.Client()
	if err != nil {
		return nil, err
	}
	o.everywhere = o.namespace == ""
	o.limits = diagnoseLimits{list: time.Hour, each: time.Hour} // a folder answers everything, however large it is
	states, err := o.states(ctx, client)
	for _, s := range states {
		s.Taken = metav1.NewTime(found.Taken())
		if found.Inferred {
			s.Unread = append(s.Unread, diagnose.Unread{What: "statefulsets", Why: "not in the folder: of the set is known what its pods show"})
		}
		partial := slices.Concat(found.Partial(""), found.Partial(s.Namespace))
		for _, resource := range found.Partial(metav1.NamespaceSystem) {
			partial = append(partial, resource+" in "+metav1.NamespaceSystem)
		}
		for _, what := range partial {
			s.Unread = append(s.Unread, diagnose.Unread{What: what, Why: "the folder has some in files of their own, and perhaps not all: a list, as kubectl get -o yaml makes it, has all"})
		}
		for _, file := range found.Skipped {
			s.Unread = append(s.Unread, diagnose.Unread{What: "file", Why: file})
		}
	}
	return states, err
}

// states reads the sets that were chosen.
func (o *diagnoseOptions) states(ctx context.Context, client kubernetes.Interface) ([]*diagnose.State, error) {
	sets := []types.NamespacedName{{Namespace: o.namespace, Name: o.set}}
	if o.set == "" || o.everywhere {
		var err error
		if sets, err = o.chosen(ctx, client); err != nil {
			return nil, err
		}
	}
	var states []*diagnose.State
	for _, set := range sets {
		state, err := capture.State(ctx, client, set.Namespace, set.Name, o.limits.each)
		if err != nil {
			return nil, unreadable(err)
		}
		if state.StatefulSet == nil && o.set == "" {
			continue // It was deleted since it was listed.
		}
		if state.StatefulSet == nil {
			return nil, cli.UsageError{Err: fmt.Errorf("expected a StatefulSet %s in namespace %s, found none; %s", o.set, o.namespace, setsOf(ctx, client, o.namespace))}
		}
		states = append(states, state)
	}
	return states, nil
}

// chosen are the sets of the namespace or of all, with the labels that were chosen.
func (o *diagnoseOptions) chosen(ctx context.Context, client kubernetes.Interface) ([]types.NamespacedName, error) {
	ctx, cancel := context.WithTimeout(ctx, o.limits.list)
	defer cancel()
	namespace := o.namespace
	if o.everywhere {
		namespace = metav1.NamespaceAll
	}
	list, err := client.AppsV1().StatefulSets(namespace).List(ctx, metav1.ListOptions{LabelSelector: o.selector})
	if err != nil {
		return nil, unreadable(fmt.Errorf("listing the StatefulSets: %w", err))
	}
	var sets []types.NamespacedName
	for i := range list.Items {
		if o.set == "" || o.set == list.Items[i].Name {
			sets = append(sets, types.NamespacedName{Namespace: list.Items[i].Namespace, Name: list.Items[i].Name})
		}
	}
	if len(sets) > 0 {
		return sets, nil
	}
	where := "of any namespace"
	if !o.everywhere {
		where = fmt.Sprintf("in namespace %s; %s", namespace, setsOf(ctx, client, namespace))
	}
	what := strings.TrimSpace("StatefulSets " + o.set)
	if o.selector != "" {
		what += " with the labels " + o.selector
		where += " (labels of the sets themselves, which need not be those of their pods)"
	}
	return nil, cli.UsageError{Err: fmt.Errorf("expected %s, found none %s", what, where)}
}

func contextNamespace(s runconfig.Settings) string {
	if s.Kubeconfig != "" {
		if name, _, err := s.ClientConfig().Namespace(); err == nil && name != "" {
			return name
		}
	}
	return metav1.NamespaceDefault
}

// orphans says which pods of a namespace were of a set and have no controller any more, "" if there are none or they may not be read. The API server
// cannot be asked for them alone.
func orphans(ctx context.Context, client kubernetes.Interface, namespace string) string {
	pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: appsv1.StatefulSetPodNameLabel})
	if err != nil {
		return ""
	}
	var names []string
	for i := range pods.Items {
		if metav1.GetControllerOf(&pods.Items[i]) == nil {
			names = append(names, pods.Items[i].Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	const most = 4
	if len(names) > most {
		names = append(names[:most], "...")
	}
	return fmt.Sprintf(" (pods without a controller: %s; a set that is deleted with --cascade=orphan leaves them, and one that is created with its name and selector takes them over)", strings.Join(names, ", "))
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
		return fmt.Sprintf("namespace %s has no StatefulSets: name another with NAMESPACE=", namespace) + orphans(ctx, client, namespace)
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
	return fmt.Sprintf("namespace %s has %s: name one with SET=", namespace, strings.Join(names, ", ")) + orphans(ctx, client, namespace)
}
