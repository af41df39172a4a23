// Package load has clients use a database that runs in a set under test: concurrent reads and writes of few keys, each recorded with its call, its end
// and its outcome. Members are reached by forwarded ports of the pods that have their names. It stands on package framework, knows no database (packages
// etcd and postgres do), and says nothing of what the operations show, which is for the judges.
package load
