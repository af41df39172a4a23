package runner

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// validated returns the options that these variables make, and what is wrong with them.
func validated(t *testing.T, env map[string]string) (*Options, []preflight.Problem) {
	t.Helper()
	var o Options
	env["REPORT_DIR"] = t.TempDir()
	o.AddFlags(cli.NewFlags(pflag.NewFlagSet("test", pflag.ContinueOnError), func(variable string) string { return env[variable] }))
	return &o, o.Validate(contract.Extended)
}

func written(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWorkloadSettings(t *testing.T) {
	credentials := written(t, `{"auths": {"registry": {"auth": "c2VjcmV0"}}}`)
	o, problems := validated(t, map[string]string{
		"POD_PATCH":     written(t, "{metadata: {labels: {team: data}}, spec: {nodeSelector: {disk: ssd}, tolerations: [{key: a, operator: Exists}]}}"),
		"NODE_SELECTOR": "pool=db,zone=a", "TOLERATIONS": "dedicated=db:NoSchedule,gpu", "PRIORITY_CLASS": "high", "RUNTIME_CLASS": "gvisor", "PULL_SECRET": credentials,
		"CLAIM_SIZE": "1Gi", "NAMESPACE_LABELS": "team=data", "NAMESPACE_ANNOTATIONS": "owner=me", "TIME_LIMIT": "3h",
	})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	s := o.Settings("r", runconfig.Images{})
	want := runconfig.PodPatch{"metadata": map[string]any{"labels": map[string]any{"team": "data"}}, "spec": map[string]any{
		"nodeSelector": map[string]any{"disk": "ssd", "pool": "db", "zone": "a"}, "priorityClassName": "high", "runtimeClassName": "gvisor",
		"imagePullSecrets": []any{map[string]any{"name": runconfig.PullSecretName}},
		"tolerations": []any{
			map[string]any{"key": "a", "operator": "Exists"},
			map[string]any{"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"},
			map[string]any{"key": "gpu", "operator": "Exists"},
		},
	}}
	if !reflect.DeepEqual(s.PodPatch, want) {
		t.Errorf("expected %v, found %v", want, s.PodPatch)
	}
	if s.ClaimSize.String() != "1Gi" || s.PullSecret != credentials || s.NamespaceLabels["team"] != "data" || s.NamespaceAnnotations["owner"] != "me" || s.TimeLimit.Hours() != 3 {
		t.Errorf("expected every setting, found %+v", s)
	}
	if o, problems := validated(t, map[string]string{}); len(problems) > 0 || o.Workload.PodPatch != nil || o.Workload.ClaimSize != nil {
		t.Errorf("expected pods and claims as they are where nobody wants others, found %+v, %v", o.Workload, problems)
	}
}

func TestWorkloadSettingsRejected(t *testing.T) {
	for _, c := range []struct {
		variable, value, want string
	}{
		{"POD_PATCH", "/does/not/exist", "no such file"},
		{"POD_PATCH", written(t, "spec: {hostNetwork: true}"), "spec.hostNetwork: may not be changed"},
		{"CLAIM_SIZE", "much", "expected a size of 16Mi or more, such as 1Gi"},
		{"CLAIM_SIZE", "1Mi", "expected a size of 16Mi or more"},
		{"NODE_SELECTOR", "pool", "expected key=value"},
		{"TOLERATIONS", "a:Never", `found "a:Never"`},
		{"TOLERATIONS", "node.kubernetes.io/not-ready", "evictions could not be judged"},
		{"NAMESPACE_LABELS", "app.kubernetes.io/managed-by=me", "expected a key that neither the suite nor Kubernetes itself sets"},
		{"NAMESPACE_ANNOTATIONS", "owner", "expected key=value"},
		{"PULL_SECRET", "/does/not/exist", "no such file"},
		{"TIME_LIMIT", "60", "expected a time of a minute or more"},
	} {
		_, problems := validated(t, map[string]string{c.variable: c.value})
		if len(problems) != 1 || !problems[0].Usage || !strings.Contains(problems[0].Text, c.variable) || !strings.Contains(problems[0].Text, c.want) || strings.Contains(problems[0].Text, "\n") {
			t.Errorf("%s=%s: expected one line with %q, found %v", c.variable, c.value, c.want, problems)
		}
	}
	for _, variable := range []string{"NAMESPACE_LABELS", "NAMESPACE_ANNOTATIONS", "PULL_SECRET"} {
		value := "a=b"
		if variable == "PULL_SECRET" {
			value = written(t, `{"auths": {"registry": {"auth": "c2VjcmV0"}}}`)
		}
		if _, problems := validated(t, map[string]string{variable: value, "NAMESPACES": "mine"}); len(problems) != 1 {
			t.Errorf("%s: expected it to be rejected where the namespaces are a person's own, found %v", variable, problems)
		}
	}
}

// A report names PostgreSQL's image only where a run uses it.
func TestPostgresImage(t *testing.T) {
	for _, c := range []struct {
		level             contract.Level
		named, used, want string
	}{
		{contract.Workload, "", "built:1", "built:1"},
		{contract.Workload, "mine:1", "built:1", "mine:1"},
		{contract.Extended, "mine:1", "built:1", ""},
	} {
		o := Options{Level: c.level, Images: runconfig.Images{Postgres: c.named}}
		if got := o.Settings("run", runconfig.Images{Postgres: c.used}).Images.Postgres; got != c.want {
			t.Errorf("%+v: found %q", c, got)
		}
	}
}

func TestHeldToSetting(t *testing.T) {
	for version, right := range map[string]bool{"": true, "v1.34": true, "1.34.2": true, "soon": false} {
		o, problems := validated(t, map[string]string{"HELD_TO": version})
		if (len(problems) == 0) != right || right && o.Settings("r", runconfig.Images{}).HeldTo != version {
			t.Errorf("HELD_TO=%s: expected it to be right: %t, found %v, and %q in the settings", version, right, problems, o.Settings("r", runconfig.Images{}).HeldTo)
		}
	}
}
