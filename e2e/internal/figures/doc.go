// Package figures measures, on recorded histories, how long a cluster took for what StatefulSets ask of it: pods scheduled, started and Ready, pods that
// came back, rollouts, claims bound, names that DNS learnt and forgot, nodes that were lost, and how soon the controller reacted. Figures are no part of
// conformance.
//
// All times are those at which the recorder received events, so that no clock but its own counts. Watches of two resources are not in step, and what one
// shows before the other counts as shown at once. What a spec kept waiting on purpose, such as a pod with a readiness gate or one whose claim cannot be
// bound, is not measured.
package figures
