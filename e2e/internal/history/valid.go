package history

import (
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// The functions below reject records whose fields contradict each other, so that judges need not check for them.

func (h *Header) valid() error {
	switch {
	case !slices.Contains([]string{Format, formatV2, formatV1}, h.Format):
		return fmt.Errorf("expected format %q, %q or %q, found %q: judge it with the suite that wrote it", Format, formatV2, formatV1, h.Format)
	case h.Lag < 0 || h.ClockSkew < 0:
		return fmt.Errorf("lag (%v) and clock skew (%v) must not be negative", h.Lag, h.ClockSkew)
	}
	return nil
}

func (g *Gap) valid() error {
	if g.To < g.From {
		return fmt.Errorf("a gap ends (%v) before it begins (%v)", g.To, g.From)
	}
	if !slices.Contains(known(), g.Resource) {
		return unknownResource(g.Resource)
	}
	return nil
}

func (o *Operation) valid() error {
	switch o.Outcome {
	case Accepted, Refused, Unknown:
	default:
		return fmt.Errorf("unknown outcome %q of an operation", o.Outcome)
	}
	switch {
	case o.Verb == "":
		return errors.New("an operation needs a verb")
	case o.ReturnSeq != 0 && o.ReturnSeq <= o.Seq, o.ReturnAt != 0 && o.ReturnAt < o.At, o.ReturnSeq == 0 && o.ReturnAt != 0:
		return fmt.Errorf("an operation returns (%d, %v) before its call (%d, %v)", o.ReturnSeq, o.ReturnAt, o.Seq, o.At)
	case o.Outcome != Unknown && o.ReturnSeq == 0:
		return fmt.Errorf("an operation is %s without a return", o.Outcome)
	case o.Outcome != Accepted && o.Result != nil:
		return fmt.Errorf("an operation whose outcome is %s has a result", o.Outcome)
	case o.Selector != "" && (o.Verb != VerbDelete || o.Name != "" || o.UID != ""):
		return errors.New("only the deletion of a collection has a label selector")
	}
	if _, err := labels.Parse(o.Selector); err != nil {
		return fmt.Errorf("label selector %q: %w", o.Selector, err)
	}
	return nil
}

func (x *Expectation) valid() error {
	switch x.Kind {
	case ExpectContainerExit, ExpectNeverFailed, ExpectLeftAlone, ExpectKept:
	default:
		return fmt.Errorf("unknown kind %q of an expectation", x.Kind)
	}
	if x.Name == "" || x.UID == "" {
		return errors.New("an expectation needs its object's name and uid")
	}
	if !slices.Contains(known(), x.Resource) {
		return unknownResource(x.Resource)
	}
	return nil
}

func (c *Check) valid() error {
	switch c.Outcome {
	case Passed, Failed, Inconclusive, NotApplicable:
		return nil
	}
	return fmt.Errorf("unknown outcome %q of a check", c.Outcome)
}

func (e *Event) valid() error {
	if e.Name == "" || e.UID == "" {
		return errors.New("an event needs its object's name and uid")
	}
	switch e.Change {
	case Listed, Added, Modified, Deleted, Missing:
	default:
		return fmt.Errorf("unknown change %q", e.Change)
	}
	var there bool
	switch e.Resource {
	case Pods:
		there = e.Pod != nil
	case Claims:
		there = e.Claim != nil
	case Sets:
		there = e.Set != nil
	case Revisions:
		there = e.Revision != nil
	case Slices:
		there = e.Slice != nil
	case Services:
		there = e.Service != nil
	case Events:
		there = e.Report != nil
	case Nodes:
		there = e.Node != nil
	case Budgets:
		there = e.Budget != nil
	default:
		return unknownResource(e.Resource)
	}
	if !there {
		return fmt.Errorf("an event of %s lacks its object", e.Resource)
	}
	if count(e.Pod != nil, e.Claim != nil, e.Set != nil, e.Revision != nil, e.Slice != nil, e.Service != nil, e.Report != nil, e.Node != nil, e.Budget != nil) != 1 {
		return fmt.Errorf("an event of %s holds objects of other resources too", e.Resource)
	}
	return e.validTimes()
}

// validTimes rejects timestamps that the API cannot have written, which would not survive being written again.
func (e *Event) validTimes() error {
	if e.DeletionTimestamp != nil && e.DeletionTimestamp.IsZero() {
		return errors.New("an empty deletion timestamp")
	}
	ok := whole(&e.CreationTimestamp) && (e.DeletionTimestamp == nil || whole(e.DeletionTimestamp))
	if e.Report != nil {
		ok = ok && whole(&e.Report.Last)
	}
	if e.Set != nil {
		ok = ok && whole(&e.Set.Written)
	}
	if e.Node != nil {
		for i := range e.Node.Conditions {
			ok = ok && whole(&e.Node.Conditions[i].Transition)
		}
	}
	if e.Pod != nil {
		for i := range e.Pod.Conditions {
			ok = ok && whole(&e.Pod.Conditions[i].Transition)
		}
		for i := range e.Pod.Containers {
			ok = ok && whole(&e.Pod.Containers[i].Started) && whole(&e.Pod.Containers[i].Finished)
		}
	}
	if !ok {
		return errors.New("a timestamp that is not in whole seconds of the years 0 to 9999")
	}
	return nil
}

func whole(t *metav1.Time) bool {
	year := t.UTC().Year()
	return t.Nanosecond() == 0 && year >= 0 && year <= 9999
}

func unknownResource(r Resource) error {
	return fmt.Errorf("unknown resource %q; recorded are %v", r, known())
}

func count(all ...bool) int {
	n := 0
	for _, b := range all {
		if b {
			n++
		}
	}
	return n
}
