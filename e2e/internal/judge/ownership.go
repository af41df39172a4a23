package judge

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// checkOwnership: the only controller of a set's pod is the set, by its UID, and the reference with which a pod or a revision is created is whole and
// the only one; that with which it is adopted is whole. What others make of it later is theirs.
func checkOwnership(m *model, res *results) {
	named := map[string]*setLife{}
	for _, s := range m.sets {
		if len(s.events) > 0 {
			named[s.name] = s
		}
	}
	for _, p := range m.pods {
		res.adoptedBy(p)
		if p.created == nil {
			continue
		}
		s := p.owners[0].set
		// By a reference of another kind too the UID says whose the pod is.
		if other := m.bySet[p.owners[0].uid]; s == nil && other != nil && len(other.events) > 0 && !m.createdByTest(history.Pods, p.name) {
			s = other
		}
		switch {
		case s == nil:
			s = named[parentOf(p.name)]
			// Where nobody ran a test, such pods are restored from backups.
			if s == nil || m.h.Header.Unstimulated || m.createdByTest(history.Pods, p.name) || p.owners[0].uid != "" || p.created.Labels[appsv1.StatefulSetPodNameLabel] != p.name ||
				p.created.Labels[appsv1.ControllerRevisionHashLabelKey] == "" || s.events[0].CreationTimestamp.After(p.created.CreationTimestamp.Time) || s.mayBeDeleted(p.created) {
				continue
			}
			res.wronglyOwned(s, p.created, fmt.Sprintf("for the set %s without a controller reference", s.name))
		case len(s.events) > 0:
			res.ownedBy(s, p.created, m.createdByTest(history.Pods, p.name))
		case m.complete():
			// All sets of the namespace are recorded, older ones by the first list.
			res.wronglyOwned(s, p.created, fmt.Sprintf("under the controller %s with UID %s, which no set of the namespace has", p.owners[0].name(), s.uid))
		}
	}
	m.revisionsOwned(res)
}

// adoptedBy judges the reference with which sets adopted a pod.
func (res *results) adoptedBy(p *podLife) {
	for i, t := range p.owners {
		if p.adopted(i) && t.set != nil && len(t.set.events) > 0 {
			res.adoption(t.set, t.from)
		}
	}
}

// adopted reports whether the pod had no controller before it got that of its owners.
func (p *podLife) adopted(owner int) bool { return owner > 0 && p.owners[owner-1].uid == "" }

// adoption judges the reference with which a set adopted an object at an event.
func (res *results) adoption(s *setLife, e *history.Event) {
	if text := wrongReference(s, e); text != "" {
		res.wronglyReferred(s, e, "was adopted", text)
		return
	}
	res.exercised(contract.IdentityOwnership)
}

// revisionsOwned judges the revisions that sets are recorded to have got, those that their statuses name, and those that they adopted.
func (m *model) revisionsOwned(res *results) {
	all := m.revisionsBySet()
	for _, lives := range all {
		for _, l := range lives {
			for _, e := range l.adoptions() {
				if s := m.bySet[e.Controller().UID]; s != nil && len(s.events) > 0 {
					res.adoption(s, e)
				}
			}
		}
	}
	for _, r := range m.rollouts {
		for _, l := range all[r.set.uid] {
			_, named := r.templateByRevision[l.name]
			if e := l.events[0]; named && e.Change == history.Added && e.Controller() != nil && !m.createdByTest(history.Revisions, l.name) {
				res.ownedBy(r.set, e, false)
			}
		}
	}
}

// ownedBy judges the references with which an object of a set was created that names the set as a controller.
func (res *results) ownedBy(s *setLife, created *history.Event, byTest bool) {
	if n := controllers(created); n != 1 {
		res.wronglyOwned(s, created, fmt.Sprintf("with %d controller references, expected exactly one", n))
		return
	}
	text := wrongReference(s, created)
	if text == "" {
		text = furtherOwner(created)
	}
	if text != "" && !byTest {
		res.wronglyOwned(s, created, text)
		return
	}
	res.exercised(contract.IdentityOwnership)
}

// wrongReference says what distinguishes the reference of an object to its controller, which has the UID of the set, from the one that a controller
// gives (metav1.NewControllerRef), "" if nothing.
func wrongReference(s *setLife, e *history.Event) string {
	c, version := e.Controller(), appsv1.SchemeGroupVersion.String()
	switch {
	case c.APIVersion != version || c.Kind != "StatefulSet" || c.Name != s.events[0].Name:
		return fmt.Sprintf("with a reference to the controller %s %s %s by the UID of the %s StatefulSet %s", c.APIVersion, c.Kind, c.Name, version, s.events[0].Name)
	case c.BlockOwnerDeletion == nil || !*c.BlockOwnerDeletion:
		return "with a controller reference without blockOwnerDeletion, so that a deletion of the set in the foreground need not wait for it"
	}
	return ""
}

// furtherOwner says which owner a new object has beside its controller, "" for none.
func furtherOwner(created *history.Event) string {
	for _, o := range created.Owners {
		if o.UID != created.Controller().UID {
			return fmt.Sprintf("with the further owner %s %s (UID %s), with which it outlives the set", o.Kind, o.Name, o.UID)
		}
	}
	return ""
}

// wronglyOwned reports a new object whose references are not those that its set's controller has to give; text continues the sentence.
func (res *results) wronglyOwned(s *setLife, created *history.Event, text string) {
	res.wronglyReferred(s, created, "was created", text)
}

// wronglyReferred does so for an object that was created or adopted at an event.
func (res *results) wronglyReferred(s *setLife, e *history.Event, how, text string) {
	res.broken(contract.IdentityOwnership, evidence{
		set: s, since: e.At, events: []*history.Event{e}, written: podsOwners, text: fmt.Sprintf("%s %s at %s %s", e.Name, how, e.Ref(), text),
	})
}

func controllers(e *history.Event) int {
	n := 0
	for _, o := range e.Owners {
		if o.Controller != nil && *o.Controller {
			n++
		}
	}
	return n
}
