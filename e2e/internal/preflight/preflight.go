// Package preflight asks, before anything is created, whether a cluster can be judged at all: what the suite assumes is checked
// first, and every problem is told at once, each with its cure.
package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Problem is something that keeps the suite from judging the cluster.
type Problem struct {
	// Text is one line: what was expected, what was found and what to do.
	Text string
	// Usage says that the person's own settings are wrong rather than the cluster.
	Usage bool
}

// Findings is what was found out about a cluster.
type Findings struct {
	Facts runconfig.Facts
	// User is whom the API server takes the suite for, empty if it does not say.
	User     string
	Problems []Problem
	// Notes are worth a line and keep nobody from a run.
	Notes []string
}

// add notes problems, each once.
func (f *Findings) add(problems ...Problem) {
	for _, p := range problems {
		if !slices.Contains(f.Problems, p) {
			f.Problems = append(f.Problems, p)
		}
	}
}

// The limits of preflight: of the first answer, and of everything after it.
const (
	answerLimit = 8 * time.Second
	askLimit    = 20 * time.Second
)

// Check asks the cluster; it creates nothing. What can only be tried is for Probe.
func Check(ctx context.Context, client kubernetes.Interface, s runconfig.Settings) Findings {
	var f Findings
	version, problem := connect(ctx, client, answerLimit)
	if problem != nil {
		f.add(*problem)
		return f
	}
	f.Facts.KubernetesVersion = version.GitVersion
	problems, notes := checkVersion(version.Major, version.Minor, version.GitVersion)
	f.add(problems...)
	f.Notes = append(f.Notes, notes...)

	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	f.User = user(ctx, client)
	findRights(ctx, client, s, &f)
	findStorage(ctx, client, s, &f)
	describe(ctx, client, &f.Facts)
	return f
}

// describe finds what only the report tells: without the right to read it the report just lacks it.
func describe(ctx context.Context, client kubernetes.Interface, facts *runconfig.Facts) {
	if nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{}); err == nil {
		for _, n := range nodes.Items {
			i := n.Status.NodeInfo
			facts.Nodes = append(facts.Nodes, fmt.Sprintf("%s: kubelet %s, %s, %s", n.Name, i.KubeletVersion, i.OSImage, i.ContainerRuntimeVersion))
		}
	}
	if sets, err := client.AppsV1().DaemonSets(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{}); err == nil {
		var names []string
		for _, d := range sets.Items {
			if d.Name != "kube-proxy" {
				names = append(names, d.Name)
			}
		}
		facts.CNI = strings.Join(names, ", ")
	}
}
