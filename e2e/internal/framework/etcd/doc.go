// Package etcd runs etcd in a set under test and clients that use it: each member is reached by a forwarded port of the pod that has its name, and
// each operation is recorded with its call, its end and its outcome. It stands on packages framework and statefulset; what the operations show is for
// the judges to say.
package etcd
