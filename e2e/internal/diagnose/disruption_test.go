package diagnose_test

import (
	"context"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
)

// TestCausesAreFoundWhenTheyDisruptACluster makes what the whole cluster suffers from real, one after another, and undoes it again. The
// nodes must be containers that docker reaches.
func TestCausesAreFoundWhenTheyDisruptACluster(t *testing.T) {
	b := newTestCluster(t)
	if !*disrupt {
		t.Skip("the cluster may not be disrupted (-disrupt)")
	}
	ways := b.ways()
	for _, c := range clusterCauses() {
		t.Run(c.name, func(t *testing.T) {
			way, ok := ways[c.name]
			if !ok {
				t.Fatal("nothing says how to make it real")
			}
			ns := way(t)
			b.expect(t, ns, c)
		})
	}
}

// ways says how each cause is made real. Each returns the namespace of a set that suffers from it.
func (b *testCluster) ways() map[string]func(*testing.T) string {
	running := func(t *testing.T) string {
		t.Helper()
		ns := b.apply(t, "healthy", "healthy")
		b.awaitReady(t, ns)
		return ns
	}
	return map[string]func(*testing.T) string{
		"no-default-class": func(t *testing.T) string {
			t.Helper()
			b.patchClass(t, "false")
			t.Cleanup(func() { b.patchClass(t, "true") })
			return b.apply(t, "healthy", "healthy")
		},
		"provisioner-scaled-away": func(t *testing.T) string {
			t.Helper()
			const namespace, name = "local-path-storage", "local-path-provisioner"
			if _, err := b.client.AppsV1().Deployments(namespace).Get(t.Context(), name, metav1.GetOptions{}); apierrors.IsNotFound(err) {
				t.Skip("the provisioner of this cluster is a daemon set, which cannot be scaled: kind's own node image has a deployment")
			}
			b.scale(t, namespace, name, 0)
			return b.apply(t, "healthy", "healthy")
		},
		"dns-down": func(t *testing.T) string {
			t.Helper()
			ns := running(t)
			b.scale(t, metav1.NamespaceSystem, "coredns", 0)
			return ns
		},
		"dns-crashes": func(t *testing.T) string {
			t.Helper()
			ns := running(t)
			b.corefile(t, func(text string) string { return strings.Replace(text, "forward", "forwards", 1) })
			return ns
		},
		"dns-config": func(t *testing.T) string {
			t.Helper()
			ns := running(t)
			b.corefile(t, func(text string) string {
				return strings.Replace(text, "kubernetes cluster.local", "whoami\n    #", 1)
			})
			return ns
		},
		"controller-down": func(t *testing.T) string {
			t.Helper()
			b.stopComponent(t, "kube-controller-manager")
			return b.apply(t, "healthy", "healthy")
		},
		"scheduler-down": func(t *testing.T) string {
			t.Helper()
			b.stopComponent(t, "kube-scheduler")
			return b.apply(t, "healthy", "healthy")
		},
		"cordoned": func(t *testing.T) string {
			t.Helper()
			ns := running(t)
			b.cordon(t, b.nodeOf(t, ns), true)
			must(t, b.client.CoreV1().Pods(ns).Delete(t.Context(), "web-0", metav1.DeleteOptions{}))
			return ns
		},
		"node-lost": func(t *testing.T) string {
			t.Helper()
			ns := running(t)
			b.service(t, b.nodeOf(t, ns), "kubelet")
			return ns
		},
		"node-not-ready": func(t *testing.T) string {
			t.Helper()
			ns := running(t)
			b.service(t, b.nodeOf(t, ns), "containerd")
			return ns
		},
		"terminating-on-lost-node": func(t *testing.T) string {
			t.Helper()
			ns := running(t)
			b.service(t, b.nodeOf(t, ns), "kubelet")
			must(t, b.client.CoreV1().Pods(ns).Delete(t.Context(), "web-0", metav1.DeleteOptions{}))
			return ns
		},
	}
}

func (b *testCluster) patchClass(t *testing.T, isDefault string) {
	t.Helper()
	patch := []byte(`{"metadata":{"annotations":{"storageclass.kubernetes.io/is-default-class":"` + isDefault + `"}}}`)
	_, err := b.client.StorageV1().StorageClasses().Patch(context.WithoutCancel(t.Context()), "standard", types.MergePatchType, patch, metav1.PatchOptions{})
	must(t, err)
}

