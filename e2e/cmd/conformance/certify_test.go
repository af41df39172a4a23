package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apiversion "k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// apiServer answers the requests of preflight, and fails the test on one that would change a cluster.
type apiServer struct {
	t            *testing.T
	minor        string
	unauthorized bool
	anonymous    bool
	denied       string // verb and resource
	noDefault    bool
}

// ServeHTTP answers one request.
func (s apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(o any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(o); err != nil {
			s.t.Error(err)
		}
	}
	refuse := func(code int, reason metav1.StatusReason) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		status := metav1.Status{Status: metav1.StatusFailure, Code: int32(code), Reason: reason, Message: string(reason)}
		status.Kind, status.APIVersion = "Status", "v1"
		_ = json.NewEncoder(w).Encode(status)
	}
	switch {
	case s.unauthorized:
		refuse(http.StatusUnauthorized, metav1.StatusReasonUnauthorized)
	case r.URL.Path == "/version":
		answer(apiversion.Info{Major: "1", Minor: s.minor, GitVersion: "v1." + s.minor + ".0"})
	case strings.HasSuffix(r.URL.Path, "/selfsubjectreviews"):
		review := authenticationv1.SelfSubjectReview{}
		review.Kind, review.APIVersion = "SelfSubjectReview", "authentication.k8s.io/v1"
		review.Status.UserInfo.Username = "tester"
		answer(review)
	case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews") && s.anonymous:
		refuse(http.StatusForbidden, metav1.StatusReasonForbidden)
	case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews"):
		review := &authorizationv1.SelfSubjectAccessReview{}
		body, err := io.ReadAll(r.Body)
		if err == nil {
			// The client may write something else than JSON.
			_, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, review)
		}
		if err != nil {
			s.t.Errorf("reading a review: %v", err)
			refuse(http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		request := review.Spec.ResourceAttributes
		review.Status.Allowed = s.denied != "*" && s.denied != request.Verb+" "+strings.TrimSuffix(request.Resource+"/"+request.Subresource, "/")
		review.Kind, review.APIVersion = "SelfSubjectAccessReview", "authorization.k8s.io/v1"
		answer(review)
	case strings.HasSuffix(r.URL.Path, "/storageclasses"):
		class := storagev1.StorageClass{ObjectMeta: metav1.ObjectMeta{Name: "disk"}, Provisioner: "p"}
		if !s.noDefault {
			class.Annotations = map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}
		}
		list := storagev1.StorageClassList{Items: []storagev1.StorageClass{class}}
		list.Kind, list.APIVersion = "StorageClassList", "storage.k8s.io/v1"
		answer(list)
	case r.Method == http.MethodGet:
		refuse(http.StatusForbidden, metav1.StatusReasonForbidden)
	default:
		s.t.Errorf("preflight must change nothing, found %s %s", r.Method, r.URL.Path)
		refuse(http.StatusForbidden, metav1.StatusReasonForbidden)
	}
}

