package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// lower sets a set's partition.
func lower(s *historytest.Builder, partition int32) {
	s.Update("web", func(t *history.Set) { t.Partition = partition })
	s.Status("web")
}

func TestUpdatePartition(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "only those above move", exercised: ids(contract.UpdatePartition, contract.UpdateOrder), idle: ids(contract.UpdateComplete, contract.UpdatePhased),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.Partition(1))
				s.NewTemplate("web", 2)
				s.Roll("web", 2, 1)
			},
		},
		{
			name: "one below moves too", broken: ids(contract.UpdatePartition), texts: []string{"web-0 (revision web-1) was deleted for an update", "although it is below the partition 1"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3, historytest.Partition(1))
				s.NewTemplate("web", 2)
				s.Roll("web", 2, 1)
				s.Terminate("web-0")
			},
		},
		{
			name: "lost pods come back at their side's revision", exercised: ids(contract.UpdatePartition),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(1))
				s.NewTemplate("web", 2)
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
				s.PodAt("web-0", 1)
				s.Ready("web-0")
				s.DeleteByTest("web-1")
				s.FinishDeletion("web-1")
				s.CreateReady("web-1")
			},
		},
		{
			name: "a lost pod below comes back at the new revision", broken: ids(contract.UpdatePartition),
			texts: []string{"web-0 came back at rv", "with revision web-2, expected status.currentRevision (web-1), since its ordinal is below the partition 1"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(1))
				s.NewTemplate("web", 2)
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
				s.CreateReady("web-0")
			},
		},
		{
			name: "a lost pod above comes back at the old revision", broken: ids(contract.UpdatePartition),
			texts: []string{"with revision web-1, expected the update revision (web-2), since its ordinal is not below the partition 1"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(1))
				s.NewTemplate("web", 2)
				s.Wait(3 * time.Second)
				s.DeleteByTest("web-1")
				s.FinishDeletion("web-1")
				s.PodAt("web-1", 1)
				s.Ready("web-1")
			},
		},
		{
			name: "a lost pod below comes back with the old label and the new template", broken: ids(contract.UpdatePartition), texts: []string{"with revision web-1, expected the template of that revision, not of web-2"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(1))
				s.NewTemplate("web", 2)
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
				pod := s.PodAt("web-0", 1)
				pod.Pod.Template.Images["main"] = "image:2"
				s.Ready("web-0")
			},
		},
		{
			name: "not together with a start ordinal", idle: ids(contract.UpdatePartition),
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(2), historytest.Start(1), historytest.Partition(2))
				s.CreateReady("web-1")
				s.CreateReady("web-2")
				s.Status("web")
				s.NewTemplate("web", 2)
				s.Roll("web", 2, 1)
			},
		},
		{
			name: "the partition raised midway is seen late",
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Roll("web", 1)
				s.Update("web", func(t *history.Set) { t.Partition = 1 })
				s.Terminate("web-0")
			},
		},
	})
}

func TestUpdatePartitionBeyond(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "nothing moves", exercised: ids(contract.UpdatePartitionBeyond),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(5))
				s.NewTemplate("web", 2)
				s.Wait(4 * time.Second)
			},
		},
		{
			name: "too short to tell", idle: ids(contract.UpdatePartitionBeyond),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(5))
				s.NewTemplate("web", 2)
			},
		},
		{
			name: "one moves", broken: ids(contract.UpdatePartitionBeyond), texts: []string{"although the partition is 5, above the 2 replicas"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(5))
				s.NewTemplate("web", 2)
				s.Terminate("web-1")
			},
		},
		{
			name: "the last moves", broken: ids(contract.UpdatePartitionBeyond), exercised: ids(contract.UpdatePartitionBeyond),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(3))
				s.NewTemplate("web", 2)
				s.Wait(4 * time.Second)
				s.Terminate("web-0")
			},
		},
		{
			name: "a partition equal to replicas is a partition", broken: ids(contract.UpdatePartition),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Partition(2))
				s.NewTemplate("web", 2)
				s.Terminate("web-1")
			},
		},
	})
}

func TestUpdatePhased(t *testing.T) {
	phased := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Running("web", 4, historytest.Partition(3))
			s.NewTemplate("web", 2)
			s.Roll("web", 3)
			s.Wait(3 * time.Second)
			lower(s, 1)
			s.Wait(3 * time.Second)
			then(s)
		}
	}
	liveTales(t, []tale{
		{
			name: "what it uncovers", exercised: ids(contract.UpdatePhased, contract.UpdatePartition), idle: ids(contract.UpdateComplete),
			tell: phased(func(s *historytest.Builder) { s.Roll("web", 2, 1) }),
		},
		{
			name: "all of it at last", exercised: ids(contract.UpdatePhased, contract.UpdateComplete), tell: phased(func(s *historytest.Builder) {
				s.Roll("web", 2, 1)
				lower(s, 0)
				s.Roll("web", 0)
			}),
		},
		{
			name: "one more than it uncovers", broken: ids(contract.UpdatePhased), texts: []string{"web-0 (revision web-1) was deleted for an update", "although the partition was lowered to 1 only"},
			tell: phased(func(s *historytest.Builder) { s.Roll("web", 2, 1, 0) }),
		},
		{
			name: "those that had moved already", broken: ids(contract.UpdatePhased), texts: []string{"web-3 (revision web-2) was deleted for an update", "although it had the new template already"},
			tell: phased(func(s *historytest.Builder) { s.Roll("web", 3, 2, 1) }),
		},
		{
			name: "one less than it uncovers", broken: ids(contract.UpdatePhased), texts: []string{"did not reach web-1 (revision web-1"},
			tell: phased(func(s *historytest.Builder) {
				s.Roll("web", 2)
				s.Wait(time.Minute)
			}),
		},
		{
			name: "a spec that ends before it could", idle: ids(contract.UpdatePhased), tell: phased(func(s *historytest.Builder) { s.Roll("web", 2) }),
		},
	})
}

func TestUpdateOnDelete(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "whoever deletes a pod gets the new one", exercised: ids(contract.UpdateOnDelete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.OnDelete)
				s.NewTemplate("web", 2)
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
				s.CreateReady("web-0")
				s.Status("web")
			},
		},
		{
			name: "nobody deletes a pod", exercised: ids(contract.UpdateOnDelete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.OnDelete)
				s.NewTemplate("web", 2)
				s.Wait(4 * time.Second)
			},
		},
		{
			name: "the controller deletes one", broken: ids(contract.UpdateOnDelete), texts: []string{"web-1 (revision web-1) was deleted by the controller at rv", "although the strategy is OnDelete"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.OnDelete)
				s.NewTemplate("web", 2)
				s.Terminate("web-1")
			},
		},
		{
			name: "it comes back as it was", broken: ids(contract.UpdateOnDelete), texts: []string{"web-0 was deleted under OnDelete and came back", "at revision web-1, expected the update revision web-2"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.OnDelete)
				s.NewTemplate("web", 2)
				s.Wait(3 * time.Second)
				s.DeleteByTest("web-0")
				s.FinishDeletion("web-0")
				s.PodAt("web-0", 1)
			},
		},
		{
			name: "the revision of a scale up is nobody's promise", idle: ids(contract.UpdateScaleNew),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1, historytest.OnDelete)
				s.NewTemplate("web", 2)
				s.Wait(3 * time.Second)
				s.Scale("web", 2)
				s.PodAt("web-1", 1)
			},
		},
	})
}
