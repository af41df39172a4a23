package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// Broken returns the violations of guarantees that a document promises; deviations are left out.
func Broken(results []judge.Result) []judge.Finding {
	var out []judge.Finding
	for _, r := range results {
		if len(r.Violations) == 0 {
			continue
		}
		if g, ok := contract.Get(r.Guarantee); ok && g.ImplOnly() {
			continue
		}
		out = append(out, r.Violations...)
	}
	return out
}

// Sentences writes violations a line each: the guarantee, the violation, the document that promises it, the history's file.
func Sentences(findings []judge.Finding, file string) string {
	var lines []string
	for _, f := range findings {
		g, _ := contract.Get(f.Guarantee)
		lines = append(lines, fmt.Sprintf("%s broken: %s; docs: %s; history: %s", f.Guarantee, f.Text, g.Link, file))
	}
	return strings.Join(lines, "\n")
}

// oneLine shortens a failure message to its first line, followed by the error itself where Gomega reports an unexpected one.
func oneLine(message string) string {
	lines := strings.Split(strings.TrimSpace(message), "\n")
	what := lines[0]
	at := slices.IndexFunc(lines, func(l string) bool { return l == "Unexpected error:" || l == "Expected success, but got an error:" })
	if at < 0 || at+2 >= len(lines) {
		return what
	}
	// The error's type comes in between.
	found := strings.TrimSpace(lines[at+2])
	if at == 0 {
		return found
	}
	return what + ": " + found
}
