// Package report shows the result of a run: on the console, as a page and a Markdown summary for people, and as conformance.yaml (with
// its JSON Schema) and JUnit for programs.
//
// It renders what package verdict decided and what the histories hold, from files alone: the same report folder gives the same page.
// It stands on contract, history, verdict and runconfig. No judging and no client of the API server may enter it.
package report
