package folder_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/folder"
)

// write writes a value into a file of a folder, as JSON or YAML after its name.
func write(t *testing.T, dir, name string, value any) {
	t.Helper()
	data, err := json.Marshal(value)
	if err == nil && filepath.Ext(name) == ".yaml" {
		data, err = yaml.JSONToYAML(data)
	}
	file := filepath.Join(dir, name)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o755)
	}
	if err == nil {
		err = os.WriteFile(file, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// list is a list as kubectl writes it: its items say no kind of their own.
func list[T any](version, kind string, items []T) map[string]any {
	return map[string]any{"apiVersion": version, "kind": kind + "List", "metadata": map[string]any{}, "items": items}
}

// single writes objects of the cluster into files of their own, as must-gather does.
func single[T any, P interface {
	*T
	metav1.Object
}](t *testing.T, dir, folder, version, kind string, items []T,
) {
	t.Helper()
	for i := range items {
		data, err := json.Marshal(items[i])
		var value map[string]any
		if err == nil {
			err = json.Unmarshal(data, &value)
		}
		if err != nil {
			t.Fatal(err)
		}
		value["apiVersion"], value["kind"] = version, kind
		write(t, dir, "cluster-scoped-resources/"+folder+"/"+P(&items[i]).GetName()+".yaml", value)
	}
}

// gathered writes a state as must-gather lays it out.
func gathered(t *testing.T, dir string, s *diagnose.State) {
	t.Helper()
	ns := "quay-io-must-gather-sha256-1/namespaces/" + s.Namespace + "/"
	write(t, dir, ns+"apps/statefulsets.yaml", list("apps/v1", "StatefulSet", []any{s.StatefulSet}))
	write(t, dir, ns+"core/pods.yaml", list("v1", "Pod", s.Pods))
	for i := range s.Pods {
		// Pods are there twice.
		p := s.Pods[i].DeepCopy()
		p.APIVersion, p.Kind = "v1", "Pod"
		write(t, dir, ns+"pods/"+p.Name+"/"+p.Name+".yaml", p)
	}
	write(t, dir, ns+"core/persistentvolumeclaims.yaml", list("v1", "PersistentVolumeClaim", s.Claims))
	write(t, dir, ns+"core/services.yaml", list("v1", "Service", s.Services))
	write(t, dir, ns+"core/events.yaml", list("v1", "Event", s.Events))
	write(t, dir, ns+"core/resourcequotas.yaml", list("v1", "ResourceQuota", s.Quotas))
	write(t, dir, ns+"core/limitranges.yaml", list("v1", "LimitRange", s.Limits))
	write(t, dir, ns+"policy/poddisruptionbudgets.yaml", list("policy/v1", "PodDisruptionBudget", s.Budgets))
	write(t, dir, ns+"networking.k8s.io/networkpolicies.yaml", list("networking.k8s.io/v1", "NetworkPolicy", s.Policies))
	write(t, dir, ns+"discovery.k8s.io/endpointslices.yaml", list("discovery.k8s.io/v1", "EndpointSlice", s.Slices))
	single(t, dir, "core/nodes", "v1", "Node", s.Nodes)
	single(t, dir, "core/persistentvolumes", "v1", "PersistentVolume", s.Volumes)
	single(t, dir, "storage.k8s.io/storageclasses", "storage.k8s.io/v1", "StorageClass", s.Classes)
	single(t, dir, "storage.k8s.io/csinodes", "storage.k8s.io/v1", "CSINode", s.CSINodes)
	single(t, dir, "admissionregistration.k8s.io/validatingwebhookconfigurations", "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", s.Validating)
	if err := os.WriteFile(filepath.Join(dir, "timestamp"), []byte(s.Taken.Add(-2*time.Minute).UTC().String()+"\n"+s.Taken.UTC().String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// dumped writes a state as `kubectl cluster-info dump` lays it out: without sets, claims and volumes.
func dumped(t *testing.T, dir string, s *diagnose.State) {
	t.Helper()
	write(t, dir, "nodes.json", list("v1", "Node", s.Nodes))
	write(t, dir, s.Namespace+"/pods.json", list("v1", "Pod", s.Pods))
	write(t, dir, s.Namespace+"/events.json", list("v1", "Event", s.Events))
	write(t, dir, s.Namespace+"/services.json", list("v1", "Service", s.Services))
	write(t, dir, s.Namespace+"/deployments.json", list[any]("apps/v1", "Deployment", nil))
	write(t, dir, s.Namespace+"/web-0/logs.txt", "==== START logs for container main of pod shop/web-0 ====")
}

// TestADumpInOneFile reads what kubectl cluster-info dump prints if it is given no folder: lists one after another, and logs between them.
func TestADumpInOneFile(t *testing.T) {
	s := states(t)["taint"]
	dir := t.TempDir()
	dumped(t, dir, s)
	var all []byte
	for i, name := range []string{"nodes.json", s.Namespace + "/events.json", s.Namespace + "/services.json", s.Namespace + "/deployments.json", s.Namespace + "/pods.json"} {
		part, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, part...), '\n')
		if i == 1 {
			all = append(all, "==== START logs for container main of pod shop/web-0 ====\n{ \"level\": \"info\" }\nnot JSON: {\n==== END logs for container main of pod shop/web-0 ====\n"...)
		}
	}
	one := t.TempDir()
	if err := os.WriteFile(filepath.Join(one, "dump.json"), all, 0o600); err != nil {
		t.Fatal(err)
	}
	_, want := read(t, dir, s.Namespace)
	if _, got := read(t, one, s.Namespace); len(got) == 0 || got[0].Line() != want[0].Line() {
		t.Errorf("expected of the file what is found of the folder\n%s\nfound\n%s", diagnose.Brief(want), diagnose.Brief(got))
	}
}

// read diagnoses the set web of a folder.
func read(t *testing.T, dir, namespace string) (*diagnose.State, []diagnose.Finding) {
	t.Helper()
	f, err := folder.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := f.Client()
	if err != nil {
		t.Fatal(err)
	}
	s, err := capture.State(t.Context(), client, namespace, "web", capture.AnswerLimit)
	if err != nil {
		t.Fatal(err)
	}
	s.Taken = metav1.NewTime(f.Taken())
	if f.Inferred {
		s.Unread = append(s.Unread, diagnose.Unread{What: "statefulsets", Why: "not in the folder"})
	}
	return s, diagnose.Diagnose(s)
}

func states(t *testing.T) map[string]*diagnose.State {
	t.Helper()
	files, err := filepath.Glob("../testdata/states/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("expected states, found %d (%v)", len(files), err)
	}
	out := map[string]*diagnose.State{}
	for _, file := range files {
		s, err := diagnose.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".yaml")] = s
	}
	return out
}

// first is the first line of a diagnosis, without what differs with the moment at which something was read.
func first(found []diagnose.Finding) string {
	if len(found) == 0 {
		return ""
	}
	line, _, _ := strings.Cut(found[0].Line(), " was made ")
	return line
}

// A must-gather folder tells as much as the cluster it was made of, except for what leases, the cluster's DNS and pods of other namespaces told.
func TestGatheredFolders(t *testing.T) {
	other := []string{
		"controller-down", "scheduler-down", "node-lost", "terminating-on-lost-node", // leases
		"dns-down", "dns-crashes", "dns-config", "other-zone", // kube-system
		"resources", "provisioner-down", "provisioner-scaled-away", "host-port", // other namespaces
	}
	for name, want := range states(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			gathered(t, dir, want)
			s, found := read(t, dir, want.Namespace)
			line, wanted := first(found), first(diagnose.Diagnose(want))
			if line != wanted && !slices.Contains(other, name) {
				t.Errorf("expected\n%s\nfound\n%s\n%v", wanted, line, s.Unread)
			}
		})
	}
}

