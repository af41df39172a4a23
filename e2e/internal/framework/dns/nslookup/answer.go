package nslookup

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// Status is how a name was answered. Response codes without a constant are as busybox prints them, such as "FORMERR".
type Status string

const (
	// Unknown means that the name is not in the output.
	Unknown Status = ""
	// NoError means that there is at least one record.
	NoError Status = "NOERROR"
	// NoData means that the server replied without any record of the queried type.
	NoData Status = "NODATA"
	// NXDomain means that the name does not exist.
	NXDomain Status = "NXDOMAIN"
	// ServFail means that the server could not answer.
	ServFail Status = "SERVFAIL"
	// Refused means that the server refused to answer.
	Refused Status = "REFUSED"
	// NoAnswer means that one question got no reply while another did. It decides nothing: busybox 1.29 prints the same for an empty
	// reply, and before 1.37 two questions may get the same number, so that one reply is lost.
	NoAnswer Status = "No answer"
	// BadReply means that busybox could not parse the reply, such as one longer than 512 bytes.
	BadReply Status = "Parse error"
)

// Answer is the parsed output of one run of nslookup. All names in it are in lower case and without a trailing dot.
type Answer struct {
	// Server is the DNS server that replied; its addresses are in no other field.
	Server Server
	// Names holds every name that has an address or a canonical name or that failed, in the order of their first mention.
	Names []Name
	// SRV holds the service records, each once.
	SRV []SRV
	// PTR holds the reverse names, each once.
	PTR []PTR
	// Empty counts replies without a record, which have no name and no type in the output; on a single-stack cluster one for AAAA is
	// normal.
	Empty int
	// Timeout reports that no server replied, because none could be reached or none answered in time.
	Timeout bool
}

// Server is the DNS server as nslookup prints it.
type Server struct {
	// Name is its name or address as configured.
	Name string
	// Addr is its address; the port is 0 if it was not printed.
	Addr netip.AddrPort
}

// Name is one name and the answers for it.
type Name struct {
	// Name is the full name.
	Name string
	// IPv4 holds the addresses of its A records, each once.
	IPv4 []netip.Addr
	// IPv6 holds the addresses of its AAAA records, each once.
	IPv6 []netip.Addr
	// Canonical is the name that it is an alias of, or "".
	Canonical string
	// Failures holds the failures of its questions, each once; one for A and none for AAAA is possible.
	Failures []Status
}

// Addrs returns the addresses of both families, sorted.
func (n Name) Addrs() []netip.Addr {
	return sorted(slices.Concat(n.IPv4, n.IPv6))
}

// SRV is one service record.
type SRV struct {
	Name     string
	Priority uint16
	Weight   uint16
	Port     uint16
	Target   string
}

// PTR is one reverse name of an address.
type PTR struct {
	// Name is the queried name under in-addr.arpa or ip6.arpa.
	Name string
	// Addr is the address; the zero Addr if Name has no complete one.
	Addr netip.Addr
	// Target is the reverse name.
	Target string
}

// Addrs returns the addresses of all names in the answer, sorted: for a short name, those of the full names that the search list made of
// it.
func (a Answer) Addrs() []netip.Addr {
	var all []netip.Addr
	for _, n := range a.Names {
		all = append(all, n.Addrs()...)
	}
	return sorted(all)
}

// lookup returns the answers for one full name, and whether it is in the output.
func (a Answer) lookup(name string) (Name, bool) {
	name = normal(name)
	for _, n := range a.Names {
		if n.Name == name {
			return n, true
		}
	}
	return Name{}, false
}

// Targets returns the reverse names of an address.
func (a Answer) Targets(addr netip.Addr) []string {
	var targets []string
	for _, p := range a.PTR {
		if p.Addr == addr && !slices.Contains(targets, p.Target) {
			targets = append(targets, p.Target)
		}
	}
	return targets
}

// Status returns how one full name was answered: NoError if it has any record; else its failure, where a failing server comes before
// NXDomain, and NoAnswer last. A name that is not in the output is NoData if there was a reply without records, which is certain only if no
// other name was queried.
func (a Answer) Status(name string) Status {
	name = normal(name)
	n, found := a.lookup(name)
	switch {
	case len(n.IPv4)+len(n.IPv6) > 0 || n.Canonical != "",
		slices.ContainsFunc(a.SRV, func(s SRV) bool { return s.Name == name }),
		slices.ContainsFunc(a.PTR, func(p PTR) bool { return p.Name == name }):
		return NoError
	case found && len(n.Failures) > 0:
		return slices.MinFunc(n.Failures, func(x, y Status) int { return certainty(x) - certainty(y) })
	case a.Empty > 0:
		return NoData
	default:
		return Unknown
	}
}

// certainty orders failures for Status.
func certainty(s Status) int {
	switch s {
	case NoAnswer:
		return 2
	case NXDomain:
		return 1
	default:
		return 0
	}
}

func sorted(addrs []netip.Addr) []netip.Addr {
	slices.SortFunc(addrs, netip.Addr.Compare)
	return slices.Compact(addrs)
}

// normal makes names comparable: DNS ignores case, and busybox prints a trailing dot only in errors.
func normal(name string) string {
	return strings.ToLower(strings.TrimLeftFunc(strings.TrimRightFunc(name, isDotOrSpace), unicode.IsSpace))
}

func isDotOrSpace(r rune) bool {
	return r == '.' || unicode.IsSpace(r)
}
