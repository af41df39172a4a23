package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	crclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

const aRunID = "0b9d3f0e-4b5c-4d1e-8f3a-2b1c0d9e8f7a"

// namespaceOf is a namespace as a run of that name creates it, an hour before the time of the test unless at says otherwise.
func namespaceOf(run, name string, age time.Duration) *corev1.Namespace {
	s := runconfig.Settings{Run: run, ID: aRunID, LastsAtMost: time.Hour}
	ns := &corev1.Namespace{ObjectMeta: s.NamespaceMeta("restricted")}
	ns.Name, ns.CreationTimestamp = name, metav1.NewTime(testTime().Add(-age))
	return ns
}

func testTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// A namespace that anybody labelled, or of a run that may be under way, stays.
func TestCleanKeepsWhatIsNotLeftByAnEndedRun(t *testing.T) {
	unrelated := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "victim", Labels: map[string]string{
		runconfig.ManagedByLabel: runconfig.ManagedBy, runconfig.RunLabel: "x",
	}}}
	lookalike := unrelated.DeepCopy()
	lookalike.Name = "sts-abcde"
	copied := namespaceOf("old", "victim", 3*time.Hour)
	objects := []crclient.Object{
		unrelated, lookalike, copied,
		namespaceOf("old", "sts-abcde", 3*time.Hour), namespaceOf("old", "sts-probe-abcde", 3*time.Hour), namespaceOf("old", "other-abcde", 3*time.Hour),
		namespaceOf("live", "sts-bbbbb", 3*time.Hour), namespaceOf("live", "sts-ccccc", 5*time.Minute),
	}
	o := cleanOptions{prefix: "sts", reportDir: t.TempDir()}
	want := []string{"no run with NAMESPACE_PREFIX=sts", "it lacks the annotation", "no run with", "", "", "no run with", "may be under way until 2026-01-02T03:59:05Z", "may be under way"}
	for i, got := range o.reasonsToKeep(objects, testTime()) {
		if (want[i] == "") != (got == "") || !strings.Contains(got, want[i]) {
			t.Errorf("%s: expected %q, found %q", objects[i].GetName(), want[i], got)
		}
	}
}

// A run whose report is here has ended as soon as no process writes there.
func TestCleanKnowsThatARunHasEnded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "report")
	open, err := runner.OpenReport(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := runconfig.Settings{Run: "r", ID: aRunID, ReportDir: dir, NamespacePrefix: "sts", Images: runconfig.Images{Nginx: "n", Busybox: "b"}}
	if err := s.Save(filepath.Join(dir, runner.SettingsFile)); err != nil {
		t.Fatal(err)
	}
	o := cleanOptions{prefix: "sts", reportDir: dir}
	other := namespaceOf("r", "sts-bbbbb", time.Minute)
	other.Annotations[runconfig.IDAnnotation] = strings.Replace(aRunID, "0", "1", 1)
	objects := []crclient.Object{namespaceOf("r", "sts-aaaaa", time.Minute), other}
	if why := o.reasonsToKeep(objects, testTime()); why[0] == "" || why[1] == "" {
		t.Errorf("expected all of a run that is under way to stay, found %q", why)
	}
	if err := open.Close(); err != nil {
		t.Fatal(err)
	}
	if why := o.reasonsToKeep(objects, testTime()); why[0] != "" || !strings.Contains(why[1], "is not that of the run") {
		t.Errorf("expected the namespace of the run that has ended to go, and one of another ID to stay, found %q", why)
	}
}

func TestCleanTakesTheClusterFromTheCommandLine(t *testing.T) {
	t.Setenv("KUBECONFIG", serve(t, apiServer{}))
	t.Setenv("ALL", "1")
	t.Setenv("RUN", "r")
	command := newCleanCommand()
	command.SetArgs([]string{})
	err := command.ExecuteContext(t.Context())
	if cli.ExitCode(err) != cli.ExitUsage || !strings.HasPrefix(err.Error(), "KUBECONFIG: expected the cluster to be chosen on the command line") {
		t.Errorf("expected an exported KUBECONFIG not to be enough, found %v", err)
	}
	var o cleanOptions
	o.addFlags(cli.NewFlags(pflag.NewFlagSet("clean", pflag.ContinueOnError), nil))
	if o.kubeconfig != "" {
		t.Errorf("expected no kubeconfig, found %q", o.kubeconfig)
	}
}