// A cluster-info dump holds neither sets nor claims: it may tell less, or the symptom for the cause, and nothing that is wrong.
func TestDumpedFolders(t *testing.T) {
	less := map[string]diagnose.Cause{
		"forced-rollback": "image-pull", "volume-confines": "volume-node-affinity", "other-zone": "readiness-probe", "earlier-data": "crash-loop",
		"volume-node-affinity": diagnose.Unknown, "no-default-class": diagnose.Unknown, "class-missing": diagnose.Unknown, "no-volume-of-size": diagnose.Unknown,
		"provisioner-down": diagnose.Unknown,
	}
	told := 0
	for name, want := range states(t) {
		if len(want.Pods) == 0 {
			continue // No pod tells of the set.
		}
		dir := t.TempDir()
		dumped(t, dir, want)
		s, found := read(t, dir, want.Namespace)
		full := diagnose.Diagnose(want)[0].Cause
		switch {
		case len(found) == 0 || found[0].Cause == diagnose.Note:
		case found[0].Cause == full:
			told++
		case found[0].Cause != less[name]:
			t.Errorf("%s: expected %s, or less, found %s\n%s", name, full, found[0].Cause, found[0].Line())
		}
		for _, what := range []string{"persistentvolumeclaims", "persistentvolumes", "storageclasses", "statefulsets"} {
			if !slices.ContainsFunc(s.Unread, func(u diagnose.Unread) bool { return u.What == what }) {
				t.Errorf("%s: expected %s to be reported as not read, found %v", name, what, s.Unread)
			}
		}
	}
	if told < 20 {
		t.Errorf("expected at least 20 causes to be told of a dump as of the cluster, found %d", told)
	}
}

