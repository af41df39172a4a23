package rbac_test

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/e2e-framework/klient"
	"sigs.k8s.io/e2e-framework/klient/decoder"
	"sigs.k8s.io/e2e-framework/klient/k8s"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// liveKubeconfig is the variable that names the kubeconfig of an administrator for TestAccountIsConfined:
//
//	RBAC_LIVE_KUBECONFIG=$(.bin/confdev cluster up) go test ./e2e/internal/rbac -run Confined -v
const liveKubeconfig = "RBAC_LIVE_KUBECONFIG"

// What refuses a request, by words of the error.
const (
	byPolicy      = "ValidatingAdmissionPolicy '" + rbac.Account + "'"
	byRBAC        = `User "` + rbac.UserName + `" cannot `
	byPodSecurity = "violates PodSecurity"
)

// It applies the manifest to a real cluster and tries with the account's token what the account must not be able to do.
func TestAccountIsConfined(t *testing.T) {
	path := os.Getenv(liveKubeconfig)
	if path == "" {
		t.Skip(liveKubeconfig + " names no cluster")
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	admin := kubernetes.NewForConfigOrDie(config)
	applyManifest(t, config)
	account := accountClient(t, admin, config)
	ctx := t.Context()

	other := createNamespace(t, admin, admin, nil)
	createObjects(t, admin, other)
	own := createNamespace(t, admin, account, labels("restricted"))

	// A new policy takes effect within seconds.
	err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		_, err := account.CoreV1().Pods(other).Create(ctx, pod("a"), dryRun())
		return err != nil && strings.Contains(err.Error(), byPolicy), nil
	})
	if err != nil {
		t.Errorf("expected the policy to refuse a pod within 30 s: %v", err)
	}
	for _, c := range allowed(account, own) {
		if err := c.try(ctx); err != nil {
			t.Errorf("%s: expected it to be allowed, found: %v", c.name, err)
		}
	}
	for _, c := range refused(account, own, other, dnsPod(t, admin)) {
		err := c.try(ctx)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: expected an error with %q, found: %v", c.name, c.want, err)
			continue
		}
		t.Logf("%s: %v", c.name, err)
	}
	if _, err := admin.CoreV1().Pods(other).Get(ctx, "a", metav1.GetOptions{}); err != nil {
		t.Errorf("expected the other namespace's pod to be there still: %v", err)
	}
}

// attempt is a request and, if it must be refused, words of the refusal.
type attempt struct {
	name, want string
	try        func(context.Context) error
}

