package history_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// running is a set with three Ready pods.
func running(options ...historytest.Option) *historytest.Builder {
	b := historytest.New()
	b.Running("web", 3, options...)
	return b
}

func TestPhases(t *testing.T) {
	for name, c := range map[string]struct {
		of   *historytest.Builder
		then func(*historytest.Builder)
		want []history.Phase
	}{
		"all pods are Ready": {running(), func(*historytest.Builder) {}, []history.Phase{history.AtRest}},
		"a pod of the first ones is not Ready yet": {historytest.New(), func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(2))
			b.CreateReady("web-0")
			b.Pod("web-1")
		}, []history.Phase{history.Creating}},
		"scaled up before it was complete": {historytest.New(), func(b *historytest.Builder) {
			b.Set("web")
			b.Pod("web-0")
			b.Scale("web", 2)
		}, []history.Phase{history.Creating, history.ScalingUp}},
		"scaled down before it was complete": {historytest.New(), func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(2))
			b.CreateReady("web-0")
			b.Scale("web", 1)
		}, []history.Phase{history.AtRest}},
		"an added pod is not there yet": {running(), func(b *historytest.Builder) { b.Scale("web", 4) }, []history.Phase{history.ScalingUp}},
		"an ordinal comes back": {running(), func(b *historytest.Builder) {
			b.Scale("web", 2)
			b.DeletePod("web-2")
			b.Scale("web", 3)
		}, []history.Phase{history.ScalingUp}},
		"a pod out of range is there still": {running(), func(b *historytest.Builder) {
			b.Scale("web", 2)
			b.Terminate("web-2")
		}, []history.Phase{history.ScalingDown}},
		"the range moves": {running(), func(b *historytest.Builder) {
			b.Update("web", func(s *history.Set) { s.Start = 2 })
		}, []history.Phase{history.ScalingUp, history.ScalingDown}},
		"a new template is not observed yet": {running(), func(b *historytest.Builder) { b.ChangeTemplate("web", 2) }, []history.Phase{history.RollingOut}},
		"a pod of a rollout is being replaced": {running(), func(b *historytest.Builder) {
			b.NewTemplate("web", 2)
			b.Roll("web", 2, 1)
			b.DeletePod("web-0")
		}, []history.Phase{history.RollingOut}},
		"a rollout is over": {running(), func(b *historytest.Builder) {
			b.NewTemplate("web", 2)
			b.Roll("web", 2, 1, 0)
		}, []history.Phase{history.AtRest}},
		"a rollout has stopped at the partition": {running(historytest.Partition(2)), func(b *historytest.Builder) {
			b.NewTemplate("web", 2)
			b.Roll("web", 2)
		}, []history.Phase{history.AtRest}},
		"the partition is lowered": {running(historytest.Partition(2)), func(b *historytest.Builder) {
			b.NewTemplate("web", 2)
			b.Roll("web", 2)
			b.Update("web", func(s *history.Set) { s.Partition = 1 })
		}, []history.Phase{history.RollingOut}},
		"nobody has deleted a pod under OnDelete": {running(historytest.OnDelete), func(b *historytest.Builder) { b.NewTemplate("web", 2) }, []history.Phase{history.AtRest}},
		"somebody has deleted a pod under OnDelete": {running(historytest.OnDelete), func(b *historytest.Builder) {
			b.NewTemplate("web", 2)
			b.Roll("web", 1)
		}, []history.Phase{history.RollingOut}},
		"a pod is no longer Ready": {running(), func(b *historytest.Builder) { b.Unready("web-1") }, []history.Phase{history.PodDown}},
		"a pod crashes in a rollout": {running(), func(b *historytest.Builder) {
			b.NewTemplate("web", 2)
			b.Roll("web", 2)
			b.Crash("web-2")
		}, []history.Phase{history.RollingOut, history.PodDown}},
		"a pod cannot be scheduled": {historytest.New(), func(b *historytest.Builder) {
			b.Set("web")
			b.Pod("web-0").Pod.Conditions = []history.Condition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}
		}, []history.Phase{history.Creating, history.PodDown}},
		"an image cannot be pulled": {running(), func(b *historytest.Builder) {
			b.NewTemplate("web", 2)
			b.DeletePod("web-2")
			b.Pod("web-2").Pod.Containers = []history.Container{{State: history.ContainerWaiting, Reason: "ImagePullBackOff"}}
		}, []history.Phase{history.RollingOut, history.PodDown}},
		"a pod is deleted by somebody": {running(), func(b *historytest.Builder) { b.DeletePod("web-1") }, []history.Phase{history.PodDown}},
		"its replacement is not Ready": {running(), func(b *historytest.Builder) {
			b.DeletePod("web-1")
			b.Pod("web-1")
		}, []history.Phase{history.PodDown}},
		"its deletion waits for its pods": {running(), func(b *historytest.Builder) {
			b.Change(history.Sets, "web", func(e *history.Event) { e.DeletionTimestamp = new(metav1.Time) })
		}, []history.Phase{history.Deleting}},
		"it is gone and its pods are not": {running(), func(b *historytest.Builder) { b.DeleteSet("web") }, []history.Phase{history.Deleting}},
		"nothing is left of it": {historytest.New(), func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(0))
			b.DeleteSet("web")
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c.then(c.of)
			p := history.NewPhases()
			for _, e := range c.of.Events() {
				p.Apply(e)
			}
			if got := p.Of(c.of.Events()[0].UID); !slices.Equal(got, c.want) {
				t.Errorf("expected %q, found %q", c.want, got)
			}
		})
	}
	if got := history.NewPhases().Of("never seen"); got != nil {
		t.Errorf("expected no phase of a set that was never seen, found %q", got)
	}
}

func TestSpecChanges(t *testing.T) {
	b := running()
	b.Scale("web", 4)
	b.Status("web")
	b.Update("web", func(s *history.Set) {
		s.Partition, s.MaxUnavailable, s.MinReadySeconds, s.RevisionHistoryLimit = 1, "2", 3, nil
		historytest.OnDelete(s)
		historytest.WhenScaledDelete(s)
		historytest.WhenDeletedDelete(s)
	})
	b.CreateReady("web-3")
	b.ChangeTemplate("web", 2)
	b.Update("web", func(s *history.Set) { s.Start = 1 })
	b.DeleteSet("web")
	b.Set("web")
	got := b.History().SpecChanges()
	want := []struct {
		fields []history.Field
		phases []history.Phase
	}{
		{[]history.Field{history.FieldReplicas}, []history.Phase{history.AtRest}},
		{[]history.Field{
			history.FieldStrategy, history.FieldPartition, history.FieldMaxUnavailable, history.FieldMinReady, history.FieldWhenDeleted,
			history.FieldWhenScaled, history.FieldHistoryLimit, history.FieldSeveral,
		}, []history.Phase{history.ScalingUp}},
		{[]history.Field{history.FieldTemplate}, []history.Phase{history.AtRest}},
		{[]history.Field{history.FieldStart}, []history.Phase{history.AtRest}},
		{[]history.Field{history.FieldDeleted}, []history.Phase{history.ScalingUp, history.ScalingDown}},
		{[]history.Field{history.FieldMadeAgain}, []history.Phase{history.Deleting}},
	}
	if len(got) != len(want) {
		t.Fatalf("expected %d changes, found %+v", len(want), got)
	}
	for i, w := range want {
		if !slices.Equal(got[i].Fields, w.fields) || !slices.Equal(got[i].Phases, w.phases) || got[i].Set != "web" {
			t.Errorf("change %d: expected %q in the phases %q, found %+v", i, w.fields, w.phases, got[i])
		}
	}
}
