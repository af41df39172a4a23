package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// answered returns the answer to a request for a path, "" where nobody answers.
func answered(t *testing.T, url string) (text, kind string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", ""
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: expected an answer, found %s and %v: %s", url, resp.Status, err, data)
	}
	return string(data), resp.Header.Get("Content-Type")
}

// TestRecordServesMetrics: what was recorded so far can be asked for while the recording goes on, also across histories, and nobody answers after it.
func TestRecordServesMetrics(t *testing.T) {
	web := set("shop", "web")
	web.Spec.Replicas, web.Status = new(int32(3)), appsv1.StatefulSetStatus{ReadyReplicas: 2}
	client := fake.NewClientset(web, set("shop", "db"))
	o := recordOptions{namespaces: "shop", selector: "app=web", complete: 10 * time.Millisecond, rotate: 300 * time.Millisecond, metrics: "127.0.0.1:0", metricsAge: time.Millisecond}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var progress bytes.Buffer
	var texts []string
	var kind, url string
	dir := t.TempDir()
	const act = `statefulset_recording_acts_total{namespace="shop",set="web"} 1` + "\n"
	begun := func() {
		url = regexp.MustCompile(`http://\S+`).FindString(progress.String())
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: "web-0", Namespace: "shop", UID: "uid-of-a-pod", OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: "web", UID: "uid-of-a-set", Controller: new(true)}},
		}}
		if _, err := client.CoreV1().Pods("shop").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
		go func() { //nolint:contextcheck // It asks with the context of the test.
			defer interrupt()
			for _, histories := range []int{0, 3} {
				await(t, "an answer with the act", func() bool {
					var text string
					saved := len(savedIn(dir))
					text, kind = answered(t, url)
					if saved < histories || !strings.Contains(text, act) {
						return false
					}
					texts = append(texts, text)
					return true
				})
			}
			if ok, _ := answered(t, strings.TrimSuffix(url, "metrics")+"healthz"); ok != "ok\n" {
				t.Errorf("expected the recorder to say that it is alive, found %q", ok)
			}
		}()
	}
	r, err := o.recordInto(ctx, client, new(cost), dir, &atWord{w: &progress, word: "it ends with an interrupt", do: begun})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Histories) < 3 || len(texts) != 2 || kind != report.MetricsType {
		t.Fatalf("expected answers in several histories, found %d, %q and %q", len(r.Histories), texts, kind)
	}
	for i, text := range texts {
		for _, want := range []string{
			`statefulset_recording_replicas{namespace="shop",set="web"} 3` + "\n", `statefulset_recording_ready_replicas{namespace="shop",set="web"} 2` + "\n",
			act, "# TYPE statefulset_conformance_duration_seconds gauge\n", "\nstatefulset_recording_memory_bytes ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("answer %d: expected %q in\n%s", i, want, text)
			}
		}
		if strings.Contains(text, `"db"`) || strings.Count(text, "# EOF\n") != 1 || !strings.HasSuffix(text, "# EOF\n") {
			t.Errorf("answer %d: expected the sets that are chosen alone, and an end, found\n%s", i, text)
		}
	}
	if text, _ := answered(t, url); text != "" {
		t.Errorf("expected no answer after the recording, found %q", text)
	}
}

// TestRecordServesPages: the files of the folder, and all of them in one archive.
func TestRecordServesPages(t *testing.T) {
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "2026-01-02T03-04-05Z"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "2026-01-02T03-04-05Z", "index.html"), []byte("a page"), 0o600); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	server := httptest.NewServer(pagesHandler(root))
	defer server.Close()
	if text, _ := answered(t, server.URL+"/2026-01-02T03-04-05Z/"); text != "a page" {
		t.Errorf("expected the page, found %q", text)
	}
	if text, _ := answered(t, server.URL); !strings.Contains(text, "2026-01-02T03-04-05Z") {
		t.Errorf("expected the recordings to be listed, found %q", text)
	}
	text, _ := answered(t, server.URL+archive)
	zip, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for files := tar.NewReader(zip); ; {
		h, err := files.Next()
		if err != nil {
			t.Fatalf("expected the page in the archive: %v", err)
		}
		if h.Name == "2026-01-02T03-04-05Z/index.html" {
			break
		}
	}
}

// TestRecordServesNothingElse: neither a path nor a link leads out of the folder.
func TestRecordServesNothingElse(t *testing.T) {
	outside, folder := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("a secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"file": filepath.Join(outside, "secret"), "folder": outside} {
		if err := os.Symlink(to, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = root.Close() }()
	for _, path := range []string{"/file", "/folder/secret", "/../" + filepath.Base(outside) + "/secret", "/%2e%2e/" + filepath.Base(outside) + "/secret"} {
		answer := httptest.NewRecorder()
		pagesHandler(root).ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
		if answer.Code < 300 || strings.Contains(answer.Body.String(), "a secret") {
			t.Errorf("%s: expected it to be refused, found %d and %q", path, answer.Code, answer.Body)
		}
	}
}

// TestRecordKeepsTheNewest: only what is a saved recording is removed.
func TestRecordKeepsTheNewest(t *testing.T) {
	folder := t.TempDir()
	for name, file := range map[string]string{
		"2026-01-01T00-00-00Z": "recording.json", "2026-01-02T00-00-00Z": "recording.json", "2026-01-03T00-00-00Z": "recording.json", "2026-01-01T12-00-00Z": "", "other": "recording.json",
	} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if file != "" {
			if err := os.WriteFile(filepath.Join(folder, name, file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	left := func(keep int) string {
		if err := (&recordOptions{folder: folder, keep: keep}).removeOld(); err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " ")
	}
	if got := left(0); strings.Count(got, "Z") != 4 {
		t.Errorf("expected all to stay, found %s", got)
	}
	if got, want := left(2), "2026-01-01T12-00-00Z 2026-01-02T00-00-00Z 2026-01-03T00-00-00Z other"; got != want {
		t.Errorf("expected %s, found %s", want, got)
	}
}

// TestRecordRefusesAnAddressThatIsTaken: in one line, and before anything is recorded.
func TestRecordRefusesAnAddressThatIsTaken(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	for _, address := range []string{taken.Addr().String(), "nowhere", "127.0.0.1:port"} {
		for flag, o := range map[string]recordOptions{
			"--metrics": {namespaces: "shop", rotate: time.Hour, metrics: address}, "--pages": {namespaces: "shop", rotate: time.Hour, metrics: "127.0.0.1:0", pages: address, folder: t.TempDir()},
		} {
			if err := o.check(); err != nil {
				t.Fatal(err)
			}
			_, err = o.recordInto(t.Context(), fake.NewClientset(), new(cost), t.TempDir(), io.Discard)
			if cli.ExitCode(err) != verdict.ExitUsage || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), flag) {
				t.Errorf("%s %s: expected wrong use in one line, found %v", flag, address, err)
			}
		}
	}
}
