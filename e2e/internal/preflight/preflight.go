package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Problem is why the suite cannot judge the cluster.
type Problem struct {
	// Text is one line: what was expected, what was found and what to do.
	Text string
	// Usage says that the person's own settings are wrong rather than the cluster.
	Usage bool
	// object is what Text says has the problem, and cause why, without its name: others may have it for the same cause. "" is of nothing else.
	object, cause string
}

// Findings are the results of preflight.
type Findings struct {
	Facts runconfig.Facts
	// PodStart is how long the slowest pod of Probe took from its creation until it ran.
	PodStart time.Duration
	// Measured is how long Probe saw the cluster take.
	Measured runconfig.Measured
	// User is the name under which the API server knows the account, empty if unknown.
	User     string
	Problems []Problem
	// Notes are lines that prevent no run.
	Notes []string
}

// add adds problems, each once.
func (f *Findings) add(problems ...Problem) {
	for _, p := range problems {
		i := slices.IndexFunc(f.Problems, func(was Problem) bool { return was.Text == p.Text || (p.cause != "" && was.cause == p.cause) })
		if i < 0 {
			f.Problems = append(f.Problems, p)
			continue
		}
		if was := &f.Problems[i]; !slices.Contains(strings.Split(was.object, ", "), p.object) {
			both := was.object + ", " + p.object
			was.Text, was.object = strings.Replace(was.Text, was.object, both, 1), both
		}
	}
}

// The limits of the first answer, and of the other requests of Check together.
const (
	AnswerLimit = 8 * time.Second
	checkLimit  = 20 * time.Second
)

// Check reads the version, the rights, the StorageClass and the nodes of a cluster. It creates nothing; Probe does.
func Check(ctx context.Context, client kubernetes.Interface, s runconfig.Settings) Findings {
	var f Findings
	version, problem := connect(ctx, client, cmp.Or(s.RequestTimeout, AnswerLimit), s.Kubeconfig == "")
	if problem != nil {
		f.add(*problem)
		return f
	}
	f.Facts.KubernetesVersion = version.GitVersion
	problems, notes := checkVersion(version.Major, version.Minor, version.GitVersion)
	f.add(problems...)
	f.Notes = append(f.Notes, notes...)

	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	f.User = userName(ctx, client)
	findRights(ctx, client, s, &f)
	class := findStorage(ctx, client, s, &f)
	findWorkload(ctx, client, s, &f)
	describe(ctx, client, class, &f)
	return f
}

// describe finds facts that only the report uses, and notes what nodes ask of images and of volumes of a class. It leaves out what the account may not read.
func describe(ctx context.Context, client kubernetes.Interface, class *storagev1.StorageClass, f *Findings) {
	facts := &f.Facts
	if nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{}); err == nil {
		f.Notes = append(f.Notes, mixedArchitectures(nodes.Items)...)
		f.Notes = append(f.Notes, scatteredVolumes(class, nodes.Items)...)
		facts.Nodes = listNodes(nodes.Items)
	}
	if sets, err := client.AppsV1().DaemonSets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{}); err == nil {
		facts.CNI = networkOf(sets.Items)
	}
}

// nodesNamed is up to how many nodes a report names each.
const nodesNamed = 20

// listNodes says of each node what runs there, or of a large cluster how many nodes run the same, those of which there are most first.
func listNodes(nodes []corev1.Node) []string {
	var named, kinds []string
	alike := map[string]int{}
	for _, n := range nodes {
		i := n.Status.NodeInfo
		kind := fmt.Sprintf("kubelet %s, %s, %s", i.KubeletVersion, i.OSImage, i.ContainerRuntimeVersion)
		named = append(named, n.Name+": "+kind)
		if alike[kind]++; alike[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	if len(nodes) <= nodesNamed {
		return named
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(alike[b]-alike[a], strings.Compare(a, b)) })
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d of %d nodes: %s", alike[kind], len(nodes), kind)
	}
	return kinds
}

// mixedArchitectures returns a note where the nodes that pods of the run may go to are of several architectures.
func mixedArchitectures(nodes []corev1.Node) []string {
	var found []string
	for i := range nodes {
		if a := nodes[i].Status.NodeInfo.Architecture; nodes[i].Status.NodeInfo.OperatingSystem == "linux" && !slices.Contains(found, a) {
			found = append(found, a)
		}
	}
	if len(found) < 2 {
		return nil
	}
	slices.Sort(found)
	return []string{fmt.Sprintf("nodes: they are of %s: images must be made for each, or pods be kept to one, such as with NODE_SELECTOR=kubernetes.io/arch=%s",
		strings.Join(found, " and "), found[0])}
}

// networkOf returns the names of those daemon sets that are of a known pod network: a cluster has others, of storage, logs and credentials.
func networkOf(sets []appsv1.DaemonSet) string {
	known := []string{"antrea", "aws-node", "calico", "canal", "cilium", "flannel", "kindnet", "kube-ovn", "kube-router", "multus", "ovn", "terway", "weave"}
	var names []string
	for _, d := range sets {
		if slices.ContainsFunc(known, func(k string) bool { return strings.Contains(d.Name, k) }) {
			names = append(names, d.Name)
		}
	}
	return strings.Join(names, ", ")
}
