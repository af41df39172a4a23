package faults

// selected is where the endpoint slice controller has found the pods of a service.
const selected = "pods, err := c.podLister.Pods(service.Namespace).List(podLabelSelector)\n"

// serving changes what the controller takes the service for, under a condition.
func serving(fault, change string) []Edit {
	return []Edit{{endpoints, selected, "\tif planted.In(\"" + fault + "\") && service.Namespace != \"kube-system\" && service.Namespace != \"default\" {\n" +
		"\t\tservice = service.DeepCopy()\n\t\t" + change + "\n\t}\n"}}
}

func dns() []Fault {
	return []Fault{{
		Name: "subdomain-missing", Kind: Obvious, Breaks: []string{"dns/pod-record", "dns/from-member", "dns/follows", "dns/srv", "dns/reverse"},
		Harm:  "No member can be found by its name.",
		Edits: named(`planted.In("subdomain-missing")`, `pod.Spec.Subdomain = ""`),
	}, {
		Name: "subdomain-of-last-missing", Kind: Subtle, Breaks: []string{"dns/pod-record", "dns/from-member"},
		Harm:  "The last of several members cannot be found by its name.",
		Edits: named(`planted.In("subdomain-of-last-missing") && getOrdinal(pod) == getEndOrdinal(set) && *set.Spec.Replicas > 1`, `pod.Spec.Subdomain = ""`),
	}, {
		Name: "endpoints-late", Kind: Obvious, Breaks: []string{"dns/pod-record", "dns/headless", "dns/from-member", "dns/follows"},
		Harm:    "A member that is Ready cannot be found for long.",
		Replays: "127259: records of a headless service come late",
		Edits:   []Edit{{endpoints, selected, "\tif planted.In(\"endpoints-late\") && service.Namespace != \"kube-system\" && service.Namespace != \"default\" {\n\t\ttime.Sleep(30 * time.Second)\n\t}\n"}},
	}, {
		Name: "endpoints-lose-last", Kind: Obvious, Breaks: []string{"dns/headless", "dns/pod-record", "dns/from-member", "dns/srv"},
		Harm:  "One member gets no traffic, and its peers cannot reach it.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.WithoutLast(\"endpoints-lose-last\", pods)\n"}},
	}, {
		Name: "endpoints-keep-gone", Kind: Obvious, Breaks: []string{"dns/gone", "dns/headless"},
		Harm:  "Clients are sent to members that were scaled away.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.WithGone(\"endpoints-keep-gone\", string(service.UID), pods)\n"}},
	}, {
		Name: "endpoints-keep-gone-beside-others", Kind: Subtle, Breaks: []string{"dns/gone", "dns/headless"},
		Harm:  "As long as some members are left, clients are sent to those that were scaled away too.",
		Edits: []Edit{{endpoints, selected, "\tif len(pods) > 0 {\n\t\tpods = planted.WithGone(\"endpoints-keep-gone-beside-others\", string(service.UID), pods)\n\t}\n"}},
	}, {
		Name: "endpoints-keep-first", Kind: Subtle, Breaks: []string{"dns/follows", "dns/headless", "dns/pod-record"},
		Harm:  "After a member is replaced its name leads to an address that is nobody's.",
		Edits: []Edit{{endpoints, selected, "\tpods = planted.WithFirst(\"endpoints-keep-first\", string(service.UID), pods)\n"}},
	}, {
		Name: "endpoints-take-unready", Kind: Subtle, Breaks: []string{"dns/not-ready"},
		Harm:  "Clients are sent to members that cannot answer yet.",
		Edits: serving("endpoints-take-unready", "service.Spec.PublishNotReadyAddresses = true"),
	}, {
		Name: "endpoints-hide-unready", Kind: Subtle, Breaks: []string{"dns/publish-not-ready"},
		Harm:  "Members that must find each other before they can be Ready never do.",
		Edits: serving("endpoints-hide-unready", "service.Spec.PublishNotReadyAddresses = false"),
	}, {
		Name: "endpoints-port-renamed", Kind: Subtle, Breaks: []string{"dns/srv"},
		Harm:  "A client that finds its members by SRV records finds none.",
		Edits: serving("endpoints-port-renamed", "for i := range service.Spec.Ports {\n\t\t\tservice.Spec.Ports[i].Name += \"x\"\n\t\t}"),
	}, {
		Name: "subdomain-of-added-missing", Kind: Subtle, Breaks: []string{"dns/pod-record"},
		Harm:  "Members that are added to a running cluster cannot be found by their names.",
		Edits: named(`planted.In("subdomain-of-added-missing") && planted.Added(set, getOrdinal(pod)-getStartOrdinal(set))`, `pod.Spec.Subdomain = ""`),
	}}
}