// kubeconfig writes one for an address and returns its path.
func kubeconfig(t *testing.T, server string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: mine
clusters: [{name: c, cluster: {server: %q}}]
users: [{name: u, user: {token: t}}]
contexts: [{name: mine, context: {cluster: c, user: u}}]
`, server)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// options are those of certify with these variables in the environment.
func options(env map[string]string) *certifyOptions {
	var o certifyOptions
	o.addFlags(cli.NewFlags(pflag.NewFlagSet("certify", pflag.ContinueOnError), func(variable string) string { return env[variable] }))
	return &o
}

func serve(t *testing.T, s apiServer) string {
	t.Helper()
	s.t = t
	if s.minor == "" {
		s.minor = "36"
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return kubeconfig(t, server.URL)
}

func TestCertifyRejects(t *testing.T) {
	healthy := serve(t, apiServer{})
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("not a kubeconfig"), 0o600); err != nil {
		t.Fatal(err)
	}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	for name, c := range map[string]struct {
		env  map[string]string
		code int
		want []string
	}{
		"kubeconfig missing":       {map[string]string{"KUBECONFIG": "/does/not/exist"}, 2, []string{"KUBECONFIG: expected a kubeconfig that can be read, found: open /does/not/exist"}},
		"kubeconfig a folder":      {map[string]string{"KUBECONFIG": t.TempDir()}, 2, []string{"KUBECONFIG: expected a kubeconfig that can be read, found: read "}},
		"kubeconfig malformed":     {map[string]string{"KUBECONFIG": file}, 2, []string{"KUBECONFIG: expected a kubeconfig in " + file}},
		"context unknown":          {map[string]string{"CONTEXT": "yours"}, 2, []string{`found none named "yours"; it has mine: name one of them with CONTEXT=`}},
		"server unreachable":       {map[string]string{"KUBECONFIG": kubeconfig(t, closed.URL)}, 3, []string{"API server: expected an answer, found: dial tcp"}},
		"server of something else": {map[string]string{"KUBECONFIG": kubeconfig(t, other.URL)}, 3, []string{"API server: expected its version, found: "}},
		"token expired":            {map[string]string{"KUBECONFIG": serve(t, apiServer{unauthorized: true})}, 2, []string{"credentials: expected ones that the API server accepts, found them rejected (401 Unauthorized)"}},
		"version older":            {map[string]string{"KUBECONFIG": serve(t, apiServer{minor: "28+"})}, 3, []string{"version: expected Kubernetes v1.29 to v1.37, found v1.28+.0: upgrade"}},
		"nobody's credentials":     {map[string]string{"KUBECONFIG": serve(t, apiServer{anonymous: true})}, 2, []string{"rights: expected the API server to say what the account may do"}},
		"a right missing": {
			map[string]string{"KUBECONFIG": serve(t, apiServer{denied: "patch pods/status"})},
			2,
			[]string{"rights: expected tester to be allowed to patch pods/status (a readiness gate holds and releases readiness), found it is not: grant it, as what \"conformance manifests rbac\" prints does"},
		},
		"all rights missing": {map[string]string{"KUBECONFIG": serve(t, apiServer{denied: "*"})}, 2, []string{
			"18 problems", "to be allowed to create, delete, list, watch namespaces", "to be allowed to create, get pods/exec", "list storageclasses.storage.k8s.io",
		}},
		"StorageClass missing":    {map[string]string{"STORAGE_CLASS": "tape"}, 2, []string{"STORAGE_CLASS=tape: expected the name of a StorageClass, found none of that name; the cluster has disk"}},
		"no default StorageClass": {map[string]string{"KUBECONFIG": serve(t, apiServer{noDefault: true})}, 3, []string{"expected a default StorageClass"}},
		"report below a file":     {map[string]string{"REPORT_DIR": filepath.Join(file, "report")}, 2, []string{"REPORT_DIR=" + file + "/report: expected a folder that can be written"}},
		"report a file":           {map[string]string{"REPORT_DIR": file}, 2, []string{"REPORT_DIR=" + file + ": expected a folder that can be written"}},
		"limit malformed":         {map[string]string{"LIMITS": "pod-ready=soon"}, 2, []string{`LIMITS: limit "pod-ready": expected a duration above zero`}},
		"limit unknown":           {map[string]string{"LIMITS": "patience=5m"}, 2, []string{`LIMITS: no limit is named "patience"`}},
		"level unknown":           {map[string]string{"LEVEL": "all"}, 2, []string{"LEVEL=all: expected one of [core extended workload disruptive]"}},
		"processes":               {map[string]string{"PROCS": "many"}, 2, []string{"PROCS=many: expected a number of processes"}},
		"seed":                    {map[string]string{"SEED": "x"}, 2, []string{"SEED=x: expected a whole number"}},
		"time limit":              {map[string]string{"TIME_LIMIT": "60"}, 2, []string{"TIME_LIMIT=60: expected a time of a minute or more, such as 90m or 2h"}},
		"patch of pods":           {map[string]string{"POD_PATCH": file}, 2, []string{"POD_PATCH=" + file + ": expected an object with metadata and spec of a pod"}},
		"claim size":              {map[string]string{"CLAIM_SIZE": "1GB!"}, 2, []string{"CLAIM_SIZE=1GB!: expected a size of 16Mi or more, such as 1Gi"}},
		"focus":                   {map[string]string{"FOCUS": "("}, 2, []string{"FOCUS=(: expected a regular expression"}},
		"labels":                  {map[string]string{"LABELS": "&&"}, 2, []string{"LABELS=&&: expected a Ginkgo label filter"}},
		"namespace prefix":        {map[string]string{"NAMESPACE_PREFIX": "My_"}, 2, []string{"NAMESPACE_PREFIX=My_: expected lower-case letters"}},
		"namespaces malformed":    {map[string]string{"NAMESPACES": "a,B"}, 2, []string{`NAMESPACES=a,B: expected names of namespaces with commas between them, each once, found "B"`}},
		"namespace twice":         {map[string]string{"NAMESPACES": "a,a"}, 2, []string{`each once, found "a"`}},
		"more processes":          {map[string]string{"NAMESPACES": "a,b", "PROCS": "3"}, 2, []string{"PROCS=3: expected at most one process for each of the 2 NAMESPACES"}},
		"mirror malformed":        {map[string]string{"IMAGE_MIRROR": "My Mirror"}, 2, []string{"IMAGE_MIRROR=My Mirror: expected a registry and perhaps a path"}},
		"a right missing in one": {
			map[string]string{"KUBECONFIG": serve(t, apiServer{denied: "patch pods/status"}), "NAMESPACES": "a"},
			2,
			[]string{"to be allowed to patch pods/status in namespace a (a readiness gate holds and releases readiness), found it is not: grant it, as what \"conformance manifests rbac-namespaced\" prints does"},
		},
		"everything at once": {
			map[string]string{"LEVEL": "all", "LIMITS": "x", "REPORT_DIR": file, "STORAGE_CLASS": "tape"},
			2,
			[]string{"4 problems\n", "LEVEL=all", "\nREPORT_DIR=", "\nSTORAGE_CLASS=tape"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			env := map[string]string{"KUBECONFIG": healthy, "REPORT_DIR": filepath.Join(t.TempDir(), "report")}
			maps.Copy(env, c.env)
			err := runCertify(t.Context(), options(env), io.Discard, io.Discard)
			if err == nil {
				t.Fatal("expected a rejection, found none")
			}
			if code := cli.ExitCode(err); code != c.code {
				t.Errorf("expected exit code %d, found %d", c.code, code)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("expected %q in:\n%v", want, err)
				}
			}
			if lines := strings.Count(err.Error(), "\n"); len(c.want) == 1 && lines > 0 {
				t.Errorf("expected one line, found:\n%v", err)
			}
			// What a person typed wrong makes nothing; that a cluster cannot be judged is left for CI systems.
			refused := filepath.Base(c.env["KUBECONFIG"]) == "kubeconfig" || c.env["STORAGE_CLASS"] != ""
			outcome, err := os.ReadFile(filepath.Join(env["REPORT_DIR"], report.JUnitFile))
			if made := err == nil; c.env["REPORT_DIR"] == "" && (made != refused || made && !strings.Contains(string(outcome), fmt.Sprintf("exit code %d", c.code))) {
				t.Errorf("expected an outcome %t, found %v and %s", refused, err, outcome)
			}
		})
	}
}

// Each right is taken away in turn, and the line that names it is the only one.
func TestCertifyNamesEachMissingRight(t *testing.T) {
	for _, right := range rbac.All() {
		for _, verb := range right.Verbs {
			env := map[string]string{
				"KUBECONFIG": serve(t, apiServer{denied: verb + " " + right.Resource}), "REPORT_DIR": filepath.Join(t.TempDir(), "report"),
			}
			var said bytes.Buffer
			_, err := prepare(t.Context(), options(env), metav1.Now().Time, &said)
			where := ""
			if right.Namespace != "" {
				where = " in namespace " + right.Namespace
			}
			want := "rights: expected tester to be allowed to " + verb + " " + right.Name() + where + " ("
			switch {
			case right.ForReport && (err != nil || strings.Count(said.String(), "\nnote: "+want) != 1):
				t.Errorf("expected a note %q and no error, found %v and:\n%s", want, err, said.String())
			case !right.ForReport && (err == nil || cli.ExitCode(err) != verdict.ExitUsage || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("expected one line that begins %q and exit code %d, found %v", want, verdict.ExitUsage, err)
			}
		}
	}
}

func TestReadOnlyReportFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		dir = "/proc/self" // root may write into any folder but those of the kernel
	}
	problems := options(map[string]string{"REPORT_DIR": dir + "/report"}).Validate("extended")
	if len(problems) != 1 || cli.ExitCode(runner.PreflightError(problems)) != verdict.ExitUsage || !strings.HasPrefix(problems[0].Text, "REPORT_DIR="+dir) {
		t.Errorf("expected the folder to be rejected, found %v", problems)
	}
}

func TestPrepareSaysWhatItIsAboutToDo(t *testing.T) {
	var said bytes.Buffer
	env := map[string]string{
		"KUBECONFIG": serve(t, apiServer{minor: "38", denied: "list nodes"}), "REPORT_DIR": t.TempDir(),
		"NAMESPACE_PREFIX": "mine", "NGINX_IMAGE": "mirror/nginx", "CLAIM_SIZE": "1Gi", "PRIORITY_CLASS": "high",
	}
	s, err := prepare(t.Context(), options(env), metav1.Now().Time, &said)
	if err != nil {
		t.Fatal(err)
	}
	if s.Facts.StorageClass != "disk" || s.Images.Busybox == "" {
		t.Errorf("expected the default StorageClass and an image for what was not named, found %+v", s)
	}
	if s.NamedImages != (runconfig.Images{Nginx: "mirror/nginx"}) {
		t.Errorf("expected the one image that was named, found %+v", s.NamedImages)
	}
	env["IMAGE_MIRROR"] = "registry.example/mirror"
	if s, err = prepare(t.Context(), options(env), metav1.Now().Time, io.Discard); err != nil || s.NamedImages.Busybox != s.Images.Busybox || s.NamedImages.Nginx != "mirror/nginx" {
		t.Errorf("expected all images to be a person's where a mirror is named, found %+v, %v", s.NamedImages, err)
	}
	for _, want := range []string{
		"cluster: context mine at http://127.0.0.1:", "cluster: Kubernetes v1.38.0, as tester", "namespaces mine-...", "StorageClass disk (the default)",
		"mirror/nginx", "note: version: expected Kubernetes v1.29 to v1.37, found v1.38.0: newer", "note: rights: expected tester to be allowed to list nodes",
		"conformance clean --run=certify-", `it will make all pods with the patch {"spec":{"priorityClassName":"high"}}`, "it will make claims of 1Gi and more",
	} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("expected %q in:\n%s", want, said.String())
		}
	}
}

// A run that selects no spec is rejected before anything is made.
func TestNarrowedToNothing(t *testing.T) {
	healthy := serve(t, apiServer{})
	t.Chdir("../../..")
	if suite, err := runner.Identity(t.Context()); err != nil || suite.Version != version.OfCheckout(t.Context(), ".") || suite.Digest == "" {
		t.Fatalf("expected the suite of this checkout, found %+v (%v)", suite, err)
	}
	for name, c := range map[string]struct {
		mayDisrupt bool // as in e2e
		env        map[string]string
		want       string
	}{
		"focus":                 {false, map[string]string{"FOCUS": "no such spec"}, "FOCUS=no such spec: expected to select at least one spec, found none; FOCUS is a regular expression"},
		"focus of e2e":          {true, map[string]string{"FOCUS": "no such spec"}, "FOCUS=no such spec: expected to select at least one spec, found none; FOCUS is a regular expression"},
		"labels":                {false, map[string]string{"LABELS": "dns.nothing"}, "LABELS=dns.nothing: expected to select at least one spec, found none; "},
		"both":                  {true, map[string]string{"FOCUS": "drained", "LABELS": "dns.pod-record"}, "FOCUS=drained LABELS=dns.pod-record: expected to select"},
		"below its level":       {false, map[string]string{"LEVEL": "core", "LABELS": "!core && !disruptive"}, "expected to select at least one spec of the level core, found none; "},
		"e2e below its level":   {true, map[string]string{"LABELS": "disruption.drain"}, "LABELS=disruption.drain: expected to select at least one spec of the level extended, found none; 1 of higher levels match: raise LEVEL"},
		"certify disrupts none": {false, map[string]string{"LABELS": "disruptive"}, "LABELS=disruptive: expected to select a spec that does no harm, found only such of the level disruptive: use make e2e LEVEL=disruptive LABELS=disruptive"},
		"not even when chosen":  {false, map[string]string{"LEVEL": "disruptive", "LABELS": "disruptive"}, "LABELS=disruptive: expected to select a spec that does no harm, found only such"},
		"e2e disrupts":          {true, map[string]string{"LEVEL": "disruptive", "LABELS": "disruptive"}, ""},
		"one with others":       {false, map[string]string{"LEVEL": "disruptive", "LABELS": "disruptive || dns.headless"}, ""},
		"a spec that there is":  {false, map[string]string{"FOCUS": "minReadySeconds"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			o := options(c.env)
			if problems := o.Validate(contract.Levels()...); len(problems) > 0 {
				t.Fatal(problems)
			}
			err := runner.OrInconclusive(o.CheckSelection(c.mayDisrupt))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("expected nothing to be rejected, found: %v", err)
			case c.want != "" && (err == nil || cli.ExitCode(err) != verdict.ExitUsage || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n")):
				t.Errorf("expected exit code %d and one line with %q, found: %v", verdict.ExitUsage, c.want, err)
			}
		})
	}
	env := map[string]string{"KUBECONFIG": healthy, "REPORT_DIR": filepath.Join(t.TempDir(), "report"), "FOCUS": "no such spec"}
	err := runCertify(t.Context(), options(env), io.Discard, io.Discard)
	if _, made := os.Stat(env["REPORT_DIR"]); cli.ExitCode(err) != verdict.ExitUsage || made == nil {
		t.Errorf("expected certify to reject it with nothing made, found %v", err)
	}
}
