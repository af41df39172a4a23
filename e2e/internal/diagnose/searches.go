package diagnose

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// noSearches is a template whose pods ask the cluster's DNS and append nothing to short names: only names with the zone resolve.
func (v *view) noSearches(pods []Finding) *Finding {
	spec := &v.set.Spec.Template.Spec
	if spec.DNSPolicy != corev1.DNSNone || spec.DNSConfig == nil || len(spec.DNSConfig.Searches) > 0 || !slices.ContainsFunc(spec.DNSConfig.Nameservers, v.clustersDNS) {
		return nil
	}
	short := slices.DeleteFunc(slices.Clone(v.s.Names), func(name string) bool { return zoneIn(name) != "" })
	if len(short) == 0 && (len(v.s.Names) > 0 || !slices.ContainsFunc(pods, unresolved)) {
		return nil // Whether its programs need short names is not known.
	}
	f := &Finding{
		Cause: "dns-searches", Area: DNS, Object: v.setRef(), What: "has dnsPolicy None and a dnsConfig without searches, so that nothing is appended to short names: its pods resolve only names with the cluster's zone",
		Seen: "pods look short names of the cluster up as they are",
		Evidence: []Evidence{
			{v.setRef(), "spec.template.spec.dnsPolicy", string(spec.DNSPolicy)}, {v.setRef(), "spec.template.spec.dnsConfig.searches", ""},
		},
		Why: "/etc/resolv.conf in these pods is what dnsConfig says, and no more",
		Do: []string{
			"set dnsPolicy: ClusterFirst in the set's template and keep in dnsConfig what is to be added",
			fmt.Sprintf("or name %s.svc.%s in dnsConfig.searches, and set ndots to 5 in its options", v.s.Namespace, firstOf(v.clusterZone(), "ZONE")),
		},
		Look: []string{kubectl(v.setRef(), "exec %s -- cat /etc/resolv.conf", v.podName(v.start()))},
	}
	if len(short) > 0 {
		f.Evidence = append(f.Evidence, Evidence{v.setRef(), "spec.template, names of the cluster", strings.Join(short, ", ")})
	}
	return f
}

// noServiceName is a set without a service whose pods' names something looks up: only a set with serviceName gives its pods names in DNS.
func (v *view) noServiceName(pods []Finding) *Finding {
	if v.set.Spec.ServiceName != "" {
		return nil
	}
	var wanted string
	for _, name := range v.s.Names {
		if a, ok := parts(name); ok && a.pod != "" && v.ownPod(a.pod) {
			wanted = name
		}
	}
	own := regexp.MustCompile(`\b` + regexp.QuoteMeta(v.set.Name) + `-[0-9]+\.[a-z][a-z0-9.-]*[a-z0-9]`)
	for _, f := range pods {
		if wanted != "" || !mayAskNames(f) || !unresolved(f) {
			continue
		}
		for _, e := range f.Evidence {
			wanted = firstOf(wanted, own.FindString(e.Value))
		}
	}
	if wanted == "" {
		return nil
	}
	f := &Finding{
		Cause: "no-service-name", Area: DNS, Object: v.setRef(), What: "has no serviceName, so that its pods have no names in DNS, and " + wanted + " is looked up",
		Seen:     "no name of a single pod can be resolved",
		Evidence: []Evidence{{v.setRef(), "spec.serviceName", ""}},
		Why:      "a pod has a name below a service only if its subdomain is that service, and a set takes it from serviceName",
		Do:       []string{"create the set anew (--cascade=orphan keeps its pods) with the name of a headless service in serviceName, which cannot be changed; pods get the names when they are made anew"},
		Look:     []string{kubectl(v.setRef(), "get services")},
	}
	if other := v.likelyService(); other != "" {
		f.Do[0] = strings.Replace(f.Do[0], "the name of a headless service in serviceName", "serviceName "+other, 1)
		f.Evidence = append(f.Evidence, Evidence{v.ref("service", other), "spec.selector", "matches the set's pods"})
	}
	return f
}
