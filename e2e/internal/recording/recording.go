package recording

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// Recording is what the histories of some namespaces show.
type Recording struct {
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	// Kubernetes is the cluster's version when the recording began.
	Kubernetes string   `json:"kubernetes,omitempty"`
	Suite      string   `json:"suite,omitempty"`
	Namespaces []string `json:"namespaces"`
	// Selector is the label selector that chose the sets, "" for all.
	Selector string `json:"selector,omitempty"`
	// AuditLog says that it was made of an API server's audit log, by which nothing is judged.
	AuditLog  bool      `json:"auditLog,omitempty"`
	Histories []History `json:"histories"`
	Sets      []Set     `json:"sets"`
	Outages   []*Outage `json:"outages,omitempty"`
	// Circumstances are what was so of nodes and budgets meanwhile, where they could be read.
	Circumstances []*Circumstance `json:"circumstances,omitempty"`
	Acts          []Act           `json:"acts,omitempty"`

	Figures    []figures.Figure    `json:"figures,omitempty"`
	Objectives []figures.Objective `json:"objectives,omitempty"`
	// Broken are the guarantees that were broken, and Open what could not be judged.
	Broken []Finding `json:"broken,omitempty"`
	Open   []Finding `json:"open,omitempty"`
	// Held counts how often each guarantee could have been broken and was not.
	Held map[contract.ID]int `json:"held,omitempty"`
	// Cost is what the recording took, nil of an audit log.
	Cost *Cost `json:"cost,omitempty"`

	samples []figures.Sample
}

// History is one history of a recording.
type History struct {
	Namespace string `json:"namespace"`
	// File is its path below the folder.
	File   string    `json:"file"`
	Start  time.Time `json:"start,omitzero"`
	Events int       `json:"events"`
	// Lacks says what is missing from it, a line each.
	Lacks []string `json:"lacks,omitempty"`
}

// Set is a StatefulSet that was recorded.
type Set struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Replicas is how many it asked for in the end, and Gone says that it does not exist any more.
	Replicas int32 `json:"replicas"`
	Gone     bool  `json:"gone,omitempty"`
}

// OutageTotal sums up the outages of one pod, or of the majority of a set's pods where Pod is "".
type OutageTotal struct {
	Namespace, Set, Pod string
	Times               int
	Total, Longest      time.Duration
	Since, Lasts        bool
	// Causes are the causes of its outages, and Circumstances what was so of its nodes at the same time, each once.
	Causes, Circumstances []string
}

// New returns a recording of nothing as yet.
func New(namespaces []string, selector string) *Recording {
	return &Recording{Namespaces: namespaces, Selector: selector, Held: map[contract.ID]int{}}
}

// NoteVersion takes note of a version of Kubernetes that the API server said to have, "" where it said nothing.
func (r *Recording) NoteVersion(version string) {
	if version != "" && !slices.Contains(strings.Split(r.Kubernetes, ", then "), version) {
		r.Kubernetes = strings.TrimPrefix(r.Kubernetes+", then "+version, ", then ")
	}
}

// Hold holds the figures against a person's objectives.
func (r *Recording) Hold(objectives []string) { r.Objectives = figures.Hold(objectives, r.Figures) }

// Span is the time for which a history of a recording counts: the one before it in the same namespace goes on until it has begun, and so does it until the
// next has. A zero time bounds nothing.
type Span struct{ From, Until time.Time }

// clip cuts an interval to the span, and reports whether anything is left of it.
func (s Span) clip(from, to *time.Time, since, lasts *bool) bool {
	if from.Before(s.From) {
		*from, *since = s.From, true
	}
	if !s.Until.IsZero() && to.After(s.Until) {
		*to, *lasts = s.Until, true
	}
	return !to.Before(*from) && (to.After(*from) || s.has(*from))
}

func (s Span) has(t time.Time) bool {
	return !t.Before(s.From) && (s.Until.IsZero() || t.Before(s.Until))
}

