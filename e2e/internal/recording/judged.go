package recording

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// Finding is a guarantee that was broken, or that could not be judged at some moment.
type Finding struct {
	Guarantee contract.ID `json:"guarantee"`
	// Deviation says that no document promises it, only the implementation.
	Deviation bool      `json:"deviation,omitempty"`
	Namespace string    `json:"namespace"`
	Set       string    `json:"set,omitempty"`
	At        time.Time `json:"at"`
	Text      string    `json:"text"`
	// File is the history that shows it, and Records the sequence numbers of its records that do.
	File    string `json:"file"`
	Records []int  `json:"records,omitempty"`
}

// judge adds what the judges say of some sets of a history.
func (r *Recording) judge(h *history.History, file string, span Span, is func(set string) bool) {
	missing := unread(h)
	for _, result := range judge.Unstimulated(h) {
		g, known := contract.Get(result.Guarantee)
		if !known {
			continue
		}
		add := func(to *[]Finding, f judge.Finding, but string) {
			at := h.Header.Start.Add(f.At)
			if !span.has(at) {
				return
			}
			// Without a set it is of the namespace, which a selector does not choose.
			if (f.Set == "" && r.Selector != "") || (f.Set != "" && !is(f.Set)) {
				return
			}
			*to = append(*to, Finding{
				Guarantee: g.ID, Deviation: g.ImplOnly(), Namespace: h.Header.Namespace, Set: f.Set, At: at, Text: f.Text + but, File: file, Records: f.Seqs,
			})
		}
		for _, f := range result.Violations {
			if missing != "" {
				add(&r.Open, f, "; but "+missing+", which may show the reason")
			} else {
				add(&r.Broken, f, "")
			}
		}
		for _, f := range result.Inconclusive {
			add(&r.Open, f, "")
		}
		if result.Exercised > 0 {
			r.Held[g.ID] += result.Exercised
		}
	}
}

// unread says which resources a history has nothing of from beginning to end, "" if none: the judges rest on all of them.
func unread(h *history.History) string {
	var all []string
	for _, g := range h.Gaps {
		if n := len(h.Events); !g.Resource.Surrounds() && g.From == 0 && (n == 0 || g.To >= h.Events[n-1].At) && !slices.Contains(all, string(g.Resource)) {
			all = append(all, string(g.Resource))
		}
	}
	if len(all) == 0 {
		return ""
	}
	return fmt.Sprintf("the account may not read %s", strings.Join(all, ", "))
}

// Promises returns the findings of what a document promises: no deviation.
func (r *Recording) Promises() []Finding {
	return slices.DeleteFunc(slices.Clone(r.Broken), func(f Finding) bool { return f.Deviation })
}
