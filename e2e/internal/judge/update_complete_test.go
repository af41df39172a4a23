package judge_test

import (
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestUpdateComplete(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "the last one left out", controllerActs: true, broken: ids(contract.UpdateComplete), notExercised: ids(contract.UpdateComplete),
			texts: []string{"the rollout of web (rv", ": to the end of the recording nothing stood in its way for 35.5 s"},
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Roll("web", 2, 1)
				b.Wait(30 * time.Second)
			},
		},
		{
			name: "never begun", controllerActs: true, broken: ids(contract.UpdateComplete), texts: []string{"did not reach web-0 (revision web-1, rv "},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Wait(time.Minute)
			},
		},
		{
			name: "a spec that ends before it could", notExercised: ids(contract.UpdateComplete),
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Roll("web", 2)
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "a controller that shows no activity", inconclusive: ids(contract.UpdateComplete, contract.StatusObservedGeneration),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.ChangeTemplate("web", 2)
				b.Wait(29 * time.Second)
			},
		},
		{
			name: "waiting for a pod that is not Ready is documented",
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.DeletePod("web-2")
				b.Pod("web-2")
				b.Status("web")
				b.Wait(time.Minute)
			},
		},
		{
			name: "so is waiting for an old one", notExercised: ids(contract.UpdateComplete),
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.Unready("web-0")
				b.NewTemplate("web", 2)
				b.Status("web")
				b.Wait(time.Minute)
			},
		},
		{
			name: "waiting for a condemned pod",
			build: func(b *historytest.Builder) {
				b.Running("web", 3)
				b.NewTemplate("web", 2)
				b.Scale("web", 2)
				b.Terminate("web-2")
				b.Status("web")
				b.Wait(40 * time.Second)
			},
		},
		{
			// Kubernetes issue 137409: so it was with the gate of maxUnavailable from 1.35 on, until 1.37.
			name: "a Parallel set stuck on a broken old pod", controllerActs: true, broken: ids(contract.UpdateComplete), texts: []string{"did not reach web-0 (revision web-1"},
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.Replicas(1), historytest.Parallel)
				b.Pod("web-0")
				b.Status("web")
				b.Wait(time.Second)
				b.NewTemplate("web", 2)
				b.Wait(time.Minute)
			},
		},
		{
			name: "a Parallel set that waits for an updated pod",
			build: func(b *historytest.Builder) {
				b.Running("web", 2, historytest.Parallel)
				b.NewTemplate("web", 2)
				b.DeletePod("web-1")
				b.Pod("web-1")
				b.Status("web")
				b.Wait(time.Minute)
			},
		},
		{
			name: "the new label on the old template", broken: ids(contract.UpdateComplete), texts: []string{"web-1 was created at rv", "with the label of revision web-2 but made of the template of web-1"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.DeletePod("web-1")
				pod := b.PodAt("web-1", 2)
				pod.Pod.Template.Images["main"] = "image:1"
				b.Ready("web-1")
				b.Status("web")
				b.Roll("web", 0)
			},
		},
		{
			name: "a part of the old template", broken: ids(contract.UpdateComplete), texts: []string{"with the label of revision web-2 but made of the template of web-1"},
			build: func(b *historytest.Builder) {
				version := func(v string) func(*history.Set) {
					return func(t *history.Set) {
						t.Template.Commands = map[string]string{"main": "serve " + v}
						t.Template.Labels = map[string]string{history.Prefix + "template": v}
					}
				}
				b.Set("web", historytest.Replicas(1), version("1"))
				b.CreateReady("web-0")
				b.Status("web")
				b.Update("web", version("2"))
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.DeletePod("web-0")
				b.Pod("web-0").Pod.Template.Commands["main"] = "serve 1"
				b.Ready("web-0")
				b.Status("web")
			},
		},
		{
			name: "a label that a policy removes proves nothing", exercised: ids(contract.UpdateComplete), inconclusive: ids(contract.IdentityTemplate),
			build: func(b *historytest.Builder) {
				b.Mutated(history.Pods, "the webhook a.example").Running("web", 1)
				b.Update("web", func(t *history.Set) {
					t.Template.Images = map[string]string{"main": "image:2"}
					t.Template.Labels = map[string]string{history.Prefix + "template": "2"}
				})
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.DeletePod("web-0")
				b.Pod("web-0").Pod.Template.Labels = nil
				b.Ready("web-0")
				b.Status("web")
			},
		},
		{
			name: "an image that another client changes proves nothing", exercised: ids(contract.UpdateComplete),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.NewTemplate("web", 2)
				b.DeletePod("web-0")
				b.Pod("web-0").Pod.Template.Images["main"] = "mirror/image:2"
				b.Ready("web-0")
				b.Status("web")
			},
		},
		{
			name: "replaced by the same", broken: ids(contract.UpdateComplete), texts: []string{"web-1 was created at rv", "at revision web-1, expected the update revision web-2"},
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Wait(3 * time.Second)
				b.DeletePod("web-1")
				b.PodAt("web-1", 1)
				b.Ready("web-1")
			},
		},
		{
			name: "a recording cut short proves nothing",
			build: func(b *historytest.Builder) {
				b.Running("web", 2)
				b.NewTemplate("web", 2)
				b.Gap(history.Pods, b.Now())
				b.DeleteSet("web")
				b.Wait(time.Minute)
			},
		},
	})
}

