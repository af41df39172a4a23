// Package explorer carries out episodes of package explore on a cluster: it chooses acts, or takes them from a file, sends their requests as
// recorded operations, waits between them on the recorded stream, and at the end takes away what stands in the way of the sets and waits
// until they are what was asked for.
//
// It stands on framework, explore and the judges. It decides no verdict: it looks at what the judges say so far only to end an episode that
// has found something.
package explorer
