// Package recording tells what the history of a namespace shows in which nobody ran a test: who did what to its StatefulSets, for how long each pod was
// down and each set had no majority, how long the cluster took for pods and claims, which guarantees were broken, and what could not be judged.
//
// It stands on packages history, judge and figures, and sends no request. The same histories give the same recording on any machine.
package recording