// Add adds a history, which is saved in a file, of those sets that are chosen. Those of a namespace are added in their order.
func (r *Recording) Add(h *history.History, file string, span Span, chosen func(labels map[string]string) bool) {
	is := r.add(h, file, span, chosen)
	if !h.Header.AuditLog {
		r.judge(h, file, span, is)
	}
	r.sort()
}

// add is Add without what the judges say. It returns which sets of the namespace are chosen.
func (r *Recording) add(h *history.History, file string, span Span, chosen func(labels map[string]string) bool) (is func(set string) bool) {
	end := h.Header.Start.Add(h.Duration())
	if r.Start.IsZero() || h.Header.Start.Before(r.Start) {
		r.Start = h.Header.Start
	}
	if end.After(r.End) {
		r.End = end
	}
	r.NoteVersion(h.Header.Version)
	r.AuditLog = r.AuditLog || h.Header.AuditLog
	r.Histories = append(r.Histories, History{Namespace: h.Header.Namespace, File: file, Start: h.Header.Start, Events: len(h.Events), Lacks: lacks(h)})
	sets := r.addSets(h, chosen)
	is = func(set string) bool { return sets[set] }

	acts, causeOf := Acts(h)
	for _, a := range acts {
		if is(a.Set) && span.has(a.At) {
			r.Acts = append(r.Acts, a)
		}
	}
	lives, outages := podLives(h, is), Outages(h, causeOf)
	tellNodes(h, outages, lives)
	r.addOutages(slices.DeleteFunc(outages, func(o *Outage) bool { return !is(o.Set) }), span)
	r.addCircumstances(circumstancesOf(h, lives), span)
	r.measure(before(span.Until, chosenOf(h, is)))
	r.sort()
	r.tellCircumstances()
	return is
}

// measure adds what a history shows of the cluster's times. An audit log may lack the status that shows what the controller has seen.
func (r *Recording) measure(h *history.History) {
	var responses []time.Duration
	if !h.Header.AuditLog {
		responses = judge.Responses(h)
	}
	r.samples = append(r.samples, figures.Measure(h, responses)...)
	r.Figures = figures.Sum(r.samples)
}

// addOutages adds outages. One that goes on where one of the history before ended with its span is the same.
func (r *Recording) addOutages(all []*Outage, span Span) {
	open := map[[3]string]*Outage{}
	for _, o := range r.Outages {
		if o.Lasts && !span.From.IsZero() && o.To.Equal(span.From) {
			open[[3]string{o.Namespace, o.Set, o.Pod}] = o
		}
	}
	for _, o := range all {
		was := open[[3]string{o.Namespace, o.Set, o.Pod}]
		switch {
		case !span.clip(&o.From, &o.To, &o.Since, &o.Lasts):
		case was != nil && o.From.Equal(span.From):
			was.To, was.Lasts, was.Nodes = o.To, o.Lasts, union(was.Nodes, o.Nodes)
		default:
			r.Outages = append(r.Outages, o)
		}
	}
}

// before returns a history without the events from a moment on, all of it for the zero time.
func before(until time.Time, h *history.History) *history.History {
	if until.IsZero() {
		return h
	}
	out := *h
	out.Events = slices.DeleteFunc(slices.Clone(h.Events), func(e *history.Event) bool { return !h.Header.Start.Add(e.At).Before(until) })
	return &out
}

