package judge

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkAvailable: writes go on while a majority is Ready, and the controller takes no majority away.
func checkAvailable(m *model, res *results) {
	const id = contract.WorkloadAvailable
	for _, d := range m.databases() {
		writes := d.acknowledged()
		absences := m.absences(d)
		for _, s := range d.sets {
			for _, p := range m.withoutMajority(s) {
				res.majorityTaken(s, p)
			}
		}
		longest := res.pauses(d, writes)
		for _, l := range absences {
			// Called while the member was away, and acknowledged before it was back.
			i := sort.Search(len(writes), func(i int) bool { return writes[i].At > l.from })
			for ; i < len(writes) && writes[i].At <= l.to; i++ {
				// Of two members none is away without their majority.
				if writes[i].Call >= l.from && slices.ContainsFunc(d.sets, func(s *setLife) bool { return s.hasMajority(writes[i].Call) && s.hasMajority(writes[i].At) }) {
					res.exercised(id)
					break
				}
			}
		}
		if longest.until > 0 && len(absences) > 0 {
			res.note(id, "longest pause of the writes %.1f s, until %s", (longest.until - longest.since).Seconds(), moment(longest.until))
		}
	}
}

// pauses judges the stretches in which no write was acknowledged, and returns the longest.
func (res *results) pauses(d *database, writes []*history.ClientOperation) (longest stretch) {
	last := time.Duration(0)
	for _, o := range d.ops {
		if o.Verb == history.ClientPut || o.Verb == history.ClientSwap {
			last = max(last, o.At)
		}
	}
	if last == 0 {
		return stretch{}
	}
	ends := []time.Duration{d.ops[0].Call}
	for _, w := range writes {
		ends = append(ends, w.At)
	}
	ends = append(ends, max(last, ends[len(ends)-1]))
	for i := 1; i < len(ends); i++ {
		whole := stretch{since: ends[i-1], until: ends[i]}
		if took := whole.until - whole.since; took <= longest.until-longest.since && !pausedTooLong(took) {
			continue // nor is any part of it longer, and there are thousands
		}
		for _, pause := range d.attempted(whole, sentOrNot) {
			if pause.until-pause.since > longest.until-longest.since {
				longest = pause
			}
			for _, s := range d.sets {
				res.pause(d, s, pause)
			}
		}
	}
	return longest
}

// Pause returns the longest stretch between two moments in which no write of a client was acknowledged, and whether a database of which a majority
// serves has no right to one that long.
func Pause(h *history.History, since, until time.Duration) (longest time.Duration, tooLong bool) {
	last := since
	for _, o := range h.Clients {
		if o.Acknowledged() && o.At > since && o.At <= until {
			longest, last = max(longest, o.At-last), o.At
		}
	}
	longest = max(longest, until-last)
	return longest, pausedTooLong(longest)
}

// attempted returns the parts of a stretch in which clients tried to write, and were not told to rest: those tries count that a function takes.
func (d *database) attempted(in stretch, counts func(*history.ClientOperation) bool) []stretch {
	var tries []stretch
	for _, o := range d.ops {
		if o.Verb != history.ClientList && o.Verb != history.ClientGet && o.At > in.since && o.Call < in.until && counts(o) {
			tries = append(tries, stretch{since: max(o.Call, in.since), until: min(o.At, in.until)})
		}
	}
	slices.SortFunc(tries, func(a, b stretch) int { return cmp.Compare(a.since, b.since) })
	// What led up to the stretch, and what ended it, clients at work had done just before.
	tries = append(tries, stretch{since: in.until, until: in.until})
	out := []stretch{{since: in.since, until: in.since}}
	for _, t := range tries {
		if last := &out[len(out)-1]; !clientsRest(t.since - last.until) {
			last.until = max(last.until, t.until)
			continue
		}
		out = append(out, t)
	}
	return out
}

func sentOrNot(*history.ClientOperation) bool { return true }

func sent(o *history.ClientOperation) bool { return !o.Unsent }

// pause judges one stretch without an acknowledged write, under one set.
func (res *results) pause(d *database, s *setLife, whole stretch) {
	const id = contract.WorkloadAvailable
	for _, q := range res.m.majorities(s, whole) {
		if !pausedTooLong(q.until - q.since) {
			continue
		}
		c := evidence{
			set: s, since: q.since, until: q.until, also: []history.Resource{history.Pods}, clients: d.opsIn(q),
			text: fmt.Sprintf("no write was acknowledged from %s to %s, though a majority of %s was Ready all that time", moment(q.since), moment(q.until), s.name),
		}
		switch {
		case !d.reached(q):
			c.text += "; but no member answered anything, so that the way to them may have been cut"
			res.inconclusive(id, c)
		case !slices.ContainsFunc(d.attempted(q, sent), func(t stretch) bool { return pausedTooLong(t.until - t.since) }):
			c.text += "; but clients failed to connect for most of that time, so that they, the way to the members or these may have been too slow"
			res.inconclusive(id, c)
		default:
			res.broken(id, c)
		}
	}
}

// opsIn returns the first and the last operation that ended in a stretch.
func (d *database) opsIn(s stretch) []*history.ClientOperation {
	from := sort.Search(len(d.ops), func(i int) bool { return d.ops[i].At >= s.since })
	to := sort.Search(len(d.ops), func(i int) bool { return d.ops[i].At > s.until })
	if from >= to {
		return nil
	}
	return []*history.ClientOperation{d.ops[from], d.ops[to-1]}
}

