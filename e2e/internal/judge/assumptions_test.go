package judge_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

// TestSimulatorKeepsTheAssumptions: what the simulator makes keeps what the judges assume (see doc.go), so that their verdicts on it are
// evidence. That its caches stay within the lag is tested beside it.
func TestSimulatorKeepsTheAssumptions(t *testing.T) {
	for seed := range uint64(300) {
		h := simulator.History(seed)
		assumeOrderWithinWatches(t, seed, h)
		assumeWatchSkew(t, seed, h, judge.SettleTime(h)-h.Header.Lag)
		assumeOperationsFirst(t, seed, h)
		if t.Failed() {
			return
		}
	}
}

func assumeOrderWithinWatches(t *testing.T, seed uint64, h *history.History) {
	t.Helper()
	newest := map[history.Resource]*history.Event{}
	for _, e := range h.Events {
		if last := newest[e.Resource]; last != nil && e.RV() <= last.RV() {
			t.Errorf("seed %d: the watch of %s shows %s after %s", seed, e.Resource, e.Ref(), last.Ref())
		}
		newest[e.Resource] = e
	}
}

func assumeWatchSkew(t *testing.T, seed uint64, h *history.History, most time.Duration) {
	t.Helper()
	// Clusters may keep Event objects in a store of their own, whose versions cannot be compared with others.
	events := slices.DeleteFunc(slices.Clone(h.Events), func(e *history.Event) bool { return e.Resource == history.Events })
	slices.SortFunc(events, func(a, b *history.Event) int { return cmp.Or(cmp.Compare(a.RV(), b.RV()), cmp.Compare(a.At, b.At)) })
	var latest *history.Event
	for _, e := range events {
		if latest != nil && e.At < latest.At-most {
			t.Errorf("seed %d: %s of %s arrived more than %v before %s of %s, which happened earlier", seed, e.Ref(), e.Name, most, latest.Ref(), latest.Name)
		}
		if latest == nil || e.At > latest.At {
			latest = e
		}
	}
}

func assumeOperationsFirst(t *testing.T, seed uint64, h *history.History) {
	t.Helper()
	deleting := map[types.UID]*history.Event{}
	for _, e := range h.Events {
		if deleting[e.UID] == nil && (e.Terminating() || e.Gone()) {
			deleting[e.UID] = e
		}
	}
	operated := map[types.UID]bool{}
	for _, o := range h.Operations {
		if e := deleting[o.UID]; o.UID != "" && !operated[o.UID] && e != nil && e.Seq < o.Seq {
			t.Errorf("seed %d: the operation %q (%d) is recorded after its effect (%d)", seed, o.Text, o.Seq, e.Seq)
		}
		operated[o.UID] = true
	}
}

// TestRecordingsThatBreakAnAssumption: they accuse nobody.
func TestRecordingsThatBreakAnAssumption(t *testing.T) {
	s := historytest.New()
	s.Set("web", historytest.Replicas(2))
	s.Pod("web-0")
	pod := s.Pod("web-1")
	s.Begin(history.Operation{Verb: history.VerbCreate, Resource: history.Pods, Name: "web-1"})(
		history.Accepted, &history.Result{UID: pod.UID, ResourceVersion: pod.ResourceVersion})
	found := false
	for _, r := range judge.History(s.History()) {
		for _, f := range r.Violations {
			t.Errorf("%s: expected no violation, found: %s", f.Guarantee, f.Text)
		}
		for _, f := range r.Inconclusive {
			found = found || strings.Contains(f.Text, "was recorded after its effect")
		}
	}
	if !found {
		t.Error("expected an inconclusive finding that says which assumption is broken, found none")
	}
}

