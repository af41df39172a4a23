package diagnose_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// made is a cause that was made real on a cluster, and what the first line of the diagnosis must say of it.
type made struct {
	name string
	// line begins the first line: area, object, and what is wrong.
	line  string
	cause diagnose.Cause
}

// causes are those that a manifest makes, testdata/causes/<name>.yaml, in a namespace of its own.
func causes() []made {
	return []made{
		{"image-pull", "image: pod/web-0 cannot pull the image registry.invalid/no/such-image:1 of container main", "image-pull"},
		{"image-name", "image: pod/web-0 names an image for container main that is no image reference: Not_An_Image:!", "image-pull"},
		{"crash-loop", "container: pod/web-0 has container main that ends again and again (", "crash-loop"},
		{"out-of-memory", "container: pod/web-0 has container main that uses more memory than its limit 16Mi and is killed", "out-of-memory"},
		{"liveness-probe", "container: pod/web-0 has container main that is killed again and again since its liveness probe fails", "liveness-probe"},
		{"readiness-probe", "readiness: pod/web-0 runs, and the readiness probe of container main fails (TCP connection to :8080", "readiness-probe"},
		{"startup-probe", "container: pod/web-0 runs, and the startup probe of container main fails (exec false", "startup-probe"},
		{"readiness-gate", "readiness: pod/web-0 waits for the readiness gate example.com/registered, which nobody has set", "readiness-gate"},
		{"container-config", "configuration: configmap/settings does not exist, and container main of pod web-0 needs it", "config-missing"},
		{"volume-mount", "configuration: secret/signing-key does not exist, and volume key of pod web-0 needs it", "config-missing"},
		{"resources", "scheduling: pod/web-0 fits on none of 3 nodes: 3 with too little cpu left", "resources"},
		{"node-selector", "scheduling: pod/web-0 fits on none of 3 nodes: 3 without the labels", "node-affinity"},
		{"node-affinity", "scheduling: pod/web-0 fits on none of 3 nodes: 3 without the labels", "node-affinity"},
		{"taint", "scheduling: pod/web-0 fits on none of 3 nodes: 2 without the labels that the pod's nodeSelector or affinity asks for, 1 with a taint that the pod does not tolerate; the taint is node-role.kubernetes.io/control-plane:NoSchedule", "taint"},
		{"pod-anti-affinity", "scheduling: pod/web-2 fits on no node, as the scheduler says: ", "pod-anti-affinity"},
		{"volume-node-affinity", "storage: persistentvolume/diagnose-elsewhere can be used only on nodes with kubernetes.io/hostname In node-that-is-gone, and no node has these labels", "volume-node-affinity"},
		{"class-missing", `storage: persistentvolumeclaim/data-web-0 asks for the StorageClass "fast", which does not exist`, "class-missing"},
		{"provisioner-down", "storage: storageclass/diagnose-nobody has the provisioner disks.example.com/nobody, and no pod in the cluster mentions it", "provisioner-down"},
		{"access-mode", "storage: persistentvolumeclaim/data-web-0 asks for ReadWriteMany, which provisioner rancher.io/local-path does not support", "access-mode"},
		{"no-volume-of-size", `storage: persistentvolumeclaim/data-web-0 asks for 10Gi, and none of the 1 free volume of class "diagnose-static" has that size`, "no-volume-of-size"},
		{"no-volume", `storage: persistentvolumeclaim/data-web-0 waits for a volume of class "diagnose-byhand" that somebody makes by hand, and there is none`, "no-volume"},
		{"quota-exceeded", "quota: resourcequota/small has no room for the set's pod: it would add pods=1 to pods=1, and pods=1 is the limit", "quota-exceeded"},
		{"quota-claims", "quota: resourcequota/disks has no room for the set's claim: it would add requests.storage=16Mi", "quota-exceeded"},
		{"limit-range", "quota: ", "limit-range"},
		{"no-service-account", "admission: serviceaccount/clerk does not exist", "no-service-account"},
		{"service-missing", "service: service/web does not exist, though the set's serviceName names it", "service-missing"},
		{"service-not-headless", "service: service/web is not headless: its own name gives the cluster IP", "service-not-headless"},
		{"service-selector", "service: service/web selects app=wbe, which the set's pods do not have", "service-selector"},
		{"finalizer", "termination: pod/web-0 is held by its finalizer example.com/backup", "finalizer"},
		{"budget", "disruption: poddisruptionbudget/all-of-them lets none of web-0 and web-1 be evicted: 2 healthy pods are wanted, and 2 are", "budget"},
		{"policy-denies", "admission: validatingadmissionpolicy/diagnose-owner rejects the set's pod: every pod needs the label owner", "policy-denies"},
		{"webhook-denies", "admission: validatingwebhookconfiguration/diagnose-denies rejects the set's pod: its webhook pods.denies.example.com says", "webhook-denies"},
		{"webhook-unreachable", "admission: validatingwebhookconfiguration/diagnose-unreachable keeps the set's pod from being created", "webhook-unreachable"},
		{"pod-security", "admission: namespace/", "pod-security"},
		{"csi-driver", "storage: csinode/", "csi-driver"},
		{"default-limit", "quota: limitrange/defaults gives container main the default memory limit 64Mi, which is below the 128Mi", "default-limit"},
		{"earlier-data", "storage: persistentvolumeclaim/data-web-0 was made ", "earlier-data"},
		{"forced-rollback", "rollout: pod/web-1 is broken and of a revision that the set has left", "forced-rollback"},
		{"host-port", "scheduling: pod/web-2 wants host port 18089, which is taken on each of the 2 nodes that could take it", "host-port"},
		{"init-container", "readiness: pod/web-0 waits for its init container wait-for-name", "init-container"},
		{"nodes-resolver", "dns: statefulset/web has hostNetwork: true and dnsPolicy ClusterFirst", "nodes-resolver"},
		{"other-zone", "dns: statefulset/web has a template that asks for names in cluster.internal", "other-zone"},
		{"post-start-hook", "container: pod/web-0 has container main that was started", "post-start-hook"},
		{"priority-class", "admission: priorityclass/database-critical does not exist", "pod-class-missing"},
		{"service-selects-others", "service: service/web also selects reports-0 of statefulset/reports", "service-selects-others"},
		{"startup-probe-kills", "container: pod/web-0 has container main that is killed again and again since its startup probe", "startup-probe"},
		{"topology-label", "scheduling: pod/web-0 fits on none of 3 nodes: 3 without the label topology.kubernetes.io/zone", "topology-label"},
		{"volume-confines", "storage: persistentvolumeclaim/shared can be used only on ", "volume-confines"},
		{"volume-released", "storage: persistentvolume/diagnose-released is Released", "volume-released"},
	}
}

