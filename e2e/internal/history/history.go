package history

import (
	"fmt"
	"strconv"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// Resource names a watched resource by its plural, as in API paths.
type Resource string

// The resources that are recorded.
const (
	Pods      Resource = "pods"
	Claims    Resource = "persistentvolumeclaims"
	Sets      Resource = "statefulsets"
	Revisions Resource = "controllerrevisions"
	Slices    Resource = "endpointslices"
	Services  Resource = "services"
	// Events are the Event objects that components of the cluster report what they did to StatefulSets with. They are rate-limited and may be
	// dropped or combined: one that is recorded tells, none that is missing does.
	Events Resource = "events"
)

// Resources lists every resource that guarantees are about.
func Resources() []Resource {
	return []Resource{Pods, Claims, Sets, Revisions, Slices, Services, Events}
}

// Change is what an event says of its object, and how that was learnt.
type Change string

const (
	// Listed objects existed when a list was made; when they were created or changed is not recorded.
	Listed Change = "listed"
	// Added objects were created.
	Added Change = "added"
	// Modified objects were changed.
	Modified Change = "modified"
	// Deleted objects were removed.
	Deleted Change = "deleted"
	// Missing objects were known before a relist and absent from it: they were removed at an unknown moment inside the gap.
	Missing Change = "missing"
)

// Event is one change of one object. Exactly one of the pointers is set, the one that fits Resource; a Deleted event holds the
// object's last state.
type Event struct {
	// Seq counts all records of a history in the order they were recorded; it orders events of one resource.
	// Across resources the API promises no order, so compare those by At and leave a margin.
	Seq int `json:"seq"`
	// At is the time since the recording began, by the recorder's monotonic clock, when the event arrived.
	At       time.Duration `json:"at"`
	Change   Change        `json:"change"`
	Resource Resource      `json:"resource"`
	Meta     `json:"meta"`
	// By is who sent the request that left this version behind, as an audit log tells; of a version that first shows a deletion, who asked for that. It is ""
	// where nothing tells, as in all that watches deliver.
	By string `json:"by,omitempty"`

	Pod      *Pod      `json:"pod,omitempty"`
	Claim    *Claim    `json:"claim,omitempty"`
	Set      *Set      `json:"set,omitempty"`
	Revision *Revision `json:"revision,omitempty"`
	Slice    *Slice    `json:"slice,omitempty"`
	Service  *Service  `json:"service,omitempty"`
	Report   *Report   `json:"report,omitempty"`
	Node     *Node     `json:"node,omitempty"`
	Budget   *Budget   `json:"budget,omitempty"`
}

// Gone reports whether the event says that the object no longer exists.
func (e *Event) Gone() bool { return e.Change == Deleted || e.Change == Missing }

// RV is the event's resource version as a number, or 0 where it is not one.
func (e *Event) RV() uint64 {
	n, err := strconv.ParseUint(e.ResourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// Ref names the event as findings quote it: "rv 812 (+4.1 s)".
func (e *Event) Ref() string { return fmt.Sprintf("rv %s (%s)", e.ResourceVersion, Clock(e.At)) }

// Aside is Ref for use inside parentheses: "rv 812, +4.1 s".
func (e *Event) Aside() string { return fmt.Sprintf("rv %s, %s", e.ResourceVersion, Clock(e.At)) }

// Clock writes a time since the recording began: "+4.1 s".
func Clock(d time.Duration) string { return fmt.Sprintf("+%.1f s", d.Seconds()) }

// Gap is an interval of one resource's history in which events may be missing: a watch could not be resumed and the relist showed
// changes, or an event could not be read. A relist that shows every object unchanged leaves no gap.
type Gap struct {
	Seq      int           `json:"seq"`
	Resource Resource      `json:"resource"`
	From     time.Duration `json:"from"` // the last moment that is known to be complete
	To       time.Duration `json:"to"`   // the moment of the relist, complete again from here
	Reason   string        `json:"reason"`
}

// Outcome is the result of a check.
type Outcome string

// The outcomes of a check.
const (
	Passed        Outcome = "pass"
	Failed        Outcome = "fail"
	Inconclusive  Outcome = "inconclusive"
	NotApplicable Outcome = "not applicable"
)

// Check is what a spec found itself for one guarantee, by other means than the watches: an answer of DNS, data in a volume, a rejection by
// the API server.
type Check struct {
	Seq       int           `json:"seq"`
	At        time.Duration `json:"at"`
	Guarantee contract.ID   `json:"guarantee"`
	Outcome   Outcome       `json:"outcome"`
	// Set is the name of the set that it is about, "" where it is about several or none, and in older histories.
	Set string `json:"set,omitempty"`
	// Text says what was looked at; for anything but a pass also what was expected, what was found and what to do.
	Text string `json:"text"`
	// Lookup is what DNS was asked for, where that was the name of a pod; older histories hold none.
	Lookup *Lookup `json:"lookup,omitempty"`
}

// Lookup is the name of a pod that a spec asked DNS for again and again until the check, at which the answer was right.
type Lookup struct {
	// Host is the pod's hostname, and Addrs are the addresses that its name had to resolve to, none where it had to have no address.
	Host  string   `json:"host"`
	Addrs []string `json:"addrs,omitempty"`
	// Queried is when it was asked for first, and Awaited says that the answer was not right then.
	Queried time.Duration `json:"queried"`
	Awaited bool          `json:"awaited,omitempty"`
}

// Header says where a history comes from.
type Header struct {
	Format string `json:"format"`
	// Run is the name of the run that recorded it, "" in older histories.
	Run    string        `json:"run,omitempty"`
	Spec   string        `json:"spec"`
	Proves []contract.ID `json:"proves,omitempty"` // the guarantees that the spec is about
	// Explored says that acts were chosen at random: what such a history leaves open is open in no verdict.
	Explored bool `json:"explored,omitempty"`
	// Unstimulated says that nobody ran a test: what others did is marked by no operation.
	Unstimulated bool `json:"unstimulated,omitempty"`
	// AuditLog says that it was made of an audit log, which is not the whole of what happened: nothing is judged by it.
	AuditLog  bool      `json:"auditLog,omitempty"`
	Namespace string    `json:"namespace"`
	Start     time.Time `json:"start"`
	Version   string    `json:"kubernetesVersion,omitempty"`
	// HeldTo is a version of Kubernetes whose promises the cluster is held to if it is later than Version, "" if nobody asked for that.
	HeldTo string `json:"heldTo,omitempty"`
	// Mutators names the mutating admission webhooks and policies that match new objects of a resource in the namespace, or says why that is not known.
	Mutators map[Resource][]string `json:"mutators,omitempty"`
	// Zone is the cluster's DNS zone, if the spec found it out.
	Zone string `json:"zone,omitempty"`
	// Lag bounds how far the controller's informer caches may be behind the API server: an act on an older state is a violation.
	Lag time.Duration `json:"lag"`
	// ClockSkew bounds how far the clocks of nodes and control plane may differ, for rules on timestamps of both.
	ClockSkew time.Duration `json:"clockSkew"`
}

// Promises returns the version of Kubernetes whose promises count, "" if it is unknown.
func (h *Header) Promises() string { return contract.HeldTo(h.Version, h.HeldTo) }

// End closes a history. A file without it was cut short.
type End struct {
	Seq int           `json:"seq"`
	At  time.Duration `json:"at"`
	// Complete says that at the end the recorded state equalled a fresh list of every resource; Reason says why not.
	Complete bool   `json:"complete"`
	Reason   string `json:"reason,omitempty"`
	// Invalid says that somebody outside of the suite disturbed the recording, for Reason: it accuses nobody.
	Invalid bool `json:"invalid,omitempty"`
}

// Invalidate marks the history as no evidence of the cluster's conduct, for that reason.
func (h *History) Invalidate(reason string) {
	if h.End == nil {
		h.Close(h.Duration())
	}
	h.End.Complete, h.End.Invalid, h.End.Reason = false, true, reason
}

// Close gives the history, which has none, an end behind its last record.
func (h *History) Close(at time.Duration) {
	last := 0
	for _, r := range h.records() {
		last = max(last, r.seq)
	}
	for i := range h.Operations {
		last = max(last, h.Operations[i].ReturnSeq)
	}
	h.End = &End{Seq: last + 1, At: at}
}

// History is one recording. Events are in recorded order, each resource's events in the order of their resource versions.
type History struct {
	Header     Header
	Events     []*Event
	Gaps       []Gap
	Operations []Operation
	// Expectations are for judges to check.
	Expectations []Expectation
	// Checks are what the spec judged itself.
	Checks []Check
	// Clients are the operations of clients of a database, and Members what its members said of themselves, both in the order in which they ended.
	Clients []*ClientOperation
	Members []*MemberState
	End     *End
}

// Duration is the time the recording covers.
func (h *History) Duration() time.Duration {
	var last time.Duration
	if n := len(h.Events); n > 0 {
		last = h.Events[n-1].At
	}
	if h.End != nil {
		last = max(last, h.End.At)
	}
	return last
}
