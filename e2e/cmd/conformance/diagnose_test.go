package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
)

// answering is an API server that answers some paths, and forbids all others. It returns a kubeconfig that leads to it.
func answering(t *testing.T, answers map[string]any) (kubeconfig string, stop func()) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		answer, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusForbidden)
			answer = metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden}
		}
		if status, failed := answer.(metav1.Status); failed && ok {
			w.WriteHeader(int(status.Code))
		}
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(s.Close)
	kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Config", "current-context": "c", "clusters": [{"name": "c", "cluster": {"server": %q}}],
		"users": [{"name": "u", "user": {"token": "t"}}], "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}]}`, s.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return kubeconfig, s.Close
}

func diagnoseWith(args ...string) (out string, code int) {
	var b strings.Builder
	const patience = time.Minute // a busy machine answers late
	c := diagnoseCommand(diagnoseLimits{first: patience, list: patience, each: patience})
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetOut(&b)
	c.SetErr(io.Discard)
	c.SetArgs(args)
	err := c.Execute()
	return b.String() + fmt.Sprint(err), cli.ExitCode(err)
}

func stored(namespace, name string) appsv1.StatefulSet {
	none := int32(0)
	return appsv1.StatefulSet{
		TypeMeta: metav1.TypeMeta{Kind: "StatefulSet", APIVersion: "apps/v1"}, ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: "u"},
		Spec: appsv1.StatefulSetSpec{Replicas: &none},
	}
}

func TestDiagnoseTellsATypoFromAnOutage(t *testing.T) {
	pods := corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}}
	list := func(sets ...appsv1.StatefulSet) appsv1.StatefulSetList {
		return appsv1.StatefulSetList{TypeMeta: metav1.TypeMeta{Kind: "StatefulSetList", APIVersion: "apps/v1"}, Items: sets}
	}
	notFound := metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound}
	config, _ := answering(t, map[string]any{
		"/version": map[string]string{"gitVersion": "v1.37.2", "major": "1", "minor": "37"},
		"/apis/apps/v1/namespaces/shop/statefulsets/web": stored("shop", "web"), "/apis/apps/v1/namespaces/shop/statefulsets/wbe": notFound,
		"/apis/apps/v1/namespaces/bank/statefulsets/db": stored("bank", "db"), "/api/v1/namespaces/shop": notFound,
		"/apis/apps/v1/namespaces/shop/statefulsets": list(stored("shop", "web")), "/apis/apps/v1/statefulsets": list(stored("bank", "db"), stored("shop", "web")),
		"/api/v1/namespaces/shop/pods": pods, "/api/v1/namespaces/bank/pods": pods,
	})
	gone, stop := answering(t, nil)
	stop()
	for name, c := range map[string]struct {
		args []string
		code int
		part string
	}{
		"a set":                      {[]string{"--kubeconfig", config, "web"}, 0, "controller: statefulset/web asks for no pods (replicas 0)"},
		"all of the namespace":       {[]string{"--kubeconfig", config}, 0, "controller: statefulset/web asks for no pods (replicas 0)"},
		"all of all":                 {[]string{"--kubeconfig", config, "-A"}, 0, "statefulset bank/db\n\ncontroller: statefulset/db asks for no pods"},
		"for programs":               {[]string{"--kubeconfig", config, "-A", "-o", "json"}, 0, `"outcome": "healthy"`},
		"a set that is not there":    {[]string{"--kubeconfig", config, "wbe"}, 2, "expected a StatefulSet wbe in namespace shop, found none"},
		"a form that is not there":   {[]string{"--kubeconfig", config, "web", "-o", "xml"}, 2, "expected one of text, json, yaml, markdown"},
		"a file that is not there":   {[]string{"--state", "/no/such/file"}, 2, "no such file"},
		"a folder that is not there": {[]string{"--from", "/no/such/folder"}, 2, "no such file"},
		"a folder and a state":       {[]string{"--from", ".", "--state", "x"}, 2, "found both"},
		"a folder with nothing":      {[]string{"--from", t.TempDir()}, 2, "expected objects of a cluster in JSON or YAML files, found none"},
		"options that exclude":       {[]string{"--kubeconfig", config, "-A", "web"}, 2, "found both"},
		"labels that are none":       {[]string{"--kubeconfig", config, "-l", "a=="}, 0, ""},
		"labels that are a mistake":  {[]string{"--kubeconfig", config, "-l", "a=b=c"}, 2, "--selector"},
		"a namespace that is closed": {[]string{"--kubeconfig", config, "-n", "closed", "web"}, 4, "reading statefulset closed/web"},
		"a cluster that is gone":     {[]string{"--kubeconfig", gone, "web"}, 4, ""},
	} {
		out, code := diagnoseWith(c.args...)
		if code != c.code || !strings.Contains(out, c.part) {
			t.Errorf("%s: expected exit code %d and %q, found %d and %s", name, c.code, c.part, code, out)
		}
	}
}