// sort puts everything in order of time.
func (r *Recording) sort() {
	slices.SortStableFunc(r.Acts, func(a, b Act) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(r.Outages, func(a, b *Outage) int { return a.From.Compare(b.From) })
	slices.SortStableFunc(r.Circumstances, func(a, b *Circumstance) int { return a.From.Compare(b.From) })
	for _, all := range [][]Finding{r.Broken, r.Open} {
		slices.SortStableFunc(all, func(a, b Finding) int { return a.At.Compare(b.At) })
	}
	slices.SortFunc(r.Sets, func(a, b Set) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
}

// addSets adds the sets of a history that are chosen, and returns their names.
func (r *Recording) addSets(h *history.History, chosen func(map[string]string) bool) map[string]bool {
	names := map[string]bool{}
	for _, e := range h.Events {
		if e.Resource != history.Sets || (!chosen(e.Labels) && !names[e.Name]) {
			continue
		}
		names[e.Name] = true
		i := slices.IndexFunc(r.Sets, func(s Set) bool { return s.Namespace == h.Header.Namespace && s.Name == e.Name })
		if i < 0 {
			i, r.Sets = len(r.Sets), append(r.Sets, Set{Namespace: h.Header.Namespace, Name: e.Name})
		}
		r.Sets[i].Replicas, r.Sets[i].Gone = e.Set.Replicas, e.Gone()
	}
	return names
}

// Only returns a history with the pods and claims of some sets alone and without surroundings, for timelines: the judges need all of it.
func Only(h *history.History, is func(set string) bool) *history.History {
	out := chosenOf(h, is)
	out.Events = slices.DeleteFunc(out.Events, func(e *history.Event) bool { return e.Resource.Surrounds() })
	out.Gaps = slices.DeleteFunc(slices.Clone(h.Gaps), func(g history.Gap) bool { return g.Resource.Surrounds() })
	return out
}

// chosenOf is Only with the surroundings, for figures.
func chosenOf(h *history.History, is func(set string) bool) *history.History {
	a := &actLister{newest: map[string]*history.Event{}}
	for _, e := range h.Events {
		if e.Resource == history.Sets {
			a.newest[e.Name] = e
		}
	}
	out := *h
	out.Events = slices.DeleteFunc(slices.Clone(h.Events), func(e *history.Event) bool {
		switch e.Resource {
		case history.Sets:
			return !is(e.Name)
		case history.Pods:
			c := e.Controller()
			return c == nil || c.Kind != "StatefulSet" || !is(c.Name)
		case history.Claims:
			return !is(a.setOfClaim(e.Name))
		}
		return false
	})
	return &out
}

// lacks says what is missing from a history.
func lacks(h *history.History) []string {
	var out []string
	for _, g := range h.Gaps {
		from, to := h.Header.Start.Add(g.From), h.Header.Start.Add(g.To)
		out = append(out, string(g.Resource)+" from "+clock(from)+" to "+clock(to)+": "+g.Reason)
	}
	if h.Header.AuditLog {
		return append(out, "whatever the policy of the audit log keeps out of it, and what was never written while it lasts")
	}
	if h.End != nil && !h.End.Complete {
		out = append(out, "the last moments: "+h.End.Reason)
	}
	return out
}

// clock writes a time of day, in UTC.
func clock(t time.Time) string { return t.UTC().Format("15:04:05") }

// OutageTotals sums the outages up: a majority's before those of pods of its set, and in each set the longest first.
func (r *Recording) OutageTotals() []OutageTotal {
	var out []OutageTotal
	at := map[[3]string]int{}
	for _, o := range r.Outages {
		i, known := at[[3]string{o.Namespace, o.Set, o.Pod}]
		if !known {
			i, out = len(out), append(out, OutageTotal{Namespace: o.Namespace, Set: o.Set, Pod: o.Pod})
			at[[3]string{o.Namespace, o.Set, o.Pod}] = i
		}
		d := &out[i]
		d.Times++
		d.Total += o.Took()
		d.Longest = max(d.Longest, o.Took())
		d.Since, d.Lasts = d.Since || o.Since, d.Lasts || o.Lasts
		if !slices.Contains(d.Causes, o.Cause) {
			d.Causes = append(d.Causes, o.Cause)
		}
		for _, b := range o.Circumstances {
			if !slices.Contains(d.Circumstances, b) {
				d.Circumstances = append(d.Circumstances, b)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b OutageTotal) int {
		whole := func(d OutageTotal) int { return min(len(d.Pod), 1) }
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Set, b.Set), cmp.Compare(whole(a), whole(b)), cmp.Compare(b.Total, a.Total))
	})
	return out
}

// Has reports whether a set is among those recorded.
func (r *Recording) Has(namespace, set string) bool {
	return slices.ContainsFunc(r.Sets, func(s Set) bool { return s.Namespace == namespace && s.Name == set })
}
