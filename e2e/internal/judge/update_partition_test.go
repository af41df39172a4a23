package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// lower sets a set's partition.
func lower(b *historytest.Builder, partition int32) {
	b.Update("web", func(t *history.Set) { t.Partition = partition })
	b.Status("web")
}

// addedUnder scales a set from two to three under a partition, while two revisions are in use.
func addedUnder(partition int32, add func(*historytest.Builder)) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Running("web", 2, historytest.Partition(partition))
		b.NewTemplate("web", 2)
		b.Wait(3 * time.Second)
		b.Scale("web", 3)
		add(b)
		b.Ready("web-2")
	}
}

// raisedInTheMiddle raises the partition of a set to 2 while the first of its three updated pods is not Ready yet.
func raisedInTheMiddle(b *historytest.Builder) {
	b.Running("web", 3)
	b.NewTemplate("web", 2)
	b.DeletePod("web-2")
	b.Pod("web-2")
	b.Wait(3 * time.Second)
	lower(b, 2)
	b.Wait(3 * time.Second)
}

func TestUpdatePartition(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "only those above move", exercised: ids(contract.UpdatePartition, contract.UpdateOrder), notExercised: ids(contract.UpdateComplete, contract.UpdatePhased),
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.Roll("web", 2, 1)
			},
		},
		{
			name: "one below moves too", broken: ids(contract.UpdatePartition), texts: []string{"web-0 (revision web-1) was deleted for an update", "although it is below the partition 1"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.Roll("web", 2, 1)
				b.Terminate("web-0")
			},
		},
		{
			name: "raised in the middle of a rollout, which stops", exercised: ids(contract.UpdatePartition), notExercised: ids(contract.UpdateComplete, contract.UpdatePhased),
			build: func(b *historytest.Builder) {
				raisedInTheMiddle(b)
				b.Ready("web-2")
				b.Wait(3 * time.Second)
			},
		},
		{
			name: "raised in the middle of a rollout, which goes on", broken: ids(contract.UpdatePartition),
			texts: []string{"web-1 (revision web-1) was deleted for an update", "although it is below the partition 2"},
			build: func(b *historytest.Builder) {
				raisedInTheMiddle(b)
				b.Ready("web-2")
				b.Wait(3 * time.Second)
				b.Terminate("web-1")
			},
		},
		{
			name: "raised in the middle of a rollout that could not go on anyway", notExercised: ids(contract.UpdatePartition), build: raisedInTheMiddle,
		},
		{
			name: "lost pods are replaced at the revision that the partition gives them", exercised: ids(contract.UpdatePartition),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.PodAt("web-0", 1)
				b.Ready("web-0")
				b.DeleteByTest("web-1")
				b.FinishDeletion("web-1")
				b.CreateReady("web-1")
			},
		},
		{
			name: "a lost pod below is replaced at the new revision", broken: ids(contract.UpdatePartition),
			texts: []string{"web-0 came back at rv", "with revision web-2, expected status.currentRevision (web-1), since its ordinal is below the partition 1"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
			},
		},
		{
			name: "a lost pod above is replaced at the old revision", broken: ids(contract.UpdatePartition),
			texts: []string{"with revision web-1, expected the update revision (web-2), since its ordinal is not below the partition 1"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.Wait(3 * time.Second)
				b.DeleteByTest("web-1")
				b.FinishDeletion("web-1")
				b.PodAt("web-1", 1)
				b.Ready("web-1")
			},
		},
		{
			name: "a lost pod below is replaced with the old label and the new template", broken: ids(contract.UpdatePartition), texts: []string{"with revision web-1, expected the template of that revision, not of web-2"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(1))
				b.NewTemplate("web", 2)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				pod := b.PodAt("web-0", 1)
				pod.Pod.Template.Images["main"] = "image:2"
				b.Ready("web-0")
			},
		},
		{
			name: "a pod that is added below has the old revision", exercised: ids(contract.UpdatePartition),
			build: addedUnder(4, func(b *historytest.Builder) { b.PodAt("web-2", 1) }),
		},
		{
			name: "a pod that is added below has the new revision", broken: ids(contract.UpdatePartition),
			texts: []string{"web-2 was added by a scale up at rv", "with revision web-2, expected status.currentRevision (web-1), since its ordinal is below the partition 4"},
			build: addedUnder(4, func(b *historytest.Builder) { b.Pod("web-2") }),
		},
		{
			name: "a pod that is added below has the old label and the new template", broken: ids(contract.UpdatePartition),
			build: addedUnder(4, func(b *historytest.Builder) { b.PodAt("web-2", 1).Pod.Template.Images["main"] = "image:2" }),
		},
		{
			name: "a pod that is added as the partition comes down may be either's", notExercised: ids(contract.UpdatePartition),
			build: addedUnder(4, func(b *historytest.Builder) {
				b.Update("web", func(t *history.Set) { t.Partition = 1 })
				b.Pod("web-2")
			}),
		},
		{
			name: "a pod that is added at the partition is another guarantee's", notExercised: ids(contract.UpdatePartition), exercised: ids(contract.UpdateScaleNew),
			build: addedUnder(2, func(b *historytest.Builder) { b.Pod("web-2") }),
		},
		{
			name: "the partition raised midway is seen late",
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Roll("web", 1)
				b.Update("web", func(t *history.Set) { t.Partition = 1 })
				b.Terminate("web-0")
			},
		},
	})
}

