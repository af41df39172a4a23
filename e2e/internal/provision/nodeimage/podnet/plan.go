//go:build linux

package main

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// plan is what one node's network has to look like.
type plan struct {
	own    []netip.Prefix // the node's own pod ranges
	routes []route        // one for each pod range of each other node
}

// route leads to another node's pods through that node's address.
type route struct {
	to  netip.Prefix
	via netip.Addr
}

// planFor derives a node's plan from all nodes. A node without a pod range or an address of the same family is left out until it has
// them.
func planFor(name string, nodes []*corev1.Node) plan {
	var p plan
	for _, node := range nodes {
		ranges := podRanges(node)
		if node.Name == name {
			p.own = ranges
			continue
		}
		for _, to := range ranges {
			if via, ok := address(node, to.Addr().Is4()); ok {
				p.routes = append(p.routes, route{to: to, via: via})
			}
		}
	}
	slices.SortFunc(p.routes, func(a, b route) int { return cmp.Compare(a.to.String(), b.to.String()) })
	return p
}

// ranges are all known pod ranges of a family, own and others'.
func (p plan) ranges(v4 bool) []netip.Prefix {
	var all []netip.Prefix
	for _, own := range p.own {
		if own.Addr().Is4() == v4 {
			all = append(all, own)
		}
	}
	for _, r := range p.routes {
		if r.to.Addr().Is4() == v4 {
			all = append(all, r.to)
		}
	}
	return all
}

func podRanges(node *corev1.Node) []netip.Prefix {
	texts := node.Spec.PodCIDRs
	if len(texts) == 0 && node.Spec.PodCIDR != "" {
		texts = []string{node.Spec.PodCIDR}
	}
	var ranges []netip.Prefix
	for _, text := range texts {
		if prefix, err := netip.ParsePrefix(text); err == nil {
			ranges = append(ranges, prefix.Masked())
		}
	}
	return ranges
}

func address(node *corev1.Node, v4 bool) (netip.Addr, bool) {
	for _, candidate := range node.Status.Addresses {
		if candidate.Type != corev1.NodeInternalIP {
			continue
		}
		if addr, err := netip.ParseAddr(candidate.Address); err == nil && addr.Is4() == v4 {
			return addr, true
		}
	}
	return netip.Addr{}, false
}

// sameNetwork reports whether two versions of a node lead to the same plan.
func sameNetwork(a, b *corev1.Node) bool {
	return slices.Equal(podRanges(a), podRanges(b)) && slices.Equal(a.Status.Addresses, b.Status.Addresses)
}
