package recorder_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
)

// watchesOnce returns a resource's watches once there is one.
func (s *server) watchesOnce(t *testing.T, r *recorder.Recorder, res history.Resource) []string {
	t.Helper()
	return s.watchesAfter(t, r, res, 0)
}

// watchesAfter returns a resource's watches once there are more than n.
func (s *server) watchesAfter(t *testing.T, r *recorder.Recorder, res history.Resource, n int) []string {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if w := s.watches(res); len(w) > n {
			return w
		}
		r.View(func(*history.State) {})
	}
	t.Fatalf("%s: expected more than %d watches", res, n)
	return nil
}

func TestADroppedWatchIsResumedWithoutAGap(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	want := []string{}
	for n := range 10 {
		s.put(history.Pods, pod("web-0", strconv.Itoa(n)))
		change := "modified"
		if n == 0 {
			change = "added"
		}
		want = append(want, change+" web-0 uid-1 "+strconv.Itoa(n))
		if n%3 == 2 {
			hostname(t, r, "web-0", strconv.Itoa(n))
			last := s.rv
			before := len(s.watches(history.Pods))
			// While the watch is down more happens.
			s.with(func() {
				close(s.cut)
				s.cut = make(chan struct{})
				s.putLocked("pods", pod("web-0", "down"))
			})
			want = append(want, "modified web-0 uid-1 down")
			again := s.watchesAfter(t, r, history.Pods, before)
			if !slices.Contains(again[before:], strconv.Itoa(last)) && !slices.Contains(again[before:], strconv.Itoa(last+1)) {
				t.Errorf("expected the watch to resume from %d or %d, found %v", last, last+1, again[before:])
			}
		}
	}
	h := stop(t, r)
	expectLines(t, h, history.Pods, want...)
	if len(h.Gaps) > 0 {
		t.Errorf("expected no gap, found %+v", h.Gaps)
	}
}

// lose drops the watches and forgets what they could resume from; meanwhile happens what f does.
func (s *server) lose(f func()) {
	s.with(func() {
		s.refuse = true
		close(s.cut)
		s.cut = make(chan struct{})
	})
	if f != nil {
		f()
	}
	s.expire()
	s.with(func() { s.refuse = false })
}

func TestAnExpiredVersionAndAnUnchangedListLeaveNoGap(t *testing.T) {
	s := newServer(t)
	s.put(history.Pods, pod("web-0", "1"))
	r := start(t, s)
	s.put(history.Pods, pod("web-1", "1"))
	hostname(t, r, "web-1", "1")
	s.lose(nil)
	s.watchesAfter(t, r, history.Pods, 2) // the first, the one refused as too old, and the one after the relist
	s.put(history.Pods, pod("web-1", "2"))
	h := stop(t, r)
	expectLines(t, h, history.Pods, "listed web-0 uid-1 1", "added web-1 uid-2 1", "modified web-1 uid-2 2")
	if len(h.Gaps) > 0 {
		t.Errorf("expected no gap, found %+v", h.Gaps)
	}
}

func TestAnExpiredVersionAndAChangedListLeaveAGap(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"kept", "changed", "gone", "replaced"} {
		s.put(history.Pods, pod(name, "1"))
	}
	r := start(t, s)
	s.put(history.Pods, pod("changed", "2"))
	hostname(t, r, "changed", "2")
	before := r.Now()
	s.lose(func() {
		s.put(history.Pods, pod("changed", "3"))
		s.remove(history.Pods, "gone")
		s.remove(history.Pods, "replaced")
		s.put(history.Pods, pod("replaced", "2"))
		s.put(history.Pods, pod("new", "1"))
	})
	hostname(t, r, "new", "1")
	after := r.Now()
	s.put(history.Pods, pod("new", "2"))
	h := stop(t, r)

	got := lines(h, history.Pods)
	inGap := got[5 : len(got)-1]
	slices.Sort(inGap[:2]) // among the lost and among the listed the order means nothing
	slices.Sort(inGap[2:])
	want := []string{"missing gone uid-3 1", "missing replaced uid-4 1", "listed changed uid-2 3", "listed new uid-6 1", "listed replaced uid-5 2"}
	if !slices.Equal(inGap, want) || got[len(got)-1] != "modified new uid-6 2" {
		t.Errorf("expected\n  %s\nfound\n  %s", strings.Join(want, "\n  "), strings.Join(got, "\n  "))
	}
	if len(h.Gaps) != 1 {
		t.Fatalf("expected one gap, found %+v", h.Gaps)
	}
	g := h.Gaps[0]
	if g.Resource != history.Pods || g.From > before || g.To < before || g.To > after || !strings.Contains(g.Reason, "5 objects had changed") || !strings.Contains(g.Reason, "too old resource version") {
		t.Errorf("expected a gap of pods around %v, found %+v", before, g)
	}
	for _, e := range h.Events {
		if e.Seq > g.Seq && e.At < g.To {
			t.Errorf("recorded behind the gap but before its end: %+v", e)
		}
	}
	readsBack(t, h)
}

