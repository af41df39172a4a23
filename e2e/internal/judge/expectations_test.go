package judge_test

import (
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// Nothing else judges this guarantee, so that its result is that of the expectation alone.
const expectedGuarantee = contract.TerminationGraceful

// expectationCase is a history of the set web, created by the test and with one Ready pod, and what its expectation must come to.
type expectationCase struct {
	name    string
	outcome history.Outcome // Passed, Failed or Inconclusive
	text    string          // must occur in the finding
	happens func(*historytest.Builder)
}

func runExpectations(t *testing.T, kind history.ExpectationKind, cases []expectationCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			s := historytest.New()
			s.Operation(history.VerbCreate, history.Sets, "web")
			s.Running("web", 1)
			pod := s.Get(history.Pods, "web-0")
			if kind == history.ExpectLeftAlone {
				pod = podOfOtherController(s)
			}
			c.happens(s)
			s.ExpectOf(pod, expectationOf(kind, pod))
			r := resultOf(judge.History(s.History()))
			if found := outcomeOf(r); found != c.outcome {
				t.Errorf("expected %s, found %s: %+v", c.outcome, found, r)
			}
			for _, f := range slices.Concat(r.Violations, r.Inconclusive) {
				if c.text == "" || !strings.Contains(f.Text, c.text) {
					t.Errorf("expected a finding with %q, found %q", c.text, f.Text)
				}
			}
		})
	}
}

func expectationOf(kind history.ExpectationKind, pod *history.Event) history.Expectation {
	x := history.Expectation{Guarantee: expectedGuarantee, Kind: kind, ExitCode: 7, Text: "pod " + pod.Name + " is left alone"}
	switch kind {
	case history.ExpectContainerExit:
		x.GraceSeconds, x.Text = historytest.Grace, "exit code 7"
	case history.ExpectLeftAlone:
		x.Since = pod.Seq
	}
	return x
}

// podOfOtherController creates the pod web-1, which the set web selects and a ConfigMap controls.
func podOfOtherController(s *historytest.Builder) *history.Event {
	return s.Add(&history.Event{
		Resource: history.Pods, Meta: history.Meta{Name: "web-1", Labels: map[string]string{"app": "web"}, Owners: otherController("ConfigMap")}, Pod: &history.Pod{},
	})
}

func otherController(kind string) []metav1.OwnerReference {
	return []metav1.OwnerReference{{APIVersion: "v1", Kind: kind, Name: "other", UID: "uid-of-other", Controller: new(true)}}
}

func resultOf(all []judge.Result) judge.Result {
	i := slices.IndexFunc(all, func(r judge.Result) bool { return r.Guarantee == expectedGuarantee })
	return all[i]
}

func outcomeOf(r judge.Result) history.Outcome {
	switch {
	case len(r.Violations) == 1 && len(r.Inconclusive) == 0 && r.Exercised == 0:
		return history.Failed
	case len(r.Violations) == 0 && len(r.Inconclusive) == 1 && r.Exercised == 0:
		return history.Inconclusive
	case len(r.Violations) == 0 && len(r.Inconclusive) == 0 && r.Exercised == 1:
		return history.Passed
	}
	return "several"
}

// end has the kubelet end web-0, which is terminating, with that exit code after that time.
func end(s *historytest.Builder, after time.Duration, code int32) {
	s.Wait(after)
	s.Exit("web-0", code)
	s.Remove(history.Pods, "web-0")
}

func scaleToZero(s *historytest.Builder) {
	s.Operation(history.VerbScale, history.Sets, "web")
	s.Scale("web", 0)
}

func terminateWithGrace(s *historytest.Builder, seconds int64) {
	s.Change(history.Pods, "web-0", func(e *history.Event) {
		until := metav1.NewTime(s.Timestamp().Add(time.Duration(seconds) * time.Second))
		e.DeletionTimestamp, e.DeletionGrace = &until, &seconds
	})
}

