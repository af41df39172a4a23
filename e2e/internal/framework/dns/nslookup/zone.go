package nslookup

import "strings"

// Zone returns the cluster's DNS zone, such as "cluster.local", from a pod's /etc/resolv.conf: the kubelet puts the search domain
// "<namespace>.svc.<zone>" there. found is false where there is none.
func Zone(resolvConf, namespace string) (zone string, found bool) {
	for line := range strings.Lines(resolvConf) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] != "search" {
			continue
		}
		for _, domain := range words[1:] {
			if zone, found := strings.CutPrefix(strings.TrimSuffix(domain, "."), namespace+".svc."); found {
				return zone, true
			}
		}
	}
	return "", false
}
