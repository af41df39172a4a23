package nslookup

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Parse parses the standard output and standard error of busybox nslookup, with the empty lines at the end, which stand for empty replies.
// An output of another form is an error, and then the Answer must not be judged.
//
// A name that does not exist, a server that fails and a server that does not reply are answers, not errors.
func Parse(output string) (Answer, error) {
	p := parser{}
	p.lines = strings.Split(strings.TrimSuffix(output, "\n"), "\n")
	for p.at = range p.lines {
		if p.line(strings.TrimRight(p.lines[p.at], " \t\r")); p.library {
			return Answer{}, errors.Join(p.problems...)
		}
	}
	p.finish()
	return p.answer, errors.Join(p.problems...)
}

// maxProblems bounds the error for the output of another program.
const maxProblems = 5

type parser struct {
	lines    []string
	at       int
	answer   Answer
	problems []error

	// inServer is true from a "Server:" line to the end of its block: addresses there are the server's.
	inServer bool
	// name is the index into answer.Names that the next address belongs to, plus one; 0 if there is none.
	name int
	// addressed is true when the current name has got an address.
	addressed bool
	// server is true when the server's address was printed.
	server bool
	// library is true when the C library resolved.
	library bool
	// message is true when nslookup printed an error of its own.
	message bool
	// content is true when the block so far has a record, a failure or the server.
	content bool
	// other is true when a record of a type was read that an Answer does not keep.
	other bool
	// anything is true when a line of nslookup was recognised.
	anything bool
}

// line parses one line. The order matters where one form begins like another.
func (p *parser) line(line string) {
	if line == "" {
		p.endBlock()
		return
	}
	for _, read := range []func(*parser, string) bool{
		(*parser).serverLine, (*parser).nameLine, (*parser).addressLine, (*parser).markerLine,
		(*parser).failureLine, (*parser).recordLine, (*parser).messageLine,
	} {
		if read(p, line) {
			p.anything = true
			return
		}
	}
	if isNoise(line) {
		return
	}
	p.problem(line, "a line of busybox nslookup",
		"check that the command ran in a container whose busybox has nslookup; if that is what it prints, add the line to this parser")
}

func (p *parser) endBlock() {
	p.endName()
	// The line after the server's ends the server's own block and not a reply.
	if p.server && !p.content {
		p.answer.Empty++
	}
	p.inServer, p.content = false, false
}

func (p *parser) endName() {
	if p.name > 0 && !p.addressed {
		p.problem("Name: "+p.answer.Names[p.name-1].Name, "an address in the line after a name",
			"try again: the output seems to be cut off")
	}
	p.name, p.addressed = 0, false
}

func (p *parser) finish() {
	p.endName()
	a := &p.answer
	nothing := len(a.Names)+len(a.SRV)+len(a.PTR)+a.Empty == 0 && !a.Timeout && !p.other
	switch {
	case len(p.problems) > 0 || !nothing:
	case p.server && !p.message:
		// busybox prints the server with the first reply, so there was one, and the caller cut the empty lines off.
		a.Empty = 1
	case p.anything:
		p.problem("no record and no failure", "an answer, or why there is none", "capture standard output and standard error")
	default:
		p.problem("no output", "the lines of the DNS server and an answer",
			"check that the command ran, and capture standard output and standard error")
	}
}

func (p *parser) serverLine(line string) bool {
	rest, found := strings.CutPrefix(line, "Server:")
	if !found {
		return false
	}
	p.endName()
	p.answer.Server = Server{Name: strings.TrimSpace(rest)}
	p.inServer, p.content = true, true
	return true
}

func (p *parser) nameLine(line string) bool {
	rest, found := strings.CutPrefix(line, "Name:")
	if !found {
		return false
	}
	p.endName()
	p.inServer, p.content = false, true
	if normal(rest) == "" {
		p.problem(line, "a name after Name:", "try again: the output seems to be damaged")
		return true
	}
	p.mention(rest)
	p.name = p.index(rest) + 1
	return true
}

