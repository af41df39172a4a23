package simulator

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// play lets a person make a set or two and change her mind about them.
func (w *world) play() {
	w.selector = map[string]string{"app": "web"}
	w.create("web")
	if w.chance(0.15) {
		w.stranger()
	}
	if w.chance(0.15) {
		w.create("two") // with the same selector
	}
	w.pause()
	for range 1 + w.rng.IntN(6) {
		// A deed that does not fit the moment is no deed: another one is tried.
		for range 10 {
			if w.deed() {
				break
			}
		}
		w.pause()
	}
	w.settle(w.between(20*time.Second, 40*time.Second), 3*time.Minute)
}

// pause waits until the cluster has settled, or not even that.
func (w *world) pause() {
	if w.chance(0.35) {
		w.run(w.between(0, 3*time.Second))
		return
	}
	w.settle(w.between(3*time.Second, 8*time.Second), w.between(10*time.Second, 90*time.Second))
}

// create makes a set of some kind.
func (w *world) create(name string) {
	w.s.Operation(history.VerbCreate, history.Sets, name)
	e := w.s.Set(name, w.kind())
	e.Labels = map[string]string{"touched": "0"}
}

func (w *world) kind() historytest.Option {
	return func(t *history.Set) {
		t.Status = history.Status{}
		t.Selector = w.selector
		t.Replicas = pick(w.rng, int32(1), 2, 3, 3, 4, 5)
		t.Template, t.TemplateDigest = w.newTemplate(0)
		t.PodGrace = pick(w.rng, new(int64(1)), new(int64(30)))
		t.Policy = pick(w.rng,
			appsv1.OrderedReadyPodManagement, appsv1.OrderedReadyPodManagement, appsv1.OrderedReadyPodManagement, appsv1.ParallelPodManagement)
		t.ClaimTemplates = pick(w.rng, nil, nil, []string{"data"}, []string{"data"}, []string{"data", "log"})
		if len(t.ClaimTemplates) > 0 {
			t.WhenScaled, t.WhenDeleted = pick(w.rng, retain, retain, remove), pick(w.rng, retain, retain, remove)
			t.PodVolumes = pick(w.rng, nil, nil, nil, []string{"data"})
		}
		t.MinReadySeconds = pick(w.rng, int32(0), 0, 0, 0, 2, 5)
		t.RevisionHistoryLimit = pick(w.rng, new(int32(10)), new(int32(10)), new(int32(0)), new(int32(1)))
		t.Start = pick(w.rng, int32(0), 0, 0, 0, 0, 0, 2)
		t.MaxUnavailable = pick(w.rng, "", "", "", "", "2", "3", "50%")
		if w.chance(0.1) {
			t.Strategy = onDelete
		}
		if w.chance(0.1) {
			t.PodHostname, t.PodSubdomain = "own", "own"
		}
		if w.chance(0.1) {
			t.Partition = int32(w.rng.IntN(7))
		}
	}
}

// newTemplate returns a template that was not used before, broken with that chance.
func (w *world) newTemplate(broken float64) (history.Template, string) {
	image := "image:"
	if w.chance(broken) {
		image = brokenImage
	}
	n := len(w.templates)
	w.templates = append(w.templates, history.Template{Images: map[string]string{"main": fmt.Sprint(image, n)}})
	return w.templates[n], fmt.Sprint("t", n)
}

func (w *world) templateOf(digest string) history.Template {
	var n int
	if _, err := fmt.Sscanf(digest, "t%d", &n); err != nil {
		panic(err)
	}
	return w.templates[n]
}

// stranger is a pod with the labels that the set selects, but with a controller of its own.
func (w *world) stranger() {
	yes := true
	owner := controllerRef("ReplicaSet", "other", "uid-other")
	owner[0].Controller = &yes
	w.alive["uid-other"] = true
	w.s.Add(&history.Event{
		Resource: history.Pods, Meta: history.Meta{Name: "other-x7", Labels: w.selector, Owners: owner},
		Pod: &history.Pod{Phase: corev1.PodPending, Grace: new(int64(30)), Template: history.Template{Images: map[string]string{"main": "image:0"}}},
	})
}

// update changes a set's spec, as a person does.
func (w *world) update(name string, f func(*history.Set)) bool {
	was := *w.s.Get(history.Sets, name).Set
	now := was
	f(&now)
	if reflect.DeepEqual(was, now) {
		return false // the API makes no new version of what did not change
	}
	w.s.Operation(history.VerbUpdate, history.Sets, name)
	w.s.Update(name, func(t *history.Set) { *t = now })
	return true
}

