package framework

import (
	"errors"
	"fmt"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Verify records whether a guarantee holds by means other than the watches, and goes on either way, so that all violations are reported
// and not only the first. err is nil if the guarantee holds, otherwise it says what was expected and what was found; an error made by
// Inconclusive breaks nothing. what says what was looked at.
func (ns *Namespace) Verify(id contract.ID, err error, what string, args ...any) {
	ns.VerifySet("", id, err, what, args...)
}

// VerifySet is Verify for what is found of one set, by its name: what other clients do to other sets does not put it in doubt.
func (ns *Namespace) VerifySet(set string, id contract.ID, err error, what string, args ...any) {
	ns.VerifyLookup(set, id, nil, err, what, args...)
}

// VerifyLookup is VerifySet for what DNS was asked for, nil where that was no pod's name.
func (ns *Namespace) VerifyLookup(set string, id contract.ID, lookup *history.Lookup, err error, what string, args ...any) {
	text := fmt.Sprintf(what, args...)
	if err != nil {
		text += ": " + err.Error()
	}
	ns.RecordCheck(history.Check{Guarantee: id, Outcome: outcome(err, ns.over), Set: set, Text: text, Lookup: lookup})
}

// outcome returns the outcome of a check. What is found once the spec is interrupted may be due to the interruption.
func outcome(err error, over <-chan struct{}) history.Outcome {
	if err == nil {
		return history.Passed
	}
	if IsInconclusive(err) {
		return history.Inconclusive
	}
	select {
	case <-over:
		return history.Inconclusive
	default:
		return history.Failed
	}
}

// inconclusiveError says that nothing was learnt of the guarantee, good or bad.
type inconclusiveError struct{ error }

func (e *inconclusiveError) Unwrap() error { return e.error }

// Inconclusive marks an error as one that says nothing of the guarantee that was looked at.
func Inconclusive(err error) error { return &inconclusiveError{err} }

// IsInconclusive reports whether an error was made by Inconclusive, or wraps one that was.
func IsInconclusive(err error) bool {
	_, is := errors.AsType[*inconclusiveError](err)
	return is
}
