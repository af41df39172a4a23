package preflight

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// newestMinor is the newest minor of Kubernetes 1 that the contract was read from.
const newestMinor = 37

// checkVersion takes the fields of version.Info; providers add letters to the minor.
func checkVersion(major, minor, version string) (problems []Problem, notes []string) {
	expected := fmt.Sprintf("version: expected Kubernetes v1.%d to v1.%d", contract.OldestMinor, newestMinor)
	digits := strings.TrimRightFunc(minor, func(r rune) bool { return r < '0' || r > '9' })
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil || major != "1":
		return []Problem{{Text: fmt.Sprintf("%s, found %q (major %q, minor %q): "+
			"see whether the address is a Kubernetes API server", expected, version, major, minor)}}, nil
	case n < contract.OldestMinor:
		return []Problem{{Text: fmt.Sprintf("%s, found %s: upgrade the cluster, since the contract did not hold then", expected, version)}}, nil
	case contract.HeldInPart(version):
		return nil, []string{fmt.Sprintf("version: %s is held to the guarantees that it already had, and the run is partial; a cluster of v1.33 or newer is held to all", version)}
	case n > newestMinor:
		return nil, []string{fmt.Sprintf("%s, found %s: newer than the suite, so a change of the contract would be reported as a violation", expected, version)}
	}
	return nil, nil
}