// podsOf returns the living pods of the set that are to stay.
func (w *world) podsOf(set *history.Event) []*history.Event {
	return slices.DeleteFunc(w.s.List(history.Pods), func(p *history.Event) bool {
		return p.Controller() == nil || p.Controller().UID != set.UID || p.Terminating()
	})
}

// deed does something to one of the sets and reports whether there was something to do.
func (w *world) deed() bool {
	sets := w.s.List(history.Sets)
	if len(sets) == 0 {
		w.create("web")
		return true
	}
	set := pick(w.rng, sets...)
	if set.Terminating() {
		return false
	}
	deeds := []struct {
		weight int
		do     func(*history.Event) bool
	}{
		{24, w.scale},
		{18, w.renew},
		{4, w.goBack},
		{8, w.deletePods},
		{3, w.force},
		{4, w.evict},
		{4, w.failOne},
		{4, w.touch},
		{6, w.divide},
		{2, w.changeLimit},
		{3, w.changeStrategy},
		{5, w.moveStart},
		{5, w.changeRetention},
		{6, w.deleteSet},
		{2, w.relabel},
		{3, w.loseClaim},
		{2, w.sweep},
		{2, w.changeMinReady},
		{2, w.changeHistoryLimit},
		{3, w.phase},
		{3, w.stumble},
	}
	total := 0
	for _, d := range deeds {
		total += d.weight
	}
	n := w.rng.IntN(total)
	for _, d := range deeds {
		if n -= d.weight; n < 0 {
			return d.do(set)
		}
	}
	return false
}

func (w *world) scale(set *history.Event) bool {
	again := 1
	if w.chance(0.3) {
		again = 2 + w.rng.IntN(2)
	}
	done := false
	for range again {
		done = w.update(set.Name, func(t *history.Set) { t.Replicas = pick(w.rng, int32(0), 0, 1, 1, 2, 3, 4, 5, 6) }) || done
		if again > 1 {
			w.run(w.between(0, 4*time.Second))
			if set = w.get(history.Sets, set.Name, set.UID); set == nil {
				return true
			}
		}
	}
	return done
}

func (w *world) renew(set *history.Event) bool {
	t, digest := w.newTemplate(0.12)
	return w.update(set.Name, func(s *history.Set) {
		s.Template, s.TemplateDigest = t, digest
		if w.chance(0.15) {
			s.Partition = int32(w.rng.IntN(7))
		}
	})
}

// goBack takes the set to a template that it had before.
func (w *world) goBack(set *history.Event) bool {
	n := w.rng.IntN(len(w.templates))
	return w.update(set.Name, func(s *history.Set) { s.Template, s.TemplateDigest = w.templates[n], fmt.Sprint("t", n) })
}

func (w *world) deletePods(set *history.Event) bool {
	pods := w.podsOf(set)
	w.rng.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	for _, p := range pods[:min(len(pods), 1+w.rng.IntN(3))] {
		w.s.Operation(history.VerbDelete, history.Pods, p.Name)
		w.deletePod(p.Name, p.UID, nil)
	}
	return len(pods) > 0
}

// force deletes a pod without grace, though its containers may run.
func (w *world) force(set *history.Event) bool {
	pods := w.podsOf(set)
	if len(pods) == 0 {
		return false
	}
	p := pick(w.rng, pods...)
	w.s.Operation(history.VerbDelete, history.Pods, p.Name)
	w.deletePod(p.Name, p.UID, new(int64))
	return true
}

func (w *world) evict(set *history.Event) bool {
	pods := slices.DeleteFunc(w.podsOf(set), func(p *history.Event) bool { return p.Pod.Node == "" || p.Pod.Finished() })
	if len(pods) == 0 {
		return false
	}
	p := pick(w.rng, pods...)
	w.s.Operation(history.VerbEvict, history.Pods, p.Name)
	w.s.Disrupt(p.Name, "EvictionByEvictionAPI")
	w.deletePod(p.Name, p.UID, nil)
	return true
}

func (w *world) failOne(set *history.Event) bool {
	pods := slices.DeleteFunc(w.podsOf(set), func(p *history.Event) bool { return p.Pod.Phase != corev1.PodRunning })
	if len(pods) == 0 {
		return false
	}
	p := pick(w.rng, pods...)
	pick(w.rng, w.fail, w.succeed, w.unready, w.crash, w.crash)(p.Name, p.UID)
	return true
}

// touch changes a label of the set.
func (w *world) touch(set *history.Event) bool {
	w.s.Operation(history.VerbUpdate, history.Sets, set.Name)
	w.s.Change(history.Sets, set.Name, func(e *history.Event) { e.Labels = map[string]string{"touched": w.s.Now().String()} })
	return true
}
