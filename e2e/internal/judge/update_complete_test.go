package judge_test

import (
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestUpdateComplete(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "the last one left out", atWork: true, broken: ids(contract.UpdateComplete), idle: ids(contract.UpdateComplete),
			texts: []string{"the rollout of web (rv", ": to the end of the recording nothing stood in its way for 35.5 s"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Roll("web", 2, 1)
				s.Wait(30 * time.Second)
			},
		},
		{
			name: "never begun", atWork: true, broken: ids(contract.UpdateComplete), texts: []string{"did not reach web-0 (revision web-1, rv "},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Wait(time.Minute)
			},
		},
		{
			name: "a spec that ends before it could", idle: ids(contract.UpdateComplete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Roll("web", 2)
				s.Wait(4 * time.Second)
			},
		},
		{
			name: "a controller of which nothing is known", doubted: ids(contract.UpdateComplete, contract.StatusObservedGeneration),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.ChangeTemplate("web", 2)
				s.Wait(29 * time.Second)
			},
		},
		{
			name: "waiting for a pod that is not Ready is documented",
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.DeletePod("web-2")
				s.Pod("web-2")
				s.Status("web")
				s.Wait(time.Minute)
			},
		},
		{
			name: "so is waiting for an old one", idle: ids(contract.UpdateComplete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.Unready("web-0")
				s.NewTemplate("web", 2)
				s.Status("web")
				s.Wait(time.Minute)
			},
		},
		{
			name: "waiting for a pod that still has to go",
			tell: func(s *historytest.Builder) {
				s.Running("web", 3)
				s.NewTemplate("web", 2)
				s.Scale("web", 2)
				s.Terminate("web-2")
				s.Status("web")
				s.Wait(40 * time.Second)
			},
		},
		{
			// Kubernetes issue 137409: so it was with the gate of maxUnavailable from 1.35 on, until 1.37.
			name: "a Parallel set stuck on a broken old pod", atWork: true, broken: ids(contract.UpdateComplete), texts: []string{"did not reach web-0 (revision web-1"},
			tell: func(s *historytest.Builder) {
				s.Set("web", historytest.Replicas(1), historytest.Parallel)
				s.Pod("web-0")
				s.Status("web")
				s.Wait(time.Second)
				s.NewTemplate("web", 2)
				s.Wait(time.Minute)
			},
		},
		{
			name: "a Parallel set that waits for an updated pod",
			tell: func(s *historytest.Builder) {
				s.Running("web", 2, historytest.Parallel)
				s.NewTemplate("web", 2)
				s.DeletePod("web-1")
				s.Pod("web-1")
				s.Status("web")
				s.Wait(time.Minute)
			},
		},
		{
			name: "the new label on the old template", broken: ids(contract.UpdateComplete), texts: []string{"web-1 was created at rv", "with the label of revision web-2 but made of the template of web-1"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.DeletePod("web-1")
				pod := s.PodAt("web-1", 2)
				pod.Pod.Template.Images["main"] = "image:1"
				s.Ready("web-1")
				s.Status("web")
				s.Roll("web", 0)
			},
		},
		{
			name: "a part of the old template", broken: ids(contract.UpdateComplete), texts: []string{"with the label of revision web-2 but made of the template of web-1"},
			tell: func(s *historytest.Builder) {
				version := func(v string) func(*history.Set) {
					return func(t *history.Set) {
						t.Template.Commands = map[string]string{"main": "serve " + v}
						t.Template.Labels = map[string]string{history.Prefix + "template": v}
					}
				}
				s.Set("web", historytest.Replicas(1), version("1"))
				s.CreateReady("web-0")
				s.Status("web")
				s.Update("web", version("2"))
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.DeletePod("web-0")
				s.Pod("web-0").Pod.Template.Commands["main"] = "serve 1"
				s.Ready("web-0")
				s.Status("web")
			},
		},
		{
			name: "a label that somebody takes away proves nothing", exercised: ids(contract.UpdateComplete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Update("web", func(t *history.Set) {
					t.Template.Images = map[string]string{"main": "image:2"}
					t.Template.Labels = map[string]string{history.Prefix + "template": "2"}
				})
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				s.DeletePod("web-0")
				s.Pod("web-0").Pod.Template.Labels = nil
				s.Ready("web-0")
				s.Status("web")
			},
		},
		{
			name: "an image that somebody rewrites proves nothing", exercised: ids(contract.UpdateComplete),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.NewTemplate("web", 2)
				s.DeletePod("web-0")
				s.Pod("web-0").Pod.Template.Images["main"] = "mirror/image:2"
				s.Ready("web-0")
				s.Status("web")
			},
		},
		{
			name: "replaced by the same", broken: ids(contract.UpdateComplete), texts: []string{"web-1 was created at rv", "at revision web-1, expected the update revision web-2"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Wait(3 * time.Second)
				s.DeletePod("web-1")
				s.PodAt("web-1", 1)
				s.Ready("web-1")
			},
		},
		{
			name: "a recording cut short proves nothing",
			tell: func(s *historytest.Builder) {
				s.Running("web", 2)
				s.NewTemplate("web", 2)
				s.Gap(history.Pods, s.Now())
				s.DeleteSet("web")
				s.Wait(time.Minute)
			},
		},
	})
}

