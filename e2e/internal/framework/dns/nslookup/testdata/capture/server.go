package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// serve answers questions over UDP until the process ends.
func serve(addrs ...string) error {
	for _, a := range addrs {
		conn, err := net.ListenPacket("udp", net.JoinHostPort(a, "53"))
		if err != nil {
			return err
		}
		go func() {
			buffer := make([]byte, 4096)
			for {
				n, from, err := conn.ReadFrom(buffer)
				if err != nil {
					fmt.Fprintln(os.Stderr, "capture: reading a question:", err)
					return
				}
				reply, err := answer(buffer[:n])
				if err != nil {
					fmt.Fprintln(os.Stderr, "capture: answering:", err)
					continue
				}
				if reply != nil {
					_, _ = conn.WriteTo(reply, from)
				}
			}
		}()
	}
	return nil
}

// swallow takes questions and never answers.
func swallow(addr string) error {
	conn, err := net.ListenPacket("udp", net.JoinHostPort(addr, "53"))
	if err != nil {
		return err
	}
	go func() {
		buffer := make([]byte, 4096)
		for {
			if _, _, err := conn.ReadFrom(buffer); err != nil {
				return
			}
		}
	}()
	return nil
}

// answer builds the reply to one question, or nil for none.
func answer(packet []byte) ([]byte, error) {
	var question dnsmessage.Message
	if err := question.Unpack(packet); err != nil {
		return nil, err
	}
	if len(question.Questions) != 1 {
		return nil, fmt.Errorf("%d questions in a packet, expected 1", len(question.Questions))
	}
	q := question.Questions[0]
	reply := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: question.ID, Response: true, RecursionDesired: question.RecursionDesired,
			RecursionAvailable: true, Authoritative: true,
		},
		Questions: question.Questions,
	}
	name := strings.ToLower(q.Name.String())
	switch strings.Split(name, ".")[0] {
	case "fails":
		reply.RCode = dnsmessage.RCodeServerFailure
		return reply.Pack()
	case "refused":
		reply.RCode = dnsmessage.RCodeRefused
		return reply.Pack()
	case "half":
		if q.Type == dnsmessage.TypeAAAA {
			return nil, nil
		}
	case "cached", "cached-empty":
		reply.Authoritative = false
	case "many":
		reply.Truncated = true
	}
	bodies, exists := records(name)
	if !exists {
		reply.RCode = dnsmessage.RCodeNameError
	}
	for _, body := range bodies {
		owner := q.Name
		switch body := body.(type) {
		case *dnsmessage.AResource:
			if q.Type != dnsmessage.TypeA {
				continue
			}
		case *dnsmessage.AAAAResource:
			if q.Type != dnsmessage.TypeAAAA {
				continue
			}
		case *dnsmessage.SRVResource:
			if q.Type != dnsmessage.TypeSRV {
				continue
			}
		case *dnsmessage.PTRResource:
			if q.Type != dnsmessage.TypePTR {
				continue
			}
		case *dnsmessage.SOAResource:
			if q.Type != dnsmessage.TypeSOA {
				continue
			}
		case *dnsmessage.CNAMEResource:
			reply.Answers = append(reply.Answers, resource(owner, body))
			if q.Type == dnsmessage.TypeA {
				reply.Answers = append(reply.Answers, resource(body.CNAME, a("192.0.2.53")))
			}
			continue
		}
		reply.Answers = append(reply.Answers, resource(owner, body))
	}
	if len(reply.Answers) == 0 {
		reply.Authorities = []dnsmessage.Resource{resource(dnsmessage.MustNewName("cluster.local."), soa())}
	}
	return reply.Pack()
}

func resource(owner dnsmessage.Name, body dnsmessage.ResourceBody) dnsmessage.Resource {
	return dnsmessage.Resource{
		Header: dnsmessage.ResourceHeader{Name: owner, Class: dnsmessage.ClassINET, TTL: 5},
		Body:   body,
	}
}

// records is the zone: what there is under a name, and whether the name exists.
func records(name string) ([]dnsmessage.ResourceBody, bool) {
	const set = "nginx.sts.svc.cluster.local."
	addrs := map[string][]string{
		set:                                       {"10.244.1.5", "10.244.2.7", "10.244.1.9"},
		"web-0." + set:                            {"10.244.1.5"},
		"web-1." + set:                            {"10.244.2.7"},
		"web-2." + set:                            {"10.244.1.9"},
		"dual.sts.svc.cluster.local.":             {"10.244.1.5", "10.244.2.7", "fd00:10:244::5", "fd00:10:244::7"},
		"six.sts.svc.cluster.local.":              {"fd00:10:244::5"},
		"half.sts.svc.cluster.local.":             {"10.244.1.5"},
		"cached.sts.svc.cluster.local.":           {"10.244.1.5"},
		"twice.sts.svc.cluster.local.":            {"10.244.1.5", "10.244.1.5"},
		"many.sts.svc.cluster.local.":             numbered(20),
		"huge.sts.svc.cluster.local.":             numbered(60),
		"kube-dns.kube-system.svc.cluster.local.": {dnsIPv4},
	}
	if list, found := addrs[name]; found {
		var bodies []dnsmessage.ResourceBody
		for _, text := range list {
			bodies = append(bodies, a(text))
		}
		return bodies, true
	}
	targets := map[string][]string{
		"5.1.244.10.in-addr.arpa.": {"web-0." + set},
		"7.2.244.10.in-addr.arpa.": {"web-1." + set, "10-244-2-7.other.sts.svc.cluster.local."},
		"9.1.244.10.in-addr.arpa.": {"web-2." + set},
		"10.0.96.10.in-addr.arpa.": {"kube-dns.kube-system.svc.cluster.local."},
		"5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.4.4.2.0.0.1.0.0.0.0.d.f.ip6.arpa.": {"web-0." + set},
	}
	if list, found := targets[name]; found {
		var bodies []dnsmessage.ResourceBody
		for _, text := range list {
			bodies = append(bodies, &dnsmessage.PTRResource{PTR: dnsmessage.MustNewName(text)})
		}
		return bodies, true
	}
	switch name {
	case "_web._tcp." + set:
		var bodies []dnsmessage.ResourceBody
		for _, pod := range []string{"web-0.", "web-1.", "web-2."} {
			bodies = append(bodies, &dnsmessage.SRVResource{Weight: 33, Port: 80, Target: dnsmessage.MustNewName(pod + set)})
		}
		return bodies, true
	case "outside.sts.svc.cluster.local.":
		return []dnsmessage.ResourceBody{&dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("www.example.com.")}}, true
	case "cluster.local.":
		return []dnsmessage.ResourceBody{soa()}, true
	case "empty.sts.svc.cluster.local.", "cached-empty.sts.svc.cluster.local.":
		return nil, true
	}
	return nil, false
}

func numbered(count int) []string {
	var list []string
	for i := range count {
		list = append(list, fmt.Sprintf("10.244.3.%d", i+1))
	}
	return list
}

func a(text string) dnsmessage.ResourceBody {
	addr := netip.MustParseAddr(text)
	if addr.Is4() {
		return &dnsmessage.AResource{A: addr.As4()}
	}
	return &dnsmessage.AAAAResource{AAAA: addr.As16()}
}

func soa() dnsmessage.ResourceBody {
	return &dnsmessage.SOAResource{
		NS: dnsmessage.MustNewName("ns.dns.cluster.local."), MBox: dnsmessage.MustNewName("hostmaster.cluster.local."),
		Serial: 1, Refresh: 7200, Retry: 1800, Expire: 86400, MinTTL: 5,
	}
}
