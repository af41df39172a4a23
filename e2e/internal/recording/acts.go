package recording

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// NotTold is the author of an act of which nothing that was recorded tells who did it.
const NotTold = "not told"

const (
	controller = "StatefulSet controller"
	kubelet    = "kubelet"
)

// Act is something that somebody did to a set, or to a pod or claim of it.
type Act struct {
	At        time.Time `json:"at"`
	Namespace string    `json:"namespace"`
	Set       string    `json:"set"`
	Who       string    `json:"who"`
	What      string    `json:"what"`
	// Times is how often it was reported, for what a component reports.
	Times int32 `json:"times,omitempty"`
}

// actLister lists the acts of one history.
type actLister struct {
	h       *history.History
	authors map[int]judge.Author
	state   *history.State
	changes map[int][]history.Field   // of sets, by sequence number
	newest  map[string]*history.Event // of sets that are there or were, by name
	out     []Act
	reports map[types.UID]int // the acts of Event objects
	// deletions says of the events that show pods first as deleted who deleted them, and why.
	deletions map[int]string
	// nodes says that nodes are recorded; nodeReports are the reports that a pod is not Ready since its node is not, by the pod's UID.
	nodes       bool
	nodeReports map[types.UID][]nodeReport
}

// Acts returns what was done, in order, and a function that says what a pod's event means for whether the pod is up.
func Acts(h *history.History) (all []Act, causeOf func(*history.Event) string) {
	a := &actLister{
		h: h, authors: judge.DeletionAuthors(h), state: history.NewState(), changes: map[int][]history.Field{}, newest: map[string]*history.Event{}, reports: map[types.UID]int{},
		deletions: map[int]string{}, nodeReports: map[types.UID][]nodeReport{},
	}
	for _, c := range h.SpecChanges() {
		a.changes[c.Seq] = c.Fields
	}
	for _, e := range h.Events {
		was := a.state.Get(e.Resource, e.Name)
		if was != nil && was.UID != e.UID {
			was = nil
		}
		switch e.Resource {
		case history.Sets:
			a.newest[e.Name] = e
			a.set(was, e)
		case history.Pods:
			a.pod(was, e)
		case history.Claims:
			a.claim(was, e)
		case history.Events:
			a.report(e)
		case history.Nodes:
			a.nodes = true
		}
		a.state.Apply(e)
	}
	return a.out, a.causeOf
}

// causeOf says what an event means for whether its pod is up.
func (a *actLister) causeOf(e *history.Event) string {
	deleted, first := a.deletions[e.Seq]
	switch {
	case first:
		return deleted
	case e.Resource != history.Pods:
		return "the set does not control it"
	case e.Pod.Finished():
		return "it ended as " + string(e.Pod.Phase) + ended(e.Pod)
	case e.Pod.Crashed():
		return "a container ended" + ended(e.Pod)
	}
	if by := a.nodeNotReadyBy(e.UID, e.At); by != "" {
		return "it was not Ready any more, since node " + e.Pod.Node + " was not (" + nodeNotReady + ", reported by " + by + ")"
	}
	return "it was not Ready any more"
}

func (a *actLister) add(e *history.Event, set, who, what string, args ...any) {
	a.out = append(a.out, Act{At: a.h.Header.Start.Add(e.At), Namespace: a.h.Header.Namespace, Set: set, Who: cmp.Or(who, NotTold), What: fmt.Sprintf(what, args...)})
}

func (a *actLister) set(was, e *history.Event) {
	switch {
	case e.Gone() && was != nil && was.Terminating():
	case e.Gone() || e.Terminating() && (was == nil || !was.Terminating()):
		a.add(e, e.Name, e.By, "asked for the deletion of the set")
	case e.Change == history.Added:
		a.add(e, e.Name, cmp.Or(e.By, e.Set.Writer), "created the set with %d replicas", e.Set.Replicas)
	case e.Change == history.Modified && was == nil && e.By != "":
		a.add(e, e.Name, e.By, "wrote the set, of which the log has nothing from before; it has %d replicas now", e.Set.Replicas)
	case was != nil && e.Generation != was.Generation && !e.Terminating():
		a.add(e, e.Name, cmp.Or(e.By, a.changer(was.Set, e)), "changed %s", a.changed(was.Set, e))
	}
}