func allowed(account kubernetes.Interface, own string) []attempt {
	core := account.CoreV1()
	return []attempt{
		{name: "a restricted pod in an own namespace", try: func(ctx context.Context) error {
			_, err := core.Pods(own).Create(ctx, pod("b"), dryRun())
			return err
		}},
		{name: "a headless service in an own namespace", try: func(ctx context.Context) error {
			_, err := core.Services(own).Create(ctx, service(corev1.ClusterIPNone), dryRun())
			return err
		}},
		{name: "a namespace that enforces baseline", try: func(ctx context.Context) error {
			_, err := core.Namespaces().Create(ctx, namespace(labels("baseline")), dryRun())
			return err
		}},
		{name: "deletion of an own namespace", try: func(ctx context.Context) error {
			return core.Namespaces().Delete(ctx, own, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
		}},
		{name: "the configuration of CoreDNS", try: func(ctx context.Context) error {
			_, err := core.ConfigMaps(metav1.NamespaceSystem).Get(ctx, "coredns", metav1.GetOptions{})
			return err
		}},
		{name: "leases of the control plane", try: func(ctx context.Context) error {
			_, err := account.CoordinationV1().Leases(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{})
			return err
		}},
	}
}

// refused are requests that would change nothing if they were allowed, but for those on the other namespace, which is the test's own.
func refused(account kubernetes.Interface, own, other, dns string) []attempt {
	core := account.CoreV1()
	createPod := func(namespace string, p *corev1.Pod) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := core.Pods(namespace).Create(ctx, p, dryRun())
			return err
		}
	}
	exec := func(namespace, name string) func(context.Context) error {
		return func(ctx context.Context) error {
			return core.RESTClient().Post().Namespace(namespace).Resource("pods").Name(name).SubResource("exec").
				Param("command", "true").Param("stdout", "true").Do(ctx).Error()
		}
	}
	createNamespace := func(labels map[string]string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := core.Namespaces().Create(ctx, namespace(labels), dryRun())
			return err
		}
	}
	onHost := pod("b")
	onHost.Spec.HostPID = true
	unlabelled := map[string]string{runconfig.PodSecurityLabel: "restricted"}
	return []attempt{
		{"a pod in kube-system", byPolicy, createPod(metav1.NamespaceSystem, pod("b"))},
		{"a pod of the host in kube-system", byPolicy, createPod(metav1.NamespaceSystem, onHost)},
		{"a pod beside the suite's Job", byPolicy, createPod(rbac.Account, pod("b"))},
		{"a pod of the host in an own namespace", byPodSecurity, createPod(own, onHost)},
		{"exec in a pod of kube-system", byPolicy, exec(metav1.NamespaceSystem, dns)},
		{"exec in a pod elsewhere", byPolicy, exec(other, "a")},
		{"deletion of another namespace", byPolicy, func(ctx context.Context) error {
			return core.Namespaces().Delete(ctx, other, metav1.DeleteOptions{})
		}},
		{"deletion of kube-node-lease", byPolicy, func(ctx context.Context) error {
			return core.Namespaces().Delete(ctx, corev1.NamespaceNodeLease, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
		}},
		{"a namespace without the suite's label", byPolicy, createNamespace(unlabelled)},
		{"a privileged namespace", byPolicy, createNamespace(labels("privileged"))},
		{"a namespace without a standard", byPolicy, createNamespace(labels(""))},
		{"a service with an address in an own namespace", byPolicy, func(ctx context.Context) error {
			_, err := core.Services(own).Create(ctx, service(""), dryRun())
			return err
		}},
		{"a service elsewhere", byPolicy, func(ctx context.Context) error {
			_, err := core.Services(other).Create(ctx, service(corev1.ClusterIPNone), dryRun())
			return err
		}},
		{"deletion of a pod elsewhere", byPolicy, func(ctx context.Context) error {
			return core.Pods(other).Delete(ctx, "a", metav1.DeleteOptions{})
		}},
		{"eviction of a pod elsewhere", byPolicy, func(ctx context.Context) error {
			return core.Pods(other).EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: "a"}})
		}},
		{"status of a pod elsewhere", byPolicy, func(ctx context.Context) error {
			_, err := core.Pods(other).Patch(ctx, "a", types.MergePatchType, []byte(`{"status":{"podIP":"192.0.2.1"}}`), metav1.PatchOptions{}, "status")
			return err
		}},
		{"deletion of all sets elsewhere", byPolicy, func(ctx context.Context) error {
			return account.AppsV1().StatefulSets(other).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
		}},
		{"scaling a set elsewhere", byPolicy, func(ctx context.Context) error {
			_, err := account.AppsV1().StatefulSets(other).Patch(ctx, "a", types.MergePatchType, []byte(`{"spec":{"replicas":1}}`), metav1.PatchOptions{}, "scale")
			return err
		}},
		{"deletion of a claim elsewhere", byPolicy, func(ctx context.Context) error {
			return core.PersistentVolumeClaims(other).Delete(ctx, "a", metav1.DeleteOptions{})
		}},
		{"labelling another namespace", byRBAC, func(ctx context.Context) error {
			_, err := core.Namespaces().Patch(ctx, other, types.MergePatchType, []byte(`{"metadata":{"labels":{"a":"b"}}}`), metav1.PatchOptions{})
			return err
		}},
		{"another ConfigMap of kube-system", byRBAC, func(ctx context.Context) error {
			_, err := core.ConfigMaps(metav1.NamespaceSystem).Get(ctx, "extension-apiserver-authentication", metav1.GetOptions{})
			return err
		}},
		{"a ConfigMap elsewhere", byRBAC, func(ctx context.Context) error {
			_, err := core.ConfigMaps(other).Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
			return err
		}},
		{"secrets", byRBAC, func(ctx context.Context) error {
			_, err := core.Secrets("").List(ctx, metav1.ListOptions{})
			return err
		}},
		{"a token of another account", byRBAC, func(ctx context.Context) error {
			_, err := core.ServiceAccounts(metav1.NamespaceSystem).CreateToken(ctx, "default", &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
			return err
		}},
		{"removal of the policy", byRBAC, func(ctx context.Context) error {
			return account.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().Delete(ctx, rbac.Account, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
		}},
	}
}

