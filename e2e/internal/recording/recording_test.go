package recording_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
)

// all chooses every set.
func all(map[string]string) bool { return true }

// listed makes everything so far something that was there when the recording began, for asRecorded.
func listed(b *historytest.Builder) {
	for _, e := range b.Events() {
		e.Change = history.Listed
	}
}

// asRecorded returns a history as a recorder has it: of what was there when it began it lists the newest versions, the pods first.
func asRecorded(h *history.History) *history.History {
	n := max(0, slices.IndexFunc(h.Events, func(e *history.Event) bool { return e.Change != history.Listed }))
	state := history.NewState()
	for _, e := range h.Events[:n] {
		state.Apply(e)
	}
	var first []*history.Event
	for _, r := range append(history.Resources(), history.Surroundings()...) {
		for _, e := range state.List(r) {
			is := *e
			is.At, is.Seq = h.Events[n-1].At, len(first)+1
			first = append(first, &is)
		}
	}
	h.Events = append(first, h.Events[n:]...)
	return h
}

// recorded returns the recording of a history.
func recorded(build func(*historytest.Builder)) *recording.Recording {
	b := historytest.New()
	build(b)
	r := recording.New([]string{"shop"}, "")
	r.Add(asRecorded(b.History()), "histories/shop.jsonl", recording.Span{}, all)
	return r
}

// downs writes the downtimes, rounded to seconds.
func downs(r *recording.Recording) []string {
	var out []string
	for _, d := range r.OutageTotals() {
		text := fmt.Sprintf("%s %d× %.0f s", strings.TrimSpace(d.Set+" "+d.Pod), d.Times, d.Total.Seconds())
		if d.Since {
			text += " since"
		}
		if d.Lasts {
			text += " lasts"
		}
		out = append(out, text+": "+strings.Join(d.Causes, "; "))
	}
	return out
}

func TestDowntime(t *testing.T) {
	replaced := func(b *historytest.Builder, pod string, took time.Duration) {
		b.DeletePod(pod)
		b.Wait(took)
		b.CreateReady(pod)
	}
	for _, tt := range []struct {
		name  string
		build func(*historytest.Builder)
		want  []string
	}{
		{"a new set is on its way up, and not down", func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(3))
			b.Wait(time.Minute)
			b.CreateReady("web-0")
		}, nil},
		{"pods that were there and stayed", func(b *historytest.Builder) {
			b.Running("web", 3)
			listed(b)
			b.Wait(time.Minute)
			b.Status("web")
		}, nil},
		{"a pod that was replaced", func(b *historytest.Builder) {
			b.Running("web", 3)
			listed(b)
			b.Wait(time.Minute)
			replaced(b, "web-1", 20*time.Second)
		}, []string{"web web-1 1× 20 s: deleted by StatefulSet controller"}},
		{"two at once are no majority of three", func(b *historytest.Builder) {
			b.Running("web", 3)
			listed(b)
			b.Wait(time.Minute)
			b.Unready("web-1")
			b.Wait(10 * time.Second)
			b.Unready("web-2")
			b.Wait(10 * time.Second)
			b.Ready("web-2")
			b.Wait(10 * time.Second)
			b.Ready("web-1")
		}, []string{"web 1× 10 s: 1 of 3 pods were up", "web web-1 1× 30 s: it was not Ready any more", "web web-2 1× 10 s: it was not Ready any more"}},
		{"down before the recording, and after it", func(b *historytest.Builder) {
			b.Running("web", 3)
			b.Unready("web-1")
			b.Status("web")
			listed(b)
			b.Wait(30 * time.Second)
			b.Ready("web-1")
			b.Crash("web-2")
			b.Unready("web-2")
			b.Wait(20 * time.Second)
			b.Status("web")
		}, []string{"web web-1 1× 30 s since: it was not Ready when the recording began", "web web-2 1× 20 s lasts: a container ended (main ended with 1)"}},
		{"who is scaled away is not down", func(b *historytest.Builder) {
			b.Running("web", 2)
			listed(b)
			b.Wait(time.Minute)
			b.Scale("web", 1)
			b.DeletePod("web-1")
			b.Wait(time.Minute)
			b.Status("web")
		}, nil},
		{"nor who is scaled up", func(b *historytest.Builder) {
			b.Running("web", 1)
			listed(b)
			b.Wait(time.Minute)
			b.Scale("web", 5)
			b.Wait(time.Minute)
			b.Status("web")
		}, nil},
		{"nor the pods of a set that is deleted", func(b *historytest.Builder) {
			b.Running("web", 2)
			listed(b)
			b.Wait(time.Minute)
			b.Remove(history.Sets, "web")
			b.DeletePod("web-1")
			b.Wait(time.Minute)
			b.DeletePod("web-0")
		}, nil},
	} {
		if got := downs(recorded(tt.build)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: expected\n  %s\nfound\n  %s", tt.name, strings.Join(tt.want, "\n  "), strings.Join(got, "\n  "))
		}
	}
}

