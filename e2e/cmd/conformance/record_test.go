package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// deny refuses lists of a resource.
func deny(client *fake.Clientset, resource string) {
	client.PrependReactor("list", resource, func(clienttesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New("told so"))
	})
}

func set(namespace, name string) *appsv1.StatefulSet {
	return &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace, UID: "uid-" + "of-" + "a-set", Labels: map[string]string{"app": name}}}
}

// TestRecordEndsWithItsContext: what happens until then is recorded, of each namespace into its file, and what may not be read is told.
func TestRecordEndsWithItsContext(t *testing.T) {
	client := fake.NewClientset(set("shop", "web"), set("shop", "db"), set("bank", "ledger"))
	deny(client, "services")
	deny(client, "nodes")
	o := recordOptions{namespaces: "shop,bank", selector: "app!=db", complete: time.Second, rotate: time.Hour}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	dir := t.TempDir()
	var progress bytes.Buffer
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Name: "web-0", Namespace: "shop", UID: "uid-of-a-pod", OwnerReferences: []metav1.OwnerReference{{Kind: "StatefulSet", Name: "web", UID: "uid-of-a-set", Controller: new(true)}},
	}}
	begun := func() {
		if _, err := client.CoreV1().Pods("shop").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
		time.AfterFunc(100*time.Millisecond, interrupt)
	}
	r, err := o.recordInto(ctx, client, new(cost), dir, &atWord{w: &progress, word: "it ends with an interrupt", do: begun})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"namespace shop: web\n", "namespace bank: ledger\n", "goes on without services", "shop: goes on without nodes, which the account may not read (conformance manifests rbac-record-nodes)"} {
		if !strings.Contains(progress.String(), want) {
			t.Errorf("expected %q in\n%s", want, progress.String())
		}
	}
	if len(r.Acts) != 1 || r.Acts[0].What != "created pod web-0" || len(r.Sets) != 2 {
		t.Errorf("expected the creation of web-0 alone, of two sets, found %+v of %+v", r.Acts, r.Sets)
	}
	for _, file := range r.Histories {
		h, err := history.Load(filepath.Join(dir, file.File))
		if err != nil {
			t.Fatal(err)
		}
		if !h.Header.Unstimulated || h.Header.Namespace != file.Namespace || len(file.Lacks) == 0 {
			t.Errorf("expected a history of %s in which nobody ran a test, and what it lacks, found %+v", file.Namespace, h.Header)
		}
	}
}

// atWord is a writer that does something once a word was written.
type atWord struct {
	w    *bytes.Buffer
	word string
	do   func()
}

func (a *atWord) Write(p []byte) (int, error) {
	if a.do != nil && strings.Contains(string(p), a.word) {
		a.do()
		a.do = nil
	}
	return a.w.Write(p)
}

// await waits until something is so: a busy machine takes its time.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Errorf("expected %s", what)
			return
		}
	}
}

// savedIn returns the histories that are saved in a recording's folder.
func savedIn(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir, "histories", "*.jsonl.gz"))
	return files
}

// TestRecordEndsWhenItCannotSave: a folder that is gone, or a disk that is full, ends the recording at once and not when somebody looks.
func TestRecordEndsWhenItCannotSave(t *testing.T) {
	o := recordOptions{namespaces: "shop,bank", complete: 10 * time.Millisecond, rotate: 100 * time.Millisecond}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	gone := func() {
		if err := os.RemoveAll(filepath.Join(dir, "histories")); err != nil {
			t.Error(err)
		}
	}
	_, err := o.recordInto(ctx, fake.NewClientset(set("shop", "web")), new(cost), dir, &atWord{w: &bytes.Buffer{}, word: "it ends with an interrupt", do: gone})
	if cli.ExitCode(err) != verdict.ExitInconclusive || ctx.Err() != nil {
		t.Errorf("expected exit code %d before the time is up, found %v and %v", verdict.ExitInconclusive, err, ctx.Err())
	}
}

