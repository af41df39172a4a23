package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestContextsAreCompleted(t *testing.T) {
	file := kubeconfig(t, "http://127.0.0.1:1")
	for _, command := range []string{"certify", "diagnose", "clean"} {
		root := newCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs([]string{"__complete", command, "--kubeconfig", file, "--context", ""})
		if err := root.ExecuteContext(t.Context()); err != nil || !strings.HasPrefix(out.String(), "mine\n") {
			t.Errorf("%s: expected the kubeconfig's context, found %v and %q", command, err, out.String())
		}
	}
}

func TestNamesOfTheClusterAreCompleted(t *testing.T) {
	file := serve(t, apiServer{})
	for flag, want := range map[string]string{"--storage-class": "disk\n", "--namespaces": ":4\n"} { // it may not list namespaces
		root := newCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetArgs([]string{"__complete", "certify", "--kubeconfig", file, flag, ""})
		if err := root.ExecuteContext(t.Context()); err != nil || !strings.HasPrefix(out.String(), want) {
			t.Errorf("%s: expected %q, found %v and %q", flag, want, err, out.String())
		}
	}
}

// What a settings file says holds where nothing else does.
func TestCertifyTakesASettingsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("level: none\nlimits: {patience: 5m}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := newCommand()
	var said bytes.Buffer
	root.SetErr(&said)
	root.SetArgs([]string{"certify", "--config", file, "--kubeconfig", serve(t, apiServer{}), "--report-dir", t.TempDir()})
	err := root.ExecuteContext(t.Context())
	if cli.ExitCode(err) != 2 || !strings.Contains(err.Error(), "LEVEL=none") || !strings.Contains(err.Error(), "patience") {
		t.Errorf("expected the level and the limit of the file to be rejected, found %v", err)
	}
	if !strings.Contains(said.String(), "level=none limits=patience=5m") {
		t.Errorf("expected to be told what was taken from the file, found %s", said.String())
	}
}

