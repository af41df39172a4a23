package preflight

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestCheckVersion(t *testing.T) {
	for _, c := range []struct {
		major, minor   string
		problems, note int
	}{
		{"1", "28", 1, 0},
		{"1", "29", 0, 1},
		{"1", "32+", 0, 1},
		{"1", "33", 0, 0},
		{"1", "36+", 0, 0},
		{"1", "37", 0, 0},
		{"1", "38", 0, 1},
		{"2", "0", 1, 0},
		{"", "", 1, 0},
	} {
		problems, notes := checkVersion(c.major, c.minor, "v"+c.major+"."+c.minor)
		if len(problems) != c.problems || len(notes) != c.note {
			t.Errorf("%s.%s: expected %d problems and %d notes, found %v and %v", c.major, c.minor, c.problems, c.note, problems, notes)
		}
	}
}

func TestCheckStorage(t *testing.T) {
	class := func(name string, annotations map[string]string) storagev1.StorageClass {
		return storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}}
	}
	standard := class("standard", map[string]string{defaultClass: "true"})
	for name, c := range map[string]struct {
		classes []storagev1.StorageClass
		class   string
		want    string // part of the only problem
		usage   bool
	}{
		"a default":          {classes: []storagev1.StorageClass{standard}},
		"named":              {classes: []storagev1.StorageClass{class("fast", nil)}, class: "fast"},
		"no default":         {classes: []storagev1.StorageClass{class("fast", nil)}, want: "the cluster has fast; mark one"},
		"none at all":        {want: "install a provisioner"},
		"named, not there":   {classes: []storagev1.StorageClass{standard}, class: "fast", want: "STORAGE_CLASS=fast", usage: true},
		"default says false": {classes: []storagev1.StorageClass{class("fast", map[string]string{defaultClass: "false"})}, want: "expected a default"},
	} {
		problems := checkStorage(c.classes, runconfig.Settings{StorageClass: c.class})
		switch {
		case c.want == "" && len(problems) > 0:
			t.Errorf("%s: expected no problem, found %v", name, problems)
		case c.want != "" && (len(problems) != 1 || !strings.Contains(problems[0].Text, c.want) || problems[0].Usage != c.usage):
			t.Errorf("%s: expected one problem with %q, found %v", name, c.want, problems)
		}
	}
}

func TestRetainedVolumes(t *testing.T) {
	retain, remove := corev1.PersistentVolumeReclaimRetain, corev1.PersistentVolumeReclaimDelete
	for _, c := range []struct {
		policy   *corev1.PersistentVolumeReclaimPolicy
		settings runconfig.Settings
		want     string
	}{
		{&retain, runconfig.Settings{NamespacePrefix: "sts"}, "of namespaces sts-*"},
		{&retain, runconfig.Settings{NamespacePrefix: "sts", Namespaces: []string{"a", "b"}}, "of namespaces a, b"},
		{&remove, runconfig.Settings{}, ""},
		{nil, runconfig.Settings{}, ""}, // the API server fills in Delete
	} {
		got := strings.Join(retainedVolumes(storagev1.StorageClass{ReclaimPolicy: c.policy}, c.settings), "")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("expected %q, found %q", c.want, got)
		}
	}
}

func in(r rbac.Right) string {
	if r.Namespace == "" {
		return ""
	}
	return " in namespace " + r.Namespace
}

// Each verb of each right is missing in turn.
func TestCheckRights(t *testing.T) {
	all := rbac.All()
	for i, r := range all {
		for _, verb := range r.Verbs {
			missing := make([][]string, len(all))
			missing[i] = []string{"", verb}
			problems, notes := checkRights("me", "", all, missing)
			lines := notes
			for _, p := range problems {
				lines = append(lines, p.Text)
			}
			want := "rights: expected me to be allowed to " + verb + " " + r.Name() + in(r) + " ("
			if len(lines) != 1 || !strings.HasPrefix(lines[0], want) || (len(notes) == 1) != r.ForReport {
				t.Errorf("expected one line that begins %q, found %v", want, lines)
			}
		}
	}
	if problems, notes := checkRights("me", "", all, make([][]string, len(all))); len(problems)+len(notes) > 0 {
		t.Errorf("expected no line for an account with all rights, found %v and %v", problems, notes)
	}
}