// addressLine parses "Address: 10.0.0.1", and "Address 1: 10.0.0.1" as busybox 1.29 numbers the addresses of answers.
func (p *parser) addressLine(line string) bool {
	rest, found := strings.CutPrefix(line, "Address")
	if !found {
		return false
	}
	number, value, found := strings.Cut(rest, ":")
	number = strings.TrimSpace(number)
	if _, err := strconv.ParseUint(number, 10, 16); !found || number != "" && err != nil {
		return false
	}
	numbered := number != ""
	fields := strings.Fields(value)
	p.content = true
	switch {
	case numbered && (p.inServer || !p.server || len(fields) == 2):
		p.fromLibrary(line)
	case len(fields) != 1:
		p.problem(line, "one address", "try again: the output seems to be damaged")
	case p.inServer:
		p.serverAddress(line, fields[0])
	case p.name > 0:
		p.answerAddress(line, fields[0])
	default:
		p.problem(line, "the name that the address belongs to in a line before", "try again: the output seems to be cut off")
	}
	return true
}

// fromLibrary rejects the output of the C library's resolver.
func (p *parser) fromLibrary(line string) {
	p.library = true
	p.problem(line, "the output of busybox's own resolver", "use an image with busybox 1.29 or later, built with FEATURE_NSLOOKUP_BIG: "+
		"the C library, which resolves here, also reads /etc/hosts and does not distinguish a name that does not exist from a server that fails")
}

func (p *parser) serverAddress(line, text string) {
	addr, err := serverAddr(text)
	if err != nil {
		p.problem(line, "the server's IP address, with or without a port", "check the nameserver lines of the pod's /etc/resolv.conf")
		return
	}
	p.server = true
	if !p.answer.Server.Addr.IsValid() {
		p.answer.Server.Addr = addr
	}
}

// serverAddr parses "10.0.0.1", "10.0.0.1:53", "[fd00::a]:53", "fd00::a" and "10.0.0.1#53".
func serverAddr(text string) (netip.AddrPort, error) {
	if host, port, found := strings.Cut(text, "#"); found {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return netip.AddrPort{}, err
		}
		addr, err := netip.ParseAddr(host)
		return netip.AddrPortFrom(addr, uint16(number)), err
	}
	if addr, err := netip.ParseAddrPort(text); err == nil {
		return addr, nil
	}
	if inner, bracketed := strings.CutPrefix(text, "["); bracketed {
		text = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(text)
	return netip.AddrPortFrom(addr, 0), err
}

func (p *parser) answerAddress(line, text string) {
	p.addressed = true
	name := &p.answer.Names[p.name-1]
	addr, err := netip.ParseAddr(text)
	if err != nil {
		p.problem(line, "an IP address without a port", "try again: the output seems to be damaged")
		return
	}
	p.address(name, addr)
}

func (p *parser) address(name *Name, addr netip.Addr) {
	if addr.Is4() {
		name.IPv4 = appendNew(name.IPv4, addr)
	} else {
		name.IPv6 = appendNew(name.IPv6, addr)
	}
}

// markerLine parses lines about a reply and no name.
func (p *parser) markerLine(line string) bool {
	switch {
	case line == "Non-authoritative answer:", line == "authoritative answer:":
	case strings.HasPrefix(line, "Query #") && strings.Contains(line, " completed in "):
	case strings.HasPrefix(line, ";; connection timed out"):
		p.answer.Timeout, p.content = true, true
	default:
		return false
	}
	p.endName()
	return true
}

// problem records what was expected, what was found and what to do.
func (p *parser) problem(found, expected, do string) {
	switch len(p.problems) {
	case maxProblems:
		p.problems = append(p.problems, errors.New("nslookup: more lines like these follow"))
	case maxProblems + 1:
	default:
		p.problems = append(p.problems, fmt.Errorf("nslookup output, line %d: expected %s, found %q: %s", p.at+1, expected, shorten(found), do))
	}
}

func shorten(line string) string {
	const most = 200
	if len(line) <= most {
		return line
	}
	return line[:most] + "..."
}

// index returns the place of a name in the answer, or -1.
func (p *parser) index(name string) int {
	name = normal(name)
	return slices.IndexFunc(p.answer.Names, func(n Name) bool { return n.Name == name })
}

// mention returns the entry of a name, a new one if there is none.
func (p *parser) mention(name string) *Name {
	i := p.index(name)
	if i < 0 {
		i = len(p.answer.Names)
		p.answer.Names = append(p.answer.Names, Name{Name: normal(name)})
	}
	return &p.answer.Names[i]
}

func appendNew[T comparable](list []T, item T) []T {
	if slices.Contains(list, item) {
		return list
	}
	return append(list, item)
}
