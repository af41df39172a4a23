package report

import "github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"

// IdentityOf says which suite a binary of a version is, by its digest.
func IdentityOf(binary, version string) (runconfig.Suite, error) {
	sum, err := fileDigest(binary)
	return runconfig.Suite{Version: version, Digest: sum}, err
}
