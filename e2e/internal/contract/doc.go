// Package contract is the contract of this suite as data: every promise that
// Kubernetes makes about StatefulSets, with the condition under which it holds,
// how binding it is and where it is written.
//
// Judges, specs, reports and the catalogue all name a promise by the ID that is
// declared here, so a violation, the spec that provoked it and the document that
// was broken can never drift apart. The package depends on the standard library
// alone and holds no state.
package contract