// A controller is accused by the responses around its act: of what it did in a spell in which it was slow it is not, of what it did before or after it is,
// whatever the guarantee.
func TestAControllerWithASpellOfLag(t *testing.T) {
	const spell = 5 * time.Second
	// observe has the controller show, after some time, that it has seen the set.
	observe := func(b *historytest.Builder, took time.Duration) {
		b.Wait(took)
		b.Status("web")
	}
	restarted := func(b *historytest.Builder) {
		b.Begin(history.Operation{Verb: history.VerbRestart, Name: "kube-controller-manager"})(history.Accepted, nil)
	}
	for _, c := range []struct {
		name   string
		ids    []contract.ID
		broken bool
		act    func(b *historytest.Builder)
	}{
		{"a pod that is out of range by then", ids(contract.IdentityName), false, func(b *historytest.Builder) {
			b.Scale("web", 1)
			b.Wait(4 * time.Second)
			b.Pod("web-2")
			observe(b, time.Second)
		}},
		{"a pod that is out of range long after", ids(contract.IdentityName), true, func(b *historytest.Builder) {
			b.Scale("web", 1)
			observe(b, spell)
			b.Wait(30 * time.Second)
			b.Scale("web", 2)
			observe(b, 0)
			b.Wait(3 * time.Second)
			b.Pod("web-2")
		}},
		{"a pod that is created too early after a restart", ids(contract.OrderingScaleUp, contract.DisruptionControllerRestart), false, func(b *historytest.Builder) {
			restarted(b)
			b.Scale("web", 4)
			b.Unready("web-1")
			b.Wait(4 * time.Second)
			b.Pod("web-2")
			observe(b, time.Second)
		}},
		{"a pod that is created too early after a restart, by a quick controller", ids(contract.DisruptionControllerRestart), true, func(b *historytest.Builder) {
			restarted(b)
			b.Scale("web", 4)
			observe(b, 0)
			b.Unready("web-1")
			b.Status("web")
			b.Wait(4 * time.Second)
			b.Pod("web-2")
		}},
		{"an endpoint whose pod had long been Ready again", ids(contract.DNSEndpointConditions), false, func(b *historytest.Builder) {
			service(b)
			b.Scale("web", 2)
			b.Wait(time.Second)
			b.Ready("web-1")
			writeEndpoints(b, 4*time.Second, endpointOf(b.Get(history.Pods, "web-1"), false, false, false))
			observe(b, time.Second)
		}},
		{"an endpoint of a pod that had long been gone", ids(contract.DNSEndpointConditions), false, func(b *historytest.Builder) {
			service(b)
			old := endpointOf(b.Get(history.Pods, "web-1"), false, false, true)
			b.Scale("web", 1)
			b.Wait(time.Second)
			b.Remove(history.Pods, "web-1")
			writeEndpoints(b, 4*time.Second, old)
			observe(b, time.Second)
		}},
		{"an endpoint whose pod had long been Ready again, by a quick controller", ids(contract.DNSEndpointConditions), true, func(b *historytest.Builder) {
			service(b)
			b.Scale("web", 2)
			observe(b, time.Second)
			b.Ready("web-1")
			writeEndpoints(b, 4*time.Second, endpointOf(b.Get(history.Pods, "web-1"), false, false, false))
			b.Wait(5 * time.Second)
		}},
		{"an endpoint whose pod had been Ready for longer than the controller was slow", ids(contract.DNSEndpointConditions), true, func(b *historytest.Builder) {
			service(b)
			b.Ready("web-1")
			b.Wait(4 * time.Second)
			b.Scale("web", 2)
			writeEndpoints(b, 4*time.Second, endpointOf(b.Get(history.Pods, "web-1"), false, false, false))
			observe(b, time.Second)
		}},
	} {
		b := historytest.New()
		b.Running("web", 2)
		b.Wait(10 * time.Second)
		c.act(b)
		for _, r := range judge.History(b.History()) {
			if !slices.Contains(c.ids, r.Guarantee) {
				continue
			}
			if (len(r.Violations) > 0) != c.broken || (len(r.Inconclusive) > 0) == c.broken {
				t.Errorf("%s: expected %s broken %t, else inconclusive, found %+v", c.name, r.Guarantee, c.broken, r)
			}
		}
	}
}

