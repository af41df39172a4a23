package nslookup

import (
	"net/netip"
	"slices"
	"strings"
	"unicode"
)

// Status says how a name was answered. Response codes without a constant appear as busybox writes them, such as "FORMERR".
type Status string

const (
	// Unknown means that the output says nothing of the name.
	Unknown Status = ""
	// NoError means that there is at least one record.
	NoError Status = "NOERROR"
	// NoData means that the server replied without any record of the type that was asked.
	NoData Status = "NODATA"
	// NXDomain means that the server says the name does not exist.
	NXDomain Status = "NXDOMAIN"
	// ServFail means that the server could not answer.
	ServFail Status = "SERVFAIL"
	// Refused means that the server would not answer.
	Refused Status = "REFUSED"
	// NoAnswer means that no reply came while another question was answered. It decides nothing: busybox 1.29 says the same
	// of an empty reply, and before 1.37 two questions may get the same number, so that one reply is lost.
	NoAnswer Status = "No answer"
	// BadReply means that busybox could not read the reply, for one because it was longer than 512 bytes.
	BadReply Status = "Parse error"
	// Unresolved means that the C library of an old busybox did not resolve the name and the output does not tell why.
	Unresolved Status = "unresolved"
	// TryAgain means that the C library of an old busybox gave up for now: a timeout or a SERVFAIL.
	TryAgain Status = "try again"
)

// Answer is what one run of nslookup said. All names in it are in lower case and without a trailing dot.
type Answer struct {
	// Server is the DNS server that replied; its addresses are in no other field. With FromLibrary it is the first server
	// configured, whether it replied or not.
	Server Server
	// FromLibrary reports that the C library resolved. It reads /etc/hosts as well, which holds a pod's own name, so such an
	// answer says nothing of DNS for the name of the pod that asked.
	FromLibrary bool
	// Names holds every name that has an address or a canonical name or that failed, in the order of their first mention.
	Names []Name
	// SRV holds the service records, each once.
	SRV []SRV
	// PTR holds the reverse names, each once.
	PTR []PTR
	// Empty counts replies without a record. busybox does not print which name or type they belong to; on a single-stack
	// cluster one for AAAA is normal.
	Empty int
	// Timeout reports that no server replied, because none could be reached or none answered in time.
	Timeout bool
	// Messages holds what nslookup said of its own trouble, such as a connection that was refused.
	Messages []string
}

// Server is the DNS server as nslookup names it.
type Server struct {
	// Name is the name or address under which nslookup knows the server.
	Name string
	// Addr is its address; the port is 0 if it was not printed.
	Addr netip.AddrPort
}

// Name is one name and what was answered for it.
type Name struct {
	// Name is the full name, or in the form that the C library answers, the name as it was asked.
	Name string
	// IPv4 holds the addresses of its A records, each once.
	IPv4 []netip.Addr
	// IPv6 holds the addresses of its AAAA records, each once.
	IPv6 []netip.Addr
	// Canonical is the name that it is an alias of, or "".
	Canonical string
	// Failures holds what went wrong in any of its questions, each once; one for A and none for AAAA is possible.
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
	// Name is the name under in-addr.arpa or ip6.arpa that was asked; "" in the form that the C library answers.
	Name string
	// Addr is the address; the zero Addr if Name does not spell out a whole one.
	Addr netip.Addr
	// Target is the reverse name. The C library gives one of several, and may have it from /etc/hosts.
	Target string
}

// Addrs returns the addresses of all names in the answer, sorted: for a short name that went through the search list, its
// addresses wherever it was found.
func (a Answer) Addrs() []netip.Addr {
	var all []netip.Addr
	for _, n := range a.Names {
		all = append(all, n.Addrs()...)
	}
	return sorted(all)
}

// AddrsOf returns the addresses of one name, through its canonical names, sorted.
func (a Answer) AddrsOf(name string) []netip.Addr {
	// A chain cannot be longer than the list of names, unless it is a loop.
	for range len(a.Names) {
		n, found := a.Lookup(name)
		if !found {
			return nil
		}
		if addrs := n.Addrs(); len(addrs) > 0 || n.Canonical == "" {
			return addrs
		}
		name = n.Canonical
	}
	return nil
}

// Lookup returns what was answered for one full name, and whether the output mentions it.
func (a Answer) Lookup(name string) (Name, bool) {
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

// Status says how one full name was answered: NoError if it has any record; else its failure, where one that leaves doubt
// comes before NXDomain, and NoAnswer last. A name that is not mentioned is NoData if there was a reply without records,
// which is certain only if no other name was asked.
func (a Answer) Status(name string) Status {
	name = normal(name)
	n, mentioned := a.Lookup(name)
	switch {
	case len(n.IPv4)+len(n.IPv6) > 0 || n.Canonical != "",
		slices.ContainsFunc(a.SRV, func(s SRV) bool { return s.Name == name }),
		slices.ContainsFunc(a.PTR, func(p PTR) bool { return p.Name == name && name != "" }):
		return NoError
	case mentioned && len(n.Failures) > 0:
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

// normal makes names comparable: DNS compares without regard to case, and busybox repeats a trailing dot in errors only.
func normal(name string) string {
	return strings.ToLower(strings.TrimLeftFunc(strings.TrimRightFunc(name, isDotOrSpace), unicode.IsSpace))
}

func isDotOrSpace(r rune) bool {
	return r == '.' || unicode.IsSpace(r)
}
