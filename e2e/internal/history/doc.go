// Package history holds what happened in a namespace while a spec ran: every watch event of the resources that a StatefulSet concerns,
// unmerged and in order; the operations of the test with their calls, returns and outcomes; what the spec checked itself, what it expects
// the judges to check; what clients of a database in the namespace asked for and were told; and gaps, where events may be missing. It
// defines the file format, and reads, writes and validates it.
//
// A history is all that judges get, so it needs no cluster, and judging a saved one again gives the same verdicts. The package stands on
// package contract and on the API's types; clients, test frameworks and rules of judgement must never enter it. Package recorder fills a
// history from a cluster, package historytest builds one in a few words.
package history