func TestActs(t *testing.T) {
	r := recorded(func(b *historytest.Builder) {
		b.Running("web", 2)
		listed(b)
		b.Wait(time.Minute)
		b.Update("web", func(s *history.Set) { s.Replicas, s.Scaler, s.Writer = 3, "kubectl", "helm" })
		b.CreateReady("web-2")
		b.Disrupt("web-1", "EvictionByEvictionAPI")
		b.Change(history.Pods, "web-1", func(e *history.Event) { e.DeletionTimestamp, e.DeletionGrace = new(b.Timestamp()), e.Pod.Grace })
		b.FinishDeletion("web-1")
		b.CreateReady("web-1")
		b.Crash("web-0")
		b.Restart("web-0")
		b.DeletePod("web-0")
		b.CreateReady("web-0")
		warn := b.Add(&history.Event{Resource: history.Events, Meta: history.Meta{Name: "web-0.1"}, Report: &history.Report{
			Type: corev1.EventTypeWarning, Reason: "Unhealthy", Reporter: "kubelet", Kind: "Pod", Object: "web-0", Count: 1,
		}})
		b.Change(history.Events, warn.Name, func(e *history.Event) { e.Report.Count = 7 })
		b.Update("web", func(s *history.Set) { s.Writer, s.Written = "helm", b.Timestamp() })
		b.Update("web", func(s *history.Set) { s.MinReadySeconds = 5 }) // and no entry of managedFields has a later time
		b.Remove(history.Sets, "web")
	})
	var got []string
	for _, a := range r.Acts {
		got = append(got, fmt.Sprintf("%s: %s %d", a.Who, a.What, a.Times))
	}
	want := []string{
		"kubectl: changed replicas from 2 to 3 0",
		"StatefulSet controller: created pod web-2 0",
		"a client, by eviction (kubectl drain for example): deleted pod web-1 0",
		"StatefulSet controller: created pod web-1 0",
		"kubelet: started a container of pod web-0 again, restart 1 (main ended with 1) 0",
		"StatefulSet controller: deleted pod web-0 0",
		"StatefulSet controller: created pod web-0 0",
		"kubelet: reported Unhealthy of pod web-0 7",
		"helm: changed the set's spec in a field that is not recorded 0",
		"not told: changed minReadySeconds 0",
		"not told: asked for the deletion of the set 0",
	}
	if !slices.Equal(got, want) {
		t.Errorf("expected\n  %s\nfound\n  %s", strings.Join(want, "\n  "), strings.Join(got, "\n  "))
	}
}

// TestAnUnknownAuthorIsSaidToBe: a deletion that no Event of the controller names may be anybody's, and a claim's too.
func TestAnUnknownAuthorIsSaidToBe(t *testing.T) {
	r := recorded(func(b *historytest.Builder) {
		b.ByOthers(func() {
			b.Set("web", historytest.Claims("data"))
			b.Claim("data", "web-0")
			b.CreateReady("web-0")
			listed(b)
			b.Wait(time.Minute)
			b.DeletePod("web-0")
			b.DeleteClaim("data-web-0")
		})
	})
	if len(r.Acts) != 2 || r.Acts[0].Who != recording.NotTold || r.Acts[1].Who != recording.NotTold {
		t.Errorf("expected two acts of which is not told whose they are, found %+v", r.Acts)
	}
}

