package contract

// The family dns: what the cluster's DNS answers for the set's headless service and its pods.
const (
	DNSHeadless           ID = "dns/headless"
	DNSPodRecord          ID = "dns/pod-record"
	DNSFromMember         ID = "dns/from-member"
	DNSFollows            ID = "dns/follows"
	DNSGone               ID = "dns/gone"
	DNSNotReady           ID = "dns/not-ready"
	DNSPublishNotReady    ID = "dns/publish-not-ready"
	DNSSRV                ID = "dns/srv"
	DNSReverse            ID = "dns/reverse"
	DNSOnePodService      ID = "dns/one-pod-service"
	DNSCaseInsensitive    ID = "dns/case-insensitive"
	DNSEndpointConditions ID = "dns/endpoint-conditions"
)

func dns() []Guarantee {
	return []Guarantee{{
		ID:    DNSHeadless,
		Level: Core,
		Must: "At rest the name of the headless service resolves to exactly the set of IPs of its ready pods, in each IP family of " +
			"the service.",
		Sources: []Source{DNS, Lesson},
		Link:    dnsSpec + "#24---records-for-a-headless-service",
		Note:    "Records follow the pods with a delay: they must be right within the DNS limit and then stay right.",
	}, {
		ID:    DNSPodRecord,
		Level: Core,
		Must: "Asked from another pod, <pod>.<service>.<namespace>.svc.<zone> resolves to exactly the IPs of that Ready pod, the " +
			"service being the set's serviceName.",
		Sources: []Source{DNS, Lesson},
		Link:    dnsSpec + "#24---records-for-a-headless-service",
	}, {
		ID:    DNSFromMember,
		Level: Core,
		Must: "A member of the set that asks the cluster's DNS gets the same answer for each Ready pod's name, and resolves the " +
			"service by its short name.",
		Sources: []Source{Lesson},
		Link:    podDNSPage + "#namespaces-of-services",
		Note: "A pod's own name stands in its /etc/hosts, so getent and ping prove nothing of DNS. busybox 1.29 ignores search domains; " +
			"from 1.30 it searches names without a dot only.",
	}, {
		ID:    DNSFollows,
		Level: Core,
		Must: "After a pod is replaced and Ready its record gives the new IP within the DNS limit, and no longer the old one unless " +
			"that IP was given out again.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#stable-network-id",
		Note:    "Caches may keep an old answer, and a \"no such name\" asked too early, for their own time (commonly 30 s).",
	}, {
		ID:      DNSGone,
		Level:   Core,
		Must:    "After a scale down the record of a removed pod is gone within the DNS limit.",
		Sources: []Source{DNS},
		Link:    dnsSpec + "#24---records-for-a-headless-service",
		Note:    "The record leaves when the deletion starts; on a service with publishNotReadyAddresses, when the pod is gone.",
	}, {
		ID:    DNSNotReady,
		Level: Extended,
		Must: "On a service without publishNotReadyAddresses a pod that is not Ready is not in the answer, and with no ready pod at " +
			"all the service's name is answered with NXDOMAIN.",
		Sources: []Source{DNS},
		Link:    dnsSpec + "#24---records-for-a-headless-service",
		Note:    "The specification words the NXDOMAIN as \"should\".",
	}, {
		ID:      DNSPublishNotReady,
		Level:   Extended,
		Must:    "On a service with publishNotReadyAddresses a pod that has an IP is in the answer before it is Ready.",
		Sources: []Source{API},
		Link:    svcFields,
	}, {
		ID:      DNSSRV,
		Level:   Extended,
		Must:    "The SRV records of _<port>._<protocol>.<service>.<namespace>.svc.<zone> list each ready pod's own name with the port's number.",
		Sources: []Source{DNS},
		Link:    dnsSpec + "#242---srv-records",
		Note: "Only named ports have SRV records. Ask with a targetPort of the same number: the specification speaks of the service's " +
			"port, implementations answer with the endpoint's.",
	}, {
		ID:      DNSReverse,
		Level:   Extended,
		Must:    "The PTR answers for the IP of a Ready pod include the pod's own name under the service.",
		Sources: []Source{DNS},
		Link:    dnsSpec + "#243---ptr-records",
		Note:    "Other services that select the pod may add names of their own.",
	}, {
		ID:    DNSOnePodService,
		Level: Core,
		Must: "A service that selects the label statefulset.kubernetes.io/pod-name of one pod, or apps.kubernetes.io/pod-index beside the set's own " +
			"labels, resolves to that pod alone, also once the pod is replaced.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#pod-name-label",
	}, {
		ID:      DNSCaseInsensitive,
		Level:   Extended,
		Must:    "A name that is asked for in capital letters has the same addresses.",
		Sources: []Source{DNS},
		Link:    dnsSpec + "#21---definitions",
	}, {
		ID:    DNSEndpointConditions,
		Level: Extended,
		Must: "In the EndpointSlices of a service, ready and serving of an endpoint are its pod's readiness and terminating is false, until the pod's " +
			"deletion is requested; then ready is false and terminating true, and serving still is the pod's readiness. Listed are the Ready pods that " +
			"the service selects, each by its own address, with its hostname if its subdomain is the service, and none that it does not select or that is gone.",
		Sources: []Source{Docs, DNS},
		Link:    slicesPage + "#conditions",
		Note:    "On a service with publishNotReadyAddresses ready is always true. Slices follow the pods with a delay.",
	}}
}
