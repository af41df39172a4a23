package judge_test

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge/simulator"
)

func workloadMutations() map[contract.ID]mutation {
	return map[contract.ID]mutation{
		contract.WorkloadLinearizable:  withClients(readStale),
		contract.WorkloadNoLostWrite:   withClients(loseWrite),
		contract.WorkloadAvailable:     withClients(stopServing),
		contract.WorkloadMemberReturns: withClients(returnAsAnother),
		contract.WorkloadDataKept:      withClients(emptyClaims),
		contract.WorkloadDataGone:      withClients(fillClaims),
	}
}

// withClients has clients use a database in the history before a mutation.
func withClients(mutate func(*mutableHistory) bool) mutation {
	return func(h *mutableHistory) bool { return simulator.AddClients(h.History, h.rng) && mutate(h) }
}

// recreated returns when the set of that name was deleted and created again between two moments, or false.
func (h *mutableHistory) recreated(from, to time.Duration) (gone, again time.Duration, found bool) {
	name := setNameOf(h)
	var sets []*object
	for _, s := range h.objects[history.Sets] {
		if s.name == name {
			sets = append(sets, s)
		}
	}
	for i := 1; i < len(sets); i++ {
		d := sets[i-1].deletion()
		if d != nil && d.At >= from && sets[i].first().At <= to {
			return d.At, sets[i].first().At, true
		}
	}
	return 0, 0, false
}

func setNameOf(h *mutableHistory) string {
	member := h.Clients[0].Member
	return member[:len(member)-2]
}

// clientsWhere returns the operations for which f holds, in random order.
func (h *mutableHistory) clientsWhere(f func(*history.ClientOperation) bool) []*history.ClientOperation {
	out := slices.DeleteFunc(slices.Clone(h.Clients), func(o *history.ClientOperation) bool { return !f(o) })
	h.rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// readStale lets a client read what had been overwritten before.
func readStale(h *mutableHistory) bool {
	for _, get := range h.clientsWhere(func(o *history.ClientOperation) bool {
		return o.Verb == history.ClientGet && o.Outcome == history.ClientOK
	}) {
		before := h.clientsWhere(func(o *history.ClientOperation) bool { return o.Acknowledged() && o.Key == get.Key && o.At < get.Call })
		for _, old := range before {
			overwritten := slices.ContainsFunc(before, func(o *history.ClientOperation) bool { return o.Call > old.At })
			if _, _, again := h.recreated(old.Call, get.At); overwritten && !again {
				get.Found = old.Value
				return true
			}
		}
	}
	return false
}

// lists returns the lists that were answered, with an acknowledged write before each, and none of the set's recreations between.
func (h *mutableHistory) lists() (lists, writes []*history.ClientOperation) {
	for _, l := range h.clientsWhere(func(o *history.ClientOperation) bool {
		return o.Verb == history.ClientList && o.Outcome == history.ClientOK
	}) {
		for _, w := range h.clientsWhere(func(o *history.ClientOperation) bool { return o.Acknowledged() && o.At < l.Call }) {
			lists, writes = append(lists, l), append(writes, w)
		}
	}
	return lists, writes
}

// removeEntry takes an entry out of a list.
func removeEntry(l *history.ClientOperation, value int64) {
	var out []history.Range
	for _, r := range l.Entries {
		if value < r[0] || value > r[1] {
			out = append(out, r)
			continue
		}
		if value > r[0] {
			out = append(out, history.Range{r[0], value - 1})
		}
		if value < r[1] {
			out = append(out, history.Range{value + 1, r[1]})
		}
	}
	l.Entries = out
}

// loseWrite takes an acknowledged write out of a list.
func loseWrite(h *mutableHistory) bool {
	lists, writes := h.lists()
	for i, l := range lists {
		if _, _, again := h.recreated(writes[i].Call, l.At); !again && l.Lists(writes[i].Value) {
			removeEntry(l, writes[i].Value)
			return true
		}
	}
	return false
}

// emptyClaims takes out of a list what was acknowledged before the set was deleted and created again.
func emptyClaims(h *mutableHistory) bool {
	lists, writes := h.lists()
	for i, l := range lists {
		gone, again, found := h.recreated(writes[i].At, l.Call)
		if found && writes[i].At <= gone && again <= l.Call && l.Lists(writes[i].Value) {
			removeEntry(l, writes[i].Value)
			return true
		}
	}
	return false
}

// fillClaims puts into a list what was acknowledged before the set was deleted with its claims.
func fillClaims(h *mutableHistory) bool {
	lists, writes := h.lists()
	for i, l := range lists {
		gone, again, found := h.recreated(writes[i].At, l.Call)
		if found && writes[i].At <= gone && again <= l.Call && !l.Lists(writes[i].Value) {
			l.Entries = slices.Insert(l.Entries, 0, history.Range{writes[i].Value, writes[i].Value})
			slices.SortFunc(l.Entries, func(a, b history.Range) int { return int(a[0] - b[0]) })
			return true
		}
	}
	return false
}

// stopServing lets no write be acknowledged for longer than an election may take, in which no pod and no set changes.
func stopServing(h *mutableHistory) bool {
	const pause = 45 * time.Second
	for _, from := range h.clientsWhere((*history.ClientOperation).Acknowledged) {
		until := from.At + pause
		quiet := !slices.ContainsFunc(h.Events, func(e *history.Event) bool { return e.At >= from.At-time.Second && e.At <= until })
		if !quiet || until > h.Clients[len(h.Clients)-1].At {
			continue
		}
		for _, o := range h.Clients {
			if o.At > from.At && o.Call < until && o.Value > 0 {
				o.Outcome, o.Found, o.Reason = history.ClientUnknown, 0, "deadline exceeded"
			}
		}
		return true
	}
	return false
}

// returnAsAnother gives a member whose pod was replaced another ID from then on.
func returnAsAnother(h *mutableHistory) bool {
	for _, pod := range h.shuffled(history.Pods) {
		d := pod.deletion()
		if d == nil || h.setOf(pod) == nil || h.setOf(pod).name != setNameOf(h) {
			continue
		}
		next := h.replacement(pod)
		if next == nil || next.ready() == nil || next.deletion() != nil || h.claimsChange(pod.name, d.At) {
			continue
		}
		known, changed := false, false
		for _, s := range h.Members {
			switch {
			case s.Member != pod.name:
			case s.At <= d.At && s.Call >= pod.first().At:
				known = true
			case s.Call >= next.ready().At && known:
				s.ID, changed = "another", true
			}
		}
		if changed {
			return true
		}
	}
	return false
}

// claimsChange reports whether a claim of the pod of that name is created or deleted after a moment.
func (h *mutableHistory) claimsChange(pod string, after time.Duration) bool {
	return slices.ContainsFunc(h.objects[history.Claims], func(c *object) bool {
		d := c.deletion()
		return len(c.name) > len(pod) && c.name[len(c.name)-len(pod):] == pod && (c.first().At > after || d != nil && d.At >= after)
	})
}
