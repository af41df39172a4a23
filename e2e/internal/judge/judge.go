package judge

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Finding is a broken guarantee, or a place where that could not be decided.
type Finding struct {
	Guarantee contract.ID `json:"guarantee"`
	Set       string      `json:"set,omitempty"`
	// Text says what happened and what should have, with names, resource versions and times.
	Text string `json:"text"`
	// At is when it happened, since the recording began; Seqs are the records that show it.
	At   time.Duration `json:"at"`
	Seqs []int         `json:"seqs,omitempty"`
}

// Result is what one history shows of one guarantee.
type Result struct {
	Guarantee contract.ID `json:"guarantee"`
	// Exercised counts the transitions that the guarantee speaks of and that were seen to respect it.
	Exercised  int       `json:"exercised"`
	Violations []Finding `json:"violations,omitempty"`
	// Inconclusive are acts that look wrong but may be due to something not recorded or not yet known to the controller.
	Inconclusive []Finding `json:"doubts,omitempty"`
	// Excused counts, by reason, what broke the guarantee as it is written and accuses nobody.
	Excused Excuses `json:"excused,omitempty"`
	// Notes state measured facts a verdict rests on, such as how long a gate was held.
	Notes []string `json:"notes,omitempty"`
	// NotApplicable says why the guarantee, or a part of it, does not apply to the cluster, as the spec found it. Notes repeat it.
	NotApplicable []string `json:"notApplicable,omitempty"`
}

// check is one judge: the guarantees that it decides, and the function that adds what a history shows of them to the results.
type check struct {
	ids []contract.ID
	run func(*model, *results)
}

// checks lists all judges. A guarantee belongs to exactly one of them.
func checks() []check {
	var all []check
	all = append(all, orderingChecks()...)
	all = append(all, terminationChecks()...)
	all = append(all, updateChecks()...)
	all = append(all, statusChecks()...)
	all = append(all, identityChecks()...)
	all = append(all, lifecycleChecks()...)
	all = append(all, storageChecks()...)
	all = append(all, dnsChecks()...)
	all = append(all, workloadChecks()...)
	all = append(all, disruptionChecks()...)
	return all
}

// JudgedGuarantees returns the guarantees that can be judged from a history, in no particular order.
func JudgedGuarantees() []contract.ID {
	var ids []contract.ID
	for _, j := range checks() {
		ids = append(ids, j.ids...)
	}
	return ids
}

// Exercised returns how many transitions exercised each guarantee that any did.
func Exercised(results []Result) map[contract.ID]int {
	out := map[contract.ID]int{}
	for _, r := range results {
		if r.Exercised > 0 {
			out[r.Guarantee] = r.Exercised
		}
	}
	return out
}

// History runs every judge over a history and returns one result for each of JudgedGuarantees, followed by those that only
// expectations and checks of the spec speak of. Both count like a judge's own finding.
func History(h *history.History) []Result { return judged(h).all() }

func judged(h *history.History) *results {
	m := newModel(h)
	res := &results{m: m, byID: map[contract.ID]*Result{}}
	for _, j := range checks() {
		for _, id := range j.ids {
			res.of(id)
		}
		j.run(m, res)
	}
	res.addExpectations(h.Expectations)
	if why := brokenAssumption(h); why != "" {
		res.distrust(why)
	}
	res.addSpecChecks(h.Checks)
	res.leaveOutNewer(h.Header.Promises())
	return res
}

// leaveOutNewer drops what is said of guarantees that came after the version of Kubernetes whose promises count.
func (res *results) leaveOutNewer(kubernetes string) {
	for _, g := range contract.All() {
		if r := res.byID[g.ID]; r != nil {
			if why := g.TooOld(kubernetes); why != "" {
				*r = Result{Guarantee: g.ID, NotApplicable: []string{why}}
			}
		}
	}
}

// results collects the results of all judges over one history.
type results struct {
	m     *model
	order []contract.ID
	byID  map[contract.ID]*Result
	last  *Result // the one asked for last: most judges speak of one guarantee
	// omissions are inconclusive only because the controller was not seen at work after them.
	omissions []Omission
}

func (res *results) of(id contract.ID) *Result {
	if res.last != nil && res.last.Guarantee == id {
		return res.last
	}
	r := res.byID[id]
	if r == nil {
		r = &Result{Guarantee: id}
		res.byID[id] = r
		res.order = append(res.order, id)
	}
	res.last = r
	return r
}

func (res *results) all() []Result {
	out := make([]Result, 0, len(res.order))
	for _, id := range res.order {
		out = append(out, *res.byID[id])
	}
	return out
}

// exercised counts one transition that respected the guarantee.
func (res *results) exercised(id contract.ID) { res.of(id).Exercised++ }