// What a folder does not have is refused, what it lists without any is absent.
func TestWhatIsNotInTheFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db-0", Namespace: "bank", UID: "2"}}
	write(t, dir, "shop/pods.json", list[any]("v1", "Pod", nil))
	forged := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "db-0; true", Namespace: "bank", UID: "3"}} // no API server has such a one
	write(t, dir, "bank/pods.yaml", list("v1", "Pod", []corev1.Pod{pod, forged}))
	write(t, dir, "broken.yaml", "x")
	if err := os.WriteFile(filepath.Join(dir, "broken.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := folder.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	client, err := f.Client()
	if err != nil {
		t.Fatal(err)
	}
	for namespace, want := range map[string]int{"shop": 0, "bank": 1, "other": -1, "": -1} {
		got, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
		if (want < 0) != apierrors.IsForbidden(err) || (want >= 0 && (err != nil || len(got.Items) != want)) {
			t.Errorf("namespace %q: expected %d pods (-1: refused), found %v, %v", namespace, want, got, err)
		}
	}
	if _, err := client.CoreV1().Pods("bank").Get(t.Context(), "db-1", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("expected a pod of a whole list not to be found, found %v", err)
	}
	if err := client.CoreV1().Pods("bank").Delete(t.Context(), "db-0", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("expected that nothing can be deleted, found %v", err)
	}
	if len(f.Skipped) != 2 {
		t.Errorf("expected two files to be reported as broken, found %v", f.Skipped)
	}
	write(t, dir, "all.yaml", map[string]any{"apiVersion": "v1", "kind": "List", "items": []any{
		map[string]any{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": map[string]any{"name": "db", "namespace": "bank", "uid": "1"}},
		map[string]any{"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": map[string]any{"name": "manifest", "namespace": "bank"}},
	}})
	if f, err = folder.Read(dir); err != nil {
		t.Fatal(err)
	}
	if client, err = f.Client(); err != nil {
		t.Fatal(err)
	}
	sets, err := client.AppsV1().StatefulSets("").List(t.Context(), metav1.ListOptions{})
	if err != nil || len(sets.Items) != 1 {
		t.Errorf("expected the one set, found %v, %v", sets, err)
	}
}
