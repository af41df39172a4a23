package report

import "github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"

// IdentityOf returns a suite's version and the digest of its binary.
func IdentityOf(binary, version string) (runconfig.Suite, error) {
	sum, err := fileDigest(binary)
	return runconfig.Suite{Version: version, Digest: sum}, err
}