// note records a measured fact beside the verdict.
func (res *results) note(id contract.ID, format string, args ...any) {
	r := res.of(id)
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// evidence is an accusation before it is known whether the evidence suffices.
type evidence struct {
	set  *setLife
	text string
	// since is the beginning of the period that the accusation rests on, and until its end where that is after the act, which is the last
	// of events. A gap in it leaves the matter open, in the watch of a resource of the events, of sets where there is a set, or of also.
	since, until time.Duration
	also         []history.Resource
	events       []*history.Event
	// clients are operations of clients that show it.
	clients []*history.ClientOperation
	// The last event, where it is a deletion, and acts are what the accusation takes for the accused's own. Where nothing shows whose they
	// are, the matter is open. anyAuthor says that the last event may be anybody's.
	acts      []*history.Event
	anyAuthor bool
	// admitted says that it is about a field of the object of the last event that admission may have set.
	admitted bool
	// written is the field that it takes for the controller's, as the last of events that has it shows it.
	written writtenField
}

// broken records a violation, or an inconclusive finding where something leaves it in doubt.
func (res *results) broken(id contract.ID, c evidence) {
	f := res.finding(id, c)
	if why := res.m.doubt(&c, f.At); why != "" {
		f.Text += why
		res.of(id).Inconclusive = append(res.of(id).Inconclusive, f)
		return
	}
	res.of(id).Violations = append(res.of(id).Violations, f)
}

// doubt says what leaves an accusation of an act at a moment open, "" if nothing does: the set is not the suite's, so that what its owner does to it is no
// recorded operation, nothing shows whose an act was, the recording may lack the fact that refutes it or tell it too late, the controller's view was old, others may have set the field, or the set
// began with the status of another one.
func (m *model) doubt(c *evidence, act time.Duration) string {
	if c.set != nil && m.notCreatedByTest(c.set) {
		return fmt.Sprintf("; but the set %s is somebody else's, who may have a part in it", c.set.name)
	}
	if why := m.withoutAuthor(c.allActs()); why != "" {
		return why
	}
	for _, r := range history.Resources() {
		if !c.restsOn(r) {
			continue
		}
		if g := m.gap(r, c.since, max(act, c.until)); g != nil {
			return fmt.Sprintf("; but the history of %s has a gap from %s to %s (%s) that may hold the missing event", g.Resource, history.Clock(g.From), history.Clock(g.To), g.Reason)
		}
		if g := m.delayed(r, c.since, max(act, c.until)); g != nil {
			return fmt.Sprintf("; but %s from %s on are recorded later than they happened (%s), so that the order may have been another", g.Resource, history.Clock(g.From), g.Reason)
		}
	}
	return cmp.Or(m.oldView(c, act), m.unreported(c), m.mutated(c), m.writtenByOthers(c), m.misled(c.set, max(act, c.until)))
}

// mutated says which mutating webhooks and policies may have set the field that an accusation is about, "" for none.
func (m *model) mutated(c *evidence) string {
	if !c.admitted {
		return ""
	}
	by := m.h.Header.Mutators[c.events[len(c.events)-1].Resource]
	if len(by) == 0 {
		return ""
	}
	return "; but " + strings.Join(by, " or ") + " may have changed it on its way"
}

// allActs returns the acts that the accusation takes for the accused's own.
func (c *evidence) allActs() []*history.Event {
	if n := len(c.events); n > 0 && !c.anyAuthor {
		return append(slices.Clone(c.acts), c.events[n-1])
	}
	return c.acts
}

// restsOn reports whether what is not recorded of a resource could refute the accusation.
func (c *evidence) restsOn(r history.Resource) bool {
	return (r == history.Sets && c.set != nil) || slices.Contains(c.also, r) ||
		slices.ContainsFunc(c.events, func(e *history.Event) bool { return e != nil && e.Resource == r })
}

// inconclusive records something that cannot be decided.
func (res *results) inconclusive(id contract.ID, c evidence) {
	res.of(id).Inconclusive = append(res.of(id).Inconclusive, res.finding(id, c))
}

func (res *results) finding(id contract.ID, c evidence) Finding {
	f := Finding{Guarantee: id, Text: c.text}
	if c.set != nil {
		f.Set = c.set.name
	}
	for _, e := range c.events {
		if e != nil {
			f.Seqs = append(f.Seqs, e.Seq)
			f.At = e.At
		}
	}
	for _, o := range c.clients {
		f.Seqs = append(f.Seqs, o.Seq)
		f.At = max(f.At, o.At)
	}
	return f
}

// addSpecChecks adds what the spec checked by other means. What it found after somebody else had changed the set that it is about, or had taken away a
// pod or claim of it, accuses nobody: it expected what it had asked for itself.
func (res *results) addSpecChecks(checks []history.Check) {
	for _, c := range checks {
		f := Finding{Guarantee: c.Guarantee, Text: c.Text, At: c.At, Seqs: []int{c.Seq}}
		r := res.of(c.Guarantee)
		switch c.Outcome {
		case history.Passed:
			r.Exercised++
		case history.Failed:
			if v := res.m.externalChangeBy(c.At, c.Set); v != nil {
				f.Text += butChangedByOthers(v)
				f.Seqs = append(f.Seqs, v.Seq)
				r.Inconclusive = append(r.Inconclusive, f)
				continue
			}
			if e := res.m.takenByOthers(c.At, c.Set); e != nil {
				f.Text += butTakenByOthers(e)
				f.Seqs = append(f.Seqs, e.Seq)
				r.Inconclusive = append(r.Inconclusive, f)
				continue
			}
			r.Violations = append(r.Violations, f)
		case history.Inconclusive:
			r.Inconclusive = append(r.Inconclusive, f)
		case history.NotApplicable:
			r.Notes = append(r.Notes, c.Text)
			r.NotApplicable = append(r.NotApplicable, c.Text)
		}
	}
}