// changer returns who changed a set's spec, "" where nothing tells: who changed the replicas owns them, and who wrote anything else left a new time.
func (a *actLister) changer(was *history.Set, e *history.Event) string {
	switch {
	case slices.Equal(a.changes[e.Seq], []history.Field{history.FieldReplicas}):
		return e.Set.Scaler
	case e.Set.Written.After(was.Written.Time):
		return e.Set.Writer
	}
	return ""
}

// changed says what a new version of a set changed.
func (a *actLister) changed(was *history.Set, e *history.Event) string {
	var all []string
	for _, f := range a.changes[e.Seq] {
		switch f {
		case history.FieldReplicas:
			all = append(all, fmt.Sprintf("replicas from %d to %d", was.Replicas, e.Set.Replicas))
		case history.FieldPartition:
			all = append(all, fmt.Sprintf("partition from %d to %d", was.Partition, e.Set.Partition))
		case history.FieldTemplate:
			all = append(all, "the pod template"+images(was.Template, e.Set.Template))
		case history.FieldSeveral:
		default:
			all = append(all, string(f))
		}
	}
	if len(all) == 0 {
		return "the set's spec in a field that is not recorded"
	}
	return strings.Join(all, ", ")
}

// images says which images a new template has.
func images(was, is history.Template) string {
	var all []string
	for name, image := range is.Images {
		if old := was.Images[name]; old != image {
			all = append(all, fmt.Sprintf("%s: %s instead of %s", name, image, cmp.Or(old, "none")))
		}
	}
	if len(all) == 0 {
		return ""
	}
	slices.Sort(all)
	return " (" + strings.Join(all, ", ") + ")"
}

func (a *actLister) pod(was, e *history.Event) {
	owner := e.Controller()
	if owner == nil || owner.Kind != "StatefulSet" {
		if was == nil || was.Controller() == nil || was.Controller().Kind != "StatefulSet" {
			return
		}
		owner = was.Controller()
	}
	if author, first := a.authors[e.Seq]; first {
		who, why := cmp.Or(e.By, removerOf(e, author, a.nodeOf(e)), NotTold), a.why(owner.Name, e)
		a.deletions[e.Seq] = "deleted by " + who + why
		if who == NotTold {
			a.deletions[e.Seq] = "deleted, by whom is not told" + why
		}
		a.add(e, owner.Name, who, "deleted pod %s%s", e.Name, why)
		return
	}
	switch {
	case e.Change == history.Added:
		a.add(e, owner.Name, cmp.Or(e.By, controller), "created pod %s", e.Name)
	case was == nil || e.Gone() || e.Terminating():
	case e.Pod.Restarts() > was.Pod.Restarts():
		a.add(e, owner.Name, cmp.Or(e.By, kubelet), "started a container of pod %s again, restart %d%s", e.Name, e.Pod.Restarts(), ended(was.Pod))
	case e.Pod.Finished() && !was.Pod.Finished():
		a.add(e, owner.Name, cmp.Or(e.By, kubelet), "gave up pod %s: phase %s%s", e.Name, e.Pod.Phase, ended(e.Pod))
	}
}

// removerOf names who deleted a pod, and what the pod's node shows of it, where both are recorded.
func removerOf(e *history.Event, author judge.Author, node nodeThen) string {
	c := e.Pod.Condition(corev1.DisruptionTarget)
	if c == nil || c.Status != corev1.ConditionTrue || (author != judge.AuthorControlPlane && author != judge.AuthorClient) {
		return string(author)
	}
	switch c.Reason {
	case "EvictionByEvictionAPI":
		return "a client, by eviction (kubectl drain for example" + node.cordoned() + ")"
	case corev1.PodReasonPreemptionByScheduler:
		return "scheduler, for a pod of a higher priority"
	case "DeletionByTaintManager":
		return "taint manager, for a taint of node " + e.Pod.Node + because(strings.Join(node.evicting(), ", "))
	case "DeletionByPodGC":
		return "pod garbage collector, since node " + e.Pod.Node + " is " + cmp.Or(node.lost(), "gone or out of service")
	case corev1.PodReasonTerminationByKubelet:
		return kubelet + " of node " + e.Pod.Node + because(strings.Join(node.pressures(), ", "))
	}
	return string(author) + ", " + c.Reason
}

