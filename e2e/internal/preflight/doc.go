// Package preflight finds out before a run whether a cluster can be judged: its version, the account's rights, the StorageClass, admission,
// quotas, images, exec and DNS. It returns all problems at once, each with what to do, and the facts that the report needs.
//
// It stands on runconfig, rbac and the fixtures. It knows no guarantee and records nothing; it prints nothing and reads no environment
// variable, and what it creates it removes.
package preflight
