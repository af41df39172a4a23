// Package etcd runs etcd in a set under test, with the clients of package load. It stands on packages framework, load and statefulset; what the
// operations show is for the judges to say.
package etcd
