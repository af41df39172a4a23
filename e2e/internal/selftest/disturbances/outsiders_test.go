package disturbances

import (
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

const suiteLabel = "run=a"

// someSuite is a namespace of the suite with a pod of a set, one that another deletion takes, one that belongs to no set, and a namespace of somebody else.
func someSuite() *Env {
	set := []metav1.OwnerReference{{Kind: "StatefulSet", Name: "set", UID: "1", Controller: new(true)}}
	now := metav1.NewTime(time.Unix(1, 0))
	claimed := corev1.PodSpec{Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
		PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data-set-0"},
	}}}}
	running := corev1.PodStatus{Phase: corev1.PodRunning}
	return &Env{Namespaces: suiteLabel, Client: fake.NewClientset(
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "sts-1", Labels: map[string]string{"run": "a"}}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "other"}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "set-0", Namespace: "sts-1", OwnerReferences: set}, Spec: claimed, Status: running},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "set-1", Namespace: "sts-1", OwnerReferences: set, DeletionTimestamp: &now, Finalizers: []string{"a/b"}}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "dns-client", Namespace: "sts-1"}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "set-0", Namespace: "other", OwnerReferences: set}},
		&corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data-set-0", Namespace: "sts-1"}},
	)}
}

// What another client does, it does to pods of the suite's sets and to what is theirs.
func TestOutsidersActOnSetsOfTheSuiteAlone(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 1))
	for name, c := range map[string]struct {
		do    action
		shows func(*Env) bool
	}{
		"deletion": {deletePod(metav1.DeleteOptions{}), func(s *Env) bool {
			_, err := s.Client.CoreV1().Pods("sts-1").Get(t.Context(), "set-0", metav1.GetOptions{})
			return err != nil
		}},
		"failure": {failPod, func(s *Env) bool {
			p, err := s.Client.CoreV1().Pods("sts-1").Get(t.Context(), "set-0", metav1.GetOptions{})
			return err == nil && p.Status.Phase == corev1.PodFailed && p.Status.Reason == "Evicted" && len(p.Status.Conditions) == 1
		}},
		"claim": {deleteClaim, func(s *Env) bool {
			_, err := s.Client.CoreV1().PersistentVolumeClaims("sts-1").Get(t.Context(), "data-set-0", metav1.GetOptions{})
			return err != nil
		}},
		"quota": {limitLate, func(s *Env) bool {
			_, err := s.Client.CoreV1().ResourceQuotas("sts-1").Get(t.Context(), "late", metav1.GetOptions{})
			return err == nil
		}},
		"policy": {denyAll, func(s *Env) bool {
			ours, err := s.Client.NetworkingV1().NetworkPolicies("sts-1").List(t.Context(), metav1.ListOptions{})
			others, failed := s.Client.NetworkingV1().NetworkPolicies("other").List(t.Context(), metav1.ListOptions{})
			return err == nil && failed == nil && len(ours.Items) == 1 && len(others.Items) == 0
		}},
	} {
		s := someSuite()
		if err := c.do(t.Context(), s, chance); err != nil || !c.shows(s) {
			t.Errorf("%s: expected it to be done to set-0, found %v", name, err)
		}
	}
	s := someSuite()
	for _, do := range []action{limitLate, limitLate} {
		if err := do(t.Context(), s, chance); err != nil {
			t.Fatal(err)
		}
	}
	if left, err := s.Client.CoreV1().ResourceQuotas("sts-1").List(t.Context(), metav1.ListOptions{}); err != nil || len(left.Items) > 0 {
		t.Errorf("expected the quota to be taken back, found %v, %v", left, err)
	}
}
