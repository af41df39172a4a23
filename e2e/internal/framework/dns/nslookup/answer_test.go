package nslookup

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestStatus(t *testing.T) {
	a := Answer{
		Names: []Name{
			{Name: "found", IPv4: ips("10.0.0.1"), Failures: []Status{NoAnswer}},
			{Name: "alias", Canonical: "found"},
			{Name: "gone", Failures: []Status{NXDomain}},
			{Name: "gone-half-answered", Failures: []Status{NoAnswer, NXDomain}},
			{Name: "perhaps-gone", Failures: []Status{NXDomain, ServFail}},
			{Name: "unanswered", Failures: []Status{NoAnswer}},
		},
		SRV: []SRV{{Name: "_web._tcp.found", Port: 80, Target: "found"}},
		PTR: []PTR{{Name: "1.0.0.10.in-addr.arpa", Addr: ip("10.0.0.1"), Target: "found"}},
	}
	cases := []struct {
		name  string
		empty int
		want  Status
	}{
		{"found", 1, NoError},
		{"FOUND.", 0, NoError},
		{"alias", 0, NoError},
		{"_web._tcp.found", 0, NoError},
		{"1.0.0.10.in-addr.arpa.", 0, NoError},
		{"gone", 1, NXDomain},
		{"gone-half-answered", 0, NXDomain},
		{"perhaps-gone", 0, ServFail},
		{"unanswered", 0, NoAnswer},
		{"never-queried", 0, Unknown},
		{"never-queried", 1, NoData},
		{"", 0, Unknown},
	}
	for _, c := range cases {
		a.Empty = c.empty
		if got := a.Status(c.name); got != c.want {
			t.Errorf("Status(%q) with %d empty replies = %q, expected %q", c.name, c.empty, got, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	a := Answer{
		Names: []Name{
			{Name: "both", IPv4: ips("10.0.0.9", "10.0.0.1"), IPv6: ips("fd00::1")},
			{Name: "same", IPv4: ips("10.0.0.1")},
			{Name: "alias", Canonical: "both"},
			{Name: "gone", Failures: []Status{NXDomain}},
		},
		PTR: []PTR{
			{Name: "1.0.0.10.in-addr.arpa", Addr: ip("10.0.0.1"), Target: "both"},
			{Name: "1.0.0.10.in-addr.arpa", Addr: ip("10.0.0.1"), Target: "both"},
			{Name: "1.0.0.10.in-addr.arpa", Addr: ip("10.0.0.1"), Target: "same"},
			{Name: "9.0.0.10.in-addr.arpa", Addr: ip("10.0.0.9"), Target: "both"},
		},
	}
	all := ips("10.0.0.1", "10.0.0.9", "fd00::1")
	if got := a.Addrs(); !slices.Equal(got, all) {
		t.Errorf("Addrs() = %v, expected %v, sorted and each once", got, all)
	}
	if got := a.Names[0].IPv4; !slices.Equal(got, ips("10.0.0.9", "10.0.0.1")) {
		t.Errorf("IPv4 after Addrs() = %v, expected the order of the output untouched", got)
	}
	if got, want := a.Targets(ip("10.0.0.1")), []string{"both", "same"}; !slices.Equal(got, want) {
		t.Errorf("Targets(10.0.0.1) = %q, expected %q", got, want)
	}
	if got := a.Targets(ip("10.0.0.7")); got != nil {
		t.Errorf("Targets(10.0.0.7) = %q, expected none", got)
	}
}

func TestServerIsNeverAnAnswer(t *testing.T) {
	for name, text := range map[string]string{
		"dotted":              "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10\n",
		"with port":           "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n",
		"hash":                "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n",
		"no line between":     "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53",
		"server named twice":  "Server:\t\t10.96.0.11\nAddress:\t10.96.0.11:53\n\nServer:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n",
		"a name for a server": "Server:\t\tkube-dns\nAddress:\t10.96.0.10:53\n",
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Parse(text + "\nName:\tweb-0\nAddress: 10.244.1.5\n\n")
			if err != nil {
				t.Fatal(err)
			}
			if got := a.Addrs(); !slices.Equal(got, ips("10.244.1.5")) {
				t.Errorf("Addrs() = %v, expected the pod's alone", got)
			}
			if len(a.PTR) > 0 {
				t.Errorf("PTR = %+v, expected none", a.PTR)
			}
			if got := a.Server.Addr.Addr(); got != ip("10.96.0.10") {
				t.Errorf("Server = %+v, expected 10.96.0.10", a.Server)
			}
		})
	}
}

func TestServerNotations(t *testing.T) {
	for text, want := range map[string]string{
		"10.96.0.10:53":      "10.96.0.10:53",
		"10.96.0.10#5353":    "10.96.0.10:5353",
		"10.96.0.10":         "10.96.0.10:0",
		"[fd00::a]:53":       "[fd00::a]:53",
		"[fd00::a]":          "[fd00::a]:0",
		"fd00::a":            "[fd00::a]:0",
		"fd00::a#53":         "[fd00::a]:53",
		"[fe80::1%eth0]:53":  "[fe80::1%eth0]:53",
		"10.96.0.10:70000":   "",
		"10.96.0.10#x":       "",
		"kube-dns":           "",
		"10.96.0.10.in-addr": "",
	} {
		got, err := serverAddr(text)
		if want == "" {
			if err == nil {
				t.Errorf("serverAddr(%q) = %v, expected an error", text, got)
			}
			continue
		}
		if err != nil || got != netip.MustParseAddrPort(want) {
			t.Errorf("serverAddr(%q) = %v, %v, expected %s", text, got, err, want)
		}
	}
}

func TestTrimmedOutput(t *testing.T) {
	a, err := Parse("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53")
	if err != nil || a.Empty != 1 || a.Status("web-0") != NoData {
		t.Errorf("a server that replied and nothing else: %+v, %v, expected one empty reply", a, err)
	}
}

func TestErrors(t *testing.T) {
	const server = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n"
	cases := []struct {
		name   string
		output string
		want   []string
	}{
		{"empty", "", []string{"expected the lines of the DNS server", "no output", "check that the command ran"}},
		{"only noise", "command terminated with exit code 126\n", []string{"no output"}},
		{
			"no nslookup", "OCI runtime exec failed: \"nslookup\": not found\n",
			[]string{"line 1", "OCI runtime exec failed", "container whose busybox has nslookup"},
		},
		{"unknown line", server + "web-0 has address 10.244.1.5\n", []string{"line 4", "web-0 has address 10.244.1.5"}},
		{"address without a name", server + "Address: 10.244.1.5\n", []string{"line 4", "the name that the address belongs to", "10.244.1.5"}},
		{"port in an answer", server + "Name:\tweb-0\nAddress: 10.244.1.5:53\n", []string{"line 5", "without a port"}},
		{"cut off", server + "Name:\tweb-0\n", []string{"expected an address", "web-0", "try again"}},
		{"two names in a row", server + "Name:\tweb-0\nName:\tweb-1\nAddress: 10.244.1.5\n", []string{"expected an address", "web-0"}},
		{"no name", server + "Name:\nAddress: 10.244.1.5\n", []string{"line 4", "a name after Name:"}},
		{"no address", server + "Name:\tweb-0\nAddress:\n", []string{"line 5", "one address"}},
		{"server by name", "Server:\t\tkube-dns\nAddress:\tkube-dns\n", []string{"line 2", "the server's IP address", "resolv.conf"}},
		{"half a service", server + "_web._tcp.nginx\tservice = 0 33 80\n", []string{"line 4", "a whole record", "service = 0 33 80"}},
		{"port beyond 65535", server + "_web._tcp.nginx\tservice = 0 33 70000 web-0\n", []string{"a whole record"}},
		{"no reverse name", server + "5.1.244.10.in-addr.arpa\tname = \n", []string{"line 4"}},
		{"bad address in the form of 1.29", server + "web-0\thas AAAA address 10:244\n", []string{"a whole record"}},
		{"failure without a name", server + "** server can't find : NXDOMAIN\n", []string{"line 4", "a name and a failure"}},
		{"failure without reason", server + "** server can't find web-0: \n", []string{"line 4"}},
		{"no record and no failure", "Server:\t\t10.96.0.10\n", []string{"an answer, or why there is none"}},
		{"only a message", "nslookup: write to '10.96.0.12': Connection refused\n", []string{"an answer, or why there is none"}},
		{"long line", strings.Repeat("x", 10_000), []string{"xxx..."}},
		{"many lines", strings.Repeat("x\n", 10_000), []string{"line 1:", "line 5:", "more lines like these follow"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.output)
			if err == nil {
				t.Fatalf("Parse(%q) succeeded, expected an error", c.output)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error is %q, expected it to say %q", err, part)
				}
			}
			if len(err.Error()) > 4_000 {
				t.Errorf("the error is %d bytes long, expected it to stay readable", len(err.Error()))
			}
		})
	}
}

