package nslookup

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Exec runs a command where the question is to be asked from and returns what it printed on both streams.
type Exec func(ctx context.Context, command ...string) (string, error)

// ErrNoServer says that no DNS server answered: a fault of the cluster's DNS, unlike every other error of Ask, after which
// nothing is known of it.
var ErrNoServer = errors.New("no DNS server answered")

// between stands between two runs of nslookup in the output of script; nslookup itself prints no such line.
const between = "-- asked --"

// script asks the same question several times. The exit codes are not read, since nslookup exits 1 also for answers that are
// complete; so the script's own exit code tells of the script alone.
const script = `n=0; while [ "$n" -lt "$1" ]; do nslookup "-type=$2" "$3" 2>&1; echo "` + between + `"; n=$((n+1)); done`

// Ask runs nslookup several times in a row, in one command, for one name and one type (a, aaaa, srv, ptr), and parses what it
// prints. Names are asked as they are given: end a full name with a dot, or search domains are tried. An error means that an
// answer cannot be made out, or that no server gave one.
func Ask(ctx context.Context, run Exec, times int, qtype, name string) ([]Answer, error) {
	out, runErr := run(ctx, "sh", "-c", script, "ask", strconv.Itoa(times), qtype, name)
	if runErr != nil {
		return nil, runErr
	}
	parts := strings.Split(out, between+"\n")
	if len(parts) != times+1 {
		return nil, fmt.Errorf("asking for %s (%s): expected %d answers, found %d in %q", name, qtype, times, len(parts)-1, out)
	}
	var answers []Answer
	for _, part := range parts[:times] {
		answer, err := Parse(part)
		if err != nil {
			return nil, fmt.Errorf("asking for %s (%s): %w", name, qtype, err)
		}
		if answer.Timeout {
			return nil, fmt.Errorf("asking for %s (%s): %w", name, qtype, ErrNoServer)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// ReverseName returns the name that the PTR records of an address are asked for under, with the final dot.
func ReverseName(addr netip.Addr) string {
	var labels []string
	if addr.Is4() {
		for _, octet := range addr.As4() {
			labels = append(labels, fmt.Sprint(octet))
		}
		slices.Reverse(labels)
		return strings.Join(labels, ".") + ".in-addr.arpa."
	}
	for _, octet := range addr.As16() {
		labels = append(labels, fmt.Sprintf("%x", octet>>4), fmt.Sprintf("%x", octet&0xf))
	}
	slices.Reverse(labels)
	return strings.Join(labels, ".") + ".ip6.arpa."
}
