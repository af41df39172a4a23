package diagnose_test

import (
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// answerCases are of what the API server answers to the controller.
func answerCases() []built {
	answer := func(text string) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			return rejected(t, text)
		}
	}
	scoped := func(scopes ...corev1.ResourceQuotaScope) func(*testing.T) state {
		return func(t *testing.T) state {
			t.Helper()
			s := rejected(t, `pods "web-0" is forbidden: exceeded quota: few, requested: pods=1, used: pods=0, limited: pods=0`)
			s.Quotas = []corev1.ResourceQuota{{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "few"}, Spec: corev1.ResourceQuotaSpec{Scopes: scopes}}}
			return s
		}
	}
	const call = `Internal error occurred: failed calling webhook "pods.example.com": failed to call webhook: Post "https://guard.policy.svc:443/pods?timeout=10s": `
	const keeps = "admission: webhook/pods.example.com keeps the set's pod from being created: "
	return []built{
		{
			"a pod that no security context constraint allows", answer(`pods "web-0" is forbidden: unable to validate against any security context constraint: [provider "anyuid": Forbidden: not usable by user or serviceaccount, provider restricted-v2: .spec.securityContext.fsGroup: Invalid value: []int64{1001}: 1001 is not an allowed group, provider "privileged": Forbidden: not usable by user or serviceaccount]`),
			"admission: serviceaccount/default may use no security context constraint that allows what the set's template asks for: .spec.securityContext.fsGroup: Invalid value: []int64{1001}: 1001 is not an allowed group", "security-context-constraint",
		},
		{"a webhook whose certificate is not trusted", answer(call + "tls: failed to verify certificate: x509: certificate signed by unknown authority"), keeps + "the API server does not trust its certificate", "webhook-certificate"},
		{"twin: a certificate that has expired", answer(call + "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-22T14:00:00Z is after 2026-11-01T00:00:00Z"), keeps + "the API server does not trust its certificate", "webhook-certificate"},
		{"twin: a webhook without a pod that is Ready", answer(call + `no endpoints available for service "guard"`), keeps + "its webhook pods.example.com does not answer", "webhook-unreachable"},
		{
			"an event that names a webhook as no API server does", answer(`failed calling webhook "x; true": no endpoints available`),
			`admission: statefulset/web cannot have its pod created: failed calling webhook "x; true": no endpoints available`, diagnose.Unknown,
		},
		{"a quota of some pods alone", scoped(corev1.ResourceQuotaScopeBestEffort), "quota: resourcequota/few has no room for the set's pod: it would add pods=1 to pods=0, and pods=0 is the limit; it counts only pods of the scope BestEffort (without requests and limits)", "quota-exceeded"},
		{"twin: a quota of all", scoped(), "quota: resourcequota/few has no room for the set's pod: it would add pods=1 to pods=0, and pods=0 is the limit", "quota-exceeded"},
		{"a limit of the namespace for claims", func(t *testing.T) state {
			t.Helper()
			s := rejected(t, "")
			s.Events[len(s.Events)-1].Message = `create Claim data-web-0 for Pod web-0 in StatefulSet web failed error: persistentvolumeclaims "data-web-0" is forbidden: maximum storage usage per PersistentVolumeClaim is 8Mi, but request is 16Mi`
			s.Limits = []corev1.LimitRange{{ObjectMeta: metav1.ObjectMeta{Name: "small"}}}
			return s
		}, "quota: limitrange/small has a limit that the set's volumeClaimTemplates break: maximum storage usage per PersistentVolumeClaim is 8Mi, but request is 16Mi", "limit-range"},
		{
			"a set whose name has a dot", answer(`Pod "web-0" is invalid: spec.hostname: Invalid value: "my.web-0": a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'`),
			`admission: statefulset/web has a name of which no pod can have a host name: Invalid value: "my.web-0"`, "pod-invalid",
		},
		{"an answer in words that nobody knows", answer("etcdserver: request timed out"), "admission: statefulset/web cannot have its pod created: etcdserver: request timed out", diagnose.Unknown},
	}
}