// What the file gave is in the settings of the run, for the report to tell.
func TestRunKnowsWhatASettingsFileGave(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.yaml")
	if err := os.WriteFile(file, []byte("level: core\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var o certifyOptions
	env := map[string]string{"KUBECONFIG": serve(t, apiServer{}), "REPORT_DIR": t.TempDir()}
	flags := cli.NewFlags(pflag.NewFlagSet("certify", pflag.ContinueOnError), func(variable string) string { return env[variable] })
	o.addFlags(flags)
	o.config = file
	if err := o.readConfig(flags, io.Discard); err != nil {
		t.Fatal(err)
	}
	if s, _ := prepare(t.Context(), &o, time.Now(), io.Discard); !slices.Equal(s.FromFile, []string{"level=core"}) {
		t.Errorf("expected the level that the file gave, found %q", s.FromFile)
	}
}

// The files of a settings folder are taken as if a person had named each.
func TestSettingsFolderOfARun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"settings.yaml": "level: core\n", "pod-patch.yaml": "metadata: {labels: {team: data}}\n", ".dockerconfigjson": `{"auths": {"r": {"auth": "eA=="}}}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var o certifyOptions
	env := map[string]string{"SETTINGS_FOLDER": dir, "REPORT_DIR": t.TempDir()}
	flags := cli.NewFlags(pflag.NewFlagSet("certify", pflag.ContinueOnError), func(variable string) string { return env[variable] })
	o.addFlags(flags)
	var said bytes.Buffer
	if err := o.readConfig(flags, &said); err != nil {
		t.Fatal(err)
	}
	if problems := o.Validate(contract.Levels()...); len(problems) > 0 {
		t.Fatal(problems)
	}
	if o.Level != contract.Core || o.Workload.PodPatch["metadata"] == nil || o.Workload.PullSecret != filepath.Join(dir, ".dockerconfigjson") {
		t.Errorf("expected the level, the patch and the credentials of the folder, found %+v", o.Workload)
	}
	if !strings.Contains(said.String(), "pod-patch="+filepath.Join(dir, "pod-patch.yaml")) {
		t.Errorf("expected to be told what was taken, found %s", said.String())
	}
	if err := os.WriteFile(filepath.Join(dir, "patch.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.readConfig(flags, io.Discard); cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("expected a file of another name to be wrong use, found %v", err)
	}
}

// Requests impersonate the user of --as; AS of the environment, which make and compilers know, does not count.
func TestAs(t *testing.T) {
	o := options(map[string]string{"KUBECONFIG": kubeconfig(t, "http://127.0.0.1:1"), "AS": "as"})
	if o.as != "" {
		t.Errorf("expected the environment's AS not to count, found %q", o.as)
	}
	o.asGroups = "a,b"
	if _, _, err := o.choose(&runconfig.Settings{}); err == nil {
		t.Error("expected groups without a user to be rejected")
	}
	o.as = "somebody"
	var s runconfig.Settings
	if _, wrong, err := o.choose(&s); err != nil || len(wrong) > 0 {
		t.Fatal(wrong, err)
	}
	config, err := s.RESTConfig()
	if err != nil || config.Impersonate.UserName != "somebody" || strings.Join(config.Impersonate.Groups, ",") != "a,b" {
		t.Errorf("expected requests as somebody, found %+v, %v", config, err)
	}
}

// The flags that kubectl has for the same are taken as it takes them, by each command that reaches a cluster.
func TestFlagsOfKubectl(t *testing.T) {
	for _, command := range newCommand().Commands() {
		switch command.Name() {
		case "certify", "clean", "diagnose", "record":
			for _, name := range []string{"as", "as-uid", "as-group", "as-groups", "server", "tls-server-name", "request-timeout", "context", "kubeconfig"} {
				if command.Flags().Lookup(name) == nil {
					t.Errorf("%s: expected the flag --%s", command.Name(), name)
				}
			}
		}
	}
	var o clusterOptions
	set := pflag.NewFlagSet("any", pflag.ContinueOnError)
	o.addFlags(cli.NewFlags(set, func(string) string { return "" }))
	arguments := []string{
		"--kubeconfig=" + kubeconfig(t, "https://127.0.0.1:1"), "--as=somebody", "--as-uid=7", "--as-groups=a,b", "--as-group=c", "--as-group=system:masters",
		"--server=https://127.0.0.1:2", "--tls-server-name=api.example",
	}
	if err := set.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	var s runconfig.Settings
	target, wrong, err := o.choose(&s)
	if err != nil || len(wrong) > 0 || target.Server != "https://127.0.0.1:2" {
		t.Fatalf("expected the server of the flag, found %+v, %v, %v", target, wrong, err)
	}
	config, err := s.RESTConfig()
	if err != nil || config.Host != "https://127.0.0.1:2" || config.ServerName != "api.example" || config.BearerToken != "t" {
		t.Errorf("expected the context's account at another address, found %v, %v", config, err)
	}
	want := rest.ImpersonationConfig{UserName: "somebody", UID: "7", Groups: []string{"a", "b", "c", "system:masters"}}
	if !reflect.DeepEqual(config.Impersonate, want) {
		t.Errorf("expected requests as %+v, found %+v", want, config.Impersonate)
	}
	if line := removal(s); !strings.Contains(line, "--server=https://127.0.0.1:2") || !strings.Contains(line, "--tls-server-name=api.example") {
		t.Errorf("expected what is left to be removed at that address, found %s", line)
	}
	o.as = ""
	if _, _, err := o.choose(&s); cli.ExitCode(err) != cli.ExitUsage {
		t.Errorf("expected a UID and groups without a user to be wrong use, found %v", err)
	}
	o.asUID, o.asGroups, o.asGroup, o.kubeconfig = "", "", nil, ""
	t.Setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
	t.Setenv("HOME", t.TempDir())
	if _, err := os.Stat(clientcmd.RecommendedHomeFile); err == nil {
		t.Skip("this machine has a kubeconfig, which comes before a pod's account")
	}
	if _, _, err := o.choose(&s); cli.ExitCode(err) != cli.ExitUsage || !strings.Contains(err.Error(), "--server") {
		t.Errorf("expected a server beside a pod's account to be wrong use, found %v", err)
	}
}

// The help of certify describes every limit.
func TestHelpDescribesTheLimits(t *testing.T) {
	if long := newCertifyCommand().Long; !strings.Contains(long, runconfig.LimitsHelp()) {
		t.Errorf("expected the limits, found\n%s", long)
	}
}

// A shell leaves the tilde behind make's equals sign as it is.
func TestKubeconfigOfHome(t *testing.T) {
	t.Setenv("HOME", "/home/somebody")
	got, err := kubeconfigPath("~/.kube/config:/elsewhere/~/config")
	if want := "/home/somebody/.kube/config:/elsewhere/~/config"; err != nil || got != want {
		t.Errorf("expected %q, found %q, %v", want, got, err)
	}
}

func TestRequestTimeout(t *testing.T) {
	const usual = 8 * time.Second
	for typed, want := range map[string]struct {
		wrong           bool
		setting, within time.Duration
	}{
		"": {within: usual}, "0": {within: time.Hour}, "5": {setting: 5 * time.Second, within: 5 * time.Second}, "2m": {setting: 2 * time.Minute, within: 2 * time.Minute},
		"soon": {wrong: true}, "-1s": {wrong: true},
	} {
		o := options(map[string]string{"KUBECONFIG": kubeconfig(t, "http://127.0.0.1:1")})
		o.requestTimeout = typed
		var s runconfig.Settings
		if _, _, err := o.choose(&s); (err != nil) != want.wrong {
			t.Errorf("%q: expected it to be rejected %t, found %v", typed, want.wrong, err)
		} else if err == nil && (s.RequestTimeout != want.setting || o.within(usual) != want.within) {
			t.Errorf("%q: expected %v and %v in place of %v, found %v and %v", typed, want.setting, want.within, usual, s.RequestTimeout, o.within(usual))
		}
	}
}

// Each command that talks to a cluster gives a request up after that time.
func TestRequestTimeoutOfEachCommand(t *testing.T) {
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	file := kubeconfig(t, silent.URL)
	for _, args := range [][]string{
		{"certify", "--report-dir", t.TempDir()}, {"diagnose", "-n", "a"}, {"record", "-n", "a", "--output", t.TempDir()}, {"clean", "--run", "a"},
	} {
		root := newCommand()
		root.SetOut(io.Discard)
		root.SetErr(io.Discard)
		root.SetArgs(append(args, "--kubeconfig", file, "--request-timeout", "100ms"))
		begin := time.Now()
		err := root.ExecuteContext(t.Context())
		took := time.Since(begin)
		if err == nil || took > 4*time.Second || !strings.Contains(err.Error(), "within 100ms") && !strings.Contains(err.Error(), "deadline exceeded") {
			t.Errorf("%s: expected it to give up soon, found %v after %v", args[0], err, took)
		}
	}
}
