package contract

// The family storage: each pod's claims, volumes and data.
const (
	StorageClaimPerPod      ID = "storage/claim-per-pod"
	StorageClaimLabels      ID = "storage/claim-labels"
	StorageOwnData          ID = "storage/own-data"
	StorageDataSurvives     ID = "storage/data-survives"
	StorageScaleKeeps       ID = "storage/scale-keeps"
	StorageDeleteKeeps      ID = "storage/delete-keeps"
	StorageUnboundBlocks    ID = "storage/unbound-blocks"
	StorageTemplates        ID = "storage/templates"
	StorageTemplateWins     ID = "storage/template-wins"
	StorageWhenScaledDelete ID = "storage/when-scaled-delete"

	StorageWhenDeletedDelete ID = "storage/when-deleted-delete"
	StorageDeletedAfterPods  ID = "storage/deleted-after-pods"
	StorageRetentionFailure  ID = "storage/retention-failure"
	StorageRetentionChange   ID = "storage/retention-change"
	StorageClaimRecreated    ID = "storage/claim-recreated"
	StorageOwnerBeforeDelete ID = "storage/owner-before-delete"
	StorageInUseProtection   ID = "storage/in-use-protection"
	StorageDefaultClass      ID = "storage/default-class"
	StorageFirstConsumer     ID = "storage/first-consumer"
	StorageNodeAffinity      ID = "storage/node-affinity"
	StorageReclaim           ID = "storage/reclaim"
	StorageUnused            ID = "storage/unused"
)

