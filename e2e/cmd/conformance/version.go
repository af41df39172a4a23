package main

import "github.com/hero-academy/statefulset-conformance/e2e/internal/packaging"

// stamp is what the programs of a bundle or an image were built from: package ship has the linker set it there. In a checkout it is
// empty, and the checkout is asked when the suite is compiled: a command that named its commit would be linked anew for each.
//
//nolint:gochecknoglobals // The linker can set nothing else.
var stamp string

// ownVersion is the version of this program as far as it knows by itself.
func ownVersion() string {
	if stamp == "" {
		return packaging.UnknownVersion
	}
	return stamp
}