// withoutRollingUpdate switches a set from OnDelete to a strategy that has no field rollingUpdate, when it has a new template and one pod, of ordinal 1 and of
// the old revision, and gives it a second pod, of that ordinal and of the old revision too. More happens then.
func withoutRollingUpdate(added int32, more ...func(*historytest.Builder, *history.Event)) func(*historytest.Builder) {
	return func(b *historytest.Builder) {
		b.Set("web", historytest.Start(1), func(s *history.Set) { s.Strategy = appsv1.OnDeleteStatefulSetStrategyType })
		b.CreateReady("web-1")
		b.NewTemplate("web", 2)
		b.Wait(5 * time.Second)
		b.Update("web", func(s *history.Set) {
			s.Strategy, s.NoRollingUpdate, s.Replicas, s.Start = appsv1.RollingUpdateStatefulSetStrategyType, true, 2, min(added, 1)
		})
		b.Status("web")
		b.Wait(3 * time.Second)
		pod := b.PodAt(fmt.Sprint("web-", added), 1)
		for _, f := range more {
			f(b, pod)
		}
	}
}

func TestUpdateScaleNew(t *testing.T) {
	runLiveCases(t, []testCase{
		{
			name: "in the middle of a rollout", exercised: ids(contract.UpdateScaleNew),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.NewTemplate("web", 2)
				b.Scale("web", 2)
				b.CreateReady("web-1")
				b.Status("web")
				b.Roll("web", 0)
			},
		},
		{
			name: "after one", exercised: ids(contract.UpdateScaleNew),
			build: func(b *historytest.Builder) {
				rolled(1)(b)
				b.Scale("web", 2)
				b.CreateReady("web-1")
			},
		},
		{
			name: "of a set that had one template only", notExercised: ids(contract.UpdateScaleNew),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				b.CreateReady("web-1")
			},
		},
		{
			name: "at the old revision", broken: ids(contract.UpdateScaleNew), texts: []string{"web-1 was added by a scale up at rv", "at revision web-1, expected the update revision web-2"},
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.NewTemplate("web", 2)
				b.Wait(3 * time.Second)
				b.Scale("web", 2)
				b.PodAt("web-1", 1)
			},
		},
		{
			// Without the field rollingUpdate the controller takes the current revision for the ordinals that the status counts as current.
			name: "at the old revision, which the strategy leaves open", notExercised: ids(contract.UpdateScaleNew), build: withoutRollingUpdate(0),
		},
		{
			name: "at the old revision, above those", broken: ids(contract.UpdateScaleNew), texts: []string{"web-2 was added by a scale up at rv"}, build: withoutRollingUpdate(2),
		},
		{
			name: "at the old revision, of those that a status counts which was recorded later than it was written", notExercised: ids(contract.UpdateScaleNew),
			build: withoutRollingUpdate(2, func(b *historytest.Builder, added *history.Event) {
				b.Status("web").ResourceVersion, added.ResourceVersion = added.ResourceVersion, "999"
			}),
		},
		{
			name: "at the old revision, counted afterwards", broken: ids(contract.UpdateScaleNew),
			build: withoutRollingUpdate(2, func(b *historytest.Builder, _ *history.Event) { b.Status("web") }),
		},
		{
			name: "with the new label on the old template", broken: ids(contract.UpdateScaleNew), texts: []string{"with the label of revision web-2 but made of the template of web-1"},
			build: func(b *historytest.Builder) {
				rolled(1)(b)
				b.Scale("web", 2)
				b.PodAt("web-1", 2).Pod.Template.Images["main"] = "image:1"
			},
		},
		{
			name: "below the partition", notExercised: ids(contract.UpdateScaleNew),
			build: func(b *historytest.Builder) {
				b.Running("web", 1, historytest.Partition(4))
				b.NewTemplate("web", 2)
				b.Wait(3 * time.Second)
				b.Scale("web", 2)
				b.PodAt("web-1", 1)
			},
		},
		{
			name: "at the new revision as soon as there is one", notExercised: ids(contract.UpdateScaleNew),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				b.ChangeTemplate("web", 2)
				b.PodAt("web-1", 2)
			},
		},
		{
			name: "a template changed within the lag",
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.Scale("web", 2)
				b.ChangeTemplate("web", 2)
				b.PodAt("web-1", 1)
			},
		},
	})
}

