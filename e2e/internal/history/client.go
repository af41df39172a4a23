package history

import (
	"errors"
	"fmt"
	"time"
)

// ClientVerb is what a client asks a database for.
type ClientVerb string

// The verbs of clients. A key holds one number; 0 stands for no value. Every write writes a value that no other write of the history writes, and
// leaves, in the same transaction, an entry for that value, which nobody ever removes.
const (
	ClientGet  ClientVerb = "get"
	ClientPut  ClientVerb = "put"
	ClientSwap ClientVerb = "swap" // compare-and-swap: it writes Value if the key holds Expected
	ClientList ClientVerb = "list" // of all entries
)

// ClientOutcome is how an operation of a client ended.
type ClientOutcome string

// The outcomes of a client's operation.
const (
	ClientOK      ClientOutcome = "ok"
	ClientFailed  ClientOutcome = "failed"  // it changed nothing, and told nothing
	ClientUnknown ClientOutcome = "unknown" // it may have been carried out, at any time since the call
)

// ClientOperation is one operation of a client of a database that runs in a set of the namespace. Its record is made when it has ended, so that its
// place in the history is that of its end.
type ClientOperation struct {
	Seq int `json:"seq"`
	// At is the time of the answer, or of the end of the wait for it, and Call that of the call, both by the recorder's clock.
	At     time.Duration `json:"at"`
	Call   time.Duration `json:"call"`
	Client int           `json:"client"`
	Member string        `json:"member"` // the pod that it was sent to
	Verb   ClientVerb    `json:"verb"`
	Key    string        `json:"key,omitempty"`
	Value  int64         `json:"value,omitempty"` // that is written
	// Expected is, of a swap, the value that the key must hold.
	Expected int64 `json:"expected,omitempty"`
	// Found is the value that a get or a swap found.
	Found int64 `json:"found,omitempty"`
	// Entries are, of a list, the values that have an entry, as ranges in rising order, both ends included.
	Entries []Range `json:"entries,omitempty"`
	// Sum is, of a list, that of the accounts of the database, which no transaction changes: each moves an amount from one to another.
	Sum     *int64        `json:"sum,omitempty"`
	Outcome ClientOutcome `json:"outcome"`
	// Unsent says that no connection to the member was made, so that it was asked nothing; older histories do not say so.
	Unsent bool `json:"unsent,omitempty"`
	// Reason says why an operation failed, or why its outcome is unknown.
	Reason string `json:"reason,omitempty"`
}

// Range are the numbers from the first to the second.
type Range [2]int64

// Writes reports whether the operation writes if it is carried out: a swap that is answered did so only where it found what it expected.
func (o *ClientOperation) Writes() bool {
	return o.Verb == ClientPut || o.Verb == ClientSwap && (o.Outcome != ClientOK || o.Found == o.Expected)
}

// Acknowledged reports whether the operation wrote, and its client was told so.
func (o *ClientOperation) Acknowledged() bool { return o.Outcome == ClientOK && o.Writes() }

// Lists reports whether a list found the entry of a value.
func (o *ClientOperation) Lists(value int64) bool {
	for _, r := range o.Entries {
		if value >= r[0] && value <= r[1] {
			return true
		}
	}
	return false
}

// MemberState is what a member of a database said of itself when it was asked.
type MemberState struct {
	Seq int `json:"seq"`
	// At is the time of the answer, and Call that of the question, both by the recorder's clock.
	At     time.Duration `json:"at"`
	Call   time.Duration `json:"call"`
	Member string        `json:"member"` // the pod
	// ID is what the database knows the member by, and Leader whom it follows.
	ID     string `json:"id"`
	Leader string `json:"leader,omitempty"`
	// Index is how much of the database's log the member has applied.
	Index   uint64 `json:"index"`
	Version string `json:"version,omitempty"`
}

func (o *ClientOperation) valid() error {
	switch o.Outcome {
	case ClientOK, ClientFailed, ClientUnknown:
	default:
		return fmt.Errorf("unknown outcome %q of a client's operation", o.Outcome)
	}
	var fits bool
	switch o.Verb {
	case ClientGet:
		fits = o.Key != "" && o.Value == 0 && o.Expected == 0 && o.Entries == nil
	case ClientPut:
		fits = o.Key != "" && o.Value > 0 && o.Expected == 0 && o.Found == 0 && o.Entries == nil
	case ClientSwap:
		fits = o.Key != "" && o.Value > 0 && o.Entries == nil
	case ClientList:
		fits = o.Key == "" && o.Value == 0 && o.Expected == 0 && o.Found == 0
	default:
		return fmt.Errorf("unknown verb %q of a client", o.Verb)
	}
	switch {
	case !fits:
		return fmt.Errorf("a client's %s has a key, a value or entries that do not fit it", o.Verb)
	case o.Call < 0 || o.Call > o.At:
		return fmt.Errorf("a client's operation ends (%v) before its call (%v)", o.At, o.Call)
	case o.Member == "":
		return errors.New("a client's operation needs the member that it was sent to")
	case o.Sum != nil && o.Verb != ClientList:
		return fmt.Errorf("a client's %s has no sum", o.Verb)
	case o.Outcome != ClientOK && (o.Found != 0 || o.Entries != nil || o.Sum != nil):
		return fmt.Errorf("a client's operation whose outcome is %s has found something", o.Outcome)
	}
	last := int64(0)
	for _, r := range o.Entries {
		if r[0] <= last || r[1] < r[0] {
			return fmt.Errorf("entries must rise: %v after %d", r, last)
		}
		last = r[1]
	}
	return nil
}

func (s *MemberState) valid() error {
	switch {
	case s.Call < 0 || s.Call > s.At:
		return fmt.Errorf("a member's answer (%v) comes before the question (%v)", s.At, s.Call)
	case s.Member == "" || s.ID == "":
		return errors.New("the state of a member needs its pod and its ID")
	}
	return nil
}
