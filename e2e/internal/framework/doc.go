// Package framework gives a spec its namespace: the connection to the cluster under test, a namespace that is recorded from before the
// spec touches it, waits on that recording, the recording of what a spec checks by other means, and what is saved when a spec fails.
//
// It stands on history/recorder (what is watched), apiclient (requests that are sent again), runconfig (fixtures with the settings of the run)
// and judge (how long a stretch without change must be). Packages statefulset, dns and nodes stand on it. Helpers assert: a failure is
// reported at the spec's own line.
//
// Every request that changes the cluster goes through Send or Do, which record it. What must never enter: the options and waits of one
// kind of object, which belong to the packages above, and any verdict, which is for package judge.
package framework