func TestUpdatePartitionBeyond(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "nothing moves", exercised: ids(contract.UpdatePartitionBeyond),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(5))
				b.NewTemplate("web", 2)
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "too short to count", notExercised: ids(contract.UpdatePartitionBeyond),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(5))
				b.NewTemplate("web", 2)
			},
		},
		{
			name: "one moves", broken: ids(contract.UpdatePartitionBeyond), texts: []string{"although the partition is 5, above the 2 replicas"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(5))
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
			},
		},
		{
			name: "the last moves", broken: ids(contract.UpdatePartitionBeyond), exercised: ids(contract.UpdatePartitionBeyond),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(3))
				b.NewTemplate("web", 2)
				b.Wait(4 * time.Second)
				b.Terminate("web-0")
			},
		},
		{
			name: "a partition equal to replicas is a partition", broken: ids(contract.UpdatePartition),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Partition(2))
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
			},
		},
	})
}

func TestUpdatePhased(t *testing.T) {
	phased := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Running("web", 4, historytest.Partition(3))
			b.NewTemplate("web", 2)
			b.Roll("web", 3)
			b.Wait(3 * time.Second)
			lower(b, 1)
			b.Wait(3 * time.Second)
			then(b)
		}
	}
	runLiveCases(t, []testCase{
		{
			name: "what it uncovers", exercised: ids(contract.UpdatePhased, contract.UpdatePartition), notExercised: ids(contract.UpdateComplete),
			build: phased(func(b *historytest.Builder) { b.Roll("web", 2, 1); b.Wait(20 * time.Second) }),
		},
		{
			name: "all pods in the end", exercised: ids(contract.UpdatePhased, contract.UpdateComplete), build: phased(func(b *historytest.Builder) {
				b.Roll("web", 2, 1)
				lower(b, 0)
				b.Roll("web", 0)
			}),
		},
		{
			name: "one more than it uncovers", broken: ids(contract.UpdatePhased), texts: []string{"web-0 (revision web-1) was deleted for an update", "although the partition was lowered to 1 only"},
			build: phased(func(b *historytest.Builder) { b.Roll("web", 2, 1, 0) }),
		},
		{
			name: "those that had moved already", broken: ids(contract.UpdatePhased), texts: []string{"web-3 (revision web-2) was deleted for an update", "although it had the new template already"},
			build: phased(func(b *historytest.Builder) { b.Roll("web", 3, 2, 1) }),
		},
		{
			name: "one less than it uncovers", controllerActs: true, broken: ids(contract.UpdatePhased), texts: []string{"did not reach web-1 (revision web-1"},
			build: phased(func(b *historytest.Builder) {
				b.Roll("web", 2)
				b.Wait(time.Minute)
			}),
		},
		{
			name: "a spec that ends before it could", notExercised: ids(contract.UpdatePhased), build: phased(func(b *historytest.Builder) { b.Roll("web", 2) }),
		},
	})
}