func TestUpdateScaleNew(t *testing.T) {
	liveTales(t, []tale{
		{
			name: "in the middle of a rollout", exercised: ids(contract.UpdateScaleNew),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.NewTemplate("web", 2)
				s.Scale("web", 2)
				s.CreateReady("web-1")
				s.Status("web")
				s.Roll("web", 0)
			},
		},
		{
			name: "after one", exercised: ids(contract.UpdateScaleNew),
			tell: func(s *historytest.Builder) {
				rolled(1)(s)
				s.Scale("web", 2)
				s.CreateReady("web-1")
			},
		},
		{
			name: "of a set that had one template only", idle: ids(contract.UpdateScaleNew),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 2)
				s.CreateReady("web-1")
			},
		},
		{
			name: "at the old revision", broken: ids(contract.UpdateScaleNew), texts: []string{"web-1 was added by a scale up at rv", "at revision web-1, expected the update revision web-2"},
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.NewTemplate("web", 2)
				s.Wait(3 * time.Second)
				s.Scale("web", 2)
				s.PodAt("web-1", 1)
			},
		},
		{
			name: "with the new label on the old template", broken: ids(contract.UpdateScaleNew), texts: []string{"with the label of revision web-2 but made of the template of web-1"},
			tell: func(s *historytest.Builder) {
				rolled(1)(s)
				s.Scale("web", 2)
				s.PodAt("web-1", 2).Pod.Template.Images["main"] = "image:1"
			},
		},
		{
			name: "below the partition", idle: ids(contract.UpdateScaleNew),
			tell: func(s *historytest.Builder) {
				s.Running("web", 1, historytest.Partition(4))
				s.NewTemplate("web", 2)
				s.Wait(3 * time.Second)
				s.Scale("web", 2)
				s.PodAt("web-1", 1)
			},
		},
		{
			name: "a template changed within the lag",
			tell: func(s *historytest.Builder) {
				s.Running("web", 1)
				s.Scale("web", 2)
				s.ChangeTemplate("web", 2)
				s.PodAt("web-1", 1)
			},
		},
	})
}

func TestUpdateRollback(t *testing.T) {
	back := func(s *historytest.Builder, to string) {
		s.ChangeTemplate("web", 1)
		s.Status("web", func(st *history.Status) { st.UpdateRevision = to })
	}
	begun := func(then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(s *historytest.Builder) {
			s.Set("web")
			s.Revision("web", 1, 1)
			s.CreateReady("web-0")
			s.Status("web")
			s.ChangeTemplate("web", 2)
			s.Revision("web", 2, 2)
			s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
			s.Roll("web", 0)
			s.Wait(3 * time.Second)
			then(s)
			s.Wait(time.Second)
		}
	}
	liveTales(t, []tale{
		{
			name: "the revision is used again", exercised: ids(contract.UpdateRollback), tell: begun(func(s *historytest.Builder) {
				s.Renumber("web", 1, 3)
				back(s, "web-1")
			}),
		},
		{
			name: "a new one for the same template", broken: ids(contract.UpdateRollback), texts: []string{"went back at rv", "to the template of the revision web-1, which was still kept, but its update revision became web-3"},
			tell: begun(func(s *historytest.Builder) {
				s.Revision("web", 3, 3)
				back(s, "web-3")
			}),
		},
		{
			name: "its number stays", broken: ids(contract.UpdateRollback), texts: []string{", but web-2 has number 2 (rv "},
			tell: begun(func(s *historytest.Builder) { back(s, "web-1") }),
		},
		{
			name: "revisions cleaned up with the set say nothing", exercised: ids(contract.UpdateRollback), tell: begun(func(s *historytest.Builder) {
				s.Renumber("web", 1, 3)
				back(s, "web-1")
				s.Wait(time.Second)
				s.DeleteSet("web")
				s.Set("web")
				s.Remove(history.Revisions, "web-1")
				s.Revision("web", 1, 1)
			}),
		},
		{
			name: "one that was cleaned up is made anew", idle: ids(contract.UpdateRollback), tell: begun(func(s *historytest.Builder) {
				s.Remove(history.Revisions, "web-1")
				s.ChangeTemplate("web", 1)
				s.Revision("web", 3, 3)
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-3" })
			}),
		},
		{
			name: "a template that was never used is no rollback", idle: ids(contract.UpdateRollback), tell: begun(func(s *historytest.Builder) {
				s.ChangeTemplate("web", 3)
				s.Revision("web", 3, 3)
				s.Status("web", func(st *history.Status) { st.UpdateRevision = "web-3" })
			}),
		},
	})
}
