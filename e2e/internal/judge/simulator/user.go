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

// runUser simulates a user who creates one or two sets and changes them several times.
func (cl *cluster) runUser() {
	cl.selector = map[string]string{"app": "web"}
	cl.createSet("web")
	if cl.chance(0.15) {
		cl.createPodOfOtherController()
	}
	if cl.chance(0.15) {
		cl.createSet("two") // with the same selector
	}
	cl.pause()
	for range 1 + cl.rng.IntN(6) {
		// Not every action is possible at every moment; another one is tried then.
		for range 10 {
			if cl.actOnSet() {
				break
			}
		}
		cl.pause()
	}
	cl.runUntilIdle(cl.durationBetween(20*time.Second, 40*time.Second), 3*time.Minute)
}

// pause runs the cluster, mostly until it is idle.
func (cl *cluster) pause() {
	if cl.chance(0.35) {
		cl.run(cl.durationBetween(0, 3*time.Second))
		return
	}
	cl.runUntilIdle(cl.durationBetween(3*time.Second, 8*time.Second), cl.durationBetween(10*time.Second, 90*time.Second))
}

// createSet creates a set with a random spec.
func (cl *cluster) createSet(name string) {
	cl.builder.Operation(history.VerbCreate, history.Sets, name)
	e := cl.builder.Set(name, cl.randomSpec())
	e.Labels = map[string]string{"touched": "0"}
}

func (cl *cluster) randomSpec() historytest.Option {
	return func(t *history.Set) {
		t.Status = history.Status{}
		t.Selector = cl.selector
		t.Replicas = pick(cl.rng, int32(1), 2, 3, 3, 4, 5)
		t.Template, t.TemplateDigest = cl.newTemplate(0)
		t.PodGrace = pick(cl.rng, new(int64(1)), new(int64(30)))
		t.Policy = pick(cl.rng,
			appsv1.OrderedReadyPodManagement, appsv1.OrderedReadyPodManagement, appsv1.OrderedReadyPodManagement, appsv1.ParallelPodManagement)
		t.ClaimTemplates = pick(cl.rng, nil, nil, []string{"data"}, []string{"data"}, []string{"data", "log"})
		if len(t.ClaimTemplates) > 0 {
			t.WhenScaled, t.WhenDeleted = pick(cl.rng, retainPolicy, retainPolicy, deletePolicy), pick(cl.rng, retainPolicy, retainPolicy, deletePolicy)
			t.PodVolumes = pick(cl.rng, nil, nil, nil, []string{"data"})
			t.ClaimRequests, t.ClaimLabels = map[string]history.ClaimRequest{}, map[string]map[string]string{}
			for i, name := range t.ClaimTemplates {
				t.ClaimRequests[name] = history.ClaimRequest{
					Size: fmt.Sprint(1+i, "Gi"), Modes: string(corev1.ReadWriteOnce), Mode: string(corev1.PersistentVolumeFilesystem), Parts: "accessModes\nvolumeMode",
				}
				t.ClaimLabels[name] = map[string]string{"template": name}
			}
		}
		t.MinReadySeconds = pick(cl.rng, int32(0), 0, 0, 0, 2, 5)
		t.RevisionHistoryLimit = pick(cl.rng, new(int32(10)), new(int32(10)), new(int32(0)), new(int32(1)))
		t.Start = pick(cl.rng, int32(0), 0, 0, 0, 0, 0, 2)
		t.MaxUnavailable = pick(cl.rng, "", "", "", "", "2", "3", "50%")
		if cl.chance(0.1) {
			t.Strategy = onDelete
		}
		if cl.chance(0.1) {
			t.PodHostname, t.PodSubdomain = "own", "own"
		}
		if cl.chance(0.1) {
			t.Partition = int32(cl.rng.IntN(7))
		}
		cl.mayRecreate(t, 0.25)
	}
}

// newTemplate returns an unused template; with probability broken its pods never become Ready.
func (cl *cluster) newTemplate(broken float64) (history.Template, string) {
	image := "image:"
	if cl.chance(broken) {
		image = brokenImage
	}
	n := len(cl.templates)
	cl.templates = append(cl.templates, history.Template{
		Images: map[string]string{"main": fmt.Sprint(image, n)}, Annotations: map[string]string{history.Prefix + "template": fmt.Sprint(n)},
		Parts: "containers[main].command\ncontainers[main].image\nvolumes[cache].emptyDir",
	})
	return cl.templates[n], fmt.Sprint("t", n)
}

func (cl *cluster) templateOf(digest string) history.Template {
	var n int
	if _, err := fmt.Sscanf(digest, "t%d", &n); err != nil {
		panic(err)
	}
	return cl.templates[n]
}

// createPodOfOtherController creates a pod that matches the selector and belongs to a ReplicaSet.
func (cl *cluster) createPodOfOtherController() {
	yes := true
	owner := controllerRef("ReplicaSet", "other", "uid-other")
	owner[0].Controller = &yes
	cl.alive["uid-other"] = true
	cl.builder.Add(&history.Event{
		Resource: history.Pods, Meta: history.Meta{Name: "other-x7", Labels: cl.selector, Owners: owner},
		Pod: &history.Pod{Phase: corev1.PodPending, Grace: new(int64(30)), Template: history.Template{Images: map[string]string{"main": "image:0"}}},
	})
}

// updateSet changes the spec of a set and reports whether that made a new generation.
func (cl *cluster) updateSet(name string, f func(*history.Set)) bool {
	return cl.changeSpec(history.VerbUpdate, name, f)
}

