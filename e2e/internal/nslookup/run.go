package nslookup

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Exec runs a command where the question is to be asked from and returns what it printed on both streams.
type Exec func(ctx context.Context, command ...string) (string, error)

// Ask runs nslookup for one name and one type (a, aaaa, srv, ptr) and parses what it prints. Names are asked as they are given:
// end a full name with a dot, or search domains are tried. The exit code is not read, since nslookup exits 1 also for answers
// that are complete; an error means that no answer can be made out, or that no server gave one.
func Ask(ctx context.Context, run Exec, qtype, name string) (Answer, error) {
	out, runErr := run(ctx, "nslookup", "-type="+qtype, name)
	if runErr != nil && strings.TrimSpace(out) == "" {
		return Answer{}, runErr
	}
	answer, err := Parse(out)
	if err != nil {
		return Answer{}, errors.Join(fmt.Errorf("asking for %s (%s): %w", name, qtype, err), runErr)
	}
	if answer.Timeout {
		return Answer{}, fmt.Errorf("asking for %s (%s): no DNS server answered", name, qtype)
	}
	return answer, nil
}
