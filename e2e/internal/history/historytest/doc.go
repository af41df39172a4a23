// Package historytest builds histories for tests in a few words: legal ones, and illegal ones that judges must find. Every call adds the
// events that the watches would have shown; no call checks that they are legal.
//
// It stands on package history alone. Rules of judgement must never enter it, and only tests and the simulator import it.
package historytest
