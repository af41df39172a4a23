// Package auditlog makes histories of the writes that an API server's audit log holds (audit.k8s.io/v1, JSON lines): each version of an object that a
// request left behind, with who sent the request. What a policy keeps out of the log is in no history, and is told as a gap where that shows.
//
// It stands on package history and on the API's types, reads what it is given, and sends no request. Rules of judgement must not enter it: a log is
// not the whole of what happened, so that nothing is judged by it.
package auditlog
