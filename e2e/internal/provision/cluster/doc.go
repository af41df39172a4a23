// Package cluster provides the kind cluster that the suite runs on: it creates one and waits until it is ready, reuses one that was kept
// after it has checked that it is unchanged and healthy, and removes it. It stands on kind's library and on packages engine, nodeimage,
// nodefault and ready. State, kubeconfig and lock of a cluster lie in the project's cache folder; a cluster without state there was not
// created by this project and is never touched. No spec, judge or preflight check belongs here.
package cluster
