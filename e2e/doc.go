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
// The contract is in internal/contract, the format of what is recorded in internal/history, the judges are in internal/judge. CATALOGUE.md
// lists the guarantees with the specs that prove each.
//
// The specs need a cluster and are run by "make e2e" or "make certify"; "go test ./e2e/specs" checks without one that the specs and the
// contract fit together.
package e2e