// outOfOrder has a set create a pod while the one before it is not Ready.
func outOfOrder(b *historytest.Builder) {
	b.Set("web", historytest.Replicas(2))
	listed(b)
	b.Wait(time.Minute)
	b.Pod("web-0")
	b.Pod("web-1")
	b.Wait(time.Minute)
	b.Ready("web-0")
	b.Ready("web-1")
}

func TestBroken(t *testing.T) {
	r := recorded(outOfOrder)
	if p := r.Promises(); len(p) != 1 || p[0].Guarantee != contract.OrderingCreate || p[0].Set != "web" || len(p[0].Records) == 0 || p[0].File == "" {
		t.Errorf("expected ordering/create of the set web, with its evidence, found %+v", p)
	}
	open := recorded(func(b *historytest.Builder) {
		outOfOrder(b)
		b.Gap(history.Services, 0)
	})
	if len(open.Broken) > 0 || len(open.Open) == 0 || !strings.Contains(open.Open[0].Text, "may not read services") {
		t.Errorf("expected nothing to be broken where a resource is not readable, found %+v and open %+v", open.Broken, open.Open)
	}
}

func TestSelector(t *testing.T) {
	b := historytest.New()
	outOfOrder(b)
	b.Running("db", 2)
	b.ByOthers(func() { b.DeletePod("db-0") })
	for _, chosen := range []string{"web", "db"} {
		r := recording.New([]string{"shop"}, "app="+chosen)
		for _, e := range b.Events() {
			if e.Resource == history.Sets {
				e.Labels = map[string]string{"app": e.Name}
			}
		}
		r.Add(asRecorded(b.History()), "f", recording.Span{}, func(labels map[string]string) bool { return labels["app"] == chosen })
		if len(r.Sets) != 1 || r.Sets[0].Name != chosen || len(r.Acts) == 0 {
			t.Errorf("expected the set %s alone, found %+v", chosen, r.Sets)
		}
		if (len(r.Broken) > 0) != (chosen == "web") || len(r.Outages) == 0 {
			t.Errorf("%s: found broken %+v, outages %+v", chosen, r.Broken, r.Outages)
		}
		for _, o := range r.Outages {
			if o.Set != chosen {
				t.Errorf("%s: found an outage of another set: %+v", chosen, o)
			}
		}
		for _, a := range r.Acts {
			if a.Set != chosen {
				t.Errorf("%s: found an act of another set: %+v", chosen, a)
			}
		}
	}
}

// TestSimulatedRecordings holds what must be so of any recording of a correct cluster.
func TestSimulatedRecordings(t *testing.T) {
	acts, outages := 0, 0
	for seed := range uint64(60) {
		h := simulator.HistoryWithOutsiders(seed)
		h.Header.Lag, h.Header.ClockSkew = judge.MaxLag, judge.MaxClockSkew
		r := recording.New([]string{"shop"}, "")
		r.Add(h, "f", recording.Span{}, all)
		if len(r.Broken) > 0 {
			t.Errorf("seed %d: expected nothing broken, found %+v", seed, r.Broken)
		}
		acts, outages = acts+len(r.Acts), outages+len(r.Outages)
		until := map[string]time.Time{}
		for _, o := range r.Outages {
			if o.To.Before(o.From) || o.From.Before(until[o.Set+"/"+o.Pod]) || o.Cause == "" || o.To.After(r.End) {
				t.Errorf("seed %d: an outage that cannot be: %+v", seed, o)
			}
			until[o.Set+"/"+o.Pod] = o.To
		}
		for _, a := range r.Acts {
			if a.Who == "" || a.What == "" || a.Set == "" {
				t.Errorf("seed %d: an act that says too little: %+v", seed, a)
			}
		}
	}
	if acts == 0 || outages == 0 {
		t.Errorf("expected acts and outages, found %d and %d", acts, outages)
	}
}