// changeSpec is updateSet for that verb.
func (cl *cluster) changeSpec(verb history.Verb, name string, f func(*history.Set)) bool {
	if !cl.builder.Exists(history.Sets, name) {
		return false
	}
	was := *cl.builder.Get(history.Sets, name).Set
	now := was
	f(&now)
	if cl.varied.severalFields {
		cl.changeMore(&now)
	}
	withoutRollingUpdate(&now)
	if reflect.DeepEqual(was, now) {
		return false // an update without a change makes no new resourceVersion
	}
	cl.builder.Operation(verb, history.Sets, name)
	cl.builder.Update(name, func(t *history.Set) { *t = now })
	return true
}

// podsOf returns the pods of the set that exist and are not terminating.
func (cl *cluster) podsOf(set *history.Event) []*history.Event {
	return slices.DeleteFunc(cl.builder.List(history.Pods), func(p *history.Event) bool {
		return p.ControllerUID() != set.UID || p.Terminating()
	})
}

// actOnSet performs one random action on one of the sets and reports whether it was possible.
func (cl *cluster) actOnSet() bool {
	sets := cl.builder.List(history.Sets)
	if len(sets) == 0 {
		cl.createSet("web")
		return true
	}
	set := pick(cl.rng, sets...)
	if set.Terminating() {
		return false
	}
	actions := []struct {
		weight int
		do     func(*history.Event) bool
	}{
		{24, cl.scale},
		{18, cl.changeTemplate},
		{4, cl.rollBack},
		{8, cl.deletePods},
		{3, cl.forceDelete},
		{4, cl.evict},
		{4, cl.failPod},
		{4, cl.touchSet},
		{6, cl.changePartition},
		{2, cl.changeMaxUnavailable},
		{3, cl.changeStrategy},
		{5, cl.changeStart},
		{5, cl.changeRetention},
		{6, cl.deleteSet},
		{2, cl.relabelPod},
		{3, cl.deletePendingClaim},
		{2, cl.deleteAllPods},
		{2, cl.changeMinReady},
		{2, cl.changeHistoryLimit},
		{3, cl.phasedRollout},
		{3, cl.scaleDownUnready},
	}
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	n := cl.rng.IntN(total)
	for _, a := range actions {
		if n -= a.weight; n < 0 {
			return a.do(set)
		}
	}
	return false
}

func (cl *cluster) scale(set *history.Event) bool {
	again := 1
	if cl.chance(0.3) {
		again = 2 + cl.rng.IntN(2)
	}
	done := false
	for range again {
		done = cl.updateSet(set.Name, func(t *history.Set) { t.Replicas = pick(cl.rng, int32(0), 0, 1, 1, 2, 3, 4, 5, 6) }) || done
		if again > 1 {
			cl.run(cl.durationBetween(0, 4*time.Second))
			if set = cl.get(history.Sets, set.Name, set.UID); set == nil {
				return true
			}
		}
	}
	return done
}

func (cl *cluster) changeTemplate(set *history.Event) bool {
	t, digest := cl.newTemplate(0.12)
	return cl.updateSet(set.Name, func(s *history.Set) {
		s.Template, s.TemplateDigest = t, digest
		if cl.chance(0.15) {
			s.Partition, s.NoRollingUpdate = int32(cl.rng.IntN(7)), false
		}
	})
}

// rollBack gives the set an earlier template.
func (cl *cluster) rollBack(set *history.Event) bool {
	n := cl.rng.IntN(len(cl.templates))
	return cl.updateSet(set.Name, func(s *history.Set) { s.Template, s.TemplateDigest = cl.templates[n], fmt.Sprint("t", n) })
}

func (cl *cluster) deletePods(set *history.Event) bool {
	pods := cl.podsOf(set)
	cl.rng.Shuffle(len(pods), func(i, j int) { pods[i], pods[j] = pods[j], pods[i] })
	for _, p := range pods[:min(len(pods), 1+cl.rng.IntN(3))] {
		cl.builder.Operation(history.VerbDelete, history.Pods, p.Name)
		cl.deletePod(p.Name, p.UID, nil)
	}
	return len(pods) > 0
}

// forceDelete deletes a pod with grace period 0 while its containers may run.
func (cl *cluster) forceDelete(set *history.Event) bool {
	pods := cl.podsOf(set)
	if len(pods) == 0 {
		return false
	}
	p := pick(cl.rng, pods...)
	cl.builder.Operation(history.VerbDelete, history.Pods, p.Name)
	cl.deletePod(p.Name, p.UID, new(int64))
	return true
}

func (cl *cluster) evict(set *history.Event) bool {
	pods := slices.DeleteFunc(cl.podsOf(set), func(p *history.Event) bool { return p.Pod.Node == "" || p.Pod.Finished() })
	if len(pods) == 0 {
		return false
	}
	p := pick(cl.rng, pods...)
	cl.builder.Operation(history.VerbEvict, history.Pods, p.Name)
	cl.builder.Disrupt(p.Name, "EvictionByEvictionAPI")
	cl.deletePod(p.Name, p.UID, nil)
	return true
}

func (cl *cluster) failPod(set *history.Event) bool {
	pods := slices.DeleteFunc(cl.podsOf(set), func(p *history.Event) bool { return p.Pod.Phase != corev1.PodRunning })
	if len(pods) == 0 {
		return false
	}
	p := pick(cl.rng, pods...)
	pick(cl.rng, cl.fail, cl.succeed, cl.unready, cl.crash, cl.crash)(p.Name, p.UID)
	return true
}

// touchSet changes a label of the set, which triggers a sync.
func (cl *cluster) touchSet(set *history.Event) bool {
	cl.builder.Operation(history.VerbUpdate, history.Sets, set.Name)
	cl.builder.Change(history.Sets, set.Name, func(e *history.Event) { e.Labels = map[string]string{"touched": cl.builder.Now().String()} })
	return true
}
