package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func newCertifyCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "certify",
		Short: "Run the suite on a cluster that is there already",
		Long: `Run the suite on a cluster that is there already. It makes namespaces, works in them and removes them again; it touches nothing
else, and never a node. What keeps the cluster from being judged is told within seconds, all of it, before anything is made.

Set by environment variables: KUBECONFIG (kubectl's default if empty; inside a pod its service account) and CONTEXT (the current
one if empty) choose the cluster, LEVEL (core, extended) how much is asked (disruptive hurts nothing here: its guarantees are then not
applicable), NGINX_IMAGE and BUSYBOX_IMAGE what pods run, IMAGE_MIRROR where to get them instead of from their own registry,
NAMESPACE_PREFIX how namespaces are called, NAMESPACES (a,b,...) which to use instead of making any: they must be empty, and the
account then needs rights in them alone (e2e/deploy/rbac-namespaced.yaml). REPORT_IN_LOG=1 has the report printed too, for "fetch" to unpack, RESULTS_DIR
receives e2e.log and junit_01.xml, and STORAGE_CLASS, FOCUS, LABELS, PROCS, SEED, LIMITS and REPORT_DIR as for "e2e".
The account needs the rights of e2e/deploy/rbac.yaml.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			err := judgedOr(runCertify(cmd.Context(), os.Getenv, cmd.OutOrStdout(), cmd.ErrOrStderr()))
			if failed := handOver(os.Getenv, err); failed != nil {
				return errors.Join(err, failed)
			}
			return err
		},
	}
}

// allLevels are those that may be asked of a cluster that is somebody's. Disruptive hurts none: its guarantees are then not applicable.
func allLevels() []contract.Level {
	return []contract.Level{contract.Core, contract.Extended, contract.Disruptive}
}

func runCertify(ctx context.Context, getenv func(string) string, out, progress io.Writer) error {
	begin := time.Now()
	s, a, err := prepare(ctx, getenv, begin, progress)
	if err != nil {
		return err
	}
	// The suite compiles while the cluster is tried; neither needs the other.
	suite := build(ctx)
	if err := checkSelection(ctx, suite, a, false); err != nil {
		return err
	}
	if err := emptyReport(a.reportDir); err != nil {
		_, buildErr := suite()
		return errors.Join(err, buildErr)
	}
	err = try(ctx, a, &s, progress)
	built, buildErr := suite()
	if err := errors.Join(err, buildErr); err != nil {
		return err
	}
	s.Suite = built.identity
	run, err := execute(ctx, built, a, s, out)
	if err == nil && !run.Partial && a.level != contract.Core && ctx.Err() == nil {
		err = tellUnused(a.reportDir, s, out)
	}
	if a.reportInLog {
		// The verdict stays the last that is said.
		err = errors.Join(err, packaging.WriteReport(out, a.reportDir))
	}
	if err != nil {
		return err
	}
	return conclude(out, run, time.Since(begin))
}

// handOver leaves the results where a tool that collects them waits for them, whatever came of the run.
func handOver(getenv func(string) string, said error) error {
	a, _ := readAsked(getenv, allLevels()...)
	log, junit := filepath.Join(a.reportDir, ginkgoLog), filepath.Join(a.reportDir, "junit.xml")
	var errs []error
	if dir := getenv("RESULTS_DIR"); dir != "" {
		errs = append(errs, packaging.Results(dir, log, junit, said))
	}
	// Sonobuoy sets this in the containers of its plugins.
	if dir := getenv("SONOBUOY_RESULTS_DIR"); dir != "" {
		errs = append(errs, packaging.Results(dir, log, junit, said), packaging.Done(dir))
	}
	return errors.Join(errs...)
}

// prepare says which cluster is meant and what will be made there, or everything that is wrong. It makes nothing.
func prepare(ctx context.Context, getenv func(string) string, begin time.Time, progress io.Writer) (runconfig.Settings, asked, error) {
	a, problems := readAsked(getenv, allLevels()...)
	images, wrong := imagesOf(a)
	problems = append(problems, wrong...)
	// The letters keep runs apart that begin within the same second.
	s := a.settings(fmt.Sprintf("certify-%d-%s", begin.Unix(), rand.String(5)), images)
	s.Context = getenv("CONTEXT")
	var err error
	if s.Kubeconfig, err = kubeconfigPath(getenv("KUBECONFIG")); err != nil {
		return s, a, wrongUse{fmt.Errorf("KUBECONFIG: %w", err)}
	}
	target, wrong := preflight.Kubeconfig(s)
	problems = append(problems, wrong...)
	if len(wrong) > 0 {
		return s, a, unfit(problems)
	}
	fmt.Fprintf(progress, "cluster: context %s at %s\n", target.Context, target.Server)
	found, err := ask(ctx, a, s, progress)
	if err != nil {
		return s, a, err
	}
	if problems = append(problems, found.Problems...); len(problems) > 0 {
		return s, a, unfit(problems)
	}
	s.Facts = found.Facts
	announce(progress, s, found.User)
	return s, a, nil
}

// try makes the first few things in the cluster, removes them again, and notes what was learnt.
func try(ctx context.Context, a asked, s *runconfig.Settings, progress io.Writer) error {
	begin := time.Now()
	config, err := s.RESTConfig()
	if err != nil {
		return err
	}
	config.Wrap(a.used.Record(config.Host))
	found := preflight.Probe(ctx, config, *s)
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted before the first spec; nothing was judged: %w", context.Cause(ctx))
	}
	if len(found.Problems) > 0 {
		return unfit(found.Problems)
	}
	for _, note := range found.Notes {
		fmt.Fprintln(progress, "note:", note)
	}
	s.Facts.DNSZone, s.Facts.ImageIDs, s.Facts.NoBaseline = found.Facts.DNSZone, found.Facts.ImageIDs, found.Facts.NoBaseline
	fmt.Fprintf(progress, "cluster: tried in %.1f s; the DNS zone is %s\n", time.Since(begin).Seconds(), s.Facts.DNSZone)
	return nil
}

// imagesOf fills in the images that nobody named: those of the bundle that this program is part of, else the public ones, both from
// the mirror if there is one.
func imagesOf(a asked) (nodeimage.Workload, []preflight.Problem) {
	images := nodeimage.PublicWorkload()
	bundled, err := packaging.ReadList(packaging.Packed())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return images, []preflight.Problem{{Usage: true, Text: err.Error()}}
	}
	for _, b := range bundled {
		switch b.Setting {
		case nginxSetting:
			images.Nginx = b.Reference
		case busyboxSetting:
			images.Busybox = b.Reference
		}
	}
	if images.Nginx, err = packaging.Mirrored(a.imageMirror, images.Nginx); err == nil {
		images.Busybox, err = packaging.Mirrored(a.imageMirror, images.Busybox)
	}
	if err != nil {
		return images, []preflight.Problem{{Usage: true, Text: fmt.Sprintf("IMAGE_MIRROR=%s: %v", a.imageMirror, err)}}
	}
	if a.images.Nginx != "" {
		images.Nginx = a.images.Nginx
	}
	if a.images.Busybox != "" {
		images.Busybox = a.images.Busybox
	}
	return images, nil
}

// kubeconfigPath returns the files that kubectl would read, absolute since test processes run elsewhere. It is empty for a
// pod's own service account.
func kubeconfigPath(named string) (string, error) {
	if named == "" {
		if _, err := os.Stat(clientcmd.RecommendedHomeFile); err != nil && os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
			return "", nil
		}
		return clientcmd.RecommendedHomeFile, nil
	}
	list := ""
	for _, path := range slices.DeleteFunc(filepath.SplitList(named), func(p string) bool { return p == "" }) {
		full, err := filepath.Abs(path)
		if err != nil {
			return "", err
		}
		if list != "" {
			list += string(filepath.ListSeparator)
		}
		list += full
	}
	return list, nil
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
it will remove what it made, by the label %s=%s, and touch nothing else; what an interrupted run left is removed by make clean
`, strings.Join(s.Namespaces, ", "), objects, runconfig.RunLabel, s.Run)
	} else {
		fmt.Fprintf(w, `it will make namespaces %s-..., a few at a time, and in them %s; first two to try it, with a pod each
it will remove them again, and touch nothing else; whatever an interrupted run left is removed by
  kubectl delete namespace -l %s=%s
`, s.NamespacePrefix, objects, runconfig.RunLabel, s.Run)
	}
	fmt.Fprintf(w, "report: %s\n", s.ReportDir)
}
