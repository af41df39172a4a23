// Package postgres runs PostgreSQL in a set under test, a primary and a replica that streams from it, with the clients of package load. It stands on
// packages framework, load and statefulset; what the operations show is for the judges to say.
package postgres
