package nslookup

import (
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	set  = "nginx.sts.svc.cluster.local"
	web0 = "web-0." + set
	web1 = "web-1." + set
	web2 = "web-2." + set
	web9 = "web-9." + set
	host = "sts.svc.cluster.local"
	arpa = ".in-addr.arpa"
)

// expectation is the answer of one captured output, or the texts that its error contains.
type expectation struct {
	answer Answer
	err    []string
}

// TestCaptures fails for a file without an expectation, and for an expectation without a file.
func TestCaptures(t *testing.T) {
	for folder, expected := range captures() {
		t.Run(folder, func(t *testing.T) {
			files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
			if err != nil || len(files) == 0 {
				t.Fatalf("found %d files (error: %v), expected captured outputs", len(files), err)
			}
			for _, file := range files {
				name := strings.TrimSuffix(filepath.Base(file), ".txt")
				want, known := expected[name]
				if !known {
					t.Errorf("%s has no expected answer: add it to captures", file)
					continue
				}
				delete(expected, name)
				t.Run(name, func(t *testing.T) { check(t, file, want) })
			}
			for _, name := range slices.Sorted(maps.Keys(expected)) {
				t.Errorf("no file %s.txt for the expected answer: remove it, or add the file", name)
			}
		})
	}
	folders, err := filepath.Glob("testdata/*/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := captures()
	for _, file := range folders {
		if _, found := known[filepath.Base(filepath.Dir(file))]; !found {
			t.Errorf("%s is in a folder without expected answers: add it to captures", file)
		}
	}
}

func check(t *testing.T, file string, want expectation) {
	t.Helper()
	output, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string]string{
		"as captured":           string(output),
		"with carriage returns": strings.ReplaceAll(string(output), "\n", "\r\n"),
	} {
		got, err := Parse(text)
		if len(want.err) > 0 {
			for _, part := range want.err {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%s: error is %v, expected it to say %q", form, err, part)
				}
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", form, err)
		}
		if !reflect.DeepEqual(got, want.answer) {
			t.Errorf("%s:\n got %+v\nwant %+v\noutput:\n%s", form, got, want.answer, text)
		}
	}
}

func captures() map[string]map[string]expectation {
	v130 := ownResolver()
	// 1.30 has no SRV questions, and Debian's static build crashes before it prints anything if the server is a name.
	noSRV := expectation{err: []string{"line 1", `invalid query type \"srv\"`, "busybox 1.31 or later"}}
	v130["srv"], v130["srv-gone"] = noSRV, noSRV
	v130["bad-server"] = expectation{err: []string{"no output", "check that the command ran"}}

	own := ownResolver()
	return map[string]map[string]expectation{
		"1.30.1": v130,
		"1.35.0": ownResolver(),
		"1.37.0": ownResolver(),
		"1.38.0": ownResolver(),
		"unverified-1.29": {
			"numbered":  answered(Answer{Names: []Name{{Name: web0, IPv4: ips("10.244.1.5"), Failures: []Status{NoAnswer}}}}),
			"no-answer": answered(Answer{Empty: 1, Names: []Name{{Name: web0, Failures: []Status{NoAnswer}}}}),
			"type-aaaa": answered(Answer{Names: []Name{{Name: "six." + host, IPv6: ips("fd00:10:244::5")}}}),
		},
		"unverified-1.31": {
			"pod": answered(Answer{Names: []Name{{Name: web0, IPv4: ips("10.244.1.5"), Failures: []Status{NoAnswer}}}}),
			"pod-gone": answered(Answer{Names: []Name{
				{Name: "web-9.nginx", Failures: []Status{NXDomain, NoAnswer}},
			}}),
		},
		"unverified-1.36": {
			"service": own["service"], "short-name": own["short-name"], "srv": own["srv"], "no-data": own["no-data"],
		},
	}
}

