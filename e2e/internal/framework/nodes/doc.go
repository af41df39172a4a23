// Package nodes disrupts the nodes and the control plane of a kind cluster that the suite made itself: it cordons, pauses, kills and fences
// workers and kills control plane components, and restores the cluster at the end of the spec.
//
// It stands on package framework and acts through provision/nodefault. It must never touch a cluster that somebody else made.
package nodes
