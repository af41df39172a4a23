package cluster

import "time"

// Time limits of this package. None of them bounds a spec, so none is in package limits.
const (
	// readyWithin bounds the wait for a cluster to become ready after kind has created it, or after a node fault.
	readyWithin = 3 * time.Minute
	// healthyWithin bounds the health check of a kept cluster.
	healthyWithin = 8 * time.Second
	// heartbeatWithin is how far a node's Lease, renewed every ten seconds, may be behind another node's.
	heartbeatWithin = 25 * time.Second
	// removedWithin bounds the removal of a cluster that could not be completed, also after an interruption.
	removedWithin = time.Minute
	// nodesAppearEvery is how often the engine is asked for the nodes that kind is creating, until all are there.
	nodesAppearEvery = 200 * time.Millisecond
	// kindStopsWithin bounds the wait for an interrupted creation to end once its nodes are deleted.
	kindStopsWithin = 30 * time.Second
)
