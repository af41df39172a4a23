package statefulset

import (
	"context"
	"errors"
	"fmt"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	volumehelper "k8s.io/component-helpers/storage/volume"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
)

// Classes are the StorageClasses of the cluster.
type Classes []storagev1.StorageClass

// RequireClasses returns the cluster's StorageClasses, and skips the spec where the account may not read them.
func RequireClasses(ctx context.Context, ns *framework.Namespace) Classes {
	GinkgoHelper()
	if len(ns.Settings.Namespaces) > 0 {
		Skip("not applicable: an account of NAMESPACES= alone may not read StorageClasses, PersistentVolumes and nodes")
	}
	list, err := ns.Client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred(), "listing StorageClasses")
	if _, err := ns.Client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{Limit: 1}); apierrors.IsForbidden(err) {
		Skip(fmt.Sprintf("not applicable: the account may not read PersistentVolumes: %v", err))
	}
	return list.Items
}

// of returns the class of a claim.
func (all Classes) of(claim *history.Event) *storagev1.StorageClass {
	GinkgoHelper()
	for i := range all {
		if all[i].Name == claim.Claim.Class {
			return &all[i]
		}
	}
	Fail(fmt.Sprintf("expected claim %s to have a StorageClass that there is, found %q", claim.Name, claim.Claim.Class))
	return nil
}

// VerifyDefaultClass verifies that the claim of that ordinal, whose template names no class, has the default one.
func (s *Set) VerifyDefaultClass(ctx context.Context, id contract.ID, all Classes, template string, ordinal int) {
	GinkgoHelper()
	claim, want := s.awaitClaim(ctx, template, ordinal), preflight.DefaultClass(all)
	switch {
	case s.NS.Settings.StorageClass != "":
		s.NS.Check(id, history.NotApplicable, "STORAGE_CLASS names the class of all claims")
	case want == nil:
		s.NS.Check(id, history.NotApplicable, "the cluster has no default StorageClass")
	default:
		var err error
		if claim.Claim.Class != want.Name {
			err = fmt.Errorf("expected the default class %q, found %q: look for what changes claims at their creation", want.Name, claim.Claim.Class)
		}
		s.NS.VerifySet(s.Name, id, err, "class of claim %s, whose template names none", claim.Name)
	}
}

// VerifyWaitsForPod verifies that the claim of that ordinal, which has no pod yet, is not bound, where its class says so. It has waited for longer
// than the claim of another ordinal, which must be bound by now.
func (s *Set) VerifyWaitsForPod(ctx context.Context, id contract.ID, all Classes, template string, ordinal int) {
	GinkgoHelper()
	claim := s.awaitClaim(ctx, template, ordinal)
	if class := all.of(claim); class.VolumeBindingMode == nil || *class.VolumeBindingMode != storagev1.VolumeBindingWaitForFirstConsumer {
		s.NS.Check(id, history.NotApplicable, fmt.Sprintf("StorageClass %s does not wait for the first consumer of a claim", class.Name))
		return
	}
	Expect(s.NS.Met(s.NotCreated(ordinal))).To(BeTrue(), "expected %s not to be there yet", s.Pod(ordinal))
	var err error
	if claim.Claim.Phase == corev1.ClaimBound || claim.Claim.Volume != "" {
		err = fmt.Errorf("expected it to wait for its pod, found it %s with volume %q", claim.Claim.Phase, claim.Claim.Volume)
	}
	s.NS.VerifySet(s.Name, id, err, "claim %s, before pod %s is created", claim.Name, s.Pod(ordinal))
}

// Volume returns the volume of the claim of that ordinal.
func (s *Set) Volume(ctx context.Context, template string, ordinal int) *corev1.PersistentVolume {
	GinkgoHelper()
	name := s.AwaitClaims(ctx, template, ordinal)[0].Claim.Volume
	list, err := s.volumes(ctx, name)
	Expect(err).NotTo(HaveOccurred())
	Expect(list.Items).To(HaveLen(1), "volume %s of claim %s", name, s.Claim(template, ordinal))
	return &list.Items[0]
}

func (s *Set) volumes(ctx context.Context, name string) (*corev1.PersistentVolumeList, error) {
	return s.NS.Client.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + name})
}

// RatherNotOn has the set's pods prefer other nodes than one.
func RatherNotOn(node string) Option {
	return func(s *appsv1.StatefulSet) {
		affinity := affinityOf(&s.Spec.Template.Spec)
		if affinity.NodeAffinity == nil {
			affinity.NodeAffinity = &corev1.NodeAffinity{}
		}
		preferred := &affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
		*preferred = append(*preferred, corev1.PreferredSchedulingTerm{Weight: 100, Preference: corev1.NodeSelectorTerm{
			MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpNotIn, Values: []string{node}}},
		}})
	}
}

