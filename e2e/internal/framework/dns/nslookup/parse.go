package nslookup

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Parse reads what busybox nslookup printed: its standard output and standard error together, and with the empty lines at
// the end, which tell of empty replies. With an error the Answer holds what could be read and must not be judged.
//
// A name that does not exist, a server that fails and a server that does not reply are answers, not errors.
func Parse(output string) (Answer, error) {
	p := parser{}
	p.lines = strings.Split(strings.TrimSuffix(output, "\n"), "\n")
	for p.at = range p.lines {
		p.line(strings.TrimRight(p.lines[p.at], " \t\r"))
	}
	p.finish()
	return p.answer, errors.Join(p.problems...)
}

// maxProblems bounds the error for output that is not nslookup's at all.
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
	// own is true when busybox's own resolver printed the server: it closes each reply with an empty line.
	own bool
	// content is true when the block so far has a record, a failure or the server.
	content bool
	// other is true when a record of a type was read that an Answer does not keep.
	other bool
	// anything is true when a line of nslookup was recognised.
	anything bool
}

// line reads one line. The order matters where one form begins like another.
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
		"check that the command ran in a container whose busybox has nslookup; if that is what it prints, teach this parser the line")
}

func (p *parser) endBlock() {
	p.endName()
	// The line after the server's ends the server's own block and not a reply.
	if p.own && !p.content {
		p.answer.Empty++
	}
	p.inServer, p.content = false, false
}

func (p *parser) endName() {
	if p.name > 0 && !p.addressed {
		p.problem("Name: "+p.answer.Names[p.name-1].Name, "an address in the line after a name",
			"ask again: the output seems to be cut off")
	}
	p.name, p.addressed = 0, false
}

func (p *parser) finish() {
	p.endName()
	a := &p.answer
	nothing := len(a.Names)+len(a.SRV)+len(a.PTR)+len(a.Messages)+a.Empty == 0 && !a.Timeout && !p.other
	switch {
	case len(p.problems) > 0 || !nothing:
	case p.own:
		// Only the first reply makes busybox print the server, so there was one, and a caller cut the empty lines off.
		a.Empty = 1
	case p.anything:
		p.problem("nothing after the lines of the server", "an answer, or the reason why there is none",
			"capture standard error as well: an old busybox says there what went wrong")
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
		p.problem(line, "a name after Name:", "ask again: the output seems to be damaged")
		return true
	}
	p.mention(rest)
	p.name = p.index(rest) + 1
	return true
}

// addressLine reads "Address: 10.0.0.1" and "Address 1: 10.0.0.1 its.reverse.name".
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
	if len(fields) == 0 || len(fields) > 1 && !numbered || len(fields) > 2 {
		p.problem(line, "one address, and after a numbered one its reverse name", "ask again: the output seems to be damaged")
		return true
	}
	p.content = true
	switch {
	case p.inServer:
		p.serverAddress(line, fields[0], numbered)
	case p.name > 0:
		p.answerAddress(line, fields)
	default:
		p.problem(line, "the name that the address belongs to in a line before", "ask again: the output seems to be cut off")
	}
	return true
}

func (p *parser) serverAddress(line, text string, numbered bool) {
	addr, err := serverAddr(text)
	if err != nil {
		p.problem(line, "the server's IP address, with or without a port", "check the nameserver lines of the pod's /etc/resolv.conf")
		return
	}
	p.own = !numbered
	p.answer.FromLibrary = numbered
	if !p.answer.Server.Addr.IsValid() {
		p.answer.Server.Addr = addr
	}
}

// serverAddr reads "10.0.0.1", "10.0.0.1:53", "[fd00::a]:53", "fd00::a" and "10.0.0.1#53".
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

func (p *parser) answerAddress(line string, fields []string) {
	p.addressed = true
	name := &p.answer.Names[p.name-1]
	addr, err := netip.ParseAddr(fields[0])
	if err != nil {
		p.problem(line, "an IP address without a port", "ask again: the output seems to be damaged")
		return
	}
	p.address(name, addr)
	if len(fields) == 2 {
		p.ptr(PTR{Addr: addr, Target: normal(fields[1])})
	}
}

func (p *parser) address(name *Name, addr netip.Addr) {
	if addr.Is4() {
		name.IPv4 = appendNew(name.IPv4, addr)
	} else {
		name.IPv6 = appendNew(name.IPv6, addr)
	}
	// The C library answers a question for an address with that address: that is no record of a name.
	if asked, err := netip.ParseAddr(name.Name); err == nil && asked == addr {
		name.IPv4, name.IPv6 = nil, nil
	}
}

func (p *parser) ptr(record PTR) {
	p.answer.PTR = appendNew(p.answer.PTR, record)
}

// markerLine reads lines that say something of the reply, not of a name.
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

// problem notes what was expected, what was found and what to do.
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

// mention returns the entry of a name, and makes one if there is none.
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
