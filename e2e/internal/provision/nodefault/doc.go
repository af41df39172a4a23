// Package nodefault injects faults into the nodes and the control plane of a kind cluster, through the container engine that the nodes run
// in: it pauses, kills and starts nodes, kills control plane components, and restores them. It stands on packages container and ready.
// It is for clusters that this project created; nothing that provisions a cluster belongs here, since the users' command links it.
package nodefault
