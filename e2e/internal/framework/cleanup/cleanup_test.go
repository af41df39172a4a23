package cleanup

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/e2e-framework/klient"
)

// Without a selector everything that others have in the namespace would go.
func TestDeleteLabelledNeedsASelector(t *testing.T) {
	var nobody klient.Client // asking it for anything would end the test
	if err := DeleteLabelled(t.Context(), nobody, "mine", ""); err == nil || !strings.Contains(err.Error(), "needs a selector") {
		t.Errorf("expected to be refused, found %v", err)
	}
	if err := DeleteLabelled(t.Context(), nobody, "mine", "a in (b"); err == nil {
		t.Error("expected a malformed selector to be refused")
	}
}

func TestDescribe(t *testing.T) {
	set := &appsv1.StatefulSet{ObjectMeta: metav1.ObjectMeta{Namespace: "mine", Name: "set"}}
	if got := Describe(set); got != "StatefulSet mine/set" {
		t.Errorf("expected StatefulSet mine/set, found %s", got)
	}
	if got := Describe(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "sts-x"}}); got != "Namespace sts-x" {
		t.Errorf("expected Namespace sts-x, found %s", got)
	}
}

// Some pods are made to run until the end of a long grace period: what removes them does not wait for that.
func TestPodsEndSoon(t *testing.T) {
	got := deleteOptions(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: "u"}})
	if got.GracePeriodSeconds == nil || *got.GracePeriodSeconds != 1 || *got.Preconditions.UID != "u" {
		t.Errorf("expected a second for this pod alone, found %+v", got)
	}
	if got := deleteOptions(&corev1.Service{}); got.GracePeriodSeconds != nil {
		t.Errorf("expected the time that the object has, found %+v", got)
	}
}
