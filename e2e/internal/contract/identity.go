package contract

// The family identity: who a pod is, and that it stays who it is.
const (
	IdentityName         ID = "identity/name"
	IdentityHostname     ID = "identity/hostname"
	IdentityLabels       ID = "identity/labels"
	IdentitySticky       ID = "identity/sticky"
	IdentityAtMostOne    ID = "identity/at-most-one"
	IdentityOwnership    ID = "identity/ownership"
	IdentityNotMine      ID = "identity/not-mine"
	IdentityStartOrdinal ID = "identity/start-ordinal"
	IdentityStartMoves   ID = "identity/start-moves"
	IdentityOverrides    ID = "identity/overrides"
	IdentityForceDelete  ID = "identity/force-delete"
	IdentityOwnFQDN      ID = "identity/own-fqdn"
	IdentityFQDN         ID = "identity/fqdn"
	IdentityLabelKept    ID = "identity/label-kept"
	IdentityTemplate     ID = "identity/template"
)

func identity() []Guarantee {
	return []Guarantee{{
		ID:      IdentityName,
		Level:   Core,
		Must:    "When the set is at rest its pods are named <set>-<ordinal>, and the ordinals run from the start ordinal without a gap.",
		Sources: []Source{Docs, Lesson},
		Link:    conceptPage + "#ordinal-index",
	}, {
		ID:      IdentityHostname,
		Level:   Core,
		Must:    "The hostname that a container sees is the name of its pod.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#stable-network-id",
		Note:    "Does not hold for a template that sets hostNetwork, setHostnameAsFQDN or hostnameOverride.",
	}, {
		ID:    IdentityLabels,
		Level: Core,
		Must: "At its creation a pod carries the label statefulset.kubernetes.io/pod-name with its own name and, " +
			"where the cluster has the pod index label, apps.kubernetes.io/pod-index with its own ordinal.",
		Sources:     []Source{Docs},
		FeatureGate: "PodIndexLabel",
		Link:        conceptPage + "#pod-name-label",
		Note:        "The pod index label is beta and on by default since 1.28 and stable since 1.32; the pod name label has no gate.",
	}, {
		ID:    IdentityTemplate,
		Level: Core,
		Must: "A pod is created with all that the template of its revision says: its labels and annotations, its containers with their ports, probes, " +
			"environment and requests, its volumes, tolerations and constraints, and its grace period.",
		Sources: []Source{API},
		Link:    specFields,
		Note: "Held against the fields that are set, not against their values, which admission policies may rewrite, and not against limits, which some of them " +
			"remove. A volume with the name of a claim template makes room for the claim.",
	}, {
		ID:      IdentityLabelKept,
		Level:   Extended,
		Must:    "A pod of the set whose label statefulset.kubernetes.io/pod-name is changed or taken away, or that it adopted without one, gets its own name in it.",
		Sources: []Source{Impl},
		Link:    controller + "/stateful_pod_control.go#L175",
		Note:    "Under OrderedReady once the pods with lower ordinals are Ready, and the pod itself.",
	}, {
		ID:    IdentitySticky,
		Level: Core,
		Must: "A pod that is deleted while its ordinal is in range comes back with a new UID under the same name, with the same " +
			"hostname, identity labels and claims; under OrderedReady as soon as the pods with lower ordinals are Ready.",
		Sources: []Source{Docs, Lesson},
		Link:    conceptPage + "#pod-identity",
		Note: "The revision may differ from that of the deleted pod. Under whenScaled: Delete a claim that the pod came to own when a scale " +
			"down condemned it goes with the pod, even if the ordinal is wanted again: the new pod waits for the claim's end, after which no " +
			"controller syncs the set (touch it), and gets a fresh claim of the same name.",
	}, {
		ID:    IdentityAtMostOne,
		Level: Core,
		Must: "The containers of a pod have stopped before its name is given to another pod, and the first deletion of a running pod by " +
			"the controller, or by the garbage collector after its set, carries the grace period of the pod itself.",
		Sources: []Source{Docs},
		Link:    forceDelete + "#statefulset-considerations",
		Note: "Names are unique in the API, so only the containers can show a breach. The kubelet's last deletion, forced deletions and " +
			"deletions of unscheduled or finished pods have a grace period of 0 and are exempt.",
	}, {
		ID:    IdentityOwnership,
		Level: Core,
		Must: "Each pod of the set has exactly one owner reference with controller set to true, and it names the set by UID. A pod and a controller " +
			"revision are created with that reference alone, whose apiVersion, kind and name are the set's and whose blockOwnerDeletion is true, and are adopted with such a one.",
		Sources: []Source{API, Docs, Impl},
		Link:    metaFields,
		Note: "That a controller sets blockOwnerDeletion is in the documentation of owners and dependents; that the set is the only owner follows from the " +
			"code alone. References that others add or change later are theirs. Of claims, retention says which owners they have.",
	}, {
		ID:    IdentityNotMine,
		Level: Core,
		Must: "A pod that another controller owns, or that has another name than <set>-<ordinal>, is neither adopted nor deleted by the set, even " +
			"if it matches the selector; two sets with the same selector leave each other's pods alone.",
		Sources: []Source{API},
		Link:    metaFields,
	}, {
		ID:          IdentityStartOrdinal,
		Level:       Extended,
		Must:        "With spec.ordinals.start the ordinals run from that number to start + replicas - 1.",
		Sources:     []Source{Docs},
		Since:       "1.31",
		FeatureGate: "StatefulSetStartOrdinal",
		Link:        conceptPage + "#start-ordinal",
	}, {
		ID:    IdentityStartMoves,
		Level: Extended,
		Must: "When spec.ordinals.start changes, the pods of the new range are created in order first, then the pods out of range are " +
			"removed, the highest ordinal first.",
		Sources:     []Source{Impl},
		Since:       "1.31",
		FeatureGate: "StatefulSetStartOrdinal",
		Link:        controller + "/stateful_set_control.go#L564",
	}, {
		ID:      IdentityOverrides,
		Level:   Extended,
		Must:    "A hostname and a subdomain written in the pod template are replaced by the pod's name and the set's serviceName.",
		Sources: []Source{Impl},
		Link:    controller + "/stateful_set_utils.go#L446",
	}, {
		ID:    IdentityForceDelete,
		Level: Core,
		Must: "A pod that is deleted by force, with a grace period of 0, is gone from the API at once, whatever its containers still do, and " +
			"comes back under the same identity.",
		Sources: []Source{Docs},
		Link:    forceDelete + "#force-deletion",
		Note:    "A finalizer of the pod still holds it. Until its kubelet has stopped the old containers two pods of one identity may run.",
	}, {
		ID:      IdentityOwnFQDN,
		Level:   Core,
		Must:    "The fully qualified domain name that a container finds for its own hostname is <pod>.<service>.<namespace>.svc.<zone>.",
		Sources: []Source{Docs},
		Link:    hostnamePage + "#hostname-with-pod-s-hostname-and-subdomain-fields",
		Note:    "It comes from /etc/hosts, which the kubelet writes, and needs no DNS.",
	}, {
		ID:      IdentityFQDN,
		Level:   Extended,
		Must:    "Under a template with setHostnameAsFQDN the hostname that a container sees is its pod's fully qualified domain name.",
		Sources: []Source{Docs, API},
		Link:    hostnamePage + "#hostname-with-pod-s-sethostnameasfqdn-fields",
		Note:    "Not applicable where the name would be longer than the 64 characters of a hostname.",
	}}
}
