package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
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
	clusterOptions
	run, prefix, namespaces, reportDir string
	all                                bool
}

func newCleanCommand() *cobra.Command {
	var o cleanOptions
	command := &cobra.Command{
		Use:   "clean --kubeconfig FILE [--run NAME | --all]",
		Short: "List what ended runs left on a cluster, and remove it",
		Long: `List what runs left on a cluster, and remove that of one run, or of all, if asked to. No variable of the environment chooses the cluster.

It removes namespaces that a run created: of the name that it gives them, with its labels and with its annotations. It removes nothing of a
run that may still be under way: until the run's time limit has passed since it last created a namespace, a run counts as ended only if its
report folder is here and no process has it open. With --namespaces it removes what the run left in those, by the run's label.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.clean(cmd.Context(), cmd.ErrOrStderr()) },
	}
	f := cli.NewFlags(command.Flags(), nil)
	o.addFlags(f)
	f.String(&o.run, "RUN", "", "`name` of the run whose objects are removed")
	f.Bool(&o.all, "ALL", "remove what every run that has ended left")
	f.String(&o.prefix, "NAMESPACE_PREFIX", runner.DefaultNamespacePrefix, "`text` that the names of the run's namespaces begin with")
	f.String(&o.namespaces, "NAMESPACES", "", "existing `namespaces` that the run used, as a,b,...")
	f.String(&o.reportDir, "REPORT_DIR", runner.DefaultReportDir, "`folder` of the run's report, which shows whether the run has ended")
	return command
}

// clean lists what runs left on a cluster, and removes what it was asked to.
func (o *cleanOptions) clean(ctx context.Context, out io.Writer) error {
	usage := func(format string, args ...any) error { return cli.UsageError{Err: fmt.Errorf(format, args...)} }
	switch {
	case o.kubeconfig == "":
		return usage("KUBECONFIG: expected the cluster to be chosen on the command line, with KUBECONFIG=file behind make clean-cluster or --kubeconfig file; the environment does not count")
	case o.run != "" && o.all:
		return usage("RUN=%s ALL=1: expected one of the two", o.run)
	case o.namespaces != "" && o.all:
		return usage("NAMESPACES=%s ALL=1: expected RUN=name, since others may use these namespaces too", o.namespaces)
	}
	var s runconfig.Settings
	target, wrong, err := o.choose(&s)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return runner.PreflightError(wrong)
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
	found, err := o.left(ctx, client)
	if err != nil {
		return err
	}
	now, err := serverTime(ctx, client)
	if err != nil && len(found) > 0 {
		return err
	}
	return o.remove(ctx, client, out, found, now)
}

// left finds what carries the labels of runs: namespaces, or what is in existing ones.
func (o *cleanOptions) left(ctx context.Context, client klient.Client) ([]crclient.Object, error) {
	selector := runconfig.ManagedByLabel + "=" + runconfig.ManagedBy + "," + runconfig.RunLabel
	if o.run != "" {
		selector += "=" + o.run
	}
	if o.namespaces == "" {
		return cleanup.Namespaces(ctx, client, selector)
	}
	var out []crclient.Object
	for name := range strings.SplitSeq(o.namespaces, ",") {
		found, err := cleanup.Objects(ctx, client, name, selector)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// serverTime is the API server's time, which the creation times of objects are in. It is in the answer to a SelfSubjectReview, which every
// account may ask for.
func serverTime(ctx context.Context, client klient.Client) (time.Time, error) {
	review := &authenticationv1.SelfSubjectReview{}
	if err := client.Resources().GetControllerRuntimeClient().Create(ctx, review); err != nil {
		return time.Time{}, fmt.Errorf("asking the API server for its time, by a SelfSubjectReview: %w", err)
	}
	if review.CreationTimestamp.IsZero() {
		return time.Time{}, errors.New("the API server's answer to a SelfSubjectReview has no creationTimestamp, so that the age of runs is unknown")
	}
	return review.CreationTimestamp.Time, nil
}

// remove lists what was found, and removes the chosen part of it.
func (o *cleanOptions) remove(ctx context.Context, client klient.Client, out io.Writer, found []crclient.Object, now time.Time) error {
	keep := o.reasonsToKeep(found, now)
	var chosen []crclient.Object
	for i, object := range found {
		what := fmt.Sprintf("%s of run %s", cleanup.Describe(object), object.GetLabels()[runconfig.RunLabel])
		switch {
		case keep[i] != "":
			fmt.Fprintf(out, "clean: %s stays: %s\n", what, keep[i])
		case o.run == "" && !o.all:
			fmt.Fprintf(out, "clean: %s can be removed\n", what)
			chosen = append(chosen, object)
		default:
			fmt.Fprintf(out, "clean: removing %s\n", what)
			chosen = append(chosen, object)
		}
	}
	if len(chosen) == 0 {
		fmt.Fprintln(out, "clean: nothing is there to be removed")
		return nil
	}
	if o.run == "" && !o.all {
		return cli.UsageError{Err: errors.New("nothing was removed: choose one run with RUN=name, or all of them with ALL=1")}
	}
	if err := cleanup.Delete(ctx, client, chosen); err != nil {
		return err
	}
	return o.awaitGone(ctx, client, chosen)
}

// awaitGone waits until objects are gone. The account may list what it removes, and need not be allowed more.
func (o *cleanOptions) awaitGone(ctx context.Context, client klient.Client, removed []crclient.Object) error {
	uids := map[string]bool{}
	for _, object := range removed {
		uids[string(object.GetUID())] = true
	}
	last := ""
	err := wait.PollUntilContextTimeout(ctx, time.Second, runconfig.DefaultLimits().NamespaceGone, true, func(ctx context.Context) (bool, error) {
		found, err := o.left(ctx, client)
		last = ""
		for _, object := range found {
			if uids[string(object.GetUID())] {
				last = cleanup.Describe(object)
			}
		}
		return last == "" && err == nil, err
	})
	if err != nil && last != "" {
		return fmt.Errorf("%s is still there: see its finalizers and status.conditions (kubectl get -o yaml): %w", last, err)
	}
	return err
}

var uuidPattern = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// reasonsToKeep says for each object why it must stay, "" if it may go.
func (o *cleanOptions) reasonsToKeep(found []crclient.Object, now time.Time) []string {
	// The youngest object of a run is its last sign of life.
	lastSign, lasts := map[string]time.Time{}, map[string]time.Duration{}
	for _, object := range found {
		run := object.GetLabels()[runconfig.RunLabel]
		if at := object.GetCreationTimestamp().Time; at.After(lastSign[run]) {
			lastSign[run] = at
		}
		d, err := time.ParseDuration(object.GetAnnotations()[runconfig.LastsAnnotation])
		if err != nil {
			d = 2 * time.Hour // of objects in existing namespaces, which have no annotations
		}
		lasts[run] = max(lasts[run], d)
	}
	names := regexp.MustCompile("^" + regexp.QuoteMeta(o.prefix) + "-(probe-)?[a-z0-9]{5}$")
	ended, endedID := o.endedHere()
	out := make([]string, len(found))
	for i, object := range found {
		run, id := object.GetLabels()[runconfig.RunLabel], object.GetAnnotations()[runconfig.IDAnnotation]
		_, isNamespace := object.(*corev1.Namespace)
		over := lastSign[run].Add(lasts[run])
		switch {
		case isNamespace && !names.MatchString(object.GetName()):
			out[i] = fmt.Sprintf("no run with NAMESPACE_PREFIX=%s creates a namespace of that name", o.prefix)
		case isNamespace && !uuidPattern.MatchString(id):
			out[i] = "it lacks the annotation " + runconfig.IDAnnotation + ", which a run writes"
		case run == ended && isNamespace && id != endedID:
			out[i] = "its annotation " + runconfig.IDAnnotation + " is not that of the run, whose report is here"
		case run != ended && now.Before(over):
			out[i] = fmt.Sprintf("the run may be under way until %s; if it has ended, name its report with REPORT_DIR", over.UTC().Format(time.RFC3339))
		}
	}
	return out
}

// endedHere returns the name and the ID of the run whose report is in the report folder, if no process writes there.
func (o *cleanOptions) endedHere() (run, id string) {
	s, err := runconfig.Load(filepath.Join(o.reportDir, runner.SettingsFile))
	if err != nil || runner.InUse(o.reportDir) {
		return "", ""
	}
	return s.Run, s.ID
}
