package judge

import (
	"fmt"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkAcknowledged: each list of entries has every write that was acknowledged before it was asked for, and none that went with its claims.
func checkAcknowledged(m *model, res *results) {
	for _, d := range m.databases() {
		if c := res.heldAgainstLists(d); c.lists > 0 {
			res.note(contract.WorkloadNoLostWrite, "%d acknowledged writes, %d lost", len(c.writes), c.lost)
		}
	}
}

// heldAgainstLists holds the acknowledged writes of a database against every list.
func (res *results) heldAgainstLists(d *database) *acknowledgedCheck {
	c := &acknowledgedCheck{res: res, database: d, recreations: d.recreations(), writes: d.acknowledged(), absences: res.m.absences(d), reported: map[int64]bool{}}
	for _, o := range d.ops {
		if o.Verb == history.ClientList && o.Outcome == history.ClientOK {
			c.list(o)
		}
	}
	return c
}

// acknowledgedCheck is the state of the check of one database.
type acknowledgedCheck struct {
	res         *results
	database    *database
	recreations []recreation
	writes      []*history.ClientOperation
	absences    []absence
	reported    map[int64]bool // the values that a finding has named
	lists, lost int
}

// list holds one list against the writes before it.
func (c *acknowledgedCheck) list(l *history.ClientOperation) {
	c.lists++
	held := map[contract.ID][]*history.ClientOperation{}
	wrong := map[contract.ID][]*history.ClientOperation{}
	for _, w := range c.writes {
		id, decided := c.expect(w, l)
		if !decided {
			continue
		}
		held[id] = append(held[id], w)
		if l.Lists(w.Value) == (id == contract.WorkloadDataGone) {
			wrong[id] = append(wrong[id], w)
		}
	}
	for _, id := range []contract.ID{contract.WorkloadNoLostWrite, contract.WorkloadDataKept, contract.WorkloadDataGone} {
		switch all := held[id]; {
		case len(all) == 0:
		case len(wrong[id]) > 0:
			c.report(id, l, all, wrong[id])
		case id != contract.WorkloadNoLostWrite || disturbed(c.absences, all[0].At, l.Call):
			c.res.exercised(id)
		}
	}
}

// expect returns which guarantee says whether a list has the entry of a write, or false if none does: the write was not acknowledged before, or the data
// may have gone just then.
func (c *acknowledgedCheck) expect(w, l *history.ClientOperation) (id contract.ID, decided bool) {
	id = contract.WorkloadNoLostWrite
	if w.At >= l.Call {
		return id, false
	}
	for i := range c.recreations {
		r := &c.recreations[i]
		switch before := w.At <= r.deleted.At; {
		case !before && !r.keeps && w.Call < r.next.events[0].At, r.deleted.At < l.At && !r.over(l.Call):
			return id, false // the one, or the other, took place while the set was being made again
		case !before || !r.over(l.Call):
		case !r.keeps:
			return contract.WorkloadDataGone, true
		default:
			id = contract.WorkloadDataKept
		}
	}
	return id, true
}

// report names the writes that a list lacks, or has and should not have.
func (c *acknowledgedCheck) report(id contract.ID, l *history.ClientOperation, held, wrong []*history.ClientOperation) {
	const named = 3
	var further []*history.ClientOperation
	for _, w := range wrong {
		if !c.reported[w.Value] {
			c.reported[w.Value] = true
			further = append(further, w)
		}
	}
	if len(further) == 0 {
		return
	}
	if id != contract.WorkloadDataGone {
		c.lost += len(further)
	}
	var words []string
	for _, w := range further[:min(named, len(further))] {
		words = append(words, fmt.Sprintf("%d (%s, key %s, acknowledged by %s at %s)", w.Value, w.Verb, w.Key, w.Member, moment(w.At)))
	}
	what := "are missing"
	if id == contract.WorkloadDataGone {
		what = "are still there"
	}
	text := fmt.Sprintf("of %d acknowledged writes %d %s in what client %d was told by %s at %s: %s", len(held), len(further), what, l.Client, l.Member, moment(l.At), strings.Join(words, ", "))
	if more := len(further) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	c.res.unexplained(id, c.database, evidence{text: text, clients: []*history.ClientOperation{further[0], l}}, further[0].At, l.At)
}
