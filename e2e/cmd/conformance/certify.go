package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/rand"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/export"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// certifyOptions are the options of certify.
type certifyOptions struct {
	runner.Options
	clusterOptions
	config, imageMirror     string
	folder                  string   // of files with settings
	fromFile                []string // what config gave
	reportInLog             bool
	resultsDir, sonobuoyDir string

	user    string // the account's name on the cluster, once it is known
	refused bool   // the cluster cannot be judged
	opened  bool   // what the report folder holds is of this run
}

func (o *certifyOptions) addFlags(f cli.Flags) {
	o.clusterOptions.addFlags(f)
	o.AddFlags(f)
	// CONFIG of the environment may be anybody's.
	f.OfCommandLine().String(&o.config, "CONFIG", "", "YAML `file` with the names of flags and their values, for what neither the command line nor the environment says")
	f.String(&o.folder, "SETTINGS_FOLDER", "", "`folder` with any of the files settings.yaml, pod-patch.yaml, known-issues.yaml and .dockerconfigjson, which --config, --pod-patch, --known-issues and --pull-secret then take where nothing else names one")
	f.String(&o.imageMirror, "IMAGE_MIRROR", "", "`registry/path` to get images from, instead of their own registry")
	f.Bool(&o.reportInLog, "REPORT_IN_LOG", "print the report too, for \"fetch\" to unpack")
	f.String(&o.resultsDir, "RESULTS_DIR", "", "`folder` that receives e2e.log and junit_01.xml")
	f.String(&o.sonobuoyDir, "SONOBUOY_RESULTS_DIR", "", "`folder` that receives the results of a plugin of Sonobuoy")
}

func newCertifyCommand() *cobra.Command {
	var o certifyOptions
	command := &cobra.Command{
		Use:   "certify",
		Short: "Run the suite on an existing cluster",
		Long: `Run the suite on an existing cluster. It makes namespaces, works in them and removes them again; it touches nothing else, and never a
node. What keeps the cluster from being judged is reported within seconds, all of it, before anything is made.

With EXPLORE it goes on after the specs with random acts on sets of its own, for that time and in EXPLORE_NAMESPACES namespaces at once. What that finds
broken counts like any other finding; what it leaves open counts nothing.

The guarantees of level disruptive are not applicable here, whatever level is chosen. The account needs the rights that
"conformance manifests rbac" prints, and for level workload, which runs a real database, create of pods/portforward besides.

The default of a flag is a variable of the environment, named behind it; ` + cli.Prefix + ` before that name, such as ` + cli.Prefix + `LABELS, keeps it apart from others'.

The limits that LIMITS changes, such as LIMITS=pod-ready=5m,probe=5m, their defaults, and from when until when they run:
` + runconfig.LimitsHelp() + `

Exit codes: 0 conformant; 1 a promised guarantee is broken; 2 wrong use or configuration; 3 inconclusive.`,
		Args: cli.NoArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.readConfig(cli.NewFlags(cmd.Flags(), os.Getenv), cmd.ErrOrStderr()); err != nil {
				return err
			}
			err := runner.OrInconclusive(runCertify(cmd.Context(), &o, cmd.OutOrStdout(), cmd.ErrOrStderr()))
			return o.finish(err)
		},
	}
	o.addFlags(cli.NewFlags(command.Flags(), os.Getenv))
	return command
}

// settingFiles are the files of a settings folder. Their names are those of the keys of a ConfigMap and of a Secret of the type docker-registry.
func settingFiles() []cli.SettingFile {
	return []cli.SettingFile{{Name: "settings.yaml", Flag: "config"}, {Name: "pod-patch.yaml", Flag: "pod-patch"}, {Name: "known-issues.yaml", Flag: "known-issues"}, {Name: ".dockerconfigjson", Flag: "pull-secret"}}
}

// readConfig takes settings from the folder of SETTINGS_FOLDER and from the file that --config names, and says which.
func (o *certifyOptions) readConfig(f cli.Flags, progress io.Writer) error {
	if o.folder != "" {
		taken, err := f.ReadFolder(o.folder, settingFiles())
		if err != nil {
			return cli.UsageError{Err: fmt.Errorf("SETTINGS_FOLDER: %w", err)}
		}
		if len(taken) > 0 {
			fmt.Fprintf(progress, "settings: %s\n", strings.Join(taken, " "))
		}
	}
	if o.config == "" {
		return nil
	}
	var err error
	if o.fromFile, err = f.ReadFile(o.config); err != nil {
		return cli.UsageError{Err: fmt.Errorf("--config: %w", err)}
	}
	fmt.Fprintf(progress, "settings: from %s: %s\n", o.config, strings.Join(o.fromFile, " "))
	return nil
}

