package report

import "github.com/hero-academy/statefulset-conformance/e2e/internal/settings"

// IdentityOf says which suite a binary of a version is, by its digest.
func IdentityOf(binary, version string) (settings.Suite, error) {
	sum, err := fileDigest(binary)
	return settings.Suite{Version: version, Digest: sum}, err
}
