package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// recordOptions are the options of record.
type recordOptions struct {
	clusterOptions
	namespaces, selector, folder string
	objectives                   []string
	limit, rotate                time.Duration
	metrics, pages               string   // the addresses that they are served at
	keep                         int      // how many recordings stay in the folder, 0 for all
	auditLogs                    []string // files to read in place of a cluster

	chosen labels.Selector
	// complete bounds how long the end of the recording waits for what has happened by then.
	complete time.Duration
	// metricsAge is how old an answer with metrics may be.
	metricsAge time.Duration
	// events is how many the histories have at most that are not finished, 0 for maxRecordedEvents.
	events int
}

func newRecordCommand() *cobra.Command {
	o := recordOptions{complete: runconfig.DefaultLimits().RecordingComplete, metricsAge: defaultMetricsAge}
	command := &cobra.Command{
		Use:   "record -n NAMESPACE[,NAMESPACE] [-l SELECTOR] [--for 2h] [-o FOLDER]",
		Short: "Record the StatefulSets of namespaces while others work in them, and say what happened",
		Long: `Record the StatefulSets of namespaces while others work in them, such as through the night of an upgrade, and say what happened: who
did what to them, how long each pod was down and each set without a majority, what the cluster took, which promises were broken,
with the evidence, and what could not be judged since nothing shows whose act it was. It reads and changes nothing; what the account
may not read is told, and the rest recorded ("conformance manifests rbac-record" prints the rights in a namespace, and
rbac-record-nodes that to read nodes: which of them was NotReady, cordoned, tainted or gone is then told beside the outages).

It ends after --for, or when it is interrupted; a second interrupt ends it at once, without a result. An API server that is away, or is
restarted, ends nothing: what was missed is told as a gap. Each start makes a folder of its own below FOLDER, named after the time,
so that nothing is overwritten and no recording claims to know what happened between two. An event takes some 2 KiB of memory until its
history is saved, which is after --rotate or ` + strconv.Itoa(maxRecordedEvents) + ` events of all namespaces beside what was there at first; what is known by
then stays if the process is killed. What the recording itself took, in requests and memory, is told with the rest.

With --audit-log it reads an API server's audit log of level RequestResponse in place of a cluster ("conformance manifests audit-policy"), which also
names the people: who did what is then told by user and program. What the log does not hold is told, and nothing is judged by it.

Nobody marks what is done to the sets, so that it accuses nobody where another may have acted, judges nothing in the first seconds of a
history, and allows the controller's caches ` + judge.MaxLag.String() + ` and the clocks ` + judge.MaxClockSkew.String() + `: the most that a test of the cluster would.

Exit codes: 0 nothing is broken; 1 a promise is broken; 2 wrong use; 3 nothing could be recorded, or not all of it saved.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return cli.UsageError{Err: err}
			}
			if len(o.auditLogs) > 0 {
				return o.recordAudit(cmd.OutOrStdout(), cmd.ErrOrStderr())
			}
			return o.record(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cli.NewFlags(command.Flags(), os.Getenv)
	o.addFlags(f)
	f.StringP(&o.namespaces, "NAMESPACE", "n", "", "`names` of the namespaces, separated by commas (default: the context's)")
	f.Strings(&o.objectives, "OBJECTIVE", "`figure` and the most that it may be, such as pod-ready.p95=30s, several times or with commas between; met or not, it changes no exit code")
	command.Flags().StringVarP(&o.selector, "selector", "l", "", "tell of the sets with these `labels` alone, such as app=db")
	command.Flags().DurationVar(&o.limit, "for", 0, "end after this `duration`, such as 2h (default: when it is interrupted)")
	command.Flags().DurationVar(&o.rotate, "rotate", time.Hour, "begin another history after this `duration`, and save what is known by then")
	command.Flags().StringVar(&o.metrics, "metrics", "", "serve the counts and figures so far as OpenMetrics at this `address`, such as :9090, while the recording goes on (path /metrics)")
	command.Flags().StringVar(&o.pages, "pages", "", "serve the pages and files of the folder at this `address`, such as 127.0.0.1:8080, to anybody who reaches it (path /recordings.tar.gz for all of them)")
	command.Flags().IntVar(&o.keep, "keep", 0, "`number` of recordings that stay in the folder, this one included: older ones are removed once it is saved (0: all stay)")
	command.Flags().StringArrayVar(&o.auditLogs, "audit-log", nil, "read this `file`, an audit log of the API server (JSON lines, also as .gz, several times for its parts), and no cluster; of all namespaces with sets, without -n")
	command.Flags().StringVarP(&o.folder, "output", "o", "recordings", "`folder` that gets a folder for this recording")
	return command
}

// check reports options that say nothing.
func (o *recordOptions) check() (err error) {
	if o.rotate <= 0 {
		return fmt.Errorf("--rotate: expected a duration such as 1h, found %s", o.rotate)
	}
	if o.limit < 0 {
		return fmt.Errorf("--for: expected a duration such as 2h, found %s", o.limit)
	}
	if len(o.auditLogs) > 0 && (o.limit > 0 || o.metrics != "" || o.pages != "") {
		return errors.New("--audit-log: it reads what there is, so that --for, --metrics and --pages say nothing")
	}
	if o.keep < 0 {
		return fmt.Errorf("--keep: expected a number of recordings, or 0 for all, found %d", o.keep)
	}
	if o.chosen, err = labels.Parse(o.selector); err != nil {
		return fmt.Errorf("--selector: %w", err)
	}
	for _, text := range o.objectives {
		if _, err := figures.ParseObjective(text); err != nil {
			return fmt.Errorf("--objective: %w", err)
		}
	}
	names := strings.Split(o.namespaces, ",")
	if o.namespaces != "" && (slices.Contains(names, "") || len(slices.Compact(slices.Sorted(slices.Values(names)))) < len(names)) {
		return fmt.Errorf("-n: expected names of namespaces, each once, found %q", o.namespaces)
	}
	return nil
}

// unrecorded returns the error of a cluster of which nothing could be recorded.
func unrecorded(err error) error { return cli.ExitError{Err: err, Code: verdict.ExitInconclusive} }

func (o *recordOptions) record(ctx context.Context, out, progress io.Writer) error {
	var s runconfig.Settings
	_, wrong, err := o.choose(&s)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return cli.UsageError{Err: errors.New(wrong[0].Text)}
	}
	config, err := s.RESTConfig()
	if err != nil {
		return cli.UsageError{Err: err}
	}
	config.QPS = -1 // a few lists and watches are no load
	config.Wrap(apiclient.Restrict(config.Host, rbac.Record()))
	took := new(cost)
	config.Wrap(took.traffic.Count(config.Host))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return cli.UsageError{Err: err}
	}
	if problem := preflight.Reach(ctx, client, o.within(preflight.AnswerLimit)); problem != nil {
		return unrecorded(errors.New(problem.Text))
	}
	if o.namespaces == "" {
		o.namespaces = contextNamespace(s)
	}
	dir, err := o.newFolder()
	if err != nil {
		return cli.UsageError{Err: err}
	}
	if o.limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.limit)
		defer cancel()
	}
	// The first interrupt ends the recording, the next one the process.
	defer context.AfterFunc(ctx, func() { signal.Reset(os.Interrupt, syscall.SIGTERM) })()
	r, err := o.recordInto(ctx, client, took, dir, progress)
	if err != nil {
		// What holds nothing is of no use; what holds something stays.
		return errors.Join(err, removeEmpty(filepath.Join(dir, "histories"), dir))
	}
	return o.tell(out, dir, r)
}

// tell says what came of a recording, and returns an error where a promise was broken.
func (*recordOptions) tell(out io.Writer, dir string, r *recording.Recording) error {
	if err := report.WriteRecordingConsole(out, r); err != nil {
		return err
	}
	fmt.Fprintf(out, "page: %s\n", filepath.Join(dir, report.PageFile))
	if broken := r.Promises(); len(broken) > 0 {
		return cli.ExitError{Err: fmt.Errorf("%d times a promise was broken", len(broken)), Code: verdict.ExitNotConformant}
	}
	return nil
}

// recordInto records until ctx ends, into a folder, and adds to what it took.
func (o *recordOptions) recordInto(ctx context.Context, client kubernetes.Interface, took *cost, dir string, progress io.Writer) (_ *recording.Recording, err error) {
	names := strings.Split(o.namespaces, ",")
	hs := &histories{o: o, client: client, took: took, dir: dir, progress: progress, limit: max(cmp.Or(o.events, maxRecordedEvents)/len(names), 1), r: recording.New(names, o.selector), present: map[string]present{}}
	end, err := o.serving(ctx, hs, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := os.Mkdir(filepath.Join(dir, "histories"), reportdir.FolderMode); err != nil {
		return nil, unrecorded(err)
	}
	hs.version, hs.r.Suite = versionOf(client), version.OfProgram()
	hs.r.NoteVersion(hs.version)
	if err := hs.record(ctx, names); err != nil {
		return nil, unrecorded(err)
	}
	return hs.r, nil
}

// versionOf returns the API server's version, "" where it does not say.
func versionOf(client kubernetes.Interface) string {
	info, err := client.Discovery().ServerVersion()
	if err != nil {
		return ""
	}
	return info.GitVersion
}

// begun says what is recorded of a namespace.
func begun(namespace string, rec *recorder.Recorder, chosen labels.Selector) (text string) {
	rec.View(func(s *history.State) {
		var names []string
		for _, set := range s.List(history.Sets) {
			if chosen.Matches(labels.Set(set.Labels)) {
				names = append(names, set.Name)
			}
		}
		const most = 10
		switch n := len(names); {
		case n == 0:
			text = "namespace " + namespace + " has no such StatefulSet yet, or does not exist; those that are made will be recorded"
		case n > most:
			text = fmt.Sprintf("namespace %s: %s and %d more", namespace, strings.Join(names[:most], ", "), n-most)
		default:
			text = fmt.Sprintf("namespace %s: %s", namespace, strings.Join(names, ", "))
		}
	})
	return text
}

func ending(limit time.Duration) string {
	if limit == 0 {
		return ""
	}
	return fmt.Sprintf(", or after %s", limit)
}
