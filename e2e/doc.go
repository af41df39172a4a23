// Package e2e is the conformance suite for StatefulSets. The specs are in package specs: one file per family of guarantees, one behaviour a
// spec.
//
// A spec names in Proves the guarantees that it proves. It makes a namespace that is recorded (Record), stimulates sets in it through
// packages framework, statefulset, dns and nodes, and waits on the recording for the state that it needs next. What watches cannot show (an
// answer of DNS, data in a volume, a rejection by the API server) is looked at and recorded as a check. When the spec ends, every judge runs
// over the recorded history: the spec fails for any broken guarantee, not only for those that it proves, and it is inconclusive when one
// that it proves was not exercised. A guarantee is exercised when the history shows a moment at which it could have been broken, and that
// it was not.
//
// Terms, in code and prose alike:
//
//   - A guarantee is a row of the contract, named by its ID, such as ordering/create. Its level says which runs check it. What only the implementation
//     promises is a deviation where it is broken, and no failure.
//   - A history is the recording of one namespace: events (versions of objects, as watches delivered them), operations (requests of the test, with
//     call, return and outcome: accepted, refused, unknown), checks and expectations of the spec, and gaps, in which events may be missing. Event
//     objects of the API are its reports. An unstimulated history is one of "conformance record": nobody ran a test.
//   - A judge is a function of package judge, called a check there, that decides guarantees from a history. Its findings are violations, which accuse,
//     and inconclusive ones. What breaks the guarantee as it is written and accuses nobody is excused, and counted with its reason.
//   - The lag bounds how far the controller's informer caches may be behind the API server, the watch skew how far two watches of one recording may be
//     out of step, and the settle time is both together. A candidate spec is a version of a set that the controller may have gone by at an act.
//   - An omission is what a controller had to do by a deadline and did not. It counts only where the controller is seen at work after the deadline, by
//     a sign of life; a probe is what a spec creates to have it show one.
//   - A pod is held while its readiness gate is False, and released by True. The predecessor incarnation of a pod is the one before it with its name.
//   - An act is a random request of explore, and an episode a list of them. A fault is planted in a controller, a variation only looks like one, a
//     mutant is a fault by rule, and a disturbance leaves the cluster correct.
//
// The contract is in internal/contract, the format of what is recorded in internal/history, the judges are in internal/judge. CATALOGUE.md
// lists the guarantees with the specs that prove each.
//
// The specs need a cluster and are run by "make e2e" or "make certify"; "go test ./e2e/specs" checks without one that the specs and the
// contract fit together.
package e2e
