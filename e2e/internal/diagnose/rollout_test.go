package diagnose_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// A rollout of which nothing is broken is told in the words of its strategy.
func TestRolloutsUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		strategy appsv1.StatefulSetUpdateStrategy
		want     string
	}{
		"RollingUpdate": {appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType}, "is being rolled out, highest ordinal first"},
		"partition": {
			appsv1.StatefulSetUpdateStrategy{
				Type: appsv1.RollingUpdateStatefulSetStrategyType, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(1))},
			}, "is being rolled out, highest ordinal first, down to the partition 1",
		},
		"OnDelete": {appsv1.StatefulSetUpdateStrategy{Type: appsv1.OnDeleteStatefulSetStrategyType}, "has the update strategy OnDelete"},
		"Recreate": {appsv1.StatefulSetUpdateStrategy{Type: appsv1.RecreateStatefulSetStrategyType}, "all its pods are deleted, and the new ones made once those have gone"},
	} {
		s := well(t)
		s.StatefulSet.Spec.UpdateStrategy, s.StatefulSet.Status.UpdateRevision = c.strategy, "web-newer"
		found := diagnose.Diagnose(s)
		if len(found) != 1 || found[0].Cause != diagnose.Note || !strings.Contains(found[0].What, c.want) {
			t.Errorf("%s: expected a note with %q, found\n%s", name, c.want, text(s, found))
		}
	}
}
