package diagnose_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/e2e-framework/klient"
	"sigs.k8s.io/e2e-framework/klient/decoder"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
)

// Every cause made real again, on a cluster of kind's:
//
//	go test ./e2e/internal/diagnose -run OnACluster -v -timeout 60m -kubeconfig FILE -busybox IMAGE [-update]
//	go test ./e2e/internal/diagnose -run DisruptACluster -v -timeout 60m -kubeconfig FILE -busybox IMAGE -disrupt [-update]
//
// -update saves the states that are read for the tests of captured states. -disrupt allows what affects the whole cluster: give it a
// cluster of its own, with a worker.
//
//nolint:gochecknoglobals // Flags of the test.
var (
	kubeconfig = flag.String("kubeconfig", "", "make the causes real on this cluster")
	busybox    = flag.String("busybox", "busybox:1.37", "image that the sets run")
	disrupt    = flag.Bool("disrupt", false, "also disrupt the cluster itself")
	update     = flag.Bool("update", false, "save the states that are read")
)

// within bounds the time until the diagnosis names a cause: a pod that crashes has to crash twice, a node to fall silent.
const within = 3 * time.Minute

// testCluster is a cluster to make causes real on.
type testCluster struct {
	client kubernetes.Interface
	klient klient.Client
	config *rest.Config
}

func newTestCluster(t *testing.T) *testCluster {
	t.Helper()
	if *kubeconfig == "" {
		t.Skip("no cluster was given (-kubeconfig FILE)")
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	must(t, err)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	must(t, err)
	kl, err := klient.New(config)
	must(t, err)
	return &testCluster{client: client, klient: kl, config: config}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCausesAreFoundOnACluster(t *testing.T) {
	b := newTestCluster(t)
	for _, c := range causes() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ns := b.apply(t, c.name, c.name)
			if act, ok := b.acts()[c.name]; ok {
				b.awaitReady(t, ns)
				act(t, ns)
			}
			b.expect(t, ns, c)
		})
	}
}

// apply makes a namespace for a cause and creates a manifest's objects. All of it goes when the test ends.
func (b *testCluster) apply(t *testing.T, name, manifest string) string {
	t.Helper()
	ctx := t.Context()
	labels := map[string]string{"diagnose": name}
	if name == "pod-security" {
		labels["pod-security.kubernetes.io/enforce"] = "baseline"
	}
	created, err := b.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "diagnose-", Labels: labels}}, metav1.CreateOptions{})
	must(t, err)
	ns := created.Name
	t.Cleanup(func() { b.remove(t, ns) })
	if name == "webhook-denies" {
		b.serveDenials(t, "diagnose-denies", "pods.denies.example.com", name)
		manifest = "healthy"
	}
	if name == "forced-rollback" {
		manifest = "healthy"
	}
	objects, err := decoder.DecodeAllFiles(ctx, os.DirFS("testdata/causes"), manifest+".yaml")
	must(t, err)
	if len(objects) == 0 {
		t.Fatalf("testdata/causes/%s.yaml holds no object", manifest)
	}
	// Cluster-scoped objects first: a policy or a webhook is in force only a moment after it was made.
	slices.SortStableFunc(objects, func(x, y k8s.Object) int { return boolInt(namespaced(x)) - boolInt(namespaced(y)) })
	settled := false
	for _, o := range objects {
		if namespaced(o) {
			o.SetNamespace(ns)
			if _, isSet := o.(*appsv1.StatefulSet); isSet && !settled && strings.Contains(name, "denies") {
				settle(ctx)
				settled = true
			}
		} else {
			t.Cleanup(func() { must(t, b.klient.Resources().Delete(context.WithoutCancel(ctx), o)) })
		}
		if set, ok := o.(*appsv1.StatefulSet); ok {
			for _, all := range [][]corev1.Container{set.Spec.Template.Spec.InitContainers, set.Spec.Template.Spec.Containers} {
				for i := range all {
					all[i].Image = strings.Replace(all[i].Image, "busybox:1.37", *busybox, 1)
				}
			}
		}
		must(t, b.klient.Resources().Create(ctx, o))
	}
	return ns
}

// settle gives the API server time to bring a new admission rule into force; nothing tells when it has.
func settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	<-ctx.Done()
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func namespaced(o k8s.Object) bool {
	return !slices.Contains([]string{
		"PersistentVolume", "StorageClass", "CSIDriver", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
	}, strings.TrimPrefix(fmt.Sprintf("%T", o)[strings.LastIndexByte(fmt.Sprintf("%T", o), '.'):], "."))
}

// remove takes a namespace away, with what holds its pods.
func (b *testCluster) remove(t *testing.T, ns string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	zero := int64(0)
	_ = b.client.AppsV1().StatefulSets(ns).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
	pods, err := b.client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{})
	must(t, err)
	for i := range pods.Items {
		p := &pods.Items[i]
		if len(p.Finalizers) > 0 {
			p.Finalizers = nil
			_, _ = b.client.CoreV1().Pods(ns).Update(ctx, p, metav1.UpdateOptions{})
		}
		_ = b.client.CoreV1().Pods(ns).Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &zero})
	}
	must(t, b.client.CoreV1().Namespaces().Delete(ctx, ns, metav1.DeleteOptions{}))
}

func (b *testCluster) awaitReady(t *testing.T, ns string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, within, true, func(ctx context.Context) (bool, error) {
		set, err := b.client.AppsV1().StatefulSets(ns).Get(ctx, "web", metav1.GetOptions{})
		return err == nil && set.Status.ReadyReplicas == *set.Spec.Replicas, nil
	})
	if err != nil {
		t.Fatalf("the set is not Ready: %v", err)
	}
}

// expect diagnoses the set until the first line is the one that is wanted.
func (b *testCluster) expect(t *testing.T, ns string, c made) {
	t.Helper()
	begin := time.Now()
	var state *diagnose.State
	var found []diagnose.Finding
	lines := map[string]time.Duration{}
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, within, true, func(ctx context.Context) (bool, error) {
		s, err := capture.State(ctx, b.client, ns, "web", capture.AnswerLimit)
		if err == nil {
			state, found = s, diagnose.Diagnose(s)
		}
		if len(found) == 0 {
			return false, ctx.Err()
		}
		if found[0].Known() && !strings.HasPrefix(found[0].Line(), c.line) {
			lines[found[0].Line()] = time.Since(begin)
		}
		return strings.HasPrefix(found[0].Line(), c.line) && diagnose.Conclude(found) == diagnose.Explained, nil
	})
	for _, line := range slices.Sorted(maps.Keys(lines)) {
		t.Logf("after %.0f s it said otherwise: %s", lines[line].Seconds(), line)
	}
	if err != nil {
		var text strings.Builder
		if state != nil {
			_ = diagnose.Write(&text, state, found)
		}
		t.Fatalf("expected %s\nfound\n%s", c.line, text.String())
	}
	t.Logf("after %.0f s: %s", time.Since(begin).Seconds(), found[0].Line())
	if *update {
		must(t, state.Save(filepath.Join(statesDir, c.name+".yaml")))
	}
}
