package recorder_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
)

// patience bounds every wait of these tests; only a failure takes that long.
const patience = 20 * time.Second

func pod(name, hostname string) *corev1.Pod {
	return &corev1.Pod{
		TypeMeta: metav1.TypeMeta{Kind: "Pod", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"},
		Spec: corev1.PodSpec{Hostname: hostname},
	}
}

func claim(name string) *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{
		TypeMeta: metav1.TypeMeta{Kind: "PersistentVolumeClaim", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "ns"},
	}
}

// start begins a recording and, at the end of the test, holds the recorder to having left nothing behind.
func start(t *testing.T, s *server) *recorder.Recorder {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := recorder.Start(ctx, s.client, history.Header{Namespace: "ns", Spec: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		r.Stop(ctx, time.Nanosecond)
		noGoroutines(t)
	})
	return r
}

// noGoroutines holds that none of the recorder's goroutines is left.
func noGoroutines(t *testing.T) {
	t.Helper()
	var stacks bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	for g := range strings.SplitSeq(stacks.String(), "\n\n") {
		if strings.Contains(g, "recorder.(*Recorder)") {
			t.Errorf("left behind:\n%s", g)
		}
	}
}

func await(t *testing.T, r *recorder.Recorder, what string, cond func(*history.State) string) {
	t.Helper()
	if err := r.Await(t.Context(), patience, what, cond); err != nil {
		t.Fatal(err)
	}
}

// hostname waits until a pod is recorded with that hostname; "" waits for it to be gone.
func hostname(t *testing.T, r *recorder.Recorder, name, want string) {
	t.Helper()
	await(t, r, name+" with hostname "+want, func(s *history.State) string {
		found := ""
		if e := s.Get(history.Pods, name); e != nil {
			found = e.Pod.Hostname
		}
		if found != want {
			return "hostname " + found
		}
		return ""
	})
}

func lines(h *history.History, r history.Resource) []string {
	var out []string
	for _, e := range h.Events {
		if e.Resource != r {
			continue
		}
		text := fmt.Sprintf("%s %s %s", e.Change, e.Name, e.UID)
		if e.Pod != nil {
			text += " " + e.Pod.Hostname
		}
		out = append(out, text)
	}
	return out
}

func expectLines(t *testing.T, h *history.History, r history.Resource, want ...string) {
	t.Helper()
	if got := lines(h, r); !slices.Equal(got, want) {
		t.Errorf("%s: expected\n  %s\nfound\n  %s", r, strings.Join(want, "\n  "), strings.Join(got, "\n  "))
	}
	readsBack(t, h)
}