func TestConnectTimeout(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for inside, want := range map[bool]string{false: "(VPN, proxy, firewall)", true: "see whether NetworkPolicies of this pod's namespace deny egress"} {
		_, problem := connect(t.Context(), client, 50*time.Millisecond, inside)
		if problem == nil || problem.Usage || !strings.Contains(problem.Text, "expected an answer within 50ms, found none") || !strings.Contains(problem.Text, want) {
			t.Errorf("inside %t: expected a problem that says that nothing answered, and %q, found %v", inside, want, problem)
		}
	}
}

func TestConnectUnknownAuthority(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	client, err := kubernetes.NewForConfig(&rest.Config{Host: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	_, problem := connect(t.Context(), client, time.Minute, false)
	if problem == nil || !problem.Usage || !strings.HasPrefix(problem.Text, "certificate: ") {
		t.Errorf("expected the certificate to be named, found %v", problem)
	}
}

func TestKubeconfigListMayLackFiles(t *testing.T) {
	_, problems := Kubeconfig(runconfig.Settings{Kubeconfig: "/does/not/exist:/nor/does/this"})
	if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.Text, "open /does/not/exist") }) {
		t.Errorf("expected the first missing file to be named, found %v", problems)
	}
}

func TestKubeconfigWithoutProtectionIsNoted(t *testing.T) {
	for name, c := range map[string]struct{ cluster, user, want string }{
		"protected":       {"{server: https://a}", "{token: t}", ""},
		"any certificate": {"{server: https://a, insecure-skip-tls-verify: true}", "{token: t}", "insecure-skip-tls-verify is set"},
		"over http":       {"{server: http://a}", "{token: t}", ""},
	} {
		path := filepath.Join(t.TempDir(), "kubeconfig")
		text := "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: " + c.cluster + "}]\nusers: [{name: u, user: " + c.user +
			"}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		target, problems := Kubeconfig(runconfig.Settings{Kubeconfig: path})
		notes := strings.Join(target.Notes, "\n")
		if len(problems) > 0 || (notes == "") != (c.want == "") || !strings.Contains(notes, c.want) {
			t.Errorf("%s: expected a note with %q, found %q, %v", name, c.want, notes, problems)
		}
		config, err := runconfig.Settings{Kubeconfig: path}.RESTConfig()
		if err != nil || (config.BearerToken != "") != strings.HasPrefix(config.Host, "https") {
			t.Errorf("%s: expected the token to be sent over https alone, found %q for %s, %v", name, config.BearerToken, config.Host, err)
		}
	}
}

func TestNodesOfTheLevelWorkload(t *testing.T) {
	node := func(unschedulable bool, effects ...corev1.TaintEffect) corev1.Node {
		n := corev1.Node{Spec: corev1.NodeSpec{Unschedulable: unschedulable}}
		for _, e := range effects {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "a", Effect: e})
		}
		return n
	}
	for name, c := range map[string]struct {
		nodes []corev1.Node
		want  string
	}{
		"two":                      {[]corev1.Node{node(false), node(false)}, ""},
		"one prefers others":       {[]corev1.Node{node(false), node(false, corev1.TaintEffectPreferNoSchedule)}, ""},
		"one is tainted":           {[]corev1.Node{node(false), node(false, corev1.TaintEffectNoSchedule)}, "LEVEL=workload: expected at least 2 nodes that take pods, for the members of a database, found 1 of 2 nodes: "},
		"one is cordoned":          {[]corev1.Node{node(false), node(true), node(false, corev1.TaintEffectNoExecute)}, "found 1 of 3 nodes"},
		"a cluster of one machine": {[]corev1.Node{node(false)}, "found 1 of 1 nodes"},
	} {
		problems := checkNodes(c.nodes)
		if (len(problems) == 0) != (c.want == "") || len(problems) > 0 && (!problems[0].Usage || !strings.Contains(problems[0].Text, c.want)) {
			t.Errorf("%s: expected %q, found %v", name, c.want, problems)
		}
	}
}