func runCertify(ctx context.Context, o *certifyOptions, out, progress io.Writer) error {
	begin := time.Now()
	s, err := prepare(ctx, o, begin, progress)
	if o.refused {
		return o.refuse(s, begin, err, progress)
	}
	if err != nil {
		return err
	}
	if err := o.CheckSelection(false); err != nil {
		return err
	}
	if s.Suite, err = runner.Identity(ctx); err != nil {
		return err
	}
	folder, err := runner.OpenReportKeeping(o.ReportDir, progress)
	if err != nil {
		return err
	}
	defer func() { _ = folder.Close() }()
	o.opened = true
	if err := o.Probe(ctx, &s, progress); err != nil {
		return o.NotJudged(s, begin, err)
	}
	first := time.Now()
	run, err := o.Execute(ctx, s, out)
	specs := time.Since(first)
	if err == nil && !run.Partial && o.Level != contract.Core && ctx.Err() == nil {
		err = runner.PrintUnused(o.ReportDir, s, out)
	}
	if o.user == rbac.UserName {
		fmt.Fprintf(out, "note: the account that the run used stays on the cluster; this removes it: %s\n", strings.Join(rbac.Removal(s.Namespaces), "; "))
	}
	if o.reportInLog {
		// The verdict stays the last line.
		err = errors.Join(err, export.WriteReport(out, o.ReportDir))
	}
	if run == nil {
		return o.NotJudged(s, begin, err)
	}
	return errors.Join(runner.Conclude(out, run, specs, time.Since(begin)), err)
}

// refuse leaves in the report folder why the cluster cannot be judged. A folder that cannot be had is another's: the refusal is what counts.
func (o *certifyOptions) refuse(s runconfig.Settings, begin time.Time, why error, progress io.Writer) error {
	folder, err := runner.OpenReportKeeping(o.ReportDir, progress)
	if err != nil {
		return why
	}
	defer func() { _ = folder.Close() }()
	o.opened = true
	return o.NotJudged(s, begin, why)
}

// finish hands the results over. That they cannot be handed over says nothing about the cluster: a verdict of non-conformance stays, and a
// conformant run has no complete outcome.
func (o *certifyOptions) finish(outcome error) error {
	if failed := o.exportResults(outcome); failed != nil {
		return runner.OrInconclusive(errors.Join(outcome, fmt.Errorf("handing the results over: %w", failed)))
	}
	return outcome
}

