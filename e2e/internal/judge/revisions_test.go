package judge_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

func TestRevisionsOfNewTemplates(t *testing.T) {
	const id = contract.UpdateRevisionMade
	first := func(b *historytest.Builder) {
		b.Set("web")
		b.Revision("web", 1, 1)
		b.CreateReady("web-0")
		b.Status("web")
		b.Wait(5 * time.Second)
	}
	second := func(number int64) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			first(b)
			b.ChangeTemplate("web", 2)
			b.Revision("web", 2, number)
			b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
			b.Wait(5 * time.Second)
		}
	}
	runCases(t, []testCase{
		{name: "a higher number", exercised: ids(id), build: second(2)},
		{name: "the same number", broken: ids(id), texts: []string{"controller revision web-2 has number 1", "but web-1 has number 1"}, build: second(1)},
		{name: "a lower number", broken: ids(id), build: second(0)},
		{
			name: "no revision", broken: ids(id), controllerActs: true,
			texts: []string{"its status named the update revision web-2", "but to the end of the recording there was no such controller revision"},
			build: func(b *historytest.Builder) {
				first(b)
				b.ChangeTemplate("web", 2)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Roll("web", 0)
				b.Wait(40 * time.Second)
			},
		},
		{
			name: "no revision yet", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				first(b)
				b.ChangeTemplate("web", 2)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "a revision that a former set of the name left", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				first(b)
				b.Revision("web", 2, 2)
				b.DeleteSet("web")
				b.Remove(history.Pods, "web-0")
				b.Wait(5 * time.Second)
				b.Set("web", func(s *history.Set) {
					s.Template.Images = map[string]string{"main": "image:3"}
					s.Status.CurrentRevision, s.Status.UpdateRevision = "web-3", "web-3"
				})
				b.Revision("web", 3, 3)
				b.Status("web")
				b.ChangeTemplate("web", 2)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "the revision of another set, which is still there", broken: ids(id),
			texts: []string{"its status named the update revision db-2", "which is a controller revision of the StatefulSet db"},
			build: func(b *historytest.Builder) {
				first(b)
				b.Set("db")
				b.Revision("db", 2, 1)
				b.DeleteSet("db")
				b.Remove(history.Revisions, "db-2")
				b.Set("db")
				b.Revision("db", 2, 1)
				b.Wait(5 * time.Second)
				b.ChangeTemplate("web", 2)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "db-2" })
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "the revision of another set, which has gone", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				first(b)
				b.Set("db")
				b.Revision("db", 2, 1)
				b.DeleteSet("db")
				b.Wait(5 * time.Second)
				b.ChangeTemplate("web", 2)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "db-2" })
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "a revision that may be missing from the recording", inconclusive: ids(id), controllerActs: true, texts: []string{"the history of controllerrevisions has a gap"},
			build: func(b *historytest.Builder) {
				first(b)
				from := b.Now()
				b.ChangeTemplate("web", 2)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Gap(history.Revisions, from)
				b.Roll("web", 0)
				b.Wait(40 * time.Second)
			},
		},
		{
			name: "a revision whose watch is further out of step than watches are as a rule, and whose version is older than the status", exercised: ids(id),
			build: func(b *historytest.Builder) {
				first(b)
				b.ChangeTemplate("web", 2)
				status := b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Wait(time.Second)
				made := b.Revision("web", 2, 2)
				made.ResourceVersion, status.ResourceVersion = status.ResourceVersion, made.ResourceVersion
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "a revision that is made after the status names it", exercised: ids(id),
			build: func(b *historytest.Builder) {
				first(b)
				b.ChangeTemplate("web", 2)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Wait(time.Second)
				b.Revision("web", 2, 2)
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "a revision whose watch comes late", exercised: ids(id),
			build: func(b *historytest.Builder) {
				first(b)
				b.ChangeTemplate("web", 2)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-2" })
				b.Revision("web", 2, 2)
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "going back is another guarantee", notExercised: ids(),
			build: func(b *historytest.Builder) {
				second(2)(b)
				b.ChangeTemplate("web", 1)
				b.Renumber("web", 1, 3)
				b.Status("web", func(st *history.Status) { st.UpdateRevision = "web-1" })
				b.Wait(5 * time.Second)
			},
		},
		{
			name: "nothing is recorded of revisions", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				b.Running("web", 1)
				b.NewTemplate("web", 2)
				b.Wait(5 * time.Second)
			},
		},
	})
}

