package history

import (
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// Verb is the kind of an operation.
type Verb string

// The verbs that judges or reports distinguish.
const (
	VerbCreate           Verb = "create"
	VerbUpdate           Verb = "update" // any change of a spec, replicas included
	VerbScale            Verb = "scale"
	VerbTouch            Verb = "touch" // a change of labels or annotations alone, which makes no generation
	VerbDelete           Verb = "delete"
	VerbEvict            Verb = "evict"
	VerbBlockReadiness   Verb = "block-readiness"   // a pod's readiness gate is set to False
	VerbUnblockReadiness Verb = "unblock-readiness" // a pod's readiness gate is set to True
	VerbStopNode         Verb = "stop-node"         // a node stops answering from here
	VerbStartNode        Verb = "start-node"        // a stopped node is started again
	VerbFenceNode        Verb = "fence-node"        // a stopped node gets the out-of-service taint, or its Node object is deleted
	VerbRestart          Verb = "restart"           // a component of the control plane is killed, and its kubelet starts it again
	VerbOther            Verb = "other"             // exec, cordons and whatever else the text says
)

// OperationOutcome says what the API server answered.
type OperationOutcome string

// The outcomes of an operation.
const (
	Accepted OperationOutcome = "accepted"
	Refused  OperationOutcome = "refused" // it changed nothing
	Unknown  OperationOutcome = "unknown" // it may have been carried out, at any time since the call
)

// Operation is what the test itself did to the cluster. Its record is made before the request is sent, so that it precedes every
// event that the request causes, and completed when the answer is there.
type Operation struct {
	// Seq and At are the place and time of the call.
	Seq int           `json:"seq"`
	At  time.Duration `json:"at"`
	// ReturnSeq and ReturnAt are the place and time of the answer, zero where there was none.
	ReturnSeq int           `json:"returnSeq,omitempty"`
	ReturnAt  time.Duration `json:"returnAt,omitempty"`

	Verb     Verb     `json:"verb"`
	Resource Resource `json:"resource,omitempty"` // "" where objects of several resources, or of one that is not recorded, are meant
	Name     string   `json:"name,omitempty"`     // "" for the deletion of a collection
	// UID is set for deletions and evictions of one object.
	UID types.UID `json:"uid,omitempty"`
	// Grace is the grace period, in seconds, that the deletion of a pod asked for; nil where it asked for none, and in older histories.
	Grace *int64 `json:"grace,omitempty"`
	// Selector is the label selector of the deletion of a collection, "" for all of it.
	Selector string `json:"selector,omitempty"`

	Outcome OperationOutcome `json:"outcome"`
	// Result is the object that the API server answered an accepted operation with, if it answered with one.
	Result *Result `json:"result,omitempty"`
	// Reason says why the operation was refused, or why its outcome is unknown.
	Reason string `json:"reason,omitempty"`
	// Text describes the operation in the report.
	Text string `json:"text"`
}

// Result identifies the version of an object that an operation made.
type Result struct {
	UID             types.UID `json:"uid"`
	Generation      int64     `json:"generation,omitempty"`
	ResourceVersion string    `json:"rv"`
}

// Effective reports whether the operation changed the cluster, or may have.
func (o *Operation) Effective() bool { return o.Outcome != Refused }

// Deletes reports whether the operation asks for the deletion or eviction of objects.
func (o *Operation) Deletes() bool { return o.Verb == VerbDelete || o.Verb == VerbEvict }

// ExpectationKind says what a spec expects of an object.
type ExpectationKind string

// The kinds of expectations.
const (
	// ExpectContainerExit expects a pod that was deleted to be given its whole grace period and its container to end with ExitCode.
	ExpectContainerExit ExpectationKind = "container-exit"
	// ExpectNeverFailed expects a pod whose container ended with ExitCode not to fail: its kubelet restarts the container.
	ExpectNeverFailed ExpectationKind = "never-failed"
	// ExpectLeftAlone expects a pod to stay, under the controller that it had at Since.
	ExpectLeftAlone ExpectationKind = "left-alone"
	// ExpectKept expects an object to be there still, not terminating, and a claim to have the volume that it had at Since, if any.
	ExpectKept ExpectationKind = "kept"
)

// Expectation says to the judges what a spec expects of one object, for checks that need nothing but the recording. It speaks of the
// object's events from Since on and before its own place in the history.
type Expectation struct {
	Seq       int             `json:"seq"`
	At        time.Duration   `json:"at"`
	Guarantee contract.ID     `json:"guarantee"`
	Kind      ExpectationKind `json:"kind"`
	Resource  Resource        `json:"resource"`
	Name      string          `json:"name"`
	UID       types.UID       `json:"uid"`
	// Since is the sequence number of the event from which on the expectation holds, 0 for the object's first.
	Since int `json:"since,omitempty"`
	// ExitCode is for container-exit and never-failed.
	ExitCode int32 `json:"exitCode,omitempty"`
	// GraceSeconds is, for container-exit, the grace period that the pod's template asks for.
	GraceSeconds int64 `json:"graceSeconds,omitempty"`
	// Controller is, for kept, the UID that the object's controlling ownerReference must have, "" for none; nil where any will do.
	Controller *types.UID `json:"controller,omitempty"`
	// Text says, for the report, what is expected.
	Text string `json:"text"`
}