// reached reports whether some member answered something that was asked in a stretch.
func (d *database) reached(s stretch) bool {
	return slices.ContainsFunc(d.states, func(x *history.MemberState) bool { return x.Call >= s.since && x.At <= s.until }) ||
		slices.ContainsFunc(d.ops, func(o *history.ClientOperation) bool {
			return o.Outcome == history.ClientOK && o.Call >= s.since && o.At <= s.until
		})
}

// membersReady returns how many pods of the set's range were Ready at a moment, of how many; none of none where there is no set.
func (s *setLife) membersReady(at time.Duration) (ready, of int) {
	v := s.latest(at)
	if v == nil || v.Gone() || v.Terminating() {
		return 0, 0
	}
	for n := int(v.Set.Start); n < int(v.Set.Start+v.Set.Replicas); n++ {
		if p := s.lifeAt(n, at); p != nil && p.readyAt(at) != nil {
			ready++
		}
	}
	return ready, int(v.Set.Replicas)
}

func (s *setLife) hasMajority(at time.Duration) bool {
	ready, of := s.membersReady(at)
	return ready > of/2
}

// changes returns the moments at which a majority may have come or gone.
func (s *setLife) changes() []time.Duration {
	var out []time.Duration
	for _, v := range s.specs {
		out = append(out, v.At)
	}
	if s.deleting != nil {
		out = append(out, s.deleting.At)
	}
	for _, p := range s.pods {
		for _, r := range p.ready {
			out = append(out, r.from.At)
			if r.to != nil {
				out = append(out, r.to.At)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// majorities returns the parts of a stretch in which a majority of the members was Ready.
func (m *model) majorities(s *setLife, in stretch) []stretch {
	var out []stretch
	moments := append([]time.Duration{in.since}, slices.DeleteFunc(s.changes(), func(at time.Duration) bool { return at <= in.since || at >= in.until })...)
	for i, at := range moments {
		end := in.until
		if i+1 < len(moments) {
			end = moments[i+1]
		}
		switch n := len(out); {
		case !s.hasMajority(at):
		case n > 0 && out[n-1].until == at:
			out[n-1].until = end
		default:
			out = append(out, stretch{since: at, until: end})
		}
	}
	return out
}

// withoutMajority returns the pods with whose deletion the set lost its majority.
func (m *model) withoutMajority(s *setLife) []*podLife {
	var out []*podLife
	for _, at := range s.changes() {
		if s.hasMajority(at) || !s.hasMajority(at-1) {
			continue
		}
		for _, p := range s.pods {
			if p.deleting != nil && p.deleting.At == at {
				out = append(out, p)
			}
		}
	}
	return out
}

// majorityTaken judges the deletion with which a set lost its majority: it is the controller's doing if it deleted all that were away.
func (res *results) majorityTaken(s *setLife, last *podLife) {
	const id = contract.WorkloadAvailable
	m, at := res.m, last.deleting.At
	if m.rollouts[s.nr].mayRecreate(last, m.cacheAt(s, last.deleting)) {
		return
	}
	v := s.specAt(at)
	taken := []*history.Event{}
	for n := int(v.Set.Start); n < int(v.Set.Start+v.Set.Replicas); n++ {
		p := s.lifeAt(n, at)
		switch {
		case n == last.ordinal || p != nil && p.readyAt(at) != nil:
			continue
		case p != nil && p.deleting == nil && p.predecessorIncarnation != nil:
			p = p.predecessorIncarnation // it is there again, and not Ready yet
		}
		if p == nil || p.deleting == nil || m.whoDeleted(p) != byController {
			return // something else took it, for which the controller need not wait
		}
		// A stale informer cache may have shown its replacement Ready. One that showed the pod itself would have the controller delete it again: an
		// update takes the highest old pod.
		again := p.ordinal > last.ordinal && p.revision == last.revision
		if next := s.lifeAt(n, at); next.readySince(m.visibleFrom(at)) && (next != p || !again) {
			res.excuse(id, CacheLag)
			return
		}
		taken = append(taken, p.deleting)
	}
	if most, known := maxUnavailableOf(v); !known || len(taken)+1 <= most {
		return
	}
	if m.whoDeleted(last) != byController {
		return
	}
	res.broken(id, evidence{
		set: s, since: taken[0].At, events: append(taken, last.deleting), acts: taken,
		text: fmt.Sprintf("the controller deleted %s at %s while %d of the other %d members were not Ready again, which it had deleted itself: %s had no majority any more",
			last.name, last.deleting.Ref(), len(taken), int(v.Set.Replicas)-1, s.name),
	})
}

// readySince reports whether the pod was Ready at any time from a moment on.
func (p *podLife) readySince(at time.Duration) bool {
	return slices.ContainsFunc(p.ready, func(r interval) bool { return r.to == nil || r.to.At >= at })
}

// maxUnavailableOf returns how many pods a rolling update may take at once, or false where that is a percentage.
func maxUnavailableOf(v *history.Event) (int, bool) {
	if v.Set.MaxUnavailable == "" {
		return 1, true
	}
	n, err := strconv.Atoi(v.Set.MaxUnavailable)
	return n, err == nil
}