func TestAnErrorInsideAWatchIsAnsweredLikeOneAtItsStart(t *testing.T) {
	s := newServer(t)
	s.put(history.Pods, pod("web-0", "1"))
	r := start(t, s)
	s.watchesOnce(t, r, history.Pods)
	s.with(func() { s.mute["pods"] = true })
	s.put(history.Pods, pod("web-0", "2"))
	s.with(func() {
		// The event above is lost to the watch, and only an error is delivered.
		s.log[len(s.log)-1].resource = "lost"
		s.mute["pods"] = false
	})
	s.fail(history.Pods, expiredStatus())
	hostname(t, r, "web-0", "2")
	h := stop(t, r)
	expectLines(t, h, history.Pods, "listed web-0 uid-1 1", "listed web-0 uid-1 2")
	if len(h.Gaps) != 1 {
		t.Errorf("expected one gap, found %+v", h.Gaps)
	}
}

func TestAnyOtherErrorInsideAWatchIsResumedFrom(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.put(history.Pods, pod("web-0", "1"))
	hostname(t, r, "web-0", "1")
	s.fail(history.Pods, metav1.Status{Status: metav1.StatusFailure, Code: 500, Reason: metav1.StatusReasonInternalError, Message: "etcd is tired"})
	s.put(history.Pods, pod("web-0", "2"))
	hostname(t, r, "web-0", "2")
	h := stop(t, r)
	expectLines(t, h, history.Pods, "added web-0 uid-1 1", "modified web-0 uid-1 2")
	if len(h.Gaps) > 0 {
		t.Errorf("expected no gap, found %+v", h.Gaps)
	}
}

func TestBookmarksMoveTheVersion(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.watchesOnce(t, r, history.Pods)
	s.put(history.Claims, claim("c")) // moves the version without a word to the watch of pods
	mark := pod("", "")
	s.bookmark(history.Pods, mark)
	s.put(history.Claims, claim("d"))
	// The bookmark has arrived when the resumed watch asks for its version; drop until it does.
	for deadline := time.Now().Add(patience); !slices.Contains(s.watches(history.Pods), mark.ResourceVersion); {
		if time.Now().After(deadline) {
			t.Fatalf("expected a watch from %s, found %v", mark.ResourceVersion, s.watches(history.Pods))
		}
		n := len(s.watches(history.Pods))
		s.drop()
		s.watchesAfter(t, r, history.Pods, n)
	}
	h := stop(t, r)
	expectLines(t, h, history.Pods)
	expectLines(t, h, history.Claims, "added c uid-1", "added d uid-2")
}

func TestRequestsToAnUnreachableServerBackOff(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.put(history.Pods, pod("web-0", "1"))
	hostname(t, r, "web-0", "1")
	s.with(func() {
		s.refuse = true
		close(s.cut)
		s.cut = make(chan struct{})
	})
	s.put(history.Pods, pod("web-0", "2"))
	from := time.Now()
	for time.Since(from) < time.Second {
		r.View(func(st *history.State) {
			if e := st.Get(history.Pods, "web-0"); e.Pod.Hostname != "1" {
				t.Errorf("expected nothing from a server out of reach, found %+v", e)
			}
		})
		<-time.After(10 * time.Millisecond)
	}
	s.mu.Lock()
	refused := s.refused
	s.mu.Unlock()
	// Six watches, each after 20, 40, 80, 160, 200, 200 ms ...; client-go itself repeats a refused request.
	if most := 6 * 30; refused == 0 || refused > most {
		t.Errorf("expected at most %d attempts in a second, found %d", most, refused)
	}
	s.with(func() { s.refuse = false })
	hostname(t, r, "web-0", "2")
	h := stop(t, r)
	expectLines(t, h, history.Pods, "added web-0 uid-1 1", "modified web-0 uid-1 2")
	if len(h.Gaps) > 0 {
		t.Errorf("expected no gap, found %+v", h.Gaps)
	}
}

