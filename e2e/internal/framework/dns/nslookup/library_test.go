package nslookup

import "net/netip"

// library is the form of busybox up to 1.28, where the C library resolves.
func library() map[string]expectation {
	pod := func(asked string) expectation { return resolved(asked, reverse("10.244.1.5", web0)) }
	podFrom := func(server string) expectation {
		e := pod(web0)
		e.answer.Server = Server{Name: server, Addr: netip.AddrPortFrom(ip(server), 0)}
		return e
	}
	failedAt := func(server string) expectation {
		e := unresolved(web0, Unresolved)
		e.answer.Server = Server{Name: server, Addr: netip.AddrPortFrom(ip(server), 0)}
		return e
	}
	usage := expectation{err: []string{"line 3", "Usage: nslookup HOST [DNS_SERVER]", "correct the arguments"}}
	service := []PTR{reverse("10.244.1.5", web0), reverse("10.244.2.7", web1), reverse("10.244.1.9", web2)}

	noName := resolved("10.244.9.9")
	noName.answer.Names = []Name{{Name: "10.244.9.9"}}

	dual := resolved("dual."+host, reverse("10.244.1.5", web0), reverse("10.244.2.7", web1))
	dual.answer.Names[0].IPv6 = ips("fd00:10:244::5", "fd00:10:244::7")
	dual.answer.PTR = append([]PTR{reverse("fd00:10:244::5", web0)}, dual.answer.PTR...)

	alias := resolved("outside." + host)
	alias.answer.Names = []Name{{Name: "outside." + host, IPv4: ips("192.0.2.53")}}

	asked := func(address string, target PTR) expectation {
		e := resolved(address, target)
		e.answer.Names = []Name{{Name: address}}
		return e
	}
	return map[string]expectation{
		"service":                   resolved(set, service...),
		"short-name":                resolved("nginx", service...),
		"service-dual-stack":        dual,
		"service-ipv6-only":         resolved("six."+host, reverse("fd00:10:244::5", web0)),
		"pod":                       pod(web0),
		"without-trailing-dot":      pod(web0),
		"capitals":                  pod(web0),
		"server-given":              pod(web0),
		"short-name-with-dot":       pod("web-0.nginx"),
		"one-unanswered":            pod("half." + host),
		"not-authoritative":         pod("cached." + host),
		"duplicates":                pod("twice." + host),
		"second-server":             podFrom("10.96.0.11"),
		"server-ipv6":               podFrom("fd00:10:96::a"),
		"server-ipv6-given":         podFrom("fd00:10:96::a"),
		"timeout":                   failedAt("10.96.0.11"),
		"closed-port":               failedAt("10.96.0.12"),
		"unreachable":               failedAt("203.0.113.1"),
		"alias":                     alias,
		"reverse":                   asked("10.244.1.5", reverse("10.244.1.5", web0)),
		"reverse-two-names":         asked("10.244.2.7", reverse("10.244.2.7", web1)),
		"reverse-ipv6":              asked("fd00:10:244::5", reverse("fd00:10:244::5", web0)),
		"reverse-gone":              noName,
		"pod-gone":                  unresolved(web9, Unresolved),
		"short-name-gone":           unresolved("nothing", Unresolved),
		"no-data":                   unresolved("empty."+host, Unresolved),
		"not-authoritative-no-data": unresolved("cached-empty."+host, Unresolved),
		"servfail":                  unresolved("fails."+host, Unresolved),
		"refused":                   unresolved("refused."+host, Unresolved),
		"bad-server":                {err: []string{"bad address 'no-such-server'"}},
		"no-arguments":              usage,
		"type-a":                    usage,
	}
}

func libraryVerbose() map[string]expectation {
	timeout := unresolved(web0, TryAgain)
	timeout.answer.Server = Server{Name: "10.96.0.11", Addr: netip.AddrPortFrom(ip("10.96.0.11"), 0)}
	return map[string]expectation{
		"service":         library()["service"],
		"pod-gone":        unresolved(web9, Unresolved),
		"short-name-gone": unresolved("nothing", Unresolved),
		"no-data":         unresolved("empty."+host, NoData),
		"servfail":        unresolved("fails."+host, TryAgain),
		"refused":         unresolved("refused."+host, TryAgain),
		"timeout":         timeout,
	}
}

func published128() map[string]expectation {
	withoutServer := resolved("nginx", reverse("10.244.1.5", web0))
	withoutServer.answer.Server = Server{}
	tryAgain := unresolved("nginx", TryAgain)
	tryAgain.answer.Server = Server{}

	hosts := resolved("nginx", reverse("10.244.1.5", "web-0"))
	hosts.answer.Names[0].IPv4 = ips("10.244.1.5", "10.244.2.7")

	return map[string]expectation{
		"service":                library()["service"],
		"pod-gone":               unresolved("web-9.nginx", Unresolved),
		"standard-error-first":   unresolved("web-9.nginx", Unresolved),
		"own-name-from-hosts":    hosts,
		"musl-without-server":    withoutServer,
		"musl-try-again":         tryAgain,
		"without-standard-error": {err: []string{"nothing after the lines of the server", "capture standard error as well"}},
	}
}

func published129() map[string]expectation {
	return map[string]expectation{
		"numbered": answered(Answer{Names: []Name{{Name: web0, IPv4: ips("10.244.1.5"), Failures: []Status{NoAnswer}}}}),
		"no-answer": answered(Answer{Empty: 1, Names: []Name{
			{Name: web0, Failures: []Status{NoAnswer}},
		}}),
		"type-aaaa": answered(Answer{Names: []Name{{Name: "six." + host, IPv6: ips("fd00:10:244::5")}}}),
	}
}

// resolved is what the C library finds for a name: addresses, each with a reverse name.
func resolved(asked string, reverses ...PTR) expectation {
	name := Name{Name: asked}
	for _, r := range reverses {
		if r.Addr.Is4() {
			name.IPv4 = append(name.IPv4, r.Addr)
		} else {
			name.IPv6 = append(name.IPv6, r.Addr)
		}
	}
	return expectation{answer: Answer{
		Server:      Server{Name: "10.96.0.10", Addr: netip.AddrPortFrom(ip("10.96.0.10"), 0)},
		FromLibrary: true,
		Names:       []Name{name},
		PTR:         reverses,
	}}
}

func unresolved(asked string, status Status) expectation {
	e := resolved(asked)
	e.answer.Names[0].Failures = []Status{status}
	return e
}

func reverse(addr, target string) PTR { return PTR{Addr: ip(addr), Target: target} }
