// Package recorder fills a history from a live namespace: it lists each recorded resource once, watches from the list's resource version,
// and keeps every event, unmerged and in order, with the operations, checks and expectations of the test between them. Specs wait on the
// same stream that judges later read, so that what a spec saw and what is judged cannot differ.
//
// It stands on package history and client-go. It judges nothing, it acts on nothing but its own watches, and neither Ginkgo nor Gomega
// may enter it. Where events may be missing it records a gap; a watch is complete when it is shown to have caught up with a fresh list, not
// when it is silent.
package recorder
