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

// Exec runs a command in the container that queries DNS, and returns its standard output and standard error.
type Exec func(ctx context.Context, command ...string) (string, error)

// ErrNoServer is the error that no DNS server answered. Whether the queried name, the server or the network is the cause shows in what Answered
// returns for the same container.
var ErrNoServer = errors.New("no DNS server answered")

// separator follows each run of nslookup in the output of script; nslookup prints no such line.
const separator = "-- end of answer --"

// script repeats a query. It ignores the exit code of nslookup, which may be 1 for a complete answer.
const script = `n=0; while [ "$n" -lt "$1" ]; do nslookup "-type=$2" "$3" 2>&1; echo "` + separator + `"; n=$((n+1)); done`

// Query runs nslookup several times, in one command, for one name and one type (a, aaaa, srv, ptr), and returns the answers. A full name
// must end with a dot, or search domains are tried. An error is ErrNoServer, or leaves the answers unknown.
func Query(ctx context.Context, run Exec, times int, qtype, name string) ([]Answer, error) {
	out, runErr := run(ctx, "sh", "-c", script, "query", strconv.Itoa(times), qtype, name)
	if runErr != nil {
		return nil, runErr
	}
	parts := strings.Split(out, separator+"\n")
	if len(parts) != times+1 {
		return nil, fmt.Errorf("querying %s (%s): expected %d answers, found %d in %q", name, qtype, times, len(parts)-1, out)
	}
	var answers []Answer
	for _, part := range parts[:times] {
		answer, err := Parse(part)
		if err != nil {
			return nil, fmt.Errorf("querying %s (%s): %w", name, qtype, err)
		}
		if answer.Timeout {
			return nil, fmt.Errorf("querying %s (%s): %w", name, qtype, ErrNoServer)
		}
		answers = append(answers, answer)
	}
	return answers, nil
}

// ControlName returns a name that the DNS of every cluster has, with the final dot: the API server's service.
func ControlName(zone string) string { return "kubernetes.default.svc." + zone + "." }

// Answered reports whether a DNS server answers a query for ControlName, whatever it answers. An error leaves that unknown.
func Answered(ctx context.Context, run Exec, zone string) (bool, error) {
	_, err := Query(ctx, run, 1, "a", ControlName(zone))
	if errors.Is(err, ErrNoServer) {
		return false, nil
	}
	return err == nil, err
}

// AnsweredAtStart is Answered for a pod that has only just started: it asks twice, since the network plugin may set up a new pod's way to other
// nodes after it runs.
func AnsweredAtStart(ctx context.Context, run Exec, zone string) (answered bool, err error) {
	for range 2 {
		if answered, err = Answered(ctx, run, zone); answered || err != nil {
			break
		}
	}
	return answered, err
}

// ReverseName returns the name of the PTR records of an address, with the final dot.
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
