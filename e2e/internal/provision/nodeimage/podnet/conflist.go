//go:build linux

package main

import (
	"encoding/json"
	"net/netip"
)

// conflist renders the CNI configuration for a node's own pod ranges: a veth pair per pod, addresses from the ranges. No
// pod of the suite asks for a port of its node (hostPort), and what maps those costs every pod some calls of iptables.
func conflist(own []netip.Prefix) ([]byte, error) {
	type object map[string]any
	var ranges [][]object
	var routes []object
	for _, prefix := range own {
		ranges = append(ranges, []object{{"subnet": prefix.String()}})
		everywhere := "::/0"
		if prefix.Addr().Is4() {
			everywhere = "0.0.0.0/0"
		}
		routes = append(routes, object{"dst": everywhere})
	}
	return json.MarshalIndent(object{
		"cniVersion": "0.4.0",
		"name":       "podnet",
		"plugins": []object{
			{
				"type": "ptp",
				// podnet masquerades by itself: the plugin would hide a pod's address from the pods of other nodes as well.
				"ipMasq": false,
				"ipam": object{
					"type": "host-local",
					// The addresses in use are of no use after a reboot of the node.
					"dataDir": "/run/cni-ipam-state",
					"ranges":  ranges,
					"routes":  routes,
				},
			},
		},
	}, "", "  ")
}
