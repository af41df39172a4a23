// Package contract holds the contract of this suite as data: every promise that Kubernetes makes about StatefulSets, with its
// conditions, its level and the document that makes it.
//
// Judges, specs, faults and reports name a promise by the ID declared here. The catalogue (e2e/CATALOGUE.md) is written from the
// contract and the specs' labels, and Problems finds where the two do not fit together. To add a guarantee, add its ID and its row to
// the file of its family.
//
// The package stands on the standard library alone and holds no state; nothing else may enter it.
package contract