// readsBack holds that a recording can be saved and judged again.
func readsBack(t *testing.T, h *history.History) {
	t.Helper()
	var file bytes.Buffer
	if err := h.Write(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := history.Read(&file); err != nil {
		t.Errorf("what was recorded cannot be read back: %v", err)
	}
}

func stop(t *testing.T, r *recorder.Recorder) *history.History {
	t.Helper()
	h := r.Stop(t.Context(), patience)
	if h.End == nil || !h.End.Complete {
		t.Errorf("expected a complete recording, found %+v", h.End)
	}
	return h
}

func TestEveryEventIsKeptInOrderAndUnmerged(t *testing.T) {
	s := newServer(t)
	s.put(history.Pods, pod("old", "h"))
	r := start(t, s)
	s.put(history.Pods, pod("web-0", "0"))
	want := []string{"listed old uid-1 h", "added web-0 uid-2 0"}
	for n := 1; n <= 200; n++ {
		s.put(history.Pods, pod("web-0", fmt.Sprint(n)))
		want = append(want, fmt.Sprintf("modified web-0 uid-2 %d", n))
	}
	s.remove(history.Pods, "web-0")
	s.put(history.Pods, pod("web-0", "again"))
	want = append(want, "deleted web-0 uid-2 200", "added web-0 uid-3 again")
	h := stop(t, r)
	expectLines(t, h, history.Pods, want...)
	if len(h.Gaps) > 0 {
		t.Errorf("expected no gap, found %+v", h.Gaps)
	}
	for i, e := range h.Events[1:] {
		if e.RV() <= h.Events[i].RV() || e.Seq <= h.Events[i].Seq || e.At < h.Events[i].At {
			t.Fatalf("out of order: %+v after %+v", e, h.Events[i])
		}
	}
}

func TestOperationsAndChecksAreOrderedAmongTheEvents(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.put(history.Pods, pod("web-0", "1"))
	hostname(t, r, "web-0", "1")
	r.Begin(history.Operation{Verb: history.VerbDelete, Resource: history.Pods, Name: "web-0", UID: "uid-1", Text: "delete it"})
	s.remove(history.Pods, "web-0")
	hostname(t, r, "web-0", "")
	r.Check(contract.OrderingCreate, history.Passed, "looked at")
	h := stop(t, r)
	r.Check(contract.OrderingHeals, history.Failed, "found while cleaning up")
	later := r.Stop(t.Context(), patience)

	if h.Events[0].Seq > h.Operations[0].Seq || h.Operations[0].Seq > h.Events[1].Seq || h.Events[1].Seq > h.Checks[0].Seq || h.Checks[0].Seq > h.End.Seq {
		t.Errorf("out of order: events %d, %d; operation %d; check %d; end %d", h.Events[0].Seq, h.Events[1].Seq, h.Operations[0].Seq, h.Checks[0].Seq, h.End.Seq)
	}
	if len(h.Checks) != 1 || len(later.Checks) != 2 || later.End.Seq <= later.Checks[1].Seq || !later.End.Complete {
		t.Errorf("expected the late check before the end, found %+v and %+v", later.Checks, later.End)
	}
	readsBack(t, h)
	readsBack(t, later)
}

func TestAllResourcesAreRecorded(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	for _, res := range history.Resources() {
		if n := len(s.watchesOnce(t, r, res)); n == 0 {
			t.Errorf("%s is not watched", res)
		}
	}
	s.put(history.Claims, claim("data-web-0"))
	s.put(history.Events, &corev1.Event{
		TypeMeta: metav1.TypeMeta{Kind: "Event", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "web.1", Namespace: "ns"},
		InvolvedObject: corev1.ObjectReference{Kind: "StatefulSet", Name: "web"}, Reason: history.SuccessfulDelete,
		ReportingController: history.StatefulSetController, Message: "Delete Pod web-0 in StatefulSet web successful",
	})
	h := stop(t, r)
	expectLines(t, h, history.Claims, "added data-web-0 uid-1")
	expectLines(t, h, history.Events, "added web.1 uid-2")
	// The watches are not in step with each other.
	at := slices.IndexFunc(h.Events, func(e *history.Event) bool { return e.Resource == history.Events })
	if got := h.Events[at].DeletionReport(); got != "web-0" {
		t.Errorf("expected a report of the deletion of web-0, found %q", got)
	}
}

func TestStartNeedsANamespaceAndItsLists(t *testing.T) {
	s := newServer(t)
	if _, err := recorder.Start(t.Context(), s.client, history.Header{}); err == nil || !strings.Contains(err.Error(), "namespace") {
		t.Errorf("expected an error, found %v", err)
	}
	s.with(func() { s.answer = 403 })
	_, err := recorder.Start(t.Context(), s.client, history.Header{Namespace: "ns"})
	if err == nil || !strings.Contains(err.Error(), "recording pods in namespace ns") || !strings.Contains(err.Error(), "rights to list and watch") {
		t.Errorf("expected an error that says what is needed, found %v", err)
	}
	noGoroutines(t)
}

func TestAwait(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	never := func(*history.State) string { return "nothing of the kind" }

	t.Run("what holds already does not wait", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Await(ctx, 0, "x", func(*history.State) string { return "" }); err != nil {
			t.Error(err)
		}
	})
	t.Run("a timeout says what was expected and what was found", func(t *testing.T) {
		err := r.Await(t.Context(), 5*time.Millisecond, "web-0 to be Ready", never)
		var timeout *recorder.TimeoutError
		if !errors.As(err, &timeout) || err.Error() != "expected web-0 to be Ready within 5ms; found: nothing of the kind" {
			t.Errorf("found %v", err)
		}
	})
	t.Run("a cancelled context says so and gives its cause", func(t *testing.T) {
		cause := errors.New("the suite was interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cause)
		err := r.Await(ctx, patience, "web-0 to be Ready", never)
		if !errors.Is(err, cause) || !strings.Contains(err.Error(), "interrupted while waiting for web-0 to be Ready (so far: nothing of the kind)") {
			t.Errorf("found %v", err)
		}
	})
	t.Run("a context's own deadline is not mistaken for the limit", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		err := r.Await(ctx, patience, "x", never)
		var timeout *recorder.TimeoutError
		if errors.As(err, &timeout) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("found %v", err)
		}
	})
	t.Run("a state that lasts for a moment is not missed", func(t *testing.T) {
		var all sync.WaitGroup
		for n := range 20 {
			all.Go(func() {
				if err := r.Await(t.Context(), patience, "its moment", func(s *history.State) string {
					if e := s.Get(history.Pods, "many"); e == nil || e.Pod.Hostname != fmt.Sprint(n) {
						return "another moment"
					}
					return ""
				}); err != nil {
					t.Error(err)
				}
			})
		}
		for len(r.Waiting()) < 20 {
			r.View(func(*history.State) {})
		}
		for n := range 20 {
			s.put(history.Pods, pod("many", fmt.Sprint(n)))
		}
		all.Wait()
	})
	t.Run("a condition that panics fails its own wait", func(t *testing.T) {
		defer func() {
			if got := recover(); got != "told so" {
				t.Errorf("expected the panic to arrive here, found %v", got)
			}
		}()
		go s.put(history.Pods, pod("any", "x"))
		_ = r.Await(t.Context(), patience, "x", func(s *history.State) string {
			if s.Get(history.Pods, "any") != nil {
				panic("told so")
			}
			return "not yet"
		})
	})
	t.Run("waits in progress are listed", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- r.Await(ctx, patience, "the end of days", never) }()
		for len(r.Waiting()) == 0 {
			r.View(func(*history.State) {})
		}
		if w := r.Waiting(); len(w) != 1 || w[0].For != "the end of days" || w[0].Found != "nothing of the kind" {
			t.Errorf("found %+v", w)
		}
		cancel()
		if err := <-done; err == nil || len(r.Waiting()) != 0 {
			t.Errorf("found %v and %+v", err, r.Waiting())
		}
	})
}

func TestAwaitEndsWithTheRecording(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	stop(t, r)
	err := r.Await(t.Context(), patience, "x", func(*history.State) string { return "no" })
	if err == nil || !strings.Contains(err.Error(), "the recording has ended") {
		t.Errorf("found %v", err)
	}
}