// The C library prints in several forms; none of them may be read as an answer.
func TestOutputOfTheCLibrary(t *testing.T) {
	const server = "Server:    10.96.0.10\nAddress 1: 10.96.0.10 kube-dns.kube-system.svc.cluster.local\n\n"
	for name, output := range map[string]string{
		"addresses":            server + "Name:      nginx\nAddress 1: 10.244.1.5 web-0.nginx\nAddress 2: 10.244.2.7 web-1.nginx\n",
		"no reverse names":     "Server:    10.96.0.10\nAddress 1: 10.96.0.10\n\nName:      nginx\nAddress 1: 10.244.1.5\n",
		"not resolved":         server + "nslookup: can't resolve 'web-9.nginx'\n",
		"verbose":              server + "nslookup: can't resolve 'web-9.nginx': Name or service not known\n",
		"standard error first": "nslookup: can't resolve 'web-9.nginx'\n" + server,
		"only standard output": server,
		"musl, no server":      "nslookup: can't resolve '(null)': Name does not resolve\n\nName:      nginx\nAddress 1: 10.244.1.5 web-0.nginx\n",
		"musl, try again":      "nslookup: can't resolve '(null)': Name does not resolve\nnslookup: can't resolve 'nginx': Try again\n",
		"server not printed":   "Name:      nginx\nAddress 1: 10.244.1.5\n",
		"reverse name":         "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10\n\nName:      nginx\nAddress 1: 10.244.1.5 web-0.nginx\n",
	} {
		t.Run(name, func(t *testing.T) {
			a, err := Parse(output)
			if err == nil || !strings.Contains(err.Error(), "use an image with busybox 1.29 or later") {
				t.Errorf("expected an error that names the busybox to use, found %v", err)
			}
			if !reflect.DeepEqual(a, Answer{}) {
				t.Errorf("expected no answer, found %+v", a)
			}
		})
	}
}