// clusterCauses are those that disrupt the whole cluster.
func clusterCauses() []made {
	return []made{
		{"no-default-class", "storage: persistentvolumeclaim/data-web-0 names no StorageClass, and the cluster has no default one", "no-default-class"},
		{"provisioner-scaled-away", "storage: storageclass/standard has the provisioner rancher.io/local-path, which does not run", "provisioner-down"},
		{"dns-down", "dns: deployment/coredns is scaled to 0, so nobody answers", "dns-down"},
		{"dns-crashes", "dns: deployment/coredns has no Ready pod", "dns-down"},
		{"dns-config", "dns: configmap/coredns has no plugin kubernetes in the server block", "dns-config"},
		{"controller-down", "controller: lease/kube-controller-manager has not been renewed for", "controller-down"},
		{"scheduler-down", "controller: lease/kube-scheduler has not been renewed for", "scheduler-down"},
		{"cordoned", "scheduling: node/diag-worker is cordoned, and pod web-0 fits on no other: ", "cordoned"},
		{"node-lost", "node: node/", "node-lost"},
		{"node-not-ready", "node: node/", "node-not-ready"},
		{"terminating-on-lost-node", "node: node/", "node-lost"},
	}
}

const statesDir = "testdata/states"

// Each state was read from a cluster on which the cause had been made real.
func TestCausesAreFoundInCapturedStates(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(statesDir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("expected captured states in %s, found %d (%v)", statesDir, len(files), err)
	}
	known := map[string]made{}
	for _, c := range append(causes(), clusterCauses()...) {
		known[c.name] = c
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := known[name]
			if !ok {
				t.Fatalf("%s is in no table: add it to causes or clusterCauses", file)
			}
			s, err := diagnose.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			check(t, want, s)
		})
	}
}

func check(t *testing.T, want made, s *diagnose.State) {
	t.Helper()
	found := diagnose.Diagnose(s)
	if len(found) == 0 {
		t.Fatalf("expected %q, found nothing wrong", want.line)
	}
	first := found[0]
	if !strings.HasPrefix(first.Line(), want.line) || first.Cause != want.cause {
		var b strings.Builder
		_ = diagnose.Write(&b, s, found)
		t.Fatalf("expected cause %s, first line\n%s\nfound %s in\n%s", want.cause, want.line, first.Cause, b.String())
	}
	if first.Seen == "" || len(first.Evidence) == 0 || len(first.Do) == 0 || len(first.Look) == 0 {
		t.Errorf("expected symptom, evidence, advice and commands, found %+v", first)
	}
	for _, e := range first.Evidence {
		if e.Object.Name == "" || e.Field == "" || e.Value == "" {
			t.Errorf("expected evidence with object, field and value, found %+v", e)
		}
	}
	if diagnose.Conclude(found) != diagnose.Explained {
		t.Errorf("expected every symptom to be explained, found %v:\n%s", diagnose.Conclude(found), diagnose.Brief(found))
	}
}
