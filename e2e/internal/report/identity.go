package report

import (
	"path/filepath"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// IdentityOf returns a suite's version and the digest of its binary.
func IdentityOf(binary, version string) (runconfig.Suite, error) {
	sum, err := fileDigest(filepath.Dir(binary), filepath.Base(binary))
	return runconfig.Suite{Version: version, Digest: sum}, err
}