// ownResolver is the form of 1.30 and later.
func ownResolver() map[string]expectation {
	pod := answered(Answer{Names: []Name{{Name: web0, IPv4: ips("10.244.1.5")}}, Empty: 1})
	podFromIPv6 := pod
	podFromIPv6.answer.Server = Server{Name: "fd00:10:96::a", Addr: netip.MustParseAddrPort("[fd00:10:96::a]:53")}
	podFromNamedIPv6 := podFromIPv6
	podFromNamedIPv6.answer.Server.Name = "[fd00:10:96::a]:53"
	failed := func(name string, status Status) expectation {
		return answered(Answer{Names: []Name{{Name: name, Failures: []Status{status}}}})
	}
	return map[string]expectation{
		"service": answered(Answer{Names: []Name{{Name: set, IPv4: ips("10.244.1.5", "10.244.2.7", "10.244.1.9")}}, Empty: 1}),
		"service-dual-stack": answered(Answer{Names: []Name{{
			Name: "dual." + host, IPv4: ips("10.244.1.5", "10.244.2.7"), IPv6: ips("fd00:10:244::5", "fd00:10:244::7"),
		}}}),
		"service-ipv6-only":    answered(Answer{Names: []Name{{Name: "six." + host, IPv6: ips("fd00:10:244::5")}}, Empty: 1}),
		"pod":                  pod,
		"without-trailing-dot": pod,
		"capitals":             pod,
		"second-server":        pod,
		"server-given":         pod,
		"debug":                pod,
		"server-ipv6":          podFromIPv6,
		"server-ipv6-given":    podFromNamedIPv6,
		"type-a":               answered(Answer{Names: pod.answer.Names}),
		"type-aaaa-no-data":    answered(Answer{Empty: 1}),
		"no-data":              answered(Answer{Empty: 2}),
		"pod-gone":             failed(web9, NXDomain),
		"short-name-with-dot":  failed("web-0.nginx", NXDomain),
		"srv-gone":             failed("_none._tcp."+set, NXDomain),
		"reverse-gone":         failed("9.9.244.10"+arpa, NXDomain),
		"servfail":             failed("fails."+host, ServFail),
		"refused":              failed("refused."+host, Refused),
		"too-long":             failed("huge."+host, BadReply),
		"short-name": answered(Answer{Empty: 1, Names: []Name{
			{Name: set, IPv4: ips("10.244.1.5", "10.244.2.7", "10.244.1.9")},
			{Name: "nginx.svc.cluster.local", Failures: []Status{NXDomain}},
			{Name: "nginx.cluster.local", Failures: []Status{NXDomain}},
		}}),
		"short-name-gone": answered(Answer{Names: []Name{
			{Name: "nothing.sts.svc.cluster.local", Failures: []Status{NXDomain}},
			{Name: "nothing.svc.cluster.local", Failures: []Status{NXDomain}},
			{Name: "nothing.cluster.local", Failures: []Status{NXDomain}},
		}}),
		"srv": answered(Answer{SRV: []SRV{
			{Name: "_web._tcp." + set, Weight: 33, Port: 80, Target: web0},
			{Name: "_web._tcp." + set, Weight: 33, Port: 80, Target: web1},
			{Name: "_web._tcp." + set, Weight: 33, Port: 80, Target: web2},
		}}),
		"reverse": answered(Answer{PTR: []PTR{{Name: "5.1.244.10" + arpa, Addr: ip("10.244.1.5"), Target: web0}}}),
		"reverse-two-names": answered(Answer{PTR: []PTR{
			{Name: "7.2.244.10" + arpa, Addr: ip("10.244.2.7"), Target: web1},
			{Name: "7.2.244.10" + arpa, Addr: ip("10.244.2.7"), Target: "10-244-2-7.other." + host},
		}}),
		"reverse-ipv6": answered(Answer{PTR: []PTR{{
			Name: "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.1.0.0.0.0.d.f.ip6.arpa",
			Addr: ip("fd00:10:244::5"), Target: web0,
		}}}),
		"alias": answered(Answer{Names: []Name{
			{Name: "outside." + host, Canonical: "www.example.com"},
			{Name: "www.example.com", IPv4: ips("192.0.2.53")},
		}}),
		"one-unanswered": answered(Answer{Names: []Name{
			{Name: "half." + host, IPv4: ips("10.244.1.5"), Failures: []Status{NoAnswer}},
		}}),
		"not-authoritative":         answered(Answer{Names: []Name{{Name: "cached." + host, IPv4: ips("10.244.1.5")}}, Empty: 1}),
		"not-authoritative-no-data": answered(Answer{Empty: 2}),
		"duplicates":                answered(Answer{Names: []Name{{Name: "twice." + host, IPv4: ips("10.244.1.5")}}, Empty: 1}),
		"truncated":                 answered(Answer{Names: []Name{{Name: "many." + host, IPv4: numbered("10.244.3.", 20)}}}),
		"soa":                       answered(Answer{}),
		"timeout":                   {answer: Answer{Timeout: true}},
		"closed-port":               {answer: Answer{Timeout: true}},
		"unreachable":               {answer: Answer{Timeout: true}},
		"bad-server":                {err: []string{"line 1", "bad address 'no-such-server'", "by its IP address"}},
		"no-arguments":              {err: []string{"line 3", "Usage: nslookup", "correct the arguments"}},
	}
}

// answered adds the server of most captures.
func answered(a Answer) expectation {
	a.Server = Server{Name: "10.96.0.10", Addr: netip.MustParseAddrPort("10.96.0.10:53")}
	return expectation{answer: a}
}

func ip(text string) netip.Addr { return netip.MustParseAddr(text) }

func ips(texts ...string) []netip.Addr {
	var addrs []netip.Addr
	for _, text := range texts {
		addrs = append(addrs, ip(text))
	}
	return addrs
}

func numbered(prefix string, count int) []netip.Addr {
	var addrs []netip.Addr
	for i := range count {
		addrs = append(addrs, ip(prefix+strconv.Itoa(i+1)))
	}
	return addrs
}
