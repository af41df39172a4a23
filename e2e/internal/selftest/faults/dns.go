package faults

import "github.com/hero-academy/statefulset-conformance/e2e/internal/contract"

// selected is where the endpoint slice controller has found the pods of a service.
const selected = "pods, err := c.podLister.Pods(service.Namespace).List(podLabelSelector)\n"

// serving changes what the controller takes the service for, under a condition.
func serving(fault, change string) []Edit {
	return []Edit{{endpoints, selected, "\tif planted.In(\"" + fault + "\") && service.Namespace != \"kube-system\" && service.Namespace != \"default\" {\n" +
		"\t\tservice = service.DeepCopy()\n\t\t" + change + "\n\t}\n"}}
}

func dns() []Fault {
	return []Fault{{
		Name: "subdomain-missing", Kind: Obvious, Breaks: []contract.ID{contract.DNSPodRecord, contract.DNSFromMember, contract.DNSFollows, contract.DNSSRV, contract.DNSReverse},
		Harm:  "No member can be found by its name.",
		Edits: named(`planted.In("subdomain-missing")`, `pod.Spec.Subdomain = ""`),
	}, {
		Name: "subdomain-of-last-missing", Kind: Subtle, Breaks: []contract.ID{contract.DNSPodRecord, contract.DNSFromMember},
		Harm:  "The last of several members cannot be found by its name.",
		Edits: named(`planted.In("subdomain-of-last-missing") && getOrdinal(pod) == getEndOrdinal(set) && *set.Spec.Replicas > 1`, `pod.Spec.Subdomain = ""`),
	}, {
		Name: "endpoints-late", Kind: Obvious, Breaks: []contract.ID{contract.DNSPodRecord, contract.DNSHeadless, contract.DNSFromMember, contract.DNSFollows},
		Harm:    "A member that is Ready cannot be found for long.",
		Replays: "127259: records of a headless service come late",
		Edits:   []Edit{{endpoints, selected, "\tif planted.In(\"endpoints-late\") && service.Namespace != \"kube-system\" && service.Namespace != \"default\" && len(pods) > 0 {\n\t\ttime.Sleep(2 * time.Minute)\n\t}\n"}},
	}, {
		Name: "endpoints-lose-last", Kind: Obvious, Breaks: []contract.ID{contract.DNSHeadless, contract.DNSPodRecord, contract.DNSFromMember, contract.DNSSRV, contract.DNSEndpointConditions},
		Harm:  "One member gets no traffic, and its peers cannot reach it.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.WithoutLast(\"endpoints-lose-last\", pods)\n"}},
	}, {
		Name: "endpoints-lose-third", Kind: Subtle, Breaks: []contract.ID{contract.DNSHeadless, contract.DNSPodRecord, contract.DNSEndpointConditions},
		Harm:  "Of three members one gets no traffic, and its peers cannot reach it.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.AtMost(\"endpoints-lose-third\", pods, 2)\n"}},
	}, {
		Name: "endpoints-third-nameless", Kind: Subtle, Breaks: []contract.ID{contract.DNSEndpointConditions}, Shows: []contract.ID{contract.DNSPodRecord},
		Harm:  "From the third member on none can be found by its name; the service's own name is in order.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.Nameless(\"endpoints-third-nameless\", pods, 2)\n"}},
	}, {
		Name: "endpoints-keep-unselected", Kind: Subtle, Breaks: []contract.ID{contract.DNSEndpointConditions}, Shows: []contract.ID{contract.LifecycleRelease},
		Harm:  "A member taken out by its label for a closer look still gets clients.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.WithUnselected(\"endpoints-keep-unselected\", string(service.UID), pods, c.podLister.Pods(service.Namespace).Get)\n"}},
	}, {
		Name: "endpoints-never-ready-again", Kind: Subtle, Breaks: []contract.ID{contract.DNSHeadless, contract.DNSPodRecord, contract.DNSEndpointConditions}, Shows: []contract.ID{contract.DNSNotReady},
		Harm:  "A member that has lost its readiness once gets no client any more.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.NeverAgain(\"endpoints-never-ready-again\", pods)\n"}},
	}, {
		Name: "endpoints-of-one-lost", Kind: Subtle, Breaks: []contract.ID{contract.DNSOnePodService},
		Harm:  "A service of one member alone has none.",
		Edits: []Edit{{endpoints, selected, "\tif _, one := service.Spec.Selector[\"apps.kubernetes.io/pod-index\"]; one && planted.In(\"endpoints-of-one-lost\") {\n\t\tpods = nil\n\t}\n"}},
	}, {
		Name: "endpoints-keep-gone", Kind: Obvious, Breaks: []contract.ID{contract.DNSGone, contract.DNSHeadless, contract.DNSEndpointConditions},
		Harm:  "Clients are sent to members that were scaled away.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.WithGone(\"endpoints-keep-gone\", string(service.UID), pods)\n"}},
	}, {
		Name: "endpoints-keep-gone-beside-others", Kind: Subtle, Breaks: []contract.ID{contract.DNSGone, contract.DNSHeadless, contract.DNSEndpointConditions},
		Harm:  "As long as some members are left, clients are sent to those that were scaled away too.",
		Edits: []Edit{{endpoints, selected, "\tif len(pods) > 0 {\n\t\tpods = planted.WithGone(\"endpoints-keep-gone-beside-others\", string(service.UID), pods)\n\t}\n"}},
	}, {
		Name: "endpoints-keep-first", Kind: Subtle, Breaks: []contract.ID{contract.DNSFollows, contract.DNSHeadless, contract.DNSPodRecord, contract.DNSEndpointConditions},
		Harm:  "After a member is replaced its name leads to an address that is nobody's.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.WithFirst(\"endpoints-keep-first\", string(service.UID), pods)\n"}},
	}, {
		Name: "endpoints-take-unready", Kind: Subtle, Breaks: []contract.ID{contract.DNSNotReady, contract.DNSEndpointConditions},
		Harm:  "Clients are sent to members that cannot answer yet.",
		Edits: serving("endpoints-take-unready", "service.Spec.PublishNotReadyAddresses = true"),
	}, {
		Name: "endpoints-hide-unready", Kind: Subtle, Breaks: []contract.ID{contract.DNSPublishNotReady, contract.DNSEndpointConditions},
		Harm:  "Members that must find each other before they can be Ready never do.",
		Edits: serving("endpoints-hide-unready", "service.Spec.PublishNotReadyAddresses = false"),
	}, {
		Name: "endpoints-port-renamed", Kind: Subtle, Breaks: []contract.ID{contract.DNSSRV},
		Harm:  "A client that finds its members by SRV records finds none.",
		Edits: serving("endpoints-port-renamed", "for i := range service.Spec.Ports {\n\t\t\tservice.Spec.Ports[i].Name += \"x\"\n\t\t}"),
	}, {
		Name: "subdomain-of-added-missing", Kind: Subtle, Breaks: []contract.ID{contract.DNSPodRecord},
		Harm:  "Members that are added to a running cluster cannot be found by their names.",
		Edits: named(`planted.In("subdomain-of-added-missing") && planted.Added(set, getOrdinal(pod)-getStartOrdinal(set))`, `pod.Spec.Subdomain = ""`),
	}, {
		Name: "subdomain-under-parallel-missing", Kind: Subtle, Breaks: []contract.ID{contract.IdentityOwnFQDN}, Shows: []contract.ID{contract.OrderingParallel},
		Harm:  "Members of a set that starts in parallel have no name that others find them by.",
		Edits: named(`planted.In("subdomain-under-parallel-missing") && set.Spec.PodManagementPolicy == apps.ParallelPodManagement`, `pod.Spec.Subdomain = ""`),
	}, {
		Name: "hostname-with-claims-missing", Kind: Subtle, Breaks: []contract.ID{contract.DNSPodRecord}, Shows: []contract.ID{contract.StorageTemplates},
		Harm:  "Members with volumes, and only those, cannot be found by their names.",
		Edits: named(`planted.In("hostname-with-claims-missing") && len(set.Spec.VolumeClaimTemplates) > 0`, `pod.Spec.Hostname = ""`),
	}, {
		Name: "endpoints-miss-deletion", Kind: Obvious, Breaks: []contract.ID{contract.DNSEndpointConditions},
		Harm:  "Clients are sent to members that are on their way out.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.Unterminated(\"endpoints-miss-deletion\", pods)\n"}},
	}, {
		Name: "endpoints-stop-serving", Kind: Subtle, Breaks: []contract.ID{contract.DNSEndpointConditions},
		Harm:  "A member that still answers while it hands over is cut off at once.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.Unserving(\"endpoints-stop-serving\", pods)\n"}},
	}}
}
