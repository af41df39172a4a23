// Package figures measures, on recorded histories, how long a cluster took for what StatefulSets ask of it: pods scheduled, started and Ready, pods that
// came back, claims bound. Figures are no part of conformance.
//
// All times are those at which the recorder received the events of one watch, so that no clock but its own counts. What a spec kept waiting on purpose, a
// pod with a readiness gate or one whose claim cannot be bound, is not measured.
package figures