// A controller that is always slow may be slower than its quickest response where none is under way, but not by far.
func TestAControllerThatIsAlwaysSlow(t *testing.T) {
	const slow = 5 * time.Second
	for after, want := range map[time.Duration]history.Outcome{slow + time.Second: history.Inconclusive, 3 * slow: history.Failed} {
		b := historytest.New()
		b.Set("web", historytest.Replicas(2))
		b.Wait(slow)
		b.CreateReady("web-0")
		b.CreateReady("web-1")
		b.Status("web")
		service(b)
		b.Ready("web-1")
		writeEndpoints(b, after, endpointOf(b.Get(history.Pods, "web-1"), false, false, false))
		b.Wait(5 * time.Second)
		for _, r := range judge.History(b.History()) {
			if r.Guarantee == contract.DNSEndpointConditions && outcomeOf(r) != want {
				t.Errorf("an endpoint whose pod had been Ready for %v: expected %s, found %+v", after, want, r)
			}
		}
	}
}

// service adds a service that selects the pods of web, and the EndpointSlice of it, and has web-1 not be Ready.
func service(b *historytest.Builder) {
	b.Unready("web-1")
	b.Add(&history.Event{Resource: history.Services, Meta: history.Meta{Name: "web"}, Service: &history.Service{Selector: b.Get(history.Sets, "web").Set.Selector}})
	b.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: "web-x"}, Slice: &history.Slice{Service: "web", Addresses: "IPv4"}})
	b.Wait(30 * time.Second)
}

// writeEndpoints writes endpoints of web-0 and web-1 after some time.
func writeEndpoints(b *historytest.Builder, after time.Duration, ofSecond history.Endpoint) {
	b.Wait(after)
	ofFirst := endpointOf(b.Get(history.Pods, "web-0"), true, true, false)
	b.Change(history.Slices, "web-x", func(e *history.Event) { e.Slice.Endpoints = []history.Endpoint{ofFirst, ofSecond} })
}

// TestResponses: each generation counts from its first event to the first status that has observed it or a later one, or to the first pod that it adds.
func TestResponses(t *testing.T) {
	set := func(at time.Duration, generation, observed int64, change history.Change) *history.Event {
		return &history.Event{
			At: at, Resource: history.Sets, Change: change, Meta: history.Meta{Name: "web", UID: "uid-web", Generation: generation},
			Set: &history.Set{Status: history.Status{ObservedGeneration: observed}},
		}
	}
	h := &history.History{Events: []*history.Event{
		set(0, 3, 2, history.Listed), // when it was changed nobody saw
		set(1*time.Second, 4, 3, history.Modified),
		set(3*time.Second, 5, 3, history.Modified),
		set(4*time.Second, 5, 4, history.Modified),
		set(9*time.Second, 5, 5, history.Modified),
		set(10*time.Second, 6, 5, history.Modified), // never observed
	}}
	pod := func(at time.Duration, name string) *history.Event {
		yes := true
		return &history.Event{
			At: at, Resource: history.Pods, Change: history.Added, Pod: &history.Pod{},
			Meta: history.Meta{Name: name, Owners: []metav1.OwnerReference{{Kind: "StatefulSet", Name: "web", UID: "uid-web", Controller: &yes}}},
		}
	}
	scaled := set(20*time.Second, 7, 5, history.Modified)
	scaled.Set.Replicas = 1
	h.Events = append(h.Events, scaled, pod(21*time.Second, "web-1"), pod(22*time.Second, "web-0"))
	if got, want := judge.Responses(h), []time.Duration{3 * time.Second, 6 * time.Second, 2 * time.Second}; !slices.Equal(got, want) {
		t.Errorf("expected %v, found %v", want, got)
	}
}
