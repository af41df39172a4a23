// Package statefulset builds the sets of a spec, acts on them and waits for what becomes of them: options of a set before it is created
// (options.go, pod_options.go), requests for the set, its pods, claims, budget and subresources, waits on the recording (await.go,
// await_pods.go), stretches in which nothing may change (unchanged.go), and checks by other means than the watches (Verify...).
//
// It stands on package framework, which records every request and every check. What must never enter: DNS and nodes, which have packages of
// their own, and verdicts, which are for package judge.
package statefulset
