package preflight

import (
	"fmt"
	"strconv"
	"strings"
)

// The minors of Kubernetes 1 that the suite supports.
const (
	oldestMinor = 33
	newestMinor = 37
)

// checkVersion takes the fields of version.Info; providers add letters to the minor.
func checkVersion(major, minor, version string) (problems []Problem, notes []string) {
	expected := fmt.Sprintf("version: expected Kubernetes v1.%d to v1.%d", oldestMinor, newestMinor)
	digits := strings.TrimRightFunc(minor, func(r rune) bool { return r < '0' || r > '9' })
	n, err := strconv.Atoi(digits)
	switch {
	case err != nil || major != "1":
		return []Problem{{Text: fmt.Sprintf("%s, found %q (major %q, minor %q): "+
			"see whether the address is a Kubernetes API server", expected, version, major, minor)}}, nil
	case n < oldestMinor:
		return []Problem{{Text: fmt.Sprintf("%s, found %s: upgrade the cluster, since the contract did not hold then", expected, version)}}, nil
	case n > newestMinor:
		return nil, []string{fmt.Sprintf("%s, found %s: newer than the suite, so a change of the contract would be reported as a violation", expected, version)}
	}
	return nil, nil
}