// VerifyNodeAffinity verifies that the pod of that ordinal is scheduled to a node that the node affinity of its volume selects.
func (s *Set) VerifyNodeAffinity(ctx context.Context, id contract.ID, volume *corev1.PersistentVolume, ordinal int) {
	GinkgoHelper()
	nodes, err := s.NS.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	Expect(err).NotTo(HaveOccurred(), "listing nodes")
	selected := map[string]bool{}
	excludes := false
	for i := range nodes.Items {
		n := &nodes.Items[i]
		selected[n.Name] = volumehelper.CheckNodeAffinity(volume, n.Labels) == nil
		excludes = excludes || !selected[n.Name] && schedulable(n)
	}
	if !excludes {
		s.NS.Check(id, history.NotApplicable, fmt.Sprintf("volume %s can be used on every node that a pod may go to", volume.Name))
		return
	}
	err = nil
	if pod := s.awaitScheduled(ctx, ordinal); !selected[pod.Pod.Node] {
		err = fmt.Errorf("expected a node that spec.nodeAffinity of the volume %s selects, found %s: look for who bound the pod to it", volume.Name, pod.Pod.Node)
	}
	s.NS.VerifySet(s.Name, id, err, "node of %s", s.Pod(ordinal))
}

// schedulable reports whether a pod without tolerations may go to the node.
func schedulable(n *corev1.Node) bool {
	for _, t := range n.Spec.Taints {
		if t.Effect != corev1.TaintEffectPreferNoSchedule {
			return false
		}
	}
	return !n.Spec.Unschedulable
}

// awaitScheduled waits until the pod of that ordinal has a node, and returns the pod.
func (s *Set) awaitScheduled(ctx context.Context, ordinal int) *history.Event {
	GinkgoHelper()
	var found *history.Event
	s.NS.Expect(ctx, s.NS.Settings.Limits.PodReady, fmt.Sprintf("pod %s to be scheduled", s.Pod(ordinal)), func(st *history.State) string {
		e := st.Get(history.Pods, s.Pod(ordinal))
		switch {
		case e == nil:
			return s.whyNotCreated(st, ordinal)
		case e.Pod.Node == "":
			return framework.DescribePod(e)
		}
		found = e
		return ""
	})
	return found
}

// VerifyReclaimed verifies that a volume whose claim is gone follows the reclaim policy of its class in time.
func (s *Set) VerifyReclaimed(ctx context.Context, id contract.ID, all Classes, volume *corev1.PersistentVolume) {
	GinkgoHelper()
	policy := corev1.PersistentVolumeReclaimDelete
	for _, c := range all {
		if c.Name == volume.Spec.StorageClassName && c.ReclaimPolicy != nil {
			policy = *c.ReclaimPolicy
		}
	}
	now, err := s.awaitReclaimed(ctx, volume, policy)
	Expect(ctx.Err()).NotTo(HaveOccurred(), "the spec was interrupted while it waited for volume %s", volume.Name)
	s.NS.VerifySet(s.Name, id, reclaimed(now, policy, err), "volume %s, after its claim is gone", volume.Name)
}

// awaitReclaimed waits until a volume is gone or Released, as its policy wants it, and returns its newest version, nil for one that is gone.
func (s *Set) awaitReclaimed(ctx context.Context, volume *corev1.PersistentVolume, policy corev1.PersistentVolumeReclaimPolicy) (*corev1.PersistentVolume, error) {
	list, err := s.volumes(ctx, volume.Name)
	if err != nil {
		return volume, framework.Inconclusive(err)
	}
	var now *corev1.PersistentVolume
	for i := range list.Items {
		if list.Items[i].UID == volume.UID {
			now = &list.Items[i]
		}
	}
	settled := func() bool {
		return now == nil || policy == corev1.PersistentVolumeReclaimRetain && now.Status.Phase == corev1.VolumeReleased
	}
	if settled() {
		return now, nil
	}
	client := s.NS.Client.CoreV1().PersistentVolumes()
	err = framework.WatchUntil(ctx, s.NS.Settings.Limits.ClaimGone, list.ResourceVersion, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		o.FieldSelector = "metadata.name=" + volume.Name
		return client.Watch(ctx, o)
	}, func(e watch.Event) bool {
		if v, ok := e.Object.(*corev1.PersistentVolume); ok && v.UID == volume.UID {
			now = v
			if e.Type == watch.Deleted {
				now = nil
			}
		}
		return settled()
	})
	return now, err
}

// reclaimed returns an error where a volume without claim is not as the policy of its class wants it. late is why the wait for that ended. A
// volume that is Released waits for its provisioner, which may take its time.
func reclaimed(now *corev1.PersistentVolume, policy corev1.PersistentVolumeReclaimPolicy, late error) error {
	switch {
	case policy == corev1.PersistentVolumeReclaimRetain && now == nil:
		return errors.New("expected it to stay, under the reclaimPolicy Retain of its class, found it gone: look for who deletes volumes")
	case late == nil:
		return nil
	case policy == corev1.PersistentVolumeReclaimDelete && now.Spec.PersistentVolumeReclaimPolicy != policy:
		return fmt.Errorf("expected it to be gone, under the reclaimPolicy Delete of its class, found it %s with the policy %s: look for who changed it", now.Status.Phase, now.Spec.PersistentVolumeReclaimPolicy)
	case policy == corev1.PersistentVolumeReclaimDelete && now.Status.Phase == corev1.VolumeReleased:
		return framework.Inconclusive(fmt.Errorf("expected it to be gone, under the reclaimPolicy Delete of its class, found it still Released: see whether its provisioner works (%w)", late))
	}
	return fmt.Errorf("expected the end that the reclaimPolicy %s of its class says, found it %s: see whether kube-controller-manager releases volumes (%w)", policy, now.Status.Phase, late)
}
