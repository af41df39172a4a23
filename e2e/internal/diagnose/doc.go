// Package diagnose finds out why a StatefulSet has problems. It follows each symptom (a pod that is Pending, not Ready, was never created
// or does not terminate; names that do not resolve; evictions that are refused) to the object that causes it, with evidence on the way
// and advice at the end. A pod that was never created leads it to the predecessor that the controller waits for.
//
// It is pure: a State goes in, findings come out, the same on any machine. Package capture reads a State from a cluster. Where the
// state does not show a cause, the finding says so and lists what it has.
//
// The texts of events and conditions are promised by no document. They are quoted as evidence, and decide between causes only where no
// field does; a finding that rests on one quotes it.
//
// It stands on the API's types alone. Only the command and the artifacts of failed specs import it; it imports nothing of this suite.
package diagnose