// scale changes how many pods a deployment has until the test ends.
func (b *testCluster) scale(t *testing.T, namespace, name string, replicas int32) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	set := func(n int32) int32 {
		s, err := b.client.AppsV1().Deployments(namespace).GetScale(ctx, name, metav1.GetOptions{})
		must(t, err)
		before := s.Spec.Replicas
		s.Spec.Replicas = n
		_, err = b.client.AppsV1().Deployments(namespace).UpdateScale(ctx, name, s, metav1.UpdateOptions{})
		must(t, err)
		return before
	}
	before := set(replicas)
	t.Cleanup(func() {
		set(before)
		b.awaitDeployment(t, namespace, name)
	})
}

func (b *testCluster) awaitDeployment(t *testing.T, namespace, name string) {
	t.Helper()
	must(t, wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), time.Second, within, true, func(ctx context.Context) (bool, error) {
		d, err := b.client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && d.Status.ReadyReplicas == *d.Spec.Replicas && d.Status.ObservedGeneration == d.Generation, nil
	}))
}

// corefile changes CoreDNS's configuration and restarts it, until the test ends.
func (b *testCluster) corefile(t *testing.T, change func(string) string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	configs := b.client.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	set := func(change func(string) string) string {
		c, err := configs.Get(ctx, "coredns", metav1.GetOptions{})
		must(t, err)
		before := c.Data["Corefile"]
		c.Data["Corefile"] = change(before)
		_, err = configs.Update(ctx, c, metav1.UpdateOptions{})
		must(t, err)
		must(t, b.client.CoreV1().Pods(metav1.NamespaceSystem).DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "k8s-app=kube-dns"}))
		return before
	}
	before := set(change)
	t.Cleanup(func() {
		set(func(string) string { return before })
		b.awaitDeployment(t, metav1.NamespaceSystem, "coredns")
	})
}

// onNode runs a command on a node.
func onNode(t *testing.T, node string, command ...string) {
	t.Helper()
	out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "docker", append([]string{"exec", node}, command...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("on node %s %v: %v\n%s", node, command, err, out)
	}
}

// stopComponent takes a part of the control plane away until the test ends.
func (b *testCluster) stopComponent(t *testing.T, name string) {
	t.Helper()
	nodes, err := b.client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: "node-role.kubernetes.io/control-plane"})
	must(t, err)
	node := nodes.Items[0].Name
	onNode(t, node, "mv", "/etc/kubernetes/manifests/"+name+".yaml", "/etc/kubernetes/"+name+".yaml")
	t.Cleanup(func() {
		onNode(t, node, "mv", "/etc/kubernetes/"+name+".yaml", "/etc/kubernetes/manifests/"+name+".yaml")
		must(t, wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), time.Second, within, true, func(ctx context.Context) (bool, error) {
			l, err := b.client.CoordinationV1().Leases(metav1.NamespaceSystem).Get(ctx, name, metav1.GetOptions{})
			return err == nil && l.Spec.RenewTime != nil && time.Since(l.Spec.RenewTime.Time) < 5*time.Second, nil
		}))
	})
}

// service stops a service of a node until the test ends, and keeps anything from starting it meanwhile.
func (b *testCluster) service(t *testing.T, node, name string) {
	t.Helper()
	onNode(t, node, "systemctl", "mask", "--runtime", "--now", name)
	t.Cleanup(func() {
		onNode(t, node, "systemctl", "unmask", "--runtime", name)
		onNode(t, node, "systemctl", "start", name)
		b.awaitNode(t, node)
	})
}

// awaitNode waits until a node is as it should be again.
func (b *testCluster) awaitNode(t *testing.T, node string) {
	t.Helper()
	must(t, wait.PollUntilContextTimeout(context.WithoutCancel(t.Context()), time.Second, within, true, func(ctx context.Context) (bool, error) {
		n, err := b.client.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
		return err == nil && len(n.Spec.Taints) == 0 && slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		}), nil
	}))
}

func (b *testCluster) cordon(t *testing.T, node string, on bool) {
	t.Helper()
	patch := `{"spec":{"unschedulable":true}}`
	if !on {
		patch = `{"spec":{"unschedulable":null}}`
	}
	_, err := b.client.CoreV1().Nodes().Patch(context.WithoutCancel(t.Context()), node, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	must(t, err)
	if on {
		t.Cleanup(func() { b.cordon(t, node, false) })
	}
}

func (b *testCluster) nodeOf(t *testing.T, ns string) string {
	t.Helper()
	p, err := b.client.CoreV1().Pods(ns).Get(t.Context(), "web-0", metav1.GetOptions{})
	must(t, err)
	return p.Spec.NodeName
}
