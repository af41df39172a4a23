package specs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

// Specs of scale are declared where the settings ask for them. They prove no row by themselves: every judge judges what they record.
var _ = Describe("A StatefulSet at scale", func() {
	if settings.Scale != nil {
		declareScale(settings.Scale)
	}
})

// podsOfSmallSet is how many pods a set has of which there are many.
const podsOfSmallSet = 5

func declareScale(scale *runconfig.Scale) {
	pods := scale.Pods
	// A tenth of the pods at a time, where the cluster knows the field.
	tenth := statefulset.Options(statefulset.Parallel(), statefulset.MaxUnavailableOf(intstr.FromString("10%")))
	for _, course := range []struct {
		text             string
		sets, podsOfEach int
		option           statefulset.Option
	}{
		{fmt.Sprintf("keeps its promises with %d pods under OrderedReady", pods), 1, pods, statefulset.Options()},
		{fmt.Sprintf("keeps its promises with %d pods under Parallel", pods), 1, pods, tenth},
		{fmt.Sprintf("keeps its promises beside others, with %d pods in sets of %d", pods, podsOfSmallSet), max(1, pods/podsOfSmallSet), podsOfSmallSet, statefulset.Options()},
	} {
		It(course.text, Label(runner.ScaleLabel), func(ctx SpecContext) {
			c := &scaleCourse{ns: Record(ctx), scale: scale, began: time.Now(), report: runner.ScaleReport{Course: course.text}}
			c.run(ctx, course.sets, int32(course.podsOfEach), course.option)
			c.save()
		})
	}
}

// scaleCourse is the course of a spec of scale, stage by stage.
type scaleCourse struct {
	ns     *framework.Namespace
	scale  *runconfig.Scale
	began  time.Time
	sets   []*statefulset.Set
	report runner.ScaleReport
}

// run takes sets of so many pods through all stages, until one is not reached in time.
func (c *scaleCourse) run(ctx SpecContext, sets int, pods int32, option statefulset.Option) {
	GinkgoHelper()
	settled := func(replicas int32) func(*statefulset.Set) framework.Condition {
		return func(s *statefulset.Set) framework.Condition { return s.Settled(replicas) }
	}
	each := func(act func(*statefulset.Set)) func() {
		return func() {
			for _, s := range c.sets {
				act(s)
			}
		}
	}
	half := pods / 2
	_ = c.stage(ctx, "created", func() {
		for i := range sets {
			c.sets = append(c.sets, statefulset.Create(ctx, c.ns, option, statefulset.Named(fmt.Sprintf("set%d", i)), statefulset.Replicas(pods), c.placed))
		}
	}, settled(pods)) &&
		c.stage(ctx, "scaled down", each(func(s *statefulset.Set) { s.Scale(ctx, half) }), settled(half)) &&
		c.stage(ctx, "scaled up", each(func(s *statefulset.Set) { s.Scale(ctx, pods) }), settled(pods)) &&
		c.stage(ctx, "rolled out", each(func(s *statefulset.Set) { s.NewTemplate(ctx, "new") }), settled(pods)) &&
		c.stage(ctx, "half of the pods deleted", each(func(s *statefulset.Set) {
			for n := range int(half) {
				c.ns.DeletePod(ctx, s.Pod(2*n))
			}
		}), settled(pods)) &&
		c.stage(ctx, "deleted", each(func(s *statefulset.Set) { s.Delete(ctx, metav1.DeletePropagationBackground) }), (*statefulset.Set).NoPods)
}

// placed puts a set's pods where the settings want those of specs of scale.
func (c *scaleCourse) placed(s *appsv1.StatefulSet) {
	GinkgoHelper()
	Expect(runconfig.Settings{PodPatch: c.scale.PodPatch}.Patch(s)).To(Succeed())
}

// stage acts, waits until the condition is met of all sets, and reports whether it was before the spec has to end. That it was not breaks
// nothing by itself: judges decide whether the controller had to act.
func (c *scaleCourse) stage(ctx SpecContext, name string, act func(), condition func(*statefulset.Set) framework.Condition) bool {
	GinkgoHelper()
	By(name)
	from, first := c.ns.Now(), c.ns.Events()
	act()
	var conditions []framework.Condition
	for _, s := range c.sets {
		conditions = append(conditions, condition(s))
	}
	err := c.ns.Await(ctx, max(0, c.scale.Within-time.Since(c.began)), fmt.Sprintf("all of %d sets to be %s", len(c.sets), name), framework.AllOf(conditions...))
	stage := runner.ScaleStage{Name: name}
	if late, timedOut := errors.AsType[*recorder.TimeoutError](err); timedOut {
		stage.NotReached = late.Found
	} else {
		Expect(err).NotTo(HaveOccurred())
	}
	stage.Seconds = (c.ns.Now() - from).Seconds()
	for _, e := range c.ns.History().Events[first:] {
		switch {
		case e.Resource != history.Pods:
		case e.Change == history.Added:
			stage.Created++
		case e.Gone():
			stage.Removed++
		}
	}
	c.report.Stages = append(c.report.Stages, stage)
	return stage.NotReached == ""
}

// save saves what the course took, for the command that started the run.
func (c *scaleCourse) save() {
	GinkgoHelper()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	c.report.Memory, c.report.Events = memory.Sys, c.ns.Events()
	dir := filepath.Join(settings.ReportDir, runner.ScaleFolder)
	Expect(os.MkdirAll(dir, 0o700)).To(Succeed())
	Expect(c.report.Save(filepath.Join(dir, slug(textOf(CurrentSpecReport()))+".json"))).To(Succeed())
}