// applyManifest creates the objects of rbac.yaml, and removes those that it created when the test ends.
func applyManifest(t *testing.T, config *rest.Config) {
	t.Helper()
	text, err := rbac.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	client, err := klient.New(config)
	if err != nil {
		t.Fatal(err)
	}
	err = decoder.DecodeEach(t.Context(), strings.NewReader(text), func(ctx context.Context, o k8s.Object) error {
		if err := client.Resources().Create(ctx, o); err != nil {
			return err
		}
		t.Cleanup(func() {
			if err := client.Resources().Delete(context.WithoutCancel(ctx), o); err != nil {
				t.Error(err)
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// accountClient returns a client with a token of the account and no other credentials.
func accountClient(t *testing.T, admin kubernetes.Interface, config *rest.Config) kubernetes.Interface {
	t.Helper()
	token, err := admin.CoreV1().ServiceAccounts(rbac.Account).CreateToken(t.Context(), rbac.Account, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	config = rest.AnonymousClientConfig(config)
	config.BearerToken = token.Status.Token
	return kubernetes.NewForConfigOrDie(config)
}

// createNamespace creates a namespace by one client; the administrator removes it when the test ends.
func createNamespace(t *testing.T, admin, by kubernetes.Interface, labels map[string]string) string {
	t.Helper()
	var name string
	// Rights of a new account take effect within seconds.
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		var created *corev1.Namespace
		if created, last = by.CoreV1().Namespaces().Create(ctx, namespace(labels), metav1.CreateOptions{}); last == nil {
			name = created.Name
		}
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("expected a namespace to be created: %v", last)
	}
	t.Cleanup(func() {
		if err := admin.CoreV1().Namespaces().Delete(context.WithoutCancel(t.Context()), name, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	return name
}

// createObjects creates a pod that no node takes, a set without pods and a claim, all of the name a.
func createObjects(t *testing.T, admin kubernetes.Interface, namespace string) {
	t.Helper()
	p := pod("a")
	p.Spec.NodeSelector = map[string]string{"no": "node"}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		// It needs the namespace's service account.
		_, err := admin.CoreV1().Pods(namespace).Create(ctx, p, metav1.CreateOptions{})
		return err == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]string{"a": "a"}
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: appsv1.StatefulSetSpec{
		Replicas: new(int32), Selector: &metav1.LabelSelector{MatchLabels: labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: p.Spec},
	}}
	if _, err := admin.AppsV1().StatefulSets(namespace).Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: new(string), AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
	}}
	if _, err := admin.CoreV1().PersistentVolumeClaims(namespace).Create(t.Context(), claim, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func dnsPod(t *testing.T, admin kubernetes.Interface) string {
	t.Helper()
	pods, err := admin.CoreV1().Pods(metav1.NamespaceSystem).List(t.Context(), metav1.ListOptions{LabelSelector: "k8s-app=kube-dns"})
	if err != nil || len(pods.Items) == 0 {
		t.Fatalf("expected a pod of CoreDNS, found none (%v)", err)
	}
	return pods.Items[0].Name
}

func dryRun() metav1.CreateOptions { return metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}} }

func labels(standard string) map[string]string {
	out := map[string]string{runconfig.ManagedByLabel: runconfig.ManagedBy}
	if standard != "" {
		out[runconfig.PodSecurityLabel] = standard
	}
	return out
}

func namespace(labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "rbac-", Labels: labels}}
}

func service(ip string) *corev1.Service {
	return &corev1.Service{ObjectMeta: metav1.ObjectMeta{GenerateName: "a-"}, Spec: corev1.ServiceSpec{
		ClusterIP: ip, Ports: []corev1.ServicePort{{Port: 80}},
	}}
}

// pod returns a pod that the Pod Security Standard restricted admits.
func pod(name string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "a", Image: "busybox",
		SecurityContext: &corev1.SecurityContext{
			AllowPrivilegeEscalation: new(bool), RunAsNonRoot: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
	}}}}
}
