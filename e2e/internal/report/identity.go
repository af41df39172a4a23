package report

import (
	"runtime/debug"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/settings"
)

// IdentityOf says which suite a binary is: its digest, and the version that this program was built from.
func IdentityOf(binary string) (settings.Suite, error) {
	sum, err := fileDigest(binary)
	if err != nil {
		return settings.Suite{}, err
	}
	version := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && version == "(devel)" {
				version = s.Value
			}
		}
	}
	return settings.Suite{Version: version, Digest: sum}, nil
}
