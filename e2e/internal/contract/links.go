package contract

const (
	docsRoot = "https://kubernetes.io/docs"

	conceptPage   = docsRoot + "/concepts/workloads/controllers/statefulset/"
	tutorialPage  = docsRoot + "/tutorials/stateful-application/basic-stateful-set/"
	forceDelete   = docsRoot + "/tasks/run-application/force-delete-stateful-set-pod/"
	podLifecycle  = docsRoot + "/concepts/workloads/pods/pod-lifecycle/"
	hostnamePage  = docsRoot + "/concepts/workloads/pods/pod-hostname/"
	taintsPage    = docsRoot + "/concepts/scheduling-eviction/taint-and-toleration/"
	garbagePage   = docsRoot + "/concepts/architecture/garbage-collection/"
	budgetPage    = docsRoot + "/concepts/workloads/pods/disruptions/"
	configurePDB  = docsRoot + "/tasks/run-application/configure-pdb/"
	evictionPage  = docsRoot + "/concepts/scheduling-eviction/api-eviction/"
	drainPage     = docsRoot + "/tasks/administer-cluster/safely-drain-node/"
	shutdownPage  = docsRoot + "/concepts/cluster-administration/node-shutdown/"
	applyPage     = docsRoot + "/reference/using-api/server-side-apply/"
	volumesPage   = docsRoot + "/concepts/storage/persistent-volumes/"
	classesPage   = docsRoot + "/concepts/storage/storage-classes/"
	slicesPage    = docsRoot + "/concepts/services-networking/endpoint-slices/"
	podDNSPage    = docsRoot + "/concepts/services-networking/dns-pod-service/"
	recreatePart  = conceptPage + "#recreate"
	scalingPart   = conceptPage + "#deployment-and-scaling-guarantees"
	retentionPart = conceptPage + "#persistentvolumeclaim-retention"

	fieldsPage   = docsRoot + "/reference/kubernetes-api/apps/stateful-set-v1/"
	specFields   = fieldsPage + "#StatefulSetSpec"
	statusFields = fieldsPage + "#StatefulSetStatus"
	metaFields   = docsRoot + "/reference/kubernetes-api/definitions/object-meta-v1-meta/#ObjectMeta"
	scaleFields  = docsRoot + "/reference/kubernetes-api/definitions/scale-v1-autoscaling/"
	claimStatus  = docsRoot + "/reference/kubernetes-api/core/persistent-volume-claim-v1/#PersistentVolumeClaimStatus"
	svcFields    = docsRoot + "/reference/kubernetes-api/core/service-v1/#ServiceSpec"

	dnsSpec = "https://github.com/kubernetes/dns/blob/master/docs/specification.md"

	// Pinned, because line anchors are only worth something on a tag.
	source      = "https://github.com/kubernetes/kubernetes/blob/v1.37.2"
	conformance = source + "/test/conformance/testdata/conformance.yaml"
	upstreamE2E = source + "/test/e2e/apps/statefulset.go"
	controller  = source + "/pkg/controller/statefulset"
)