func storage() []Guarantee {
	return []Guarantee{{
		ID:    StorageClaimPerPod,
		Level: Core,
		Must: "Each claim template gives each pod one claim of its own, named <template>-<set>-<ordinal>, which is Bound to a volume " +
			"that no other claim uses. No claim is made for an ordinal that is out of range.",
		Sources: []Source{Docs, Lesson},
		Link:    conceptPage + "#stable-storage",
	}, {
		ID:      StorageClaimLabels,
		Level:   Core,
		Must:    "The claims carry the labels of the set's selector.matchLabels, so that kubectl get pvc -l finds them, and those of their template.",
		Sources: []Source{Lesson},
		Link:    tutorialPage + "#writing-to-stable-storage",
	}, {
		ID:      StorageOwnData,
		Level:   Core,
		Must:    "A pod reads back what it wrote to its volume, and no other pod of the set sees it.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#stable-storage",
	}, {
		ID:      StorageDataSurvives,
		Level:   Core,
		Must:    "When a pod is deleted and replaced, its claim (the same UID), its volume and its data are still there.",
		Sources: []Source{Docs, Lesson},
		Link:    conceptPage + "#stable-storage",
	}, {
		ID:    StorageScaleKeeps,
		Level: Core,
		Must: "Without a retention policy a scale down keeps the claims of the removed pods, and a later scale up takes the same claims, " +
			"volumes and data back.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#limitations",
	}, {
		ID:    StorageDeleteKeeps,
		Level: Core,
		Must: "Without a retention policy deleting the set keeps its claims, and a new set of the same name takes them back once the " +
			"old pods are gone.",
		Sources: []Source{Docs, Lesson},
		Link:    conceptPage + "#limitations",
	}, {
		ID:    StorageUnboundBlocks,
		Level: Core,
		Must: "Under OrderedReady a pod whose claim cannot be bound stays Pending and no pod with a higher ordinal is created; once the " +
			"claim binds the set goes on.",
		Sources: []Source{Docs, Lesson},
		Link:    scalingPart,
		Note: "Under a StorageClass that waits for the first consumer every claim is unbound until its pod is scheduled: that it is Bound later " +
			"than the pod is created is no fault, that the pod runs before it is.",
	}, {
		ID:      StorageTemplates,
		Level:   Extended,
		Must:    "Several claim templates give each pod several claims, mounted where the pod template says.",
		Sources: []Source{API},
		Link:    specFields,
	}, {
		ID:      StorageTemplateWins,
		Level:   Extended,
		Must:    "A claim template takes precedence over a volume of the same name in the pod template.",
		Sources: []Source{API},
		Link:    specFields,
	}, {
		ID:    StorageWhenScaledDelete,
		Level: Extended,
		Must: "With whenScaled: Delete a scale down removes exactly the claims of the removed ordinals whose pods existed at that time, " +
			"each after its pod is gone.",
		Sources:     []Source{Docs},
		Since:       "1.32",
		FeatureGate: "StatefulSetAutoDeletePVC",
		Link:        retentionPart,
		Note:        "A scale up that follows at once may get a fresh claim.",
	}, {
		ID:          StorageWhenDeletedDelete,
		Level:       Extended,
		Must:        "With whenDeleted: Delete the set comes to own the claims of its pods, and those that it owned under that policy are removed with it.",
		Sources:     []Source{Docs},
		Since:       "1.32",
		FeatureGate: "StatefulSetAutoDeletePVC",
		Link:        retentionPart,
		Note:        "Not when the set is deleted with the orphan propagation policy.",
	}, {
		ID:          StorageDeletedAfterPods,
		Level:       Extended,
		Must:        "With whenDeleted: Delete a claim of a deleted set is gone only after the pod that uses it has terminated.",
		Sources:     []Source{Docs},
		Since:       "1.32",
		FeatureGate: "StatefulSetAutoDeletePVC",
		Link:        retentionPart,
		Note: "The deletion may be requested while the pod still runs: a finalizer then holds the claim. A pod that was never scheduled uses no " +
			"volume and holds nothing.",
	}, {
		ID:          StorageRetentionFailure,
		Level:       Extended,
		Must:        "Under either Delete policy the claim of a pod that fails, or is deleted, and is replaced is kept.",
		Sources:     []Source{Docs},
		Since:       "1.32",
		FeatureGate: "StatefulSetAutoDeletePVC",
		Link:        retentionPart,
	}, {
		ID:    StorageRetentionChange,
		Level: Extended,
		Must: "When the retention policy is changed the owner references of the claims follow it, those to other objects stay, and a claim that " +
			"another controller owns is kept.",
		Sources:     []Source{Conf},
		Since:       "1.32",
		FeatureGate: "StatefulSetAutoDeletePVC",
		Link:        upstreamE2E + "#L1568",
		Note: "Checked by Kubernetes' own e2e specs, which are not part of its conformance suite; the documentation promises the owner " +
			"references of a policy, not how fast they follow a change.",
	}, {
		ID:      StorageClaimRecreated,
		Level:   Extended,
		Must:    "A claim that is missing under a Pending pod is created again the next time the controller looks at the set.",
		Sources: []Source{Impl},
		Link:    controller + "/stateful_set_control.go#L456",
		Note:    "The loss of a claim does not make the controller sync the set: touch the set.",
	}, {
		ID:          StorageOwnerBeforeDelete,
		Level:       Extended,
		Must:        "With whenScaled: Delete a scale down makes a pod the owner of its claims before it requests the pod's deletion.",
		Sources:     []Source{Docs},
		Since:       "1.32",
		FeatureGate: "StatefulSetAutoDeletePVC",
		Link:        retentionPart,
		Note: "So a controller that stops in between loses no claim. A claim that another object owns keeps that owner alone. The watches of " +
			"pods and claims show the order only of acts that are half a second apart, as for a pod that waits for one above it to end.",
	}, {
		ID:      StorageInUseProtection,
		Level:   Extended,
		Must:    "A claim that is deleted while a pod uses it is gone only after that pod.",
		Sources: []Source{Docs},
		Link:    volumesPage + "#storage-object-in-use-protection",
		Note:    "A pod that is not scheduled yet uses no volume and holds nothing.",
	}, {
		ID:      StorageDefaultClass,
		Level:   Extended,
		Must:    "A claim whose template names no StorageClass gets the default one.",
		Sources: []Source{Docs},
		Link:    conceptPage + "#stable-storage",
		Note:    "Not applicable where STORAGE_CLASS names the class of all claims. Of several default classes the newest counts.",
	}, {
		ID:      StorageFirstConsumer,
		Level:   Extended,
		Must:    "Under a StorageClass with volumeBindingMode WaitForFirstConsumer a claim is not bound before its pod is created, and is bound then.",
		Sources: []Source{Docs},
		Link:    classesPage + "#volume-binding-mode",
	}, {
		ID:      StorageNodeAffinity,
		Level:   Extended,
		Must:    "A pod runs only on nodes that the node affinity of its volumes selects, also when it is replaced and would rather go elsewhere.",
		Sources: []Source{Docs},
		Link:    volumesPage + "#node-affinity",
		Note:    "Exercised where the node affinity of a volume excludes a node that a pod could go to.",
	}, {
		ID:    StorageReclaim,
		Level: Extended,
		Must: "After a claim is gone its dynamically provisioned volume follows the reclaimPolicy of its StorageClass: it is deleted under " +
			"Delete, and stays as Released under Retain.",
		Sources: []Source{Docs},
		Link:    volumesPage + "#reclaiming",
	}, {
		ID:          StorageUnused,
		Level:       Extended,
		Must:        "A Bound claim has the condition Unused: False while a pod refers to it, True while none does.",
		Sources:     []Source{API},
		Since:       "1.37",
		FeatureGate: "PersistentVolumeClaimUnusedSinceTime",
		Link:        claimStatus,
		Note: "By it people find the claims that a scale down has left. Pods that have failed or succeeded do not count. Not applicable where a claim in use has " +
			"no such condition: the feature gate is off.",
	}}
}