func TestExpectedNeverFailed(t *testing.T) {
	crash := func(s *historytest.Builder) {
		s.Exit("web-0", 7)
		s.Restart("web-0")
	}
	fail := func(s *historytest.Builder) {
		s.Exit("web-0", 7)
		s.Fail("web-0")
	}
	runExpectations(t, history.ExpectNeverFailed, []expectationCase{
		{name: "it is restarted", outcome: history.Passed, happens: crash},
		{name: "it fails with another exit code", outcome: history.Passed, happens: func(s *historytest.Builder) { s.Exit("web-0", 3); s.Fail("web-0") }},
		{
			name: "it fails", outcome: history.Failed, happens: fail,
			text: "container of web-0, ended with exit code 7: expected it to be restarted in its pod, found the pod Failed at rv",
		},
		{
			name: "it succeeds", outcome: history.Failed, text: "found the pod Succeeded at rv", happens: func(s *historytest.Builder) { s.Exit("web-0", 7); s.Succeed("web-0") },
		},
		{name: "it fails at the second crash", outcome: history.Failed, text: "found the pod Failed", happens: func(s *historytest.Builder) { crash(s); fail(s) }},
		{
			name: "it is restarted, and events are missing", outcome: history.Inconclusive, text: "the history of pods has a gap", happens: func(s *historytest.Builder) {
				crash(s)
				s.Gap(history.Pods, s.Now()-time.Second)
			},
		},
		{
			name: "it fails, and events are missing", outcome: history.Inconclusive, text: "a gap from", happens: func(s *historytest.Builder) {
				s.Gap(history.Pods, s.Now())
				fail(s)
			},
		},
		{
			name: "it is evicted", outcome: history.Inconclusive, text: "evicted or preempted", happens: func(s *historytest.Builder) {
				s.Exit("web-0", 7)
				s.Disrupt("web-0", "TerminationByKubelet")
				s.Fail("web-0")
			},
		},
		{
			name: "the test deletes it", outcome: history.Inconclusive, text: "after its deletion at", happens: func(s *historytest.Builder) {
				s.DeleteByTest("web-0")
				fail(s)
			},
		},
		{
			name: "another client changes the template", outcome: history.Inconclusive, text: "; but the set web had been changed to generation 2", happens: func(s *historytest.Builder) {
				s.ChangeTemplate("web", 2)
				fail(s)
			},
		},
	})
}

func TestExpectedLeftAlone(t *testing.T) {
	own := func(kind string) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Change(history.Pods, "web-1", func(e *history.Event) { e.Owners = otherController(kind); e.Owners[0].UID = "uid-another" })
		}
	}
	runExpectations(t, history.ExpectLeftAlone, []expectationCase{
		{name: "nothing happens", outcome: history.Passed, happens: func(*historytest.Builder) {}},
		{name: "it changes otherwise", outcome: history.Passed, happens: func(s *historytest.Builder) { s.Relabel("web-1", "color", "blue") }},
		{
			name: "it is deleted", outcome: history.Failed, text: "pod web-1 is left alone: expected it to stay, found it deleted at rv",
			happens: func(s *historytest.Builder) { s.Remove(history.Pods, "web-1") },
		},
		{
			name: "somebody deletes it", outcome: history.Inconclusive, text: "and not by the set, for all that the recording shows: no Event of the StatefulSet controller names it as deleted",
			happens: func(s *historytest.Builder) { s.ByOthers(func() { s.Remove(history.Pods, "web-1") }) },
		},
		{
			name: "the set takes it", outcome: history.Failed, text: `expected the controller to stay the one of UID "uid-of-other", found "uid-1"`,
			happens: func(s *historytest.Builder) { s.Adopt("web-1", "web") },
		},
		{name: "it loses its controller", outcome: history.Failed, text: `found ""`, happens: func(s *historytest.Builder) { s.Orphan("web-1") }},
		{name: "another controller takes it", outcome: history.Inconclusive, text: "its controller became ReplicaSet other", happens: own("ReplicaSet")},
		{
			name: "it is evicted", outcome: history.Inconclusive, text: "pod web-1 was evicted or preempted", happens: func(s *historytest.Builder) { s.Evict("web-1") },
		},
		{
			name: "the test deletes it", outcome: history.Inconclusive, text: "the test deleted it", happens: func(s *historytest.Builder) {
				s.Operation(history.VerbDelete, history.Pods, "web-1")
				s.Remove(history.Pods, "web-1")
			},
		},
		{
			name: "it is removed when it has finished", outcome: history.Inconclusive, text: "the pod garbage collector may have removed it", happens: func(s *historytest.Builder) {
				s.Succeed("web-1")
				s.Remove(history.Pods, "web-1")
			},
		},
		{
			name: "it is there, and events are missing", outcome: history.Inconclusive, text: "the history of pods has a gap", happens: func(s *historytest.Builder) {
				s.Wait(time.Second)
				s.Gap(history.Pods, s.Now()-time.Second/2)
			},
		},
		{
			name: "it is deleted, and events are missing", outcome: history.Inconclusive, text: "a gap from", happens: func(s *historytest.Builder) {
				s.Remove(history.Pods, "web-1")
				s.Gap(history.Pods, s.Now()-time.Second/2)
			},
		},
		{
			name: "another client deletes the set", outcome: history.Inconclusive, text: "; but the set web had been deleted at", happens: func(s *historytest.Builder) {
				s.Remove(history.Pods, "web-1")
				s.DeleteSet("web")
			},
		},
		{
			name: "a set of another client selects it too", outcome: history.Inconclusive, text: "; but the set db is somebody else's", happens: func(s *historytest.Builder) {
				s.Set("db", func(o *history.Set) { o.Selector = map[string]string{"app": "web"} })
				s.Remove(history.Pods, "web-1")
			},
		},
	})
}

