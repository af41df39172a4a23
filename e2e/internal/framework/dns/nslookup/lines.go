package nslookup

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// failureLine parses the failure of a question.
func (p *parser) failureLine(line string) bool {
	var name, reason string
	var found bool
	if rest, server := strings.CutPrefix(line, "** server can't find "); server {
		name, reason, found = cutLast(rest, ": ")
	} else if rest, own := strings.CutPrefix(line, "*** Can't find "); own {
		name, reason, found = cutLast(rest, ": ")
	}
	if !found {
		return false
	}
	p.endName()
	p.content = true
	if normal(name) == "" || reason == "" {
		p.problem(line, "a name and a failure", "try again: the output seems to be damaged")
		return true
	}
	entry := p.mention(name)
	entry.Failures = appendNew(entry.Failures, Status(reason))
	return true
}

// recordLine parses records that are printed in one line, owner first.
func (p *parser) recordLine(line string) bool {
	if p.startOfAuthority(line) {
		p.content, p.other = true, true
		return true
	}
	owner, rest, found := strings.Cut(line, "\t")
	if !found || normal(owner) == "" || strings.Contains(owner, " ") {
		return false
	}
	for _, form := range []struct {
		prefix string
		read   func(owner, value string) bool
	}{
		{"service = ", p.service},
		{"name = ", p.reverse},
		{"canonical name = ", p.alias},
		{"has AAAA address ", p.aaaa},
		{"nameserver = ", p.skip},
		{"mail exchanger = ", p.skip},
		{"text = ", p.skip},
	} {
		value, matches := strings.CutPrefix(rest, form.prefix)
		if !matches {
			continue
		}
		p.endName()
		p.inServer, p.content = false, true
		if !form.read(owner, value) {
			p.problem(line, "a whole record after \""+strings.TrimSpace(form.prefix)+"\"", "try again: the output seems to be damaged")
		}
		return true
	}
	return false
}

func (p *parser) skip(string, string) bool {
	p.other = true
	return true
}

func (p *parser) service(owner, value string) bool {
	fields := strings.Fields(value)
	if len(fields) != 4 {
		return false
	}
	var numbers [3]uint16
	for i := range numbers {
		n, err := strconv.ParseUint(fields[i], 10, 16)
		if err != nil {
			return false
		}
		numbers[i] = uint16(n)
	}
	p.answer.SRV = appendNew(p.answer.SRV, SRV{
		Name: normal(owner), Priority: numbers[0], Weight: numbers[1], Port: numbers[2], Target: normal(fields[3]),
	})
	return true
}

func (p *parser) reverse(owner, value string) bool {
	if normal(value) == "" {
		return false
	}
	p.answer.PTR = appendNew(p.answer.PTR, PTR{Name: normal(owner), Addr: reverseAddr(normal(owner)), Target: normal(value)})
	return true
}

func (p *parser) alias(owner, value string) bool {
	if normal(value) == "" {
		return false
	}
	p.mention(owner).Canonical = normal(value)
	return true
}

// aaaa reads AAAA records of busybox 1.29, which alone prints them in one line.
func (p *parser) aaaa(owner, value string) bool {
	addr, err := netip.ParseAddr(value)
	if err != nil {
		return false
	}
	p.address(p.mention(owner), addr)
	return true
}

// startOfAuthority parses a record of several lines, of which only the first has the name.
func (p *parser) startOfAuthority(line string) bool {
	const first = "\torigin = "
	for _, field := range []string{first, "\tmail addr = ", "\tserial = ", "\trefresh = ", "\tretry = ", "\texpire = ", "\tminimum = "} {
		if strings.HasPrefix(line, field) {
			return true
		}
	}
	return p.at+1 < len(p.lines) && strings.HasPrefix(p.lines[p.at+1], first) && !strings.ContainsAny(line, " \t")
}

// messageLine parses nslookup's own errors.
func (p *parser) messageLine(line string) bool {
	if strings.HasPrefix(line, "Usage: nslookup") {
		p.problem(line, "an answer", "correct the arguments: this busybox does not accept them")
		return true
	}
	text, found := strings.CutPrefix(line, "nslookup: ")
	if !found {
		return false
	}
	p.endName()
	switch {
	case strings.HasPrefix(text, "invalid query type "):
		p.problem(line, "an answer",
			"use an image with busybox 1.31 or later, which queries SRV records")
	case strings.HasPrefix(text, "can't resolve "):
		p.fromLibrary(line)
	case strings.HasPrefix(text, "bad address "):
		p.problem(line, "an answer", "name the DNS server by its IP address")
	default:
		p.message = true
		// busybox exits at once here, without the line of a timeout.
		if strings.HasPrefix(text, "can't connect to remote host ") {
			p.answer.Timeout = true
		}
	}
	return true
}

// isNoise reports whether a line is of kubectl exec or of the usage text of busybox.
func isNoise(line string) bool {
	return slices.ContainsFunc([]string{
		"command terminated with exit code ", "Defaulted container ", "BusyBox v", "Query DNS about HOST", "QUERY_TYPE: ",
	}, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
}

// reverseAddr parses the address in a name under in-addr.arpa or ip6.arpa.
func reverseAddr(name string) netip.Addr {
	if labels, found := strings.CutSuffix(name, ".in-addr.arpa"); found {
		octets := strings.Split(labels, ".")
		slices.Reverse(octets)
		addr, err := netip.ParseAddr(strings.Join(octets, "."))
		if err != nil || !addr.Is4() {
			return netip.Addr{}
		}
		return addr
	}
	labels, found := strings.CutSuffix(name, ".ip6.arpa")
	nibbles := strings.Split(labels, ".")
	if !found || len(nibbles) != 32 {
		return netip.Addr{}
	}
	slices.Reverse(nibbles)
	var groups []string
	for group := range slices.Chunk(nibbles, 4) {
		groups = append(groups, strings.Join(group, ""))
	}
	addr, err := netip.ParseAddr(strings.Join(groups, ":"))
	if err != nil {
		return netip.Addr{}
	}
	return addr
}

// cutLast cuts around the last separator, since a name may contain one.
func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return "", "", false
	}
	return text[:i], text[i+len(separator):], true
}
