package recording

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Circumstance is an interval in which a node, with pods of the sets on it, was not as it should be, or a budget of such pods allowed no disruption. It
// says what was so at the same time as an outage, not that one came of the other.
type Circumstance struct {
	Namespace string `json:"namespace"`
	// Resource is nodes or poddisruptionbudgets, and Name the object's.
	Resource history.Resource `json:"resource"`
	Name     string           `json:"name"`
	// What was so: NotReady, cordoned, tainted and with what, removed; of budgets that they allowed no disruption. Why is what the object says of it.
	What string    `json:"what"`
	Why  string    `json:"why,omitempty"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Since says that it had begun before the recording, and Lasts that it had not ended with it.
	Since bool `json:"since,omitempty"`
	Lasts bool `json:"lasts,omitempty"`
	// Pods are the pods of the sets that were on the node, or that the budget selects.
	Pods []string `json:"pods"`

	// lasting says that it is how the node is set up, unless the recording shows how it began.
	lasting bool
}

// Took is how long it lasted, as far as it was recorded.
func (c *Circumstance) Took() time.Duration { return c.To.Sub(c.From) }

// What a node or budget may be.
const (
	notReady     = "NotReady"
	cordoned     = "cordoned"
	tainted      = "tainted "
	removed      = "removed from the cluster"
	noDisruption = "allowed no disruption"
	nodeTaint    = "node.kubernetes.io/"
)

// watchSkew is how long before an outage a circumstance may have ended to be told with it: nodes and pods are recorded by different watches.
const watchSkew = 10 * time.Second

// podLife is the life of one pod of a set.
type podLife struct {
	pod, node string
	labels    labels.Set
	from, to  time.Duration
	placed    time.Duration // when it was first seen on its node
}

// circumstances follows nodes and budgets through one history.
type circumstances struct {
	h        *history.History
	lives    []*podLife
	open     map[string]*Circumstance // by key
	selector map[*Circumstance]*metav1.LabelSelector
	out      []*Circumstance
}

// circumstancesOf returns what was so of the nodes that pods of sets were on, and of the budgets that select such pods, in the order in which it began.
func circumstancesOf(h *history.History, lives []*podLife) []*Circumstance {
	c := &circumstances{h: h, lives: lives, open: map[string]*Circumstance{}, selector: map[*Circumstance]*metav1.LabelSelector{}}
	for _, e := range h.Events {
		switch e.Resource {
		case history.Nodes:
			c.node(e)
		case history.Budgets:
			c.budget(e)
		}
	}
	for _, o := range c.open {
		c.end(o, h.Duration(), true)
	}
	c.out = slices.DeleteFunc(c.out, func(o *Circumstance) bool {
		o.Pods = c.podsOf(o)
		return len(o.Pods) == 0
	})
	slices.SortFunc(c.out, func(a, b *Circumstance) int {
		return cmp.Or(a.From.Compare(b.From), strings.Compare(a.Name, b.Name), strings.Compare(a.What, b.What))
	})
	return c.out
}

// podLives returns the lives of the pods of some sets.
func podLives(h *history.History, is func(set string) bool) []*podLife {
	var out []*podLife
	byUID := map[types.UID]*podLife{}
	for _, e := range h.Events {
		if e.Resource != history.Pods {
			continue
		}
		s := byUID[e.UID]
		if s == nil {
			if o := e.Controller(); o == nil || o.Kind != "StatefulSet" || !is(o.Name) {
				continue
			}
			s = &podLife{pod: e.Name, from: e.At, to: h.Duration()}
			byUID[e.UID] = s
			out = append(out, s)
		}
		s.labels = e.Labels
		if s.node == "" && e.Pod.Node != "" {
			s.node, s.placed = e.Pod.Node, e.At
		}
		if e.Gone() {
			s.to = e.At
		}
	}
	return out
}

// node takes note of a version of a node.
func (c *circumstances) node(e *history.Event) {
	now := map[string]string{}
	if e.Gone() {
		now[removed] = ""
	} else {
		if r := e.Node.Condition(corev1.NodeReady); r != nil && r.Status != corev1.ConditionTrue {
			now[notReady] = r.Reason
		}
		if e.Node.Unschedulable {
			now[cordoned] = ""
		}
		for _, t := range e.Node.Taints {
			// The node's own controllers set those for what is told anyway.
			if !strings.HasPrefix(t.Key, nodeTaint) || t.Key == corev1.TaintNodeOutOfService {
				now[tainted+taintText(t)] = ""
			}
		}
	}
	for what, why := range now {
		c.begin(e, what, why)
	}
	for _, o := range c.open {
		if _, still := now[o.What]; o.Resource == history.Nodes && o.Name == e.Name && !still {
			c.end(o, e.At, false)
		}
	}
}

func taintText(t history.Taint) string {
	text := t.Key
	if t.Value != "" {
		text += "=" + t.Value
	}
	return text + ":" + string(t.Effect)
}

// budget takes note of a version of a budget. What the disruption controller has not computed yet changes nothing.
func (c *circumstances) budget(e *history.Event) {
	o := c.open[key(e.Resource, e.Name, noDisruption)]
	b := e.Budget
	switch {
	case e.Gone():
	case !b.Computed:
		return
	case b.Allowed == 0 && b.Expected > 0:
		if o == nil {
			why := fmt.Sprintf("%d of %d pods were Ready, and %d had to be", b.Healthy, b.Expected, b.Desired)
			if b.Evicting > 0 {
				why += fmt.Sprintf("; %d had just been evicted", b.Evicting)
			}
			o = c.begin(e, noDisruption, why)
		}
		c.selector[o] = b.Selector
		return
	}
	if o != nil {
		c.end(o, e.At, false)
	}
}

// key is the key of open for an object, as its event names it, and what is so of it.
func key(r history.Resource, name, what string) string {
	return string(r) + "/" + name + "/" + what
}

// begin takes note of what a version of an object shows, unless it was so already.
func (c *circumstances) begin(e *history.Event, what, why string) *Circumstance {
	k := key(e.Resource, e.Name, what)
	if o := c.open[k]; o != nil {
		return o
	}
	listed := e.Change == history.Listed
	c.open[k] = &Circumstance{
		Namespace: c.h.Header.Namespace, Resource: e.Resource, Name: e.Name, What: what, Why: why, From: c.h.Header.Start.Add(e.At), Since: listed,
		lasting: listed && strings.HasPrefix(what, tainted) && !strings.HasSuffix(what, ":"+string(corev1.TaintEffectNoExecute)),
	}
	return c.open[k]
}

func (c *circumstances) end(o *Circumstance, at time.Duration, lasts bool) {
	o.To, o.Lasts = c.h.Header.Start.Add(at), lasts
	delete(c.open, key(o.Resource, o.Name, o.What))
	c.out = append(c.out, o)
}

// podsOf returns the pods that were on the node, or that the budget selects, at any time of a circumstance.
func (c *circumstances) podsOf(o *Circumstance) []string {
	selects := labels.Nothing()
	if s := c.selector[o]; s != nil {
		if parsed, err := metav1.LabelSelectorAsSelector(s); err == nil {
			selects = parsed
		}
	}
	from, to := o.From.Sub(c.h.Header.Start), o.To.Sub(c.h.Header.Start)
	var out []string
	for _, s := range c.lives {
		switch {
		case s.from > to || s.to < from || slices.Contains(out, s.pod):
		case o.Resource == history.Nodes && s.node == o.Name && s.placed <= to, o.Resource == history.Budgets && selects.Matches(s.labels):
			out = append(out, s.pod)
		}
	}
	slices.Sort(out)
	return out
}

// addCircumstances adds those of a history that are of a span. One that goes on where one of the history before ended with its span is the same.
func (r *Recording) addCircumstances(all []*Circumstance, span Span) {
	for _, c := range all {
		i := slices.IndexFunc(r.Circumstances, func(was *Circumstance) bool {
			return was.Lasts && was.To.Equal(span.From) && was.Namespace == c.Namespace && was.Resource == c.Resource && was.Name == c.Name && was.What == c.What
		})
		switch {
		case (c.lasting && i < 0) || !span.clip(&c.From, &c.To, &c.Since, &c.Lasts):
		case i < 0 || span.From.IsZero() || !c.From.Equal(span.From):
			r.Circumstances = append(r.Circumstances, c)
		default:
			was := r.Circumstances[i]
			was.To, was.Lasts, was.Pods = c.To, c.Lasts, union(was.Pods, c.Pods)
		}
	}
}

// tellCircumstances says of each outage of a pod what was so of the nodes that the pod was on.
func (r *Recording) tellCircumstances() {
	outages := map[[2]string][]*Outage{}
	for _, o := range r.Outages {
		o.Circumstances = nil
		outages[[2]string{o.Namespace, o.Pod}] = append(outages[[2]string{o.Namespace, o.Pod}], o)
	}
	for _, c := range r.Circumstances {
		if c.Resource != history.Nodes {
			continue
		}
		for _, pod := range c.Pods {
			for _, o := range outages[[2]string{c.Namespace, pod}] {
				if slices.Contains(o.Nodes, c.Name) && !c.From.After(o.To) && !c.To.Before(o.From.Add(-watchSkew)) {
					o.Circumstances = append(o.Circumstances, "node "+c.Name+" was "+c.words())
				}
			}
		}
	}
}

// words says what was so, and when.
func (c *Circumstance) words() string {
	text := c.What + because(c.Why) + " from " + clock(c.From)
	if c.Since {
		text = c.What + because(c.Why) + " since before " + clock(c.From)
	}
	if c.Lasts {
		return text + " on"
	}
	return text + " to " + clock(c.To)
}

// tellNodes says of outages of pods which nodes the pods were on in them, or just before.
func tellNodes(h *history.History, outages []*Outage, lives []*podLife) {
	byPod := map[string][]*podLife{}
	for _, s := range lives {
		byPod[s.pod] = append(byPod[s.pod], s)
	}
	for _, o := range outages {
		from, to := o.From.Sub(h.Header.Start)-watchSkew, o.To.Sub(h.Header.Start)
		for _, s := range byPod[o.Pod] {
			if s.node != "" && s.placed <= to && s.to >= from {
				o.Nodes = union(o.Nodes, []string{s.node})
			}
		}
	}
}

func union(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return " (" + why + ")"
}

// CircumstanceTotal sums up the circumstances that are the same of one node or budget.
type CircumstanceTotal struct {
	Circumstance // the first of them
	Times        int
	Total        time.Duration
	Whys         []string // each once
}

// CircumstanceTotals sums the circumstances up, those of nodes before those of budgets, each in the order in which it first was so.
func (r *Recording) CircumstanceTotals() []CircumstanceTotal {
	var out []CircumstanceTotal
	at := map[[4]string]int{}
	for _, c := range r.Circumstances {
		k := [4]string{c.Namespace, string(c.Resource), c.Name, c.What}
		i, known := at[k]
		if !known {
			i, at[k] = len(out), len(out)
			out = append(out, CircumstanceTotal{Circumstance: *c})
		}
		a := &out[i]
		a.Times++
		a.Total += c.Took()
		a.Since, a.Lasts, a.Pods = a.Since || c.Since, a.Lasts || c.Lasts, union(a.Pods, c.Pods)
		if c.Why != "" && !slices.Contains(a.Whys, c.Why) {
			a.Whys = append(a.Whys, c.Why)
		}
	}
	slices.SortStableFunc(out, func(a, b CircumstanceTotal) int { return strings.Compare(string(a.Resource), string(b.Resource)) })
	return out
}