// TestExpectationsOfWhatIsNotRecorded: an expectation speaks of events before it, of one object.
func TestExpectationsOfWhatIsNotRecorded(t *testing.T) {
	kinds := []history.ExpectationKind{history.ExpectContainerExit, history.ExpectNeverFailed, history.ExpectLeftAlone}
	for _, kind := range kinds {
		s := historytest.New()
		s.Running("web", 1)
		set, pod := s.Get(history.Sets, "web"), s.Get(history.Pods, "web-0")
		unknown, ofSet := expectationOf(kind, pod), expectationOf(kind, pod)
		unknown.Resource, unknown.Name, unknown.UID = history.Pods, "web-5", "uid-unknown"
		ofSet.Resource, ofSet.Name, ofSet.UID, ofSet.Since = history.Sets, "web", set.UID, 0
		s.Expect(unknown)
		s.Expect(ofSet)
		r := resultOf(judge.History(s.History()))
		if len(r.Violations) != 0 || r.Exercised != 0 || len(r.Inconclusive) != 2 {
			t.Errorf("%s: expected both to be inconclusive, found %+v", kind, r)
		}
	}
	s := historytest.New()
	s.Running("web", 1)
	pod := podOfOtherController(s)
	s.ExpectOf(pod, expectationOf(history.ExpectLeftAlone, pod))
	s.Remove(history.Pods, "web-1")
	if r := resultOf(judge.History(s.History())); outcomeOf(r) != history.Passed {
		t.Errorf("what happens after the expectation was recorded must not count: %+v", r)
	}
}

// TestSavedExpectationsAreJudgedAgain: a history that was saved gives the same results as the one that was recorded.
func TestSavedExpectationsAreJudgedAgain(t *testing.T) {
	s := historytest.New()
	s.Operation(history.VerbCreate, history.Sets, "web")
	s.Running("web", 1)
	pod, other := s.Get(history.Pods, "web-0"), podOfOtherController(s)
	s.ExpectOf(other, expectationOf(history.ExpectLeftAlone, other))
	s.ExpectOf(pod, expectationOf(history.ExpectNeverFailed, pod))
	scaleToZero(s)
	s.Terminate("web-0")
	end(s, 4*time.Second, 8)
	s.ExpectOf(pod, expectationOf(history.ExpectContainerExit, pod))

	want := judge.History(s.History())
	if r := resultOf(want); r.Exercised != 2 || len(r.Violations) != 1 {
		t.Fatalf("expected two expectations that hold and one that does not, found %+v", r)
	}
	path := filepath.Join(t.TempDir(), "history.jsonl.gz")
	if err := s.History().Save(path); err != nil {
		t.Fatal(err)
	}
	read, err := history.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := judge.History(read); !reflect.DeepEqual(got, want) {
		t.Errorf("expected the same results as before it was saved, found\n%+v\nwanted\n%+v", got, want)
	}
}
