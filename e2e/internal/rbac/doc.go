// Package rbac lists the rights that the suite uses, each with its reason. Preflight reviews whether the account has them, the manifests in
// e2e/deploy grant them, and apiclient.Restrict keeps the suite from using others, so the three cannot drift apart.
//
// It stands on the standard library alone, sends no request and knows no specs.
package rbac
