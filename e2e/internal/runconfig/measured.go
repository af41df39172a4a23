package runconfig

import (
	"fmt"
	"math"
	"time"
)

// Measured is how long the cluster took, before the first spec, with a set that was scaled from one pod to two and back, in seconds. Zero is what was not measured.
type Measured struct {
	// Created runs from the change of replicas until the pod exists: the controller's reaction.
	Created float64 `json:"created,omitempty"`
	// Bound, Started and Ready run from the pod's creation until its claim is Bound, it is Running, and it is Ready.
	Bound   float64 `json:"bound,omitempty"`
	Started float64 `json:"started,omitempty"`
	Ready   float64 `json:"ready,omitempty"`
	// Settled runs from when the pod is Ready until the set's status counts it: how far the controller is behind.
	Settled float64 `json:"settled,omitempty"`
	// Resolved runs from when the pod is Ready until DNS answers another pod for its name.
	Resolved float64 `json:"resolved,omitempty"`
	// Ended runs from the change of replicas until the API no longer has the pod.
	Ended float64 `json:"ended,omitempty"`
}

// MeasuredSeconds returns a time in seconds, to the millisecond, and at least one millisecond: less was measured as well.
func MeasuredSeconds(d time.Duration) float64 { return max(1, math.Round(d.Seconds()*1000)) / 1000 }

// Any reports whether anything was measured.
func (m Measured) Any() bool { return m != Measured{} }

// String says it in a sentence.
func (m Measured) String() string {
	return fmt.Sprintf("one more pod was created after %s and ran %s later, its claim bound after %s; it was Ready after %s, counted in the set's status %s after that, its name answered after %s; it was gone %s after it was scaled away",
		shown(m.Created), shown(m.Started), shown(m.Bound), shown(m.Ready), shown(m.Settled), shown(m.Resolved), shown(m.Ended))
}

// shown is a number of seconds.
func shown(seconds float64) string {
	if seconds == 0 {
		return "an unknown time"
	}
	return fmt.Sprintf("%.2f s", seconds)
}
