// Package dns runs nslookup in a pod and checks what it prints against the recorded pods of a set. DNS cannot be watched, so these are the
// only checks that ask again until an answer is right; each is recorded with its outcome.
//
// It stands on packages framework and statefulset, and on nslookup for reading the output. Nothing here resolves names by itself: what counts
// is the answer that a pod of the cluster gets.
package dns