// why says what about a pod gave its set a reason to replace or remove it, "" where nothing recorded does.
func (a *actLister) why(set string, e *history.Event) string {
	s := a.state.Get(history.Sets, set)
	if s == nil {
		return ""
	}
	n, revision := history.Ordinal(e.Name), e.Labels[appsv1.ControllerRevisionHashLabelKey]
	switch {
	case s.Terminating():
		return " (its set is being deleted)"
	case n < int(s.Set.Start) || n >= int(s.Set.Start+s.Set.Replicas):
		return fmt.Sprintf(" (%d replicas do not ask for it)", s.Set.Replicas)
	case e.Pod.Finished():
		return " (it had ended as " + string(e.Pod.Phase) + ")"
	case revision != "" && s.Set.Status.UpdateRevision != "" && revision != s.Set.Status.UpdateRevision:
		return " (it was not of the newest revision)"
	}
	return ""
}

// ended says how a container of a pod ended, "" where none shows it.
func ended(p *history.Pod) string {
	for _, c := range p.Containers {
		if c.State == history.ContainerTerminated {
			return fmt.Sprintf(" (%s ended with %d%s)", c.Name, c.ExitCode, strings.TrimSuffix(", "+c.Reason, ", "))
		}
	}
	return ""
}

func (a *actLister) claim(was, e *history.Event) {
	set := a.setOfClaim(e.Name)
	if set == "" {
		return
	}
	if author, first := a.authors[e.Seq]; first {
		a.add(e, set, cmp.Or(e.By, string(author)), "deleted claim %s", e.Name)
	} else if was != nil && !e.Gone() && was.Claim.Request.Size != e.Claim.Request.Size {
		a.add(e, set, e.By, "changed the size of claim %s from %s to %s", e.Name, was.Claim.Request.Size, e.Claim.Request.Size)
	}
}

// setOfClaim returns the set whose claim templates give a claim's name, "" where none does; of several the first by name.
func (a *actLister) setOfClaim(claim string) string {
	if history.Ordinal(claim) < 0 {
		return ""
	}
	found, rest := "", claim[:strings.LastIndexByte(claim, '-')]
	for i, c := range rest {
		if c != '-' {
			continue
		}
		set := rest[i+1:]
		if s := a.newest[set]; s != nil && slices.Contains(s.Set.ClaimTemplates, rest[:i]) && (found == "" || set < found) {
			found = set
		}
	}
	return found
}

// report takes note of what a component reports of a set, or of a pod or claim of one: warnings, and what takes pods away.
func (a *actLister) report(e *history.Event) {
	r := e.Report
	told := r.Type == corev1.EventTypeWarning || r.Reason == "TaintManagerEviction"
	if !told || e.Gone() || e.Change == history.Listed {
		return
	}
	if r.Reason == nodeNotReady && r.Kind == "Pod" {
		a.nodeReports[r.UID] = append(a.nodeReports[r.UID], nodeReport{e.At, r.Reporter})
	}
	if i, known := a.reports[e.UID]; known {
		a.out[i].Times = max(a.out[i].Times, r.Count)
		return
	}
	var set string
	switch r.Kind {
	case "StatefulSet":
		set = r.Object
	case "Pod":
		set = a.setOfPod(r.Object)
	case "PersistentVolumeClaim":
		set = a.setOfClaim(r.Object)
	}
	if set == "" {
		return
	}
	a.reports[e.UID] = len(a.out)
	a.add(e, set, r.Reporter, "reported %s of %s %s", r.Reason, strings.ToLower(r.Kind), r.Object)
	a.out[len(a.out)-1].Times = max(r.Count, 1)
}

// setOfPod returns the set that controls a pod, or gave it its name, "" where none does.
func (a *actLister) setOfPod(name string) string {
	if pod := a.state.Get(history.Pods, name); pod != nil {
		if c := pod.Controller(); c != nil && c.Kind == "StatefulSet" {
			return c.Name
		}
		return ""
	}
	if history.Ordinal(name) < 0 {
		return ""
	}
	parent := name[:strings.LastIndexByte(name, '-')]
	if a.newest[parent] == nil {
		return ""
	}
	return parent
}
