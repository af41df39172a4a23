// Package specs holds the specs, one file for each family of guarantees, and what every spec shares: the suite's set-up, the recording
// of a spec and its judging. It is compiled into both commands, which run it through package runner. It stands on framework and the
// packages below it; a spec says what it wants done and leaves clients, waits and durations to them.
package specs
