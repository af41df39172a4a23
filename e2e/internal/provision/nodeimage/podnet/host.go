//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
)

// protocol marks our routes in the kernel's table, so that those of nodes which are gone can be told from everybody else's.
const protocol = 77

// chain holds the masquerading rules.
const chain = "PODNET-MASQUERADE"

// host is the node that podnet runs on.
type host struct {
	config string
}

func newHost(config string) *host { return &host{config: config} }

// apply makes the node's network what the plan says.
func (h *host) apply(ctx context.Context, p plan) error {
	if len(p.own) == 0 {
		slog.Info("the node has no pod range yet")
		return nil
	}
	// The configuration comes last: from then on pods are started, and they need the rest.
	return errors.Join(applyRoutes(p.routes), h.masquerade(ctx, p), h.write(p.own))
}

func applyRoutes(routes []route) error {
	var failed []error
	wanted := map[netip.Prefix]bool{}
	for _, r := range routes {
		wanted[r.to] = true
		if err := netlink.RouteReplace(&netlink.Route{Dst: network(r.to), Gw: r.via.AsSlice(), Protocol: protocol}); err != nil {
			failed = append(failed, fmt.Errorf("route to %s via %s: %w", r.to, r.via, err))
		}
	}
	present, err := netlink.RouteListFiltered(netlink.FAMILY_ALL, &netlink.Route{Protocol: protocol}, netlink.RT_FILTER_PROTOCOL)
	if err != nil {
		return errors.Join(append(failed, err)...)
	}
	for _, found := range present {
		if found.Dst == nil || wanted[prefixOf(found.Dst)] {
			continue
		}
		if err := netlink.RouteDel(&found); err != nil {
			failed = append(failed, fmt.Errorf("removing the route to %s: %w", found.Dst, err))
		}
	}
	return errors.Join(failed...)
}

func network(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func prefixOf(n *net.IPNet) netip.Prefix {
	addr, _ := netip.AddrFromSlice(n.IP)
	bits, _ := n.Mask.Size()
	return netip.PrefixFrom(addr.Unmap(), bits)
}

// masquerade hides a pod's address from everything outside the pod network, which knows no way back to it.
func (h *host) masquerade(ctx context.Context, p plan) error {
	var failed []error
	for _, own := range p.own {
		program := "ip6tables"
		if own.Addr().Is4() {
			program = "iptables"
		}
		failed = append(failed,
			execute(ctx, masqueradeRules(p.ranges(own.Addr().Is4())), program+"-restore", "--wait", "--noflush"),
			ensureRule(ctx, program, "POSTROUTING", "--source", own.String(), "--jump", chain),
		)
	}
	return errors.Join(failed...)
}

// masqueradeRules is the input of iptables-restore that replaces the chain in one go.
func masqueradeRules(ranges []netip.Prefix) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*nat\n:%s - [0:0]\n", chain)
	for _, r := range ranges {
		fmt.Fprintf(&b, "-A %s --destination %s --jump RETURN\n", chain, r)
	}
	fmt.Fprintf(&b, "-A %s --jump MASQUERADE\nCOMMIT\n", chain)
	return b.String()
}

func ensureRule(ctx context.Context, program, in string, rule ...string) error {
	if execute(ctx, "", program, append([]string{"--wait", "--table", "nat", "--check", in}, rule...)...) == nil {
		return nil
	}
	return execute(ctx, "", program, append([]string{"--wait", "--table", "nat", "--append", in}, rule...)...)
}

func execute(ctx context.Context, input, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", program, strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

// write puts the CNI configuration in place in one go: the container runtime reads it as soon as it is there.
func (h *host) write(own []netip.Prefix) error {
	text, err := conflist(own)
	if err != nil {
		return err
	}
	if present, err := os.ReadFile(h.config); err == nil && bytes.Equal(present, text) {
		return nil
	}
	partial := filepath.Join(filepath.Dir(h.config), ".podnet")
	if err := os.WriteFile(partial, text, 0o644); err != nil {
		return err
	}
	return os.Rename(partial, h.config)
}
