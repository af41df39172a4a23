package diagnose

import (
	"regexp"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

// What runtimes say of a probe's command that cannot be started, what shells say of one that they do not find, and where in a kubelet's message the
// output of a command begins. That a file is not found, which programs say in the same words, is not the image's fault.
var (
	notInImage = regexp.MustCompile(`exec: "[^"]*": (?:executable file not found|stat \S+: no such file or directory)`)
	notFound   = regexp.MustCompile(`(?:^|: )([\w./-]+): (?:command )?not found$`)
	outputOf   = regexp.MustCompile(`^(?:Unhealthy: )?(?:Readiness|Liveness|Startup) probe failed: (.+)$`)
)

// commandSays is what a message says of a probe that runs a command: what the command wrote, or that there is none; "" if it says neither.
func commandSays(message string) string {
	message = oneLine(message)
	if notInImage.MatchString(message) {
		return "the image does not have the program that the probe runs"
	}
	m := outputOf.FindStringSubmatch(message)
	if len(m) < 2 || contains(strings.ToLower(m[1]))("timed out after", "deadline exceeded") {
		return ""
	}
	if missing := notFound.FindStringSubmatch(m[1]); missing != nil {
		return "its command calls " + missing[1] + ", which the image does not have"
	}
	return "its command says: " + shortened(redact.Words(m[1]))
}
