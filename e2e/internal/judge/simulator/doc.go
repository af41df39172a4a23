// Package simulator generates legal histories: what a recorder sees of a correct cluster while a simulated user creates, changes and
// deletes StatefulSets, or does the acts that package explore does to real clusters. The same seed gives the same history.
//
// The cluster has a StatefulSet controller as in Kubernetes 1.36 whose informer caches lag, a scheduler and kubelets whose pods start,
// stop and fail, a volume binder and a garbage collector.
//
// It stands on history, historytest and explore. Nothing of package judge may enter it, because then simulator and judges could share an
// error that no test shows; nor may client-go, because it needs no API server.
package simulator