// Pods that outlive their set are told of: a set that is not there may be missed.
func TestDiagnoseTellsOfPodsWithoutASet(t *testing.T) {
	yes := true
	pods := func(owners ...metav1.OwnerReference) corev1.PodList {
		p := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web-0", Labels: map[string]string{appsv1.StatefulSetPodNameLabel: "web-0"}, OwnerReferences: owners}}
		return corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}, Items: []corev1.Pod{p}}
	}
	for name, c := range map[string]struct {
		pods  corev1.PodList
		wants bool
	}{
		"left behind":        {pods(), true},
		"of another set":     {pods(metav1.OwnerReference{Kind: "StatefulSet", Name: "web", UID: "u", Controller: &yes}), false},
		"no pods are there":  {corev1.PodList{TypeMeta: metav1.TypeMeta{Kind: "PodList", APIVersion: "v1"}}, false},
		"owned by something": {pods(metav1.OwnerReference{Kind: "ConfigMap", Name: "x", UID: "u"}), true},
	} {
		config, _ := answering(t, map[string]any{
			"/version": map[string]string{"gitVersion": "v1.37.2", "major": "1", "minor": "37"}, "/api/v1/namespaces/shop/pods": c.pods,
			"/apis/apps/v1/namespaces/shop/statefulsets/web": metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound},
			"/apis/apps/v1/namespaces/shop/statefulsets":     appsv1.StatefulSetList{TypeMeta: metav1.TypeMeta{Kind: "StatefulSetList", APIVersion: "apps/v1"}},
			"/api/v1/namespaces/shop":                        corev1.Namespace{TypeMeta: metav1.TypeMeta{Kind: "Namespace", APIVersion: "v1"}},
		})
		for _, args := range [][]string{{"web"}, nil} {
			out, code := diagnoseWith(append([]string{"--kubeconfig", config}, args...)...)
			if says := strings.Contains(out, "pods without a controller: web-0; a set that is deleted with --cascade=orphan leaves them"); code != 2 || says != c.wants {
				t.Errorf("%s %v: expected exit code 2 and to be told of pods without a controller: %t; found %d and %s", name, args, c.wants, code, out)
			}
		}
	}
}

// Of what lies in files of its own there may be more: that another pod or node is not in the folder says nothing.
func TestDiagnoseAFolderThatHasNotAll(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"set.yaml": "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web, namespace: shop, uid: u, creationTimestamp: '2026-01-02T03:00:00Z'}, spec: {replicas: 2, podManagementPolicy: Parallel}, status: {replicas: 2, readyReplicas: 1}}",
		"pod.yaml": "{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: shop, uid: p, creationTimestamp: '2026-01-02T04:00:00Z', ownerReferences: [{kind: StatefulSet, name: web, uid: u, controller: true}]}, " +
			"spec: {nodeName: n1}, status: {phase: Running, conditions: [{type: Ready, status: 'True'}]}}",
		"node.yaml": "{apiVersion: v1, kind: Node, metadata: {name: n2, uid: of-a-node}, status: {conditions: [{type: Ready, status: 'True'}]}}",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, code := diagnoseWith("--from", dir)
	if code != 3 || !strings.Contains(out, "nothing is known of web-0") || strings.Contains(out, "lacks pod") || strings.Contains(out, "n1") {
		t.Errorf("expected exit code 3 and that nothing is known of the other pod, found %d and %s", code, out)
	}
	for _, want := range []string{"\n  pods: the folder has some", "\n  nodes: the folder has some", "\n  services: not in the folder"} {
		if !strings.Contains(out, want) {
			t.Errorf("expected %q, found %s", want, out)
		}
	}
	list := `{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Pod, metadata: {name: other, namespace: shop, uid: o}}]}`
	if err := os.WriteFile(filepath.Join(dir, "pods.yaml"), []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := diagnoseWith("--from", dir); code != 3 || !strings.Contains(out, "lacks pod web-0") {
		t.Errorf("expected the pod to be missing from a list, found exit code %d and %s", code, out)
	}
}

// What others collected is diagnosed without a cluster: of all namespaces, or of the one that is named.
func TestDiagnoseAFolder(t *testing.T) {
	dir := t.TempDir()
	for file, text := range map[string]string{
		"more.yaml":      "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: web, namespace: shop, uid: u}, spec: {replicas: 0}}\n",
		"shop/pods.json": `{"apiVersion": "v1", "kind": "PodList", "items": []}`,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		args []string
		code int
		part string
	}{
		"all":               {nil, 0, "controller: statefulset/web asks for no pods (replicas 0)"},
		"what is missing":   {nil, 0, "persistentvolumeclaims: "},
		"a set":             {[]string{"web"}, 0, "controller: statefulset/web asks for no pods (replicas 0)"},
		"a namespace":       {[]string{"-n", "shop", "web", "-o", "json"}, 0, `"namespace": "shop"`},
		"another set":       {[]string{"db"}, 2, "expected StatefulSets db, found none of any namespace"},
		"a set with -A":     {[]string{"web", "-A"}, 2, "found both"},
		"another namespace": {[]string{"-n", "bank"}, 4, "not in the folder"},
	} {
		out, code := diagnoseWith(append([]string{"--from", dir}, c.args...)...)
		if code != c.code || !strings.Contains(out, c.part) {
			t.Errorf("%s: expected exit code %d and %q, found %d and %s", name, c.code, c.part, code, out)
		}
	}
}
