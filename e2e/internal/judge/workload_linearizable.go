package judge

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/linear"
)

// checkLinearizable: for each key there is one order of the operations that explains what they found and agrees with time. Where a set was deleted with
// its data, its database begins anew.
func checkLinearizable(m *model, res *results) {
	for _, d := range m.databases() {
		absences := m.absences(d)
		from := time.Duration(0)
		for _, r := range d.recreations() {
			if !r.keeps {
				res.linearizable(d, absences, from, r.next.events[0].At)
				from = r.next.events[0].At
			}
		}
		res.linearizable(d, absences, from, m.h.Duration()+1)
	}
}

// linearizable judges what a database answered between two moments.
func (res *results) linearizable(d *database, absences []absence, from, to time.Duration) {
	const id = contract.WorkloadLinearizable
	res.sums(d, absences, from, to)
	keys := map[string][]linear.Op{}
	for i, o := range d.ops {
		if op, counts := asLinear(o, from, to); counts {
			op.Ref = i
			keys[o.Key] = append(keys[o.Key], op)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		ops := keys[key]
		result, part := linear.Check(ops, searchLimit())
		switch result {
		case linear.Explained:
			if disturbed(absences, ops[0].Call, ops[len(ops)-1].Return) {
				res.exercised(id)
			}
		case linear.Undecided:
			res.unexplainedInTime(id, d, key, ops)
		case linear.Illegal:
			var clients []*history.ClientOperation
			words := make([]string, 0, len(part))
			for _, op := range part {
				o := d.ops[op.Ref]
				clients = append(clients, o)
				words = append(words, tell(o))
			}
			text := fmt.Sprintf("no order of these operations on key %s, of %d, explains what they found: %s", key, len(ops), strings.Join(words, "; "))
			res.unexplained(id, d, evidence{text: text, clients: clients}, from, part[len(part)-1].Return)
		}
	}
}

// sums judges the sums of accounts that lists found between two moments: each transaction moves an amount from one account to another, so that no order
// of whole ones explains another sum than that of the first list, which came before all of them.
func (res *results) sums(d *database, absences []absence, from, to time.Duration) {
	const id = contract.WorkloadLinearizable
	var first *history.ClientOperation
	for _, o := range d.ops {
		switch {
		case o.Sum == nil || o.Call < from || o.At >= to:
		case first == nil:
			first = o
		case *o.Sum != *first.Sum:
			text := fmt.Sprintf("no order of transactions explains that the accounts hold %d in all, which client %d was told by %s at %s: each moves an amount from one to another, and they held %d at %s",
				*o.Sum, o.Client, o.Member, moment(o.At), *first.Sum, moment(first.At))
			res.unexplained(id, d, evidence{text: text, clients: []*history.ClientOperation{first, o}}, first.At, o.At)
		case disturbed(absences, first.At, o.Call):
			res.exercised(id)
		}
	}
}

func (res *results) unexplainedInTime(id contract.ID, d *database, key string, ops []linear.Op) {
	res.inconclusive(id, evidence{
		clients: []*history.ClientOperation{d.ops[ops[0].Ref], d.ops[ops[len(ops)-1].Ref]},
		text:    fmt.Sprintf("no order of %d operations on key %s was found in %v, and none was ruled out", len(ops), key, searchLimit()),
	})
}

// asLinear returns an operation on a key of a database that began at a moment and ended at another, or false if it tells nothing of that. One that
// outlasted the database may have found another.
func asLinear(o *history.ClientOperation, from, to time.Duration) (linear.Op, bool) {
	if o.Verb == history.ClientList || o.At < from || o.Call >= to || o.Outcome == history.ClientFailed {
		return linear.Op{}, false
	}
	op := linear.Op{
		Client: o.Client, Call: o.Call, Return: o.At, Reads: o.Verb != history.ClientPut, Found: o.Found,
		Writes: o.Writes(), Value: o.Value, Pending: o.Outcome == history.ClientUnknown || o.Call < from || o.At >= to,
	}
	if op.Pending && o.Verb == history.ClientSwap {
		op.Found = o.Expected // as it found, if it wrote
	}
	return op, op.Writes || !op.Pending
}

// tell writes an operation in words.
func tell(o *history.ClientOperation) string {
	var what string
	switch {
	case o.Verb == history.ClientGet:
		what = fmt.Sprintf("got %d", o.Found)
	case o.Verb == history.ClientPut:
		what = fmt.Sprintf("put %d", o.Value)
	case o.Outcome == history.ClientOK && !o.Writes():
		what = fmt.Sprintf("found %d and not %d", o.Found, o.Expected)
	default:
		what = fmt.Sprintf("put %d in place of %d", o.Value, o.Expected)
	}
	if o.Outcome == history.ClientUnknown {
		what += ", perhaps,"
	}
	return fmt.Sprintf("client %d %s at %s from %s to %s", o.Client, what, o.Member, moment(o.Call), moment(o.At))
}