func TestRecordWithoutRightsIsNoResult(t *testing.T) {
	client := fake.NewClientset()
	deny(client, "pods")
	o := recordOptions{namespaces: "shop", rotate: time.Hour}
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	if _, err := o.recordInto(t.Context(), client, new(cost), t.TempDir(), &bytes.Buffer{}); cli.ExitCode(err) != verdict.ExitInconclusive {
		t.Errorf("expected exit code %d, found %v", verdict.ExitInconclusive, err)
	}
}

func TestRecordOptions(t *testing.T) {
	for name, o := range map[string]recordOptions{
		"a namespace twice": {namespaces: "a,b,a", rotate: 1}, "a namespace without a name": {namespaces: "a,", rotate: 1}, "no selector": {selector: "a in", rotate: 1}, "no duration": {limit: -1, rotate: 1}, "histories of no length": {namespaces: "a"},
	} {
		if err := o.check(); err == nil {
			t.Errorf("%s: expected an error", name)
		}
	}
	if err := (&recordOptions{namespaces: "a,b", selector: "app in (db, web)", limit: time.Hour, rotate: time.Hour}).check(); err != nil {
		t.Error(err)
	}
}

// recordWhile records into a folder of its own until something that is done meanwhile has ended.
func recordWhile(t *testing.T, o recordOptions, client *fake.Clientset, meanwhile func(dir string)) (r *recording.Recording, dir string) {
	t.Helper()
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	dir = t.TempDir()
	begun := func() {
		go func() {
			defer interrupt()
			meanwhile(dir)
		}()
	}
	r, err := o.recordInto(ctx, client, new(cost), dir, &atWord{w: &bytes.Buffer{}, word: "it ends with an interrupt", do: begun})
	if err != nil {
		t.Fatal(err)
	}
	return r, dir
}

// TestRecordRotatesByEvents: the histories of all namespaces share a number of events, to which what was there at first does not count: a namespace with more
// than that is recorded in one history all the same.
func TestRecordRotatesByEvents(t *testing.T) {
	client := fake.NewClientset(set("shop", "web"), set("shop", "db"), set("shop", "queue"), set("bank", "ledger"))
	o := recordOptions{namespaces: "shop,bank", complete: 10 * time.Millisecond, rotate: time.Hour, events: 4}
	r, _ := recordWhile(t, o, client, func(dir string) {
		// The fake API server loses what is made between a list and the watch after it, so that one or two need not be seen.
		made := 0
		await(t, "the history of bank to be saved", func() bool {
			made++
			if _, err := client.AppsV1().StatefulSets("bank").Create(t.Context(), set("bank", fmt.Sprintf("more-%d", made)), metav1.CreateOptions{}); err != nil {
				t.Error(err)
			}
			return len(savedIn(dir)) > 0
		})
	})
	histories := map[string]int{}
	for _, h := range r.Histories {
		histories[h.Namespace]++
	}
	if histories["shop"] != 1 || histories["bank"] < 2 {
		t.Errorf("expected one history of shop and several of bank, found %v", histories)
	}
}

// TestRecordRotates: histories are saved while the recording goes on, and an act in one of them is told once.
func TestRecordRotates(t *testing.T) {
	o := recordOptions{namespaces: "shop", complete: 10 * time.Millisecond, rotate: 100 * time.Millisecond}
	r, dir := recordWhile(t, o, fake.NewClientset(set("shop", "web")), func(dir string) {
		await(t, "histories to be saved", func() bool { return len(savedIn(dir)) >= 3 })
	})
	if len(r.Histories) < 3 || r.Histories[0].File == r.Histories[1].File {
		t.Errorf("expected several histories, found %+v", r.Histories)
	}
	for _, file := range r.Histories {
		if _, err := history.Load(filepath.Join(dir, file.File)); err != nil {
			t.Error(err)
		}
	}
	if out, err := printed(t, "report", dir); err != nil || !strings.Contains(out, "rendered") {
		t.Errorf("expected the page to be rendered again from the folder, found %v and %q", err, out)
	}
	if len(r.Sets) != 1 {
		t.Errorf("expected one set, found %+v", r.Sets)
	}
	if saved, err := recording.Load(dir); err != nil || saved.Cost == nil || saved.Cost.Memory == 0 {
		t.Errorf("expected the recording to say what it took, found %+v, %v", saved, err)
	}
}
