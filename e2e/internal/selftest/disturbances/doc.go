// Package disturbances makes life hard for a correct cluster, to show that the suite reports no false violation: the machine is busy, the
// suite's connection to the API server is slow or cut, the control plane restarts, the controller's informer caches lag, containers are
// killed, other clients change and delete objects in the suite's namespaces, policies deny traffic or change objects on their way. Under
// each of them the suite has to say pass, or inconclusive with the reason, and never that a guarantee is broken.
//
// The developers' command runs the suite under one disturbance after another, in a kind cluster of its own; RESULTS.md holds the last
// complete run. A clock that is wrong on one node is not among them: nodes of kind share the clock of the machine.
//
// The package stands on client-go and packages engine, apiproxy and runconfig. No judge and no spec may import it.
package disturbances