// exportResults leaves the results where a tool that collects them waits for them, however the run ended.
func (o *certifyOptions) exportResults(failed error) error {
	if o.resultsDir == "" && o.sonobuoyDir == "" {
		return nil
	}
	dir := o.ReportDir
	if !o.opened {
		// The report folder may hold what an earlier run found.
		own, err := os.MkdirTemp("", "results-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(own)
		dir = own
		if failed != nil {
			if err := report.SaveNotJudged(own, time.Now(), cli.ExitCode(failed), failed.Error()); err != nil {
				return err
			}
		}
	}
	log, junit := filepath.Join(dir, runner.GinkgoLog), filepath.Join(dir, report.JUnitFile)
	var errs []error
	if o.resultsDir != "" {
		errs = append(errs, export.Results(o.resultsDir, log, junit, failed))
	}
	if o.sonobuoyDir != "" {
		errs = append(errs, export.Results(o.sonobuoyDir, log, junit, failed), export.Done(o.sonobuoyDir))
	}
	return errors.Join(errs...)
}

// prepare says which cluster is meant and what will be made there, or everything that is wrong. It makes nothing.
func prepare(ctx context.Context, o *certifyOptions, begin time.Time, progress io.Writer) (runconfig.Settings, error) {
	problems := o.Validate(contract.Levels()...)
	used, wrong := workloadImages(o)
	problems = append(problems, wrong...)
	// The letters keep runs apart that begin within the same second.
	s := o.Settings(fmt.Sprintf("certify-%d-%s", begin.Unix(), rand.String(5)), used)
	s.FromFile = o.fromFile
	if o.imageMirror != "" {
		s.NamedImages = s.Images
	}
	target, wrong, err := o.choose(&s)
	if err != nil {
		return s, err
	}
	problems = append(problems, wrong...)
	if len(wrong) > 0 {
		return s, runner.PreflightError(problems)
	}
	fmt.Fprintf(progress, "cluster: context %s at %s\n", target.Context, target.Server)
	for _, note := range target.Notes {
		fmt.Fprintln(progress, "note:", note)
	}
	found, err := o.Preflight(ctx, s, progress)
	if err != nil {
		return s, err
	}
	o.refused = len(found.Problems) > 0
	if problems = append(problems, found.Problems...); len(problems) > 0 {
		return s, runner.PreflightError(problems)
	}
	s.Facts, o.user = found.Facts, found.User
	announce(progress, s, found.User)
	return s, nil
}

// workloadImages fills in the images that nobody named: those of the bundle that this program is part of, else the public ones, both from
// the mirror if there is one.
func workloadImages(o *certifyOptions) (runconfig.Images, []preflight.Problem) {
	used := images.Public()
	used.Postgres = images.PublicPostgres
	bundled, err := images.Bundled()
	if err != nil {
		return used, []preflight.Problem{{Usage: true, Text: err.Error()}}
	}
	for _, b := range bundled {
		switch b.Setting {
		case images.NginxSetting:
			used.Nginx = b.Reference
		case images.BusyboxSetting:
			used.Busybox = b.Reference
		case images.EtcdSetting:
			used.Etcd = b.Reference
		case images.PostgresSetting:
			used.Postgres = b.Reference
		}
	}
	if used.Nginx, err = images.Mirrored(o.imageMirror, used.Nginx); err == nil {
		used.Busybox, err = images.Mirrored(o.imageMirror, used.Busybox)
	}
	if err != nil {
		return used, []preflight.Problem{{Usage: true, Text: fmt.Sprintf("IMAGE_MIRROR=%s: %v", o.imageMirror, err)}}
	}
	if o.Images.Nginx != "" {
		used.Nginx = o.Images.Nginx
	}
	if o.Images.Busybox != "" {
		used.Busybox = o.Images.Busybox
	}
	if used.Etcd == "" && o.imageMirror != "" {
		used.Etcd = images.PublicEtcd
	}
	if used.Etcd != "" {
		used.Etcd, _ = images.Mirrored(o.imageMirror, used.Etcd) // as valid as those above
	}
	used.Etcd = cmp.Or(o.Images.Etcd, used.Etcd)
	used.Postgres, _ = images.Mirrored(o.imageMirror, used.Postgres)
	used.Postgres = cmp.Or(o.Images.Postgres, used.Postgres)
	return used, nil
}

// removal is the command that removes what a run left, and nothing else: it looks for more than labels, which anybody may set.
func removal(s runconfig.Settings) string {
	words := []string{"conformance clean", "--run=" + s.Run}
	for _, setting := range []struct{ name, value, usual string }{
		{"--kubeconfig", cmp.Or(s.Kubeconfig, "file"), ""},
		{"--context", s.Context, ""},
		{"--server", s.Server, ""},
		{"--tls-server-name", s.TLSServerName, ""},
		{"--namespaces", strings.Join(s.Namespaces, ","), ""},
		{"--namespace-prefix", s.NamespacePrefix, runner.DefaultNamespacePrefix},
	} {
		if setting.value != setting.usual {
			words = append(words, setting.name+"="+sanitize.ShellWord(setting.value))
		}
	}
	return strings.Join(words, " ")
}

// announce says what the run is about to do, before it does anything.
func announce(w io.Writer, s runconfig.Settings, user string) {
	class := s.Facts.StorageClass
	if s.StorageClass == "" {
		class = strings.TrimSpace(class + " (the default)")
	}
	fmt.Fprintf(w, "cluster: Kubernetes %s, as %s\n", s.Facts.KubernetesVersion, user)
	objects := fmt.Sprintf("sets, pods, claims of StorageClass %s, services and budgets\n  with the images %s and %s", class, s.Images.Nginx, s.Images.Busybox)
	if len(s.Namespaces) > 0 {
		fmt.Fprintf(w, `it will make in the namespaces %s: %s; first a few pods to try them
it will remove what it made, by the label %s=%s, and touch nothing else; what an interrupted run left is removed by
  %s
`, strings.Join(s.Namespaces, ", "), objects, runconfig.RunLabel, s.Run, removal(s))
	} else {
		fmt.Fprintf(w, `it will make namespaces %s-..., a few at a time, and in them %s; first a few to try it, with a pod each
it will remove them again, and touch nothing else; whatever an interrupted run left is removed by
  %s
`, s.NamespacePrefix, objects, removal(s))
	}
	for _, line := range report.SettingsOf(s).Adapted() {
		fmt.Fprintln(w, "it will make", line)
	}
	fmt.Fprintf(w, "report: %s\n", s.ReportDir)
}
