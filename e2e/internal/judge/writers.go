package judge

import (
	"fmt"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// writtenField is a field that an accusation takes for the controller's and that any client may write.
type writtenField int

const (
	noField      writtenField = iota
	statusField               // of a set
	claimsOwners              // a claim's ownerReferences
	podsOwners                // those of a pod, or of a controller revision
)

// writtenByOthers says that somebody else wrote the field last that an accusation is about, "" if nobody did or it is not known. managedFields tell the
// field managers; which one is the controller's, the statuses of the history's sets tell.
func (m *model) writtenByOthers(c *evidence) string {
	for _, e := range slices.Backward(c.events) {
		switch {
		case e == nil:
		case c.written == statusField && e.Resource == history.Sets:
			return notWrittenBy(e, "the status", e.Set.StatusWriter, m.statusWriter())
		case c.written == claimsOwners && e.Resource == history.Claims:
			// What the test writes there is what the accusation is about.
			return notWrittenBy(e, "the ownerReferences", e.Claim.OwnersWriter, m.statusWriter(), m.testWriter())
		case c.written == podsOwners && e.Resource == history.Pods:
			return notWrittenBy(e, "the ownerReferences", e.Pod.OwnersWriter, m.statusWriter())
		case c.written == podsOwners && e.Resource == history.Revisions:
			return notWrittenBy(e, "the ownerReferences", e.Revision.OwnersWriter, m.statusWriter())
		}
	}
	return ""
}

// notWrittenBy says who wrote a field of an object last, "" if it is one of those that were to.
func notWrittenBy(e *history.Event, field, writer string, expected ...string) string {
	if writer == "" || expected[0] == "" || slices.Contains(expected, writer) {
		return ""
	}
	return fmt.Sprintf("; but %s of %s (%s) had been written last by %s, which is not the controller (%s)", field, e.Name, e.Ref(), writer, expected[0])
}

// statusWriter returns the field manager that wrote most of the statuses of sets, which is the controller's; "" in older histories.
func (m *model) statusWriter() string {
	return mostOften(m.sets, func(e *history.Event) string { return e.Set.StatusWriter })
}

// testWriter returns the field manager of the test, which wrote most of the versions that it was answered with.
func (m *model) testWriter() string {
	return mostOften(m.sets, func(e *history.Event) string {
		if !m.madeByTest(e) {
			return ""
		}
		return e.Set.Writer
	})
}

// mostOften returns the name, other than "", that most versions of sets have.
func mostOften(sets []*setLife, of func(*history.Event) string) string {
	counts, most := map[string]int{}, ""
	for _, s := range sets {
		for _, e := range s.events {
			name := of(e)
			if name == "" {
				continue
			}
			if counts[name]++; counts[name] > counts[most] {
				most = name
			}
		}
	}
	return most
}
