package judge

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// workloadChecks judge what clients of a database in a set saw. In histories without clients they find nothing.
func workloadChecks() []check {
	return []check{
		{ids: []contract.ID{contract.WorkloadLinearizable}, run: checkLinearizable},
		{ids: []contract.ID{contract.WorkloadNoLostWrite, contract.WorkloadDataKept, contract.WorkloadDataGone}, run: checkAcknowledged},
		{ids: []contract.ID{contract.WorkloadAvailable}, run: checkAvailable},
		{ids: []contract.ID{contract.WorkloadMemberReturns}, run: checkMemberReturns},
	}
}

// database is what a history shows of one database, which runs in the sets of one name.
type database struct {
	name   string
	sets   []*setLife // one after another
	ops    []*history.ClientOperation
	states []*history.MemberState
}

// databases returns those that clients used, by their first operation, where all pods have claims, and the same ones when the set is created again:
// without, nothing is promised of their data.
func (m *model) databases() []*database {
	var out []*database
	of := func(member string) *database {
		name := parentOf(member)
		i := slices.IndexFunc(out, func(d *database) bool { return d.name == name })
		if i < 0 {
			d := &database{name: name}
			for _, s := range m.sets {
				if s.name == name && len(s.events) > 0 {
					d.sets = append(d.sets, s)
				}
			}
			out, i = append(out, d), len(out)
		}
		return out[i]
	}
	for _, o := range m.h.Clients {
		d := of(o.Member)
		d.ops = append(d.ops, o)
	}
	for _, s := range m.h.Members {
		d := of(s.Member)
		d.states = append(d.states, s)
	}
	return slices.DeleteFunc(out, func(d *database) bool {
		return len(d.sets) == 0 || len(d.sets[0].claimTemplates()) == 0 ||
			slices.ContainsFunc(d.sets, func(s *setLife) bool { return !slices.Equal(s.claimTemplates(), d.sets[0].claimTemplates()) })
	})
}

// acknowledged returns the writes that clients were told of, by the time at which they were told.
func (d *database) acknowledged() []*history.ClientOperation {
	return slices.DeleteFunc(slices.Clone(d.ops), func(o *history.ClientOperation) bool { return !o.Acknowledged() })
}

// recreation is the deletion of a database's set, and the next set of its name.
type recreation struct {
	deleted *history.Event
	next    *setLife
	// keeps says that the claims, and so the data, are to be there still.
	keeps bool
}

// recreations returns them in their order.
func (d *database) recreations() []recreation {
	var out []recreation
	for i, s := range d.sets {
		if s.deleting == nil || i+1 == len(d.sets) {
			continue
		}
		keeps := !deletedDelete(s.specAt(s.deleting.At)) || slices.Contains(s.deleting.Finalizers, metav1.FinalizerOrphanDependents)
		out = append(out, recreation{deleted: s.deleting, next: d.sets[i+1], keeps: keeps})
	}
	return out
}

// over reports whether the next set was there at a moment.
func (r *recreation) over(at time.Duration) bool { return r.next.events[0].At <= at }

// absence is a stretch in which a member was not Ready.
type absence struct{ from, to time.Duration }

// absences returns the stretches in which members that had been Ready were not, by their beginning.
func (m *model) absences(d *database) []absence {
	last := map[string]absence{} // by the name of the pod
	var out []absence
	for _, s := range d.sets {
		for _, p := range s.pods {
			for _, r := range p.ready {
				if l, was := last[p.name]; was {
					l.to = r.from.At
					out = append(out, l)
				}
				delete(last, p.name)
				if r.to != nil {
					last[p.name] = absence{from: r.to.At, to: m.h.Duration()}
				}
			}
		}
	}
	out = slices.AppendSeq(out, maps.Values(last))
	slices.SortFunc(out, func(a, b absence) int { return int(a.from - b.from) })
	return out
}

// disturbed reports whether some member was lost in a stretch.
func disturbed(all []absence, from, to time.Duration) bool {
	i := sort.Search(len(all), func(i int) bool { return all[i].from >= from })
	return i < len(all) && all[i].from <= to
}

// unexplained records what clients saw that breaks a guarantee between two moments: it is open where somebody else than the set's own policy had its
// claims deleted, or changed the set.
func (res *results) unexplained(id contract.ID, d *database, c evidence, from, to time.Duration) {
	c.set = d.sets[len(d.sets)-1]
	c.since, c.until, c.also = from, to, []history.Resource{history.Claims}
	taken := res.m.dataTaken(d, from, to)
	if v := res.m.externalChangeBy(to, d.name); taken == "" && v != nil {
		taken = butChangedByOthers(v)
	}
	if taken != "" {
		c.text += taken
		res.inconclusive(id, c)
		return
	}
	res.broken(id, c)
}

// dataTaken says of the first claim of the database that was deleted between two moments, and not with its owner, that it was; "" if none was.
func (m *model) dataTaken(d *database, from, to time.Duration) string {
	for _, c := range m.claims {
		ofDatabase := slices.ContainsFunc(m.claimants[parentOf(c.name)], func(s *setLife) bool { return s.name == d.name })
		if ofDatabase && c.deleting != nil && c.deleting.At >= from && c.deleting.At <= to && !m.collected(c.deleting) {
			return fmt.Sprintf("; but claim %s was deleted at %s by the test or another client, and its data with it", c.name, c.deleting.Ref())
		}
	}
	return ""
}

// moment writes a time of a client with the resolution that the order of operations needs.
func moment(d time.Duration) string { return fmt.Sprintf("%+.3f s", d.Seconds()) }