// severalCases are of sets with more than one trouble, or with none: the cause is named before what follows from it.
func severalCases() []built {
	// web-0 runs and is not Ready, since it asks for its peers.
	waitsForPeers := func(t *testing.T) state {
		t.Helper()
		s := running(t)
		s.StatefulSet.Spec.PodManagementPolicy = appsv1.ParallelPodManagement
		s.container("web-0", func(c *corev1.Container) {
			c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"quorum"}}}}
		})
		s.unready("web-0", 3*time.Minute)
		s.said("web-0", "Unhealthy", "Readiness probe failed: no quorum", 2*time.Second)
		return s
	}
	lost := func(s state) {
		s.Leases = slices.DeleteFunc(s.Leases, func(o coordination) bool { return o.Name == "diag-worker" })
		for i := range s.Nodes[0].Status.Conditions {
			if c := &s.Nodes[0].Status.Conditions[i]; c.Type == corev1.NodeReady {
				c.Status = corev1.ConditionUnknown
			}
		}
	}
	return []built{
		{"a pod that cannot start, and one before it that is not Ready without it", func(t *testing.T) state {
			t.Helper()
			s := waitsForPeers(t)
			s.waiting("web-1", "CreateContainerConfigError", `secret "web-credentials" not found`)
			return s
		}, "configuration: secret/web-credentials does not exist, and container main of pod web-1 needs it", "config-missing"},
		{"twin: none of them is Ready, and all could start", func(t *testing.T) state {
			t.Helper()
			s := waitsForPeers(t)
			s.unready("web-1", 3*time.Minute)
			s.container("web-1", func(c *corev1.Container) {
				c.ReadinessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"quorum"}}}}
			})
			s.said("web-1", "Unhealthy", "Readiness probe failed: no quorum", 2*time.Second)
			return s
		}, "readiness: pod/web-0 runs, and the readiness probe of container main fails", "readiness-probe"},

		{"a set that is to have no pods", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			*s.StatefulSet.Spec.Replicas, s.Pods = 0, nil
			return s
		}, "controller: statefulset/web asks for no pods (replicas 0)", diagnose.Note},

		{"a pod of another owner that does not end", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			p := pod(s.State, "web-1")
			at := s.ago(5 * time.Minute)
			p.OwnerReferences[0].UID, p.DeletionTimestamp = "earlier", &at
			lost(s)
			return s
		}, "node: node/diag-worker has been silent for ", "node-lost"},
		{"twin: it is not being deleted", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			pod(s.State, "web-1").OwnerReferences[0].UID = "earlier"
			return s
		}, "controller: pod/web-1 has the name that the set's pod needs, and is controlled by statefulset/web that was there before this one", "name-taken"},
		{"a set that is deleted in the foreground, and a pod that is held", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			at := s.ago(5 * time.Minute)
			s.StatefulSet.DeletionTimestamp, s.StatefulSet.Finalizers = &at, []string{metav1.FinalizerDeleteDependents}
			for i := range s.Pods {
				p := &s.Pods[i]
				p.DeletionTimestamp, p.Finalizers = &at, []string{"example.com/backup"}
				p.Status.ContainerStatuses[0].State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}
			}
			return s
		}, "termination: pod/web-0 is held by its finalizer example.com/backup", "finalizer"},
		{"a set that is deleted in the foreground, and a pod on a node that is lost", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			at := s.ago(5 * time.Minute)
			s.StatefulSet.DeletionTimestamp, s.StatefulSet.Finalizers = &at, []string{metav1.FinalizerDeleteDependents}
			for i := range s.Pods {
				s.Pods[i].DeletionTimestamp = &at
			}
			lost(s)
			return s
		}, "node: node/diag-worker has been silent for ", "node-lost"},
		{"a pod of the newest revision that crashes, while those of the one before are Ready", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			s.StatefulSet.Status.UpdateRevision = "web-new"
			pod(s.State, "web-1").Labels[appsv1.ControllerRevisionHashLabelKey] = "web-new"
			s.crashing("web-1", 127, time.Second)
			return s
		}, "container: pod/web-1 has container main that ends again and again (4 restarts, exit code 127)", "crash-loop"},
		{"a pod that its node cannot end", func(t *testing.T) state {
			t.Helper()
			s := running(t)
			at := s.ago(5 * time.Minute)
			pod(s.State, "web-1").DeletionTimestamp = &at
			s.said("web-1", "FailedKillPod", `error killing pod: [failed to "KillContainer" for "main" with KillContainerError: "rpc error: code = DeadlineExceeded desc = context deadline exceeded"]`, 10*time.Second)
			return s
		}, "node: pod/web-1 does not end: its node diag-worker cannot end it: error killing pod", "kill-fails"},
	}
}
