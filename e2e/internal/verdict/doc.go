// Package verdict decides what a run says: one verdict for each guarantee of the contract, one for the cluster, and the exit code.
//
// It reads a report folder (specs.json and the histories), has package judge judge each history, and combines the results. It is pure:
// the same folder gives the same verdicts on any machine. It stands on contract, history and judge; no client of the API server, no
// Ginkgo and no rendering may enter it.
package verdict
