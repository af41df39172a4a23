package framework

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Each secret begins with this.
const canary = "CANARY"

// objects are a set in trouble and what surrounds it, with a secret in each place that may hold one.
func objects() []runtime.Object {
	n := 0
	secret := func() string { n++; return fmt.Sprintf("%s-%d", canary, n) }
	annotated := func(name, namespace string) metav1.ObjectMeta {
		return metav1.ObjectMeta{
			Name: name, Namespace: namespace, CreationTimestamp: metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second)),
			Annotations: map[string]string{"corp.example/token": secret(), corev1.LastAppliedConfigAnnotation: `{"env":"` + secret() + `"}`},
		}
	}
	probe := func() *corev1.Probe {
		return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
			Exec: &corev1.ExecAction{Command: []string{"mysqladmin", "-p" + secret()}},
			HTTPGet: &corev1.HTTPGetAction{
				Path: "/healthz?token=" + secret(), Port: intstr.FromInt32(80), HTTPHeaders: []corev1.HTTPHeader{{Name: "Authorization", Value: secret()}},
			},
		}}
	}
	container := func(name, image string) corev1.Container {
		return corev1.Container{
			Name: name, Image: image, Command: []string{"sh", "-c", "PASSWORD=" + secret()}, Args: []string{"--api-token=" + secret()},
			Env:           []corev1.EnvVar{{Name: "PASSWORD", Value: secret()}, {Name: "REF", ValueFrom: &corev1.EnvVarSource{}}},
			LivenessProbe: probe(), ReadinessProbe: probe(), StartupProbe: probe(),
			Lifecycle: &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Exec: &corev1.ExecAction{Command: []string{secret()}}}},
		}
	}
	spec := func(names ...string) corev1.PodSpec {
		s := corev1.PodSpec{
			NodeName: "node-1", HostAliases: []corev1.HostAlias{{IP: "10.9.9.9", Hostnames: []string{secret()}}},
			Volumes: []corev1.Volume{
				{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-set-0"}}},
				{Name: "csi", VolumeSource: corev1.VolumeSource{CSI: &corev1.CSIVolumeSource{VolumeAttributes: map[string]string{"key": secret()}}}},
			},
			InitContainers:      []corev1.Container{container("init", "busybox")},
			EphemeralContainers: []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{Name: "debug", Args: []string{secret()}}}},
			DNSConfig:           &corev1.PodDNSConfig{Searches: []string{secret()}},
		}
		for _, name := range names {
			s.Containers = append(s.Containers, container(name, "image"))
		}
		return s
	}
	ended := func() corev1.PodStatus {
		terminated := func() corev1.ContainerState {
			return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Message: "token " + secret() + " is wrong"}}
		}
		return corev1.PodStatus{
			Phase: corev1.PodRunning, HostIP: "192.0.2.7",
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", State: terminated(), LastTerminationState: terminated()}},
		}
	}
	controller := true
	set := &appsv1.StatefulSet{ObjectMeta: annotated("set", "ns"), Spec: appsv1.StatefulSetSpec{
		ServiceName: "set", Template: corev1.PodTemplateSpec{ObjectMeta: annotated("", ""), Spec: spec("main")},
		VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{ObjectMeta: annotated("data", "")}},
	}}
	set.UID = "set-uid"
	pod := &corev1.Pod{ObjectMeta: annotated("set-0", "ns"), Spec: spec("main", "sidecar"), Status: corev1.PodStatus{
		Phase: corev1.PodPending, HostIP: "192.0.2.7", HostIPs: []corev1.HostIP{{IP: "192.0.2.7"}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "main", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}},
	}}
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "StatefulSet", Name: "set", UID: "set-uid", Controller: &controller}}
	class := "slow"
	now := metav1.NewTime(time.Now())
	about := corev1.ObjectReference{Kind: "StatefulSet", Name: "set", Namespace: "ns", UID: "set-uid"}
	hook := "https://user:" + secret() + "@hook.example/x?token=" + secret()
	event := func(name string, of corev1.ObjectReference, message string) *corev1.Event {
		return &corev1.Event{
			ObjectMeta: annotated(name, of.Namespace), InvolvedObject: of, Type: corev1.EventTypeWarning, Reason: "FailedCreate", Message: message, LastTimestamp: now,
		}
	}
	provisioner := container("provisioner", "registry.example/provisioner")
	provisioner.Args = append(provisioner.Args, "--provisioner=corp.example/slow", "--and=corp.example/slow:"+secret())
	provider := corev1.PodTemplateSpec{ObjectMeta: annotated("", ""), Spec: corev1.PodSpec{Containers: []corev1.Container{provisioner}}}
	dns := spec("coredns")
	dnsMeta := annotated("coredns-1", metav1.NamespaceSystem)
	dnsMeta.Labels = map[string]string{"k8s-app": "kube-dns"}
	return []runtime.Object{
		set, pod,
		&corev1.PersistentVolumeClaim{ObjectMeta: annotated("data-set-0", "ns"), Spec: corev1.PersistentVolumeClaimSpec{StorageClassName: &class}, Status: corev1.PersistentVolumeClaimStatus{Phase: corev1.ClaimPending}},
		&corev1.Service{ObjectMeta: annotated("set", "ns"), Spec: corev1.ServiceSpec{ClusterIP: corev1.ClusterIPNone}},
		&discoveryv1.EndpointSlice{ObjectMeta: annotated("set-x", "ns")},
		&appsv1.ControllerRevision{ObjectMeta: annotated("set-1", "ns"), Data: runtime.RawExtension{Raw: []byte(`{"spec":{"env":"` + secret() + `"}}`)}},
		&corev1.ConfigMap{ObjectMeta: annotated("settings", "ns"), Data: map[string]string{"password": secret()}},
		&corev1.Secret{ObjectMeta: annotated("password", "ns"), StringData: map[string]string{"password": secret()}},
		event("set.1", about, `create Pod set-1 failed error: failed calling webhook "hook.example"`),
		event("other.1", corev1.ObjectReference{Kind: "Pod", Name: "other", Namespace: "theirs"}, secret()),
		&corev1.PersistentVolume{ObjectMeta: annotated("volume", ""), Spec: corev1.PersistentVolumeSpec{
			MountOptions:           []string{"password=" + secret()},
			PersistentVolumeSource: corev1.PersistentVolumeSource{CSI: &corev1.CSIPersistentVolumeSource{VolumeAttributes: map[string]string{"key": secret()}}},
		}},
		&storagev1.StorageClass{ObjectMeta: annotated("slow", ""), Provisioner: "corp.example/slow", Parameters: map[string]string{"restuserkey": secret()}, MountOptions: []string{secret()}},
		&corev1.Node{ObjectMeta: annotated("node-1", ""), Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "192.0.2.7"}}}},
		&admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: annotated("hook", ""), Webhooks: []admissionregistrationv1.ValidatingWebhook{{Name: "hook.example", ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &hook}}}},
		&admissionregistrationv1.MutatingWebhookConfiguration{ObjectMeta: annotated("hook", ""), Webhooks: []admissionregistrationv1.MutatingWebhook{{Name: "hook.example", ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &hook}}}},
		&appsv1.Deployment{ObjectMeta: annotated("provisioner", "storage"), Spec: appsv1.DeploymentSpec{Template: provider}},
		&corev1.Pod{ObjectMeta: annotated("provisioner-1", "storage"), Spec: provider.Spec, Status: ended()},
		&corev1.Pod{ObjectMeta: annotated("theirs", "theirs"), Spec: spec("app")},
		&corev1.Pod{ObjectMeta: dnsMeta, Spec: dns, Status: ended()},
		&corev1.ConfigMap{ObjectMeta: annotated("coredns", metav1.NamespaceSystem), Data: map[string]string{
			"Corefile": ".:53 {\n  # " + secret() + "\n  kubernetes cluster.local {\n    kubeconfig /etc/" + secret() + " admin\n    endpoint https://192.0.2.7:6443\n  }\n  route53 example.org {\n    aws_access_key " + secret() + " " + secret() + "\n  }\n}\n",
		}},
		&corev1.ConfigMap{ObjectMeta: annotated("kubelet-config", metav1.NamespaceSystem), Data: map[string]string{"kubelet": "clusterDomain: cluster.local\nother: " + secret() + "\n"}},
	}
}