func TestAWaitSaysThatAWatchHasEnded(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	for _, res := range history.Resources() {
		s.watchesOnce(t, r, res)
	}
	never := func(*history.State) string { return "nothing of the kind" }
	found := func(limit time.Duration) string {
		t.Helper()
		timeout, ok := errors.AsType[*recorder.TimeoutError](r.Await(t.Context(), limit, "the end of days", never))
		if !ok {
			t.Fatal("expected the wait to run out of time")
		}
		return timeout.Found
	}
	if got := found(time.Millisecond); got != "nothing of the kind" {
		t.Errorf("expected no more than the reason while all is watched, found %q", got)
	}
	s.with(func() { s.refuse = true })
	s.drop()
	if got, want := found(3*time.Second), "nothing of the kind; but the watch of "; !strings.HasPrefix(got, want) {
		t.Errorf("expected %q and so on, found %q", want, got)
	}
	s.with(func() { s.refuse = false })
	got := ""
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && got != "nothing of the kind"; {
		got = found(time.Millisecond)
	}
	if got != "nothing of the kind" {
		t.Errorf("expected no more than the reason once all is watched again, found %q", got)
	}
	stop(t, r)
}

func TestRelistsAfterTooOldVersionsBackOff(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.watchesOnce(t, r, history.Pods)
	before := len(s.watches(history.Pods))
	s.with(func() { s.oldest = 1 << 30 })
	s.drop()
	<-time.After(time.Second)
	if n := len(s.watches(history.Pods)) - before; n == 0 || n > 15 {
		t.Errorf("expected a few attempts in a second, found %d", n)
	}
	s.with(func() { s.oldest = 0 })
	s.put(history.Pods, pod("web-0", "1"))
	stop(t, r)
}

func TestAnEventThatCannotBeReadLeavesAGap(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.put(history.Pods, pod("web-0", "1"))
	hostname(t, r, "web-0", "1")
	watches := len(s.watchesOnce(t, r, history.Pods))
	foreign := &corev1.ConfigMap{TypeMeta: metav1.TypeMeta{Kind: "ConfigMap", APIVersion: "v1"}, ObjectMeta: metav1.ObjectMeta{Name: "foreign", UID: "foreign"}}
	s.with(func() { s.logLocked("pods", "ADDED", foreign) })
	s.put(history.Pods, pod("web-0", "2"))
	hostname(t, r, "web-0", "2")
	h := stop(t, r)
	if n := len(s.watches(history.Pods)); n != watches {
		t.Errorf("expected the watch to go on, found %d more", n-watches)
	}
	if len(h.Gaps) != 1 || h.Gaps[0].Resource != history.Pods || h.Gaps[0].Seq > h.Events[1].Seq || !strings.Contains(h.Gaps[0].Reason, "could not be read: history: *v1.ConfigMap") {
		t.Errorf("expected a gap of pods before the last event, found %+v", h.Gaps)
	}
	readsBack(t, h)
}

func TestAWatchThatFailsEveryTimeIsStartedLessAndLessOften(t *testing.T) {
	s := newServer(t)
	r := start(t, s)
	s.watchesOnce(t, r, history.Pods)
	before := len(s.watches(history.Pods))
	s.with(func() {
		s.rv++
		s.log = append(s.log, change{rv: s.rv, resource: "pods", Type: "ADDED", Object: []byte(`{"kind":"Nothing","apiVersion":"v1"}`)})
	})
	s.put(history.Pods, pod("web-0", "1"))
	err := r.Await(t.Context(), 3500*time.Millisecond, "the pod", func(st *history.State) string {
		if st.Get(history.Pods, "web-0") == nil {
			return "no pod"
		}
		return ""
	})
	if n := len(s.watches(history.Pods)) - before; n == 0 || n > 9 {
		t.Errorf("expected a few attempts in three seconds, found %d", n)
	}
	if err == nil || !strings.Contains(err.Error(), "no pod; but the watch of pods ended") || !strings.Contains(err.Error(), "unable to decode") {
		t.Errorf("expected the wait to say why the watch fails, found %v", err)
	}
	if h := r.Stop(t.Context(), time.Second); h.End.Complete || !strings.Contains(h.End.Reason, "unable to decode") {
		t.Errorf("expected an incomplete recording and why, found %+v", h.End)
	}
}
