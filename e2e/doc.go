// Package e2e is the suite: one file per family of guarantees, one behaviour a spec.
//
// A spec reads in three steps. It makes a namespace that is recorded (Record), stimulates a set in it through package workload,
// and expects of the recorded history that it upholds the guarantees the spec is named for (Uphold). Whatever else the history
// shows is judged too, at the end of every spec, by every judge: a spec fails for any broken guarantee, not only for its own.
// What the watches cannot show (an answer of DNS, data in a volume, a rejection by the API) is asked and recorded as a check.
//
// The contract is in internal/guarantee, what is recorded in internal/history, who decides in internal/judge. CATALOGUE.md lists
// the guarantees with the specs behind each.
//
// The suite needs a cluster and is started by "make e2e" or "make certify"; "go test ./e2e/specs" alone checks that the specs and the
// contract fit together.
package e2e
