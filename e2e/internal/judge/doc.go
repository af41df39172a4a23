// Package judge decides, from a recorded history alone, which guarantees of the contract were exercised and which were broken. The same
// history gives the same results on any machine, without a cluster. Each check reports all violations, each with the events that show it,
// and counts the transitions that respected its guarantee: what nobody exercised is not passed.
//
// It stands on packages history and contract only. Clients of the API, test frameworks, clocks and files must never enter it.
//
// visibility.go decides what the controller could know and which of two events came first, attribution.go whose act a change was,
// liveness.go when something that did not happen counts, thresholds.go holds every constant; the checks of each family ask these, and a test
// keeps every bound out of them.
//
// That no innocent controller is accused rests on these assumptions. A broken one that a history shows turns its violations into
// inconclusive findings; the others are properties of the cluster and of the recorder.
//   - One controller process acts at a time: leader election keeps others passive.
//   - Its informer caches are behind the API server by Header.Lag at most, unless no status shows that it observed a newer generation.
//   - Events of one resource are recorded in the order of their resource versions.
//   - Two watches of one recorder are out of step by watchSkew at most, and by resumedWatchSkew where one was resumed; one that versions show to be
//     later leaves open what rests on it.
//   - An operation of the test is recorded before its request is sent.
package judge