func TestReverseAddr(t *testing.T) {
	for name, want := range map[string]netip.Addr{
		"5.1.244.10.in-addr.arpa":               ip("10.244.1.5"),
		"5.1.244.10.x.in-addr.arpa":             {},
		"1.244.10.in-addr.arpa":                 {},
		"37.32-27.191.10.in-addr.arpa":          {},
		"a.b.ip6.arpa":                          {},
		"web-0.nginx":                           {},
		strings.Repeat("0.", 31) + "g.ip6.arpa": {},
		"1" + strings.Repeat(".0", 23) + ".8.b.d.0.1.0.0.2.ip6.arpa":              ip("2001:db8::1"),
		"1111" + strings.Repeat(".0", 23) + ".8.b.d.0.1.0.0.2.ip6.arpa":           {},
		"1" + strings.Repeat(".0", 23) + ".8.b.d.0.1.0.0.2.ip6.arpa.in-addr.arpa": {},
	} {
		if got := reverseAddr(name); got != want {
			t.Errorf("reverseAddr(%q) = %v, expected %v", name, got, want)
		}
	}
}

func TestReverseName(t *testing.T) {
	for addr, want := range map[string]string{
		"10.244.1.5":  "5.1.244.10.in-addr.arpa.",
		"2001:db8::1": "1" + strings.Repeat(".0", 23) + ".8.b.d.0.1.0.0.2.ip6.arpa.",
	} {
		name := ReverseName(ip(addr))
		if name != want {
			t.Errorf("ReverseName(%s) = %q, expected %q", addr, name, want)
		}
		if back := reverseAddr(normal(name)); back != ip(addr) {
			t.Errorf("reverseAddr(%q) = %v, expected %s", name, back, addr)
		}
	}
}