func TestUpdateRollback(t *testing.T) {
	revert := func(b *historytest.Builder, to string) {
		b.ChangeTemplate("web", 1)
		b.Status("web", func(st *history.Status) { st.UpdateRevision = to })
	}
	begun := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web")
			b.Revision("web", 1, 1)
			b.CreateReady("web-0")
			b.Status("web")
			b.ChangeTemplate("web", 2)
			b.Revision("web", 2, 2)
			b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
			b.Roll("web", 0)
			b.Wait(3 * time.Second)
			then(b)
			b.Wait(time.Second)
		}
	}
	runLiveCases(t, []testCase{
		{
			name: "the revision is used again", exercised: ids(contract.UpdateRollback), build: begun(func(b *historytest.Builder) {
				b.Renumber("web", 1, 3)
				revert(b, "web-1")
			}),
		},
		{
			name: "a new one for the same template", broken: ids(contract.UpdateRollback), texts: []string{"went back at rv", "to the template of the revision web-1, which was still kept, but its update revision became web-3"},
			build: begun(func(b *historytest.Builder) {
				b.Revision("web", 3, 3)
				revert(b, "web-3")
			}),
		},
		{
			name: "the revision number stays", broken: ids(contract.UpdateRollback), texts: []string{", but web-2 has number 2 (rv "},
			build: begun(func(b *historytest.Builder) { revert(b, "web-1") }),
		},
		{
			name: "revisions deleted with the set prove nothing", exercised: ids(contract.UpdateRollback), build: begun(func(b *historytest.Builder) {
				b.Renumber("web", 1, 3)
				revert(b, "web-1")
				b.Wait(time.Second)
				b.DeleteSet("web")
				b.Set("web")
				b.Remove(history.Revisions, "web-1")
				b.Revision("web", 1, 1)
			}),
		},
		{
			name: "a deleted revision is created again", notExercised: ids(contract.UpdateRollback), build: begun(func(b *historytest.Builder) {
				b.Remove(history.Revisions, "web-1")
				b.ChangeTemplate("web", 1)
				b.Revision("web", 3, 3)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-3" })
			}),
		},
		{
			name: "a template that was never used is no rollback", notExercised: ids(contract.UpdateRollback), build: begun(func(b *historytest.Builder) {
				b.ChangeTemplate("web", 3)
				b.Revision("web", 3, 3)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-3" })
			}),
		},
	})
}