func TestRevisionsThatAreRemoved(t *testing.T) {
	const id = contract.UpdateHistoryOldestFirst
	four := func(limit int32, then func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			b.Set("web", historytest.HistoryLimit(limit))
			b.Revision("web", 1, 1)
			b.CreateReady("web-0")
			b.Status("web")
			for n := 2; n <= 4; n++ {
				b.Wait(4 * time.Second)
				b.ChangeTemplate("web", n)
				b.Revision("web", n, int64(n))
				b.NewTemplate("web", n)
				b.Roll("web", 0)
			}
			b.Wait(4 * time.Second)
			then(b)
			b.Wait(4 * time.Second)
		}
	}
	remove := func(names ...string) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			for _, name := range names {
				b.Remove(history.Revisions, name)
			}
		}
	}
	// held removes the revision that only a pod has.
	held := func(before func(*historytest.Builder), after ...func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			heldRevision(b, 0)
			before(b)
			b.Remove(history.Revisions, "web-2")
			for _, f := range after {
				f(b)
			}
			b.Wait(4 * time.Second)
		}
	}
	// named removes the revision that only the status has, so long after the pod that had it too.
	named := func(after time.Duration, before func(*historytest.Builder)) func(*historytest.Builder) {
		return func(b *historytest.Builder) {
			heldRevision(b, 0)
			b.Wait(4 * time.Second)
			b.DeleteByTest("web-0")
			b.FinishDeletion("web-0")
			b.PodAt("web-0", 3)
			b.Ready("web-0")
			b.Status("web")
			b.Wait(after)
			before(b)
			b.Change(history.Sets, "web", func(*history.Event) {})
			b.Remove(history.Revisions, "web-1")
			b.Wait(4 * time.Second)
		}
	}
	runCases(t, []testCase{
		{name: "the oldest", exercised: ids(id), build: four(2, remove("web-1"))},
		{name: "the two oldest", exercised: ids(id), build: four(1, remove("web-1", "web-2"))},
		{name: "the two oldest in one go, the higher first", exercised: ids(id), build: four(1, remove("web-2", "web-1"))},
		{name: "the newest", broken: ids(id), texts: []string{"web-3, number 3, of web was removed", "while the older web-1, number 1"}, build: four(2, remove("web-3"))},
		{name: "the middle one", broken: ids(id), build: four(2, remove("web-2"))},
		{
			name: "one within the limit, which the controller has no reason to remove", inconclusive: ids(id), texts: []string{"which leaves 2 that nothing uses where revisionHistoryLimit is 10"},
			build: four(10, remove("web-3")),
		},
		{
			name: "one more than the limit asks for", broken: ids(id), exercised: ids(id), texts: []string{"web-3, number 3, of web was removed", "which leaves 1 that nothing uses where revisionHistoryLimit is 2"},
			build: four(2, func(b *historytest.Builder) {
				b.ChangeTemplate("web", 5)
				b.Revision("web", 5, 5)
				b.NewTemplate("web", 5)
				b.Roll("web", 0)
				b.Wait(4 * time.Second)
				b.Change(history.Sets, "web", func(*history.Event) {})
				remove("web-1", "web-2", "web-3")(b)
			}),
		},
		{
			name: "one more than the limit asks for, by the sync that made the next", broken: ids(id), texts: []string{"web-2, number 2, of web was removed", "which leaves 1 that nothing uses"},
			build: four(2, func(b *historytest.Builder) {
				b.ChangeTemplate("web", 5)
				b.Revision("web", 5, 5)
				remove("web-1", "web-2")(b)
				b.NewTemplate("web", 5)
			}),
		},
		{
			name: "one, where another that is left is a former set's", notExercised: ids(), build: func(b *historytest.Builder) {
				b.Set("web")
				b.Revision("web", 1, 1)
				b.Status("web")
				b.DeleteSet("web")
				b.Set("web", historytest.HistoryLimit(1))
				b.Change(history.Revisions, "web-1", func(e *history.Event) {
					e.Owners = slices.Clone(e.Owners)
					e.Owners[0].UID = b.Get(history.Sets, "web").UID
				})
				b.CreateReady("web-0")
				b.Status("web")
				for n := 2; n <= 4; n++ {
					b.Wait(4 * time.Second)
					template := n
					if n == 3 {
						template = 1
						b.Renumber("web", 1, 3)
					} else {
						b.Revision("web", n, int64(n))
					}
					b.ChangeTemplate("web", template)
					b.NewTemplate("web", template)
					b.Roll("web", 0)
				}
				b.Wait(4 * time.Second)
				b.Remove(history.Revisions, "web-2")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "as many as a lower limit asks for, which came a moment ago", exercised: ids(id), build: four(10, func(b *historytest.Builder) {
				b.Update("web", func(s *history.Set) { s.RevisionHistoryLimit = new(int32(1)) })
				remove("web-1", "web-2")(b)
			}),
		},
		{
			name: "as many as a limit asks for that was raised a moment ago", exercised: ids(id), build: four(1, func(b *historytest.Builder) {
				b.Update("web", func(s *history.Set) { s.RevisionHistoryLimit = new(int32(10)) })
				remove("web-1", "web-2")(b)
			}),
		},
		{
			name: "an older one is in use", exercised: ids(id),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.HistoryLimit(1), historytest.OnDelete)
				b.Revision("web", 1, 1)
				b.CreateReady("web-0")
				b.Status("web")
				for n := 2; n <= 4; n++ {
					b.Wait(4 * time.Second)
					b.Revision("web", n, int64(n))
					b.NewTemplate("web", n)
				}
				b.Wait(4 * time.Second)
				b.Remove(history.Revisions, "web-2")
				b.Wait(4 * time.Second)
			},
		},
		{
			name: "one that a pod has, which is neither the current nor the update revision", broken: ids(id), texts: []string{"web-2, number 2, of web was removed", "while web-1 had it"},
			build: held(func(b *historytest.Builder) {
				b.Wait(4 * time.Second)
				b.Change(history.Sets, "web", func(*history.Event) {})
			}),
		},
		{
			name: "one that the status names as the current revision, and no pod has", broken: ids(id), texts: []string{"web-1, number 1, of web was removed", "while the status had named it since rv"},
			build: named(4*time.Second, func(*historytest.Builder) {}),
		},
		{
			name: "one that the status named until a moment ago", build: named(4*time.Second, func(b *historytest.Builder) {
				b.Status("web", func(st *history.Status) { st.CurrentRevision = "web-3" })
			}),
		},
		{
			name: "one of which the pod left a moment ago", broken: ids(id), build: named(time.Second, func(*historytest.Builder) {}),
		},
		{
			name:  "one whose pod the controller's cache may not have held",
			build: held(func(*historytest.Builder) {}),
		},
		{
			name: "one whose pod was removed just after it: the watches may be out of step",
			build: held(func(b *historytest.Builder) { b.Wait(4 * time.Second) }, func(b *historytest.Builder) {
				b.DeleteByTest("web-1")
				b.FinishDeletion("web-1")
			}),
		},
		{
			name: "by the test", notExercised: ids(id),
			build: four(2, func(b *historytest.Builder) {
				b.Operation(history.VerbDelete, history.Revisions, "web-3")
				b.Remove(history.Revisions, "web-3")
			}),
		},
		{
			name: "with their set", notExercised: ids(id),
			build: four(2, func(b *historytest.Builder) {
				b.DeleteSet("web")
				b.Remove(history.Revisions, "web-3")
			}),
		},
		{
			name: "an older one that only just fell out of use", notExercised: ids(id),
			build: func(b *historytest.Builder) {
				b.Set("web", historytest.HistoryLimit(0))
				b.Revision("web", 1, 1)
				b.CreateReady("web-0")
				b.Status("web")
				b.Wait(4 * time.Second)
				b.Revision("web", 2, 2)
				b.NewTemplate("web", 2)
				b.Roll("web", 0)
				b.Remove(history.Revisions, "web-1")
				b.Wait(4 * time.Second)
			},
		},
	})
}

// heldRevision builds a set with three revisions, of which a pod alone has the second.
func heldRevision(b *historytest.Builder, limit int32) {
	b.Set("web", historytest.Replicas(2), historytest.HistoryLimit(limit), historytest.OnDelete)
	b.Revision("web", 1, 1)
	b.CreateReady("web-0")
	b.CreateReady("web-1")
	b.Status("web")
	b.Revision("web", 2, 2)
	b.NewTemplate("web", 2)
	b.DeleteByTest("web-1")
	b.FinishDeletion("web-1")
	b.PodAt("web-1", 2)
	b.Ready("web-1")
	b.Revision("web", 3, 3)
	b.NewTemplate("web", 3)
}