func TestUpdateOnDelete(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "a deleted pod is replaced at the new revision", exercised: ids(contract.UpdateOnDelete),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.OnDelete)
				b.NewTemplate("web", 2)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.CreateReady("web-0")
				b.Status("web")
			},
		},
		{
			name: "no pod is deleted", exercised: ids(contract.UpdateOnDelete),
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.OnDelete)
				b.NewTemplate("web", 2)
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "the controller deletes one", broken: ids(contract.UpdateOnDelete), texts: []string{"web-1 (revision web-1) was deleted by the controller at rv", "although the strategy is OnDelete"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.OnDelete)
				b.NewTemplate("web", 2)
				b.Terminate("web-1")
			},
		},
		{
			name: "replaced at the old revision", broken: ids(contract.UpdateOnDelete), texts: []string{"web-0 was deleted under OnDelete and came back", "at revision web-1, expected the update revision web-2"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.OnDelete)
				b.NewTemplate("web", 2)
				b.Wait(3 * time.Second)
				b.DeleteByTest("web-0")
				b.FinishDeletion("web-0")
				b.PodAt("web-0", 1)
			},
		},
		{
			name: "the revision of a scale up is not guaranteed", notExercised: ids(contract.UpdateScaleNew),
			build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.OnDelete)
				b.NewTemplate("web", 2)
				b.Wait(3 * time.Second)
				b.Scale("web", 2)
				b.PodAt("web-1", 1)
			},
		},
	})
}

// TestPartitionWithStartOrdinal: pods below the partition are never updated, those from the sum of start ordinal and partition on are; of those in
// between documentation and controller say different things.
func TestPartitionWithStartOrdinal(t *testing.T) {
	partition := ids(contract.UpdatePartition)
	// started has the ordinals 1 to 4, of which the partition 2 keeps 1 and lets 3 and 4 be updated.
	started := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.Replicas(4), historytest.Start(1), historytest.Partition(2))
			for _, p := range []string{"web-1", "web-2", "web-3", "web-4"} {
				b.CreateReady(p)
			}
			b.Status("web")
			b.NewTemplate("web", 2)
			b.Status("web")
			then(b)
		}
	}
	recreated := func(pod string, revision int) func(*historytest.Builder) {
		return started(func(b *historytest.Builder) {
			b.Roll("web", 4, 3)
			b.DeleteByTest(pod)
			b.FinishDeletion(pod)
			b.PodAt(pod, revision)
			b.Ready(pod)
			b.Status("web")
		})
	}
	runCases(t, []testCase{
		{name: "only those above both move", exercised: ids(contract.UpdatePartition, contract.UpdateOrder), build: started(func(b *historytest.Builder) {
			b.Roll("web", 4, 3)
			b.Wait(4 * time.Second)
		})},
		{name: "one in between moves as well", excused: partition, build: started(func(b *historytest.Builder) { b.Roll("web", 4, 3, 2) })},
		{name: "one below both moves", broken: partition, texts: []string{"web-1 (revision web-1) was deleted for an update", "although it is below the partition 2"}, build: started(func(b *historytest.Builder) {
			b.Roll("web", 4, 3)
			b.Terminate("web-1")
		})},
		{name: "the lower of those above both moves first", broken: ids(contract.UpdateOrder), build: started(func(b *historytest.Builder) { b.Roll("web", 3) })},
		{name: "one above both is left", broken: partition, texts: []string{"did not reach web-3"}, controllerActs: true, build: started(func(b *historytest.Builder) {
			b.Roll("web", 4)
			b.Status("web")
			b.Wait(long)
		})},
		{name: "the one in between is left", controllerActs: true, build: started(func(b *historytest.Builder) {
			b.Roll("web", 4, 3)
			b.Status("web")
			b.Wait(long)
		})},
		{name: "one below comes back with the old template", exercised: partition, build: recreated("web-1", 1)},
		{name: "one below comes back with the new template", broken: partition, build: recreated("web-1", 2)},
		{name: "one above comes back with the old template", broken: partition, build: recreated("web-4", 1)},
		{name: "the one in between comes back with the old template", build: recreated("web-2", 1)},
		{name: "the one in between comes back with the new template", build: recreated("web-2", 2)},
	})
}
