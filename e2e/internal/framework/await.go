package framework

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	toolswatch "k8s.io/client-go/tools/watch"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// Condition returns "" where a recorded state meets it, otherwise what stands against it.
type Condition = func(*history.State) string

// AllOf is met where all conditions are; it returns what stands against the first that is not.
func AllOf(conditions ...Condition) Condition {
	return func(s *history.State) string {
		for _, condition := range conditions {
			if why := condition(s); why != "" {
				return why
			}
		}
		return ""
	}
}

// Met reports whether the state that is recorded now meets a condition.
func (ns *Namespace) Met(condition Condition) bool {
	var why string
	ns.View(func(s *history.State) { why = condition(s) })
	return why == ""
}

// WaitOption says that the end of a wait is due.
type WaitOption struct {
	id  contract.ID
	set string
	by  []Controller
}

// MustHappen says of a wait that a guarantee obliges the controllers, the StatefulSet controller if none is named, to bring about its end. A
// wait that is not over within its limit leaves the guarantee inconclusive as a rule, since the cluster may be slow. It breaks the guarantee
// where Overdue accuses them.
func MustHappen(id contract.ID, by ...Controller) WaitOption { return WaitOption{id: id, by: by} }

// ForSet returns the options of waits for a set, which it names.
func ForSet(set string, options []WaitOption) []WaitOption {
	own := slices.Clone(options)
	for i := range own {
		own[i].set = set
	}
	return own
}

// Expect waits until a condition is met, and fails the spec with what stands against it when limit has passed.
func (ns *Namespace) Expect(ctx context.Context, limit time.Duration, what string, condition Condition, options ...WaitOption) {
	GinkgoHelper()
	ns.expect(ctx, ns.Await(ctx, limit, what, condition), condition, options)
}

// ExpectEach is Expect for something that comes about pod by pod: limit is that of one step, and begins anew with each. done counts the steps that
// are done; a number that was reached before is no step.
func (ns *Namespace) ExpectEach(ctx context.Context, limit time.Duration, what string, condition Condition, done func(*history.State) int, options ...WaitOption) {
	GinkgoHelper()
	ns.expect(ctx, awaitEach(func(condition Condition) error { return ns.Await(ctx, limit, what, condition) }, condition, done), condition, options)
}

// awaitEach has await wait for the condition, again whenever more is done than ever before.
func awaitEach(await func(Condition) error, condition Condition, done func(*history.State) int) error {
	most := 0
	for {
		further := false
		err := await(func(s *history.State) string {
			why := condition(s)
			if n := done(s); why != "" && n > most {
				most, further = n, true
				return ""
			}
			return why
		})
		if err != nil || !further {
			return err
		}
	}
}

// expect fails the spec for the error of a wait.
func (ns *Namespace) expect(ctx context.Context, err error, condition Condition, options []WaitOption) {
	GinkgoHelper()
	if err == nil {
		return
	}
	if late, timedOut := errors.AsType[*recorder.TimeoutError](err); timedOut {
		ns.recordOmission(ctx, late, condition, options)
	}
	Fail(err.Error())
}

// Recorded returns everything that has happened until now. It fails the spec when the recording cannot catch up.
func (ns *Namespace) Recorded(ctx context.Context) *history.History {
	GinkgoHelper()
	h, err := ns.Snapshot(ctx)
	Expect(err).NotTo(HaveOccurred(), "the recording must be complete before it is judged")
	return h
}

// Snapshot is Recorded, and returns the error of a recording that cannot catch up.
func (ns *Namespace) Snapshot(ctx context.Context) (*history.History, error) {
	until := ns.Now()
	if err := ns.Sync(ctx, ns.Settings.Limits.RecordingComplete); err != nil {
		return nil, err
	}
	h := ns.History()
	if h.End == nil {
		// Judges may then rely on what did not happen until now, as they do at the end of a spec.
		h.Close(until)
		h.End.Complete = true
	}
	return h, nil
}

// AwaitComplete waits until everything that has happened is recorded, also what came and went. It fails the spec when the recording cannot
// catch up.
func (ns *Namespace) AwaitComplete(ctx context.Context) {
	GinkgoHelper()
	Expect(ns.Complete(ctx, ns.Settings.Limits.RecordingComplete)).To(Succeed(), "the recording must be complete before the spec goes on")
}