// inHistory returns the objects as a history holds them.
func inHistory(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, o := range objects() {
		if e, err := history.Project(o); err == nil {
			data, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(data)
		}
	}
	return out.Bytes()
}

// Nothing that a failing spec, a diagnosis or a recording leaves holds a secret or a node's address, and nobody else may read the files.
func TestSecretsReachNoFile(t *testing.T) {
	for name, existing := range map[string][]string{"in a namespace of its own": nil, "in an existing namespace": {"ns"}} {
		t.Run(name, func(t *testing.T) {
			ns := &Namespace{Name: "ns", Cluster: &Cluster{Client: fake.NewClientset(objects()...), Settings: runconfig.Settings{Run: "r1", Namespaces: existing}}}
			dir := filepath.Join(t.TempDir(), "failures", "spec")
			if err := ns.SaveArtifacts(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			brief, err := ns.Diagnose(t.Context(), dir)
			if err != nil {
				t.Fatal(err)
			}
			texts := map[string]string{"the brief diagnosis": brief, "the history": string(inHistory(t))}
			if err := filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := d.Info()
				if err != nil {
					return err
				}
				if info.Mode().Perm()&0o077 != 0 {
					t.Errorf("expected nobody else to reach %s, found %v", path, info.Mode())
				}
				if !d.IsDir() {
					data, err := os.ReadFile(path)
					texts[path] = string(data)
					return err
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for path, text := range texts {
				for i, line := range strings.Split(text, "\n") {
					if strings.Contains(line, canary) || strings.Contains(line, "192.0.2.7") {
						t.Errorf("%s:%d: found a secret: %s", path, i+1, line)
					}
				}
			}
			// What a diagnosis needs is still there.
			s, err := diagnose.Load(filepath.Join(dir, "state-set.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Providers) == 0 || len(s.ProviderPods) == 0 || !diagnose.Provides("x", &s.Providers[0].Spec.Template.Spec, "corp.example/slow") {
				t.Errorf("expected the saved state to show the provisioner's programs, found %d and %d", len(s.Providers), len(s.ProviderPods))
			}
			if _, err := os.Stat(filepath.Join(dir, "logs", "set-0-sidecar.log")); err == nil {
				t.Error("expected no log of a container that admission added")
			}
		})
	}
}
