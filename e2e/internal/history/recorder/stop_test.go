package recorder_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
)

func TestSyncWaitsForWhatHappenedBeforeIt(t *testing.T) {
	s := newServer(t)
	s.put(history.Pods, pod("changed", "1"))
	s.put(history.Pods, pod("gone", "1"))
	s.put(history.Pods, pod("replaced", "1"))
	r := start(t, s)
	s.watchesOnce(t, r, history.Pods)
	s.with(func() { s.mute["pods"] = true })

	for _, tt := range []struct {
		name, want string
		do         func()
	}{
		{"a new pod", "pods/new (uid uid-4) is not recorded yet", func() { s.put(history.Pods, pod("new", "1")) }},
		{"a changed pod", "pods/changed is recorded at 101, listed at ", func() { s.put(history.Pods, pod("changed", "2")) }},
		{"a deleted pod", "pods/gone (uid uid-2) is gone, its deletion is not recorded yet", func() { s.remove(history.Pods, "gone") }},
		{"a replaced pod", "pods/replaced (uid uid-5) is not recorded yet", func() {
			s.remove(history.Pods, "replaced")
			s.put(history.Pods, pod("replaced", "2"))
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.with(func() { s.mute["pods"] = true })
			tt.do()
			err := r.Sync(t.Context(), 400*time.Millisecond)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "the recording of pods to reach resource version") {
				t.Errorf("expected an error with %q, found %v", tt.want, err)
			}
			s.with(func() { s.mute["pods"] = false })
			if err := r.Sync(t.Context(), patience); err != nil {
				t.Error(err)
			}
		})
	}
	h := stop(t, r)
	expectLines(t, h, history.Pods, "listed changed uid-1 1", "listed gone uid-2 1", "listed replaced uid-3 1", "added new uid-4 1", "modified changed uid-1 2",
		"deleted gone uid-2 1", "deleted replaced uid-3 1", "added replaced uid-5 2")
}

func TestSyncOutlastsAServerOutOfReach(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.with(func() { s.answer = 503 })
	done := make(chan error)
	go func() { done <- r.Sync(t.Context(), patience) }()
	for s.failures() < 5 {
		<-time.After(time.Millisecond)
	}
	s.with(func() { s.answer = 0 })
	if err := <-done; err != nil {
		t.Error(err)
	}
	stop(t, r)
}

// TestCompleteOutlastsAnExpiredVersion: an open watch does not know that its version has expired, and one that begins with it does.
func TestCompleteOutlastsAnExpiredVersion(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	for _, res := range history.Resources() {
		s.watchesOnce(t, r, res)
	}
	s.expire()
	done := make(chan error)
	go func() { done <- r.Complete(t.Context(), patience) }()
	for s.expiries() == 0 {
		<-time.After(time.Millisecond)
	}
	s.drop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	stop(t, r)
}

func (s *server) expiries() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.expired
}

func (s *server) failures() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

func TestStopSaysWhyARecordingIsIncomplete(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		do         func(*server)
	}{
		{"a watch that lags", "pods/web-1 (uid uid-2) is not recorded yet", func(s *server) {
			s.with(func() { s.mute["pods"] = true })
			s.put(history.Pods, pod("web-1", "1"))
		}},
		{"a pod that came and went while its watch was silent", "its watch is open and has delivered nothing after 101, while another watch of pods has", func(s *server) {
			s.with(func() { s.mute["pods"] = true })
			s.put(history.Pods, pod("web-1", "1"))
			s.remove(history.Pods, "web-1")
		}},
		{"rights that were taken away", "listing pods to see whether the recording is complete", func(s *server) { s.with(func() { s.answer = 403 }) }},
		{"a server out of reach", "listing persistentvolumeclaims to see whether the recording is complete", func(s *server) { s.with(func() { s.refuse = true }) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServer(t)
			s.put(history.Pods, pod("web-0", "1"))
			r := start(t, s)
			s.watchesOnce(t, r, history.Pods)
			tt.do(s)
			h := r.Stop(t.Context(), time.Second)
			if h.End == nil || h.End.Complete || !strings.Contains(h.End.Reason, tt.want) {
				t.Errorf("expected an incomplete end with %q, found %+v", tt.want, h.End)
			}
			readsBack(t, h)
			noGoroutines(t)
		})
	}
}

func TestCompleteWaitsForWhatCameAndWent(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.watchesOnce(t, r, history.Pods)
	s.with(func() { s.mute["pods"] = true })
	s.put(history.Pods, pod("web-0", "1"))
	s.remove(history.Pods, "web-0")
	if err := r.Sync(t.Context(), patience); err != nil {
		t.Errorf("expected lists to show nothing of it, found %v", err)
	}
	if err := r.Complete(t.Context(), 400*time.Millisecond); err == nil {
		t.Error("expected an error while the watch is silent")
	}
	s.with(func() { s.mute["pods"] = false })
	if err := r.Complete(t.Context(), patience); err != nil {
		t.Error(err)
	}
	expectLines(t, stop(t, r), history.Pods, "added web-0 uid-1 1", "deleted web-0 uid-1 1")
}

func TestTheRecordingEndsWithTheContextOfItsStart(t *testing.T) {
	s := newServer(t)
	s.put(history.Pods, pod("web-0", "1"))
	ctx, cancel := context.WithCancel(t.Context())
	r, err := recorder.Start(ctx, s.client, history.Header{Namespace: "ns"})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	s.put(history.Pods, pod("web-0", "2"))
	h := r.Stop(t.Context(), patience)
	if h.End.Complete || !strings.Contains(h.End.Reason, "the recording has ended") {
		t.Errorf("expected an incomplete end, found %+v", h.End)
	}
	noGoroutines(t)
}