// AwaitQuiescent waits until the namespace's sets, pods and revisions have not changed for as long as judges ask for before they hold a settled
// state against the controller.
func (ns *Namespace) AwaitQuiescent(ctx context.Context) {
	GinkgoHelper()
	length := judge.SettleTime(ns.History())
	// A margin, since judges ask for more than the length, not for the length itself.
	length += length / 20
	for until := ns.Now() + ns.Settings.Limits.StatusSettled + length; ns.Now() < until; {
		var seen string
		ns.View(func(s *history.State) { seen = state(s) })
		left := length - (ns.Now() - ns.lastChange())
		if left <= 0 {
			return
		}
		err := ns.Await(ctx, left, "nothing to happen", func(s *history.State) string {
			if state(s) != seen {
				return ""
			}
			return "nothing has happened"
		})
		if _, quiet := errors.AsType[*recorder.TimeoutError](err); quiet {
			return
		}
		Expect(err).NotTo(HaveOccurred())
	}
	Fail(fmt.Sprintf("expected a stretch of %v in which nothing happens to the sets, pods and revisions of %s, found none in %v: "+
		"look for what changes them again and again (kubectl get pods,statefulsets -n %s -w)", length, ns.Name, ns.Settings.Limits.StatusSettled, ns.Name))
}

// lastChange returns when a set, a pod or a revision of the namespace last changed in what is recorded of it.
func (ns *Namespace) lastChange() time.Duration {
	var last time.Duration
	was := map[types.UID]string{}
	for _, e := range ns.History().Events {
		if !slices.Contains(settling(), e.Resource) {
			continue
		}
		if now := shown(e); now != was[e.UID] {
			was[e.UID], last = now, e.At
		}
	}
	return last
}

// settling are the kinds of objects of which judges ask that nothing has happened to them. Watches of several kinds are not in step: a revision may be seen
// to be removed after the status of its set.
func settling() []history.Resource {
	return []history.Resource{history.Sets, history.Pods, history.Revisions}
}

// state returns a text that differs for two different states of what settles.
func state(s *history.State) string {
	var b strings.Builder
	for _, r := range settling() {
		for _, e := range s.List(r) {
			b.WriteString(shown(e))
		}
	}
	return b.String()
}

// shown is what a version of an object shows to judges. A version that differs from the one before in nothing else, such as in an annotation or in the
// message of a condition that is written each second, is no change.
func shown(e *history.Event) string {
	version := *e
	version.Seq, version.At, version.ResourceVersion, version.Change = 0, 0, "", ""
	if e.Gone() {
		version.Change = history.Deleted
	}
	text, err := json.Marshal(&version)
	if err != nil {
		return e.ResourceVersion // which differs from every other
	}
	return string(text)
}

// AwaitLag waits until whatever has happened is older than the lag of the controller's informer caches may be.
func (ns *Namespace) AwaitLag(ctx context.Context) {
	lag := ns.Settings.Limits.Lag
	_ = ns.Await(ctx, lag+lag/4, "the lag to pass", func(*history.State) string { return "it has not" })
}

// WatchUntil watches objects that are not recorded, from a resource version on, until done is true of an event.
func WatchUntil(ctx context.Context, limit time.Duration, from string, start cache.WatchFuncWithContext, done func(watch.Event) bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := toolswatch.Until(ctx, from, &cache.ListWatch{WatchFuncWithContext: start}, func(e watch.Event) (bool, error) { return done(e), nil })
	return err
}

// PodReady is met where the pod of that name is Running and Ready, and not terminating.
func PodReady(name string) Condition {
	return func(s *history.State) string {
		e := s.Get(history.Pods, name)
		switch {
		case e == nil:
			return fmt.Sprintf("pod %s does not exist", name)
		case e.Terminating():
			return fmt.Sprintf("pod %s is terminating", name)
		case !e.Pod.RunningAndReady():
			return DescribePod(e)
		}
		return ""
	}
}

// DescribePod says why a pod is not Ready, as far as the recording shows.
func DescribePod(e *history.Event) string {
	var parts []string
	for _, c := range e.Pod.Containers {
		if c.Reason != "" {
			parts = append(parts, fmt.Sprintf("container %s: %s", c.Name, c.Reason))
		}
	}
	if c := e.Pod.Condition(corev1.PodScheduled); c != nil && c.Status != corev1.ConditionTrue {
		parts = append(parts, "not scheduled: "+c.Reason)
	}
	if c := e.Pod.Condition(corev1.PodReady); c != nil && c.Status != corev1.ConditionTrue && c.Reason != "" {
		parts = append(parts, "Ready is "+string(c.Status)+": "+c.Reason)
	}
	return strings.TrimSuffix(fmt.Sprintf("pod %s is %s, not Ready; %s", e.Name, e.Pod.Phase, strings.Join(parts, ", ")), "; ")
}
