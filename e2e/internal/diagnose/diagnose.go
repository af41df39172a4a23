package diagnose

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Area is the part of the system that causes a problem.
type Area string

// The areas.
const (
	Image       Area = "image"
	Config      Area = "configuration"
	Container   Area = "container"
	Readiness   Area = "readiness"
	Scheduling  Area = "scheduling"
	Storage     Area = "storage"
	Quota       Area = "quota"
	Admission   Area = "admission"
	Service     Area = "service"
	DNS         Area = "dns"
	Network     Area = "network"
	Node        Area = "node"
	Termination Area = "termination"
	Disruption  Area = "disruption"
	Controller  Area = "controller"
	Rollout     Area = "rollout"
)

// Cause names what is wrong, for programs.
type Cause string

// Unknown is the cause of a symptom that the state does not explain.
const Unknown Cause = "unknown"

// Note is no problem: it is worth knowing, or began so recently that nothing is late.
const Note Cause = "note"

// Finding is one symptom followed to where it comes from.
type Finding struct {
	Cause Cause `json:"cause"`
	Area  Area  `json:"area"`
	// Object is what has to change, or where to look next.
	Object Ref `json:"object"`
	// What says what is wrong with the object; it follows the object's name.
	What string `json:"what"`
	// Seen is the symptom.
	Seen string `json:"seen"`
	// Path leads from the set to the object.
	Path []Ref `json:"path,omitempty"`
	// Evidence is what the finding rests on.
	Evidence []Evidence `json:"evidence,omitempty"`
	// Why says what most likely brought it about, "" where What says it all.
	Why string `json:"why,omitempty"`
	// Do lists what to do next.
	Do []string `json:"do,omitempty"`
	// Look lists commands that show it.
	Look []string `json:"look,omitempty"`
}

// Evidence is a field of an object and the value found there. An event's Field is "event" with its reason, its Value the message.
type Evidence struct {
	Object Ref    `json:"object"`
	Field  string `json:"field"`
	Value  string `json:"value"`
}

// Line is the finding in one line: the area, the object, what is wrong. Messages that are quoted may be long: they are cut, and whole in the evidence.
func (f Finding) Line() string {
	const most = 500
	line := string(f.Area) + ": " + f.Object.String() + " " + f.What
	if len(line) <= most {
		return line
	}
	cut := strings.ToValidUTF8(line[:most], "")
	return cut[:strings.LastIndexByte(cut, ' ')] + " ..."
}

// Known reports whether the finding names a cause.
func (f Finding) Known() bool { return f.Cause != Unknown && f.Cause != Note }

// Diagnose returns what is wrong with a set, what explains most first. It is empty if nothing is.
func Diagnose(s *State) []Finding {
	v := newView(s)
	if s.StatefulSet == nil {
		return []Finding{v.noSet()}
	}
	var found []Finding
	manager := v.controllerManager()
	pods := causesFirst(withEarlier(v.earlier(), v.pods(manager)))
	dns, names, service, policies := v.dns(), v.names(pods), v.service(), v.policies(pods)
	deleted := v.beingDeleted()
	if end := v.namespaceEnds(); end != nil && slices.ContainsFunc(pods, endsNot) {
		pods = append(pods, *end) // They are what is left in it.
	} else if end != nil {
		found = append(found, *end)
	}
	if held := deleted != nil && slices.Contains(v.set.Finalizers, metav1.FinalizerDeleteDependents) && slices.ContainsFunc(pods, endsNot); held {
		pods = append(pods, *deleted) // The set waits for its pods.
	} else if deleted != nil {
		found = append(found, *deleted)
	}
	// What keeps names from being resolved comes before the pods that ask for them.
	for _, f := range slices.Concat(dns, names, policies, service) {
		if f.Known() && v.unresolvedBy(f, pods) {
			found = append(found, f)
		}
	}
	asksInVain := len(found) > 0
	closed := v.closed(pods)
	if closed != nil && closed.Known() && !asksInVain {
		found = append(found, *closed)
	}
	unpublished := v.unpublished(pods)
	if unpublished != nil && unpublished.Known() && !asksInVain {
		found = append(found, *unpublished)
	}
	found = append(found, pods...)
	found = append(found, v.nodes(pods)...)
	found = append(found, v.pressed(pods)...)
	if manager != nil && !slices.ContainsFunc(pods, func(f Finding) bool { return f.Cause == manager.Cause }) {
		found = append(found, *manager)
	}
	if len(pods) == 0 {
		found = append(found, v.rollout()...)
	}
	found = append(found, v.claimsInUse()...)
	found = append(found, v.data()...)
	found = append(found, v.resizes()...)
	found = append(found, service...)
	found = append(found, dns...)
	found = append(found, names...)
	found = append(found, policies...)
	if closed != nil {
		found = append(found, *closed) // merge leaves it out where it is the first.
	}
	if unpublished != nil && !unpublished.Known() && !asksInVain {
		found = append(found, *unpublished)
	}
	found = append(found, v.budgets()...)
	found = append(found, v.scaled()...)
	found = append(found, v.clients()...)
	if v.replicas() > 0 && len(pods) == 0 {
		found = append(found, v.deserted()...)
		if f := v.together(); f != nil {
			found = append(found, *f)
		}
	}
	found = append(found, v.hooks()...)
	if f := v.notUpdated(); f != nil {
		found = append(found, *f)
	}
	if len(found) == 0 && v.replicas() == 0 {
		found = append(found, v.empty())
	}
	return merge(found)
}

// causesFirst puts pods that cannot start before those that run and are not ready: these may wait for the others, as the members of a quorum do.
func causesFirst(pods []Finding) []Finding {
	var first, rest []Finding
	waits := false
	for _, f := range pods {
		waits = waits || (f.Area == Readiness && f.Cause != "readiness-gate")
		if waits && f.Known() && slices.Contains([]Area{Image, Config, Scheduling, Storage, Quota, Admission, Node}, f.Area) {
			first = append(first, f)
		} else {
			rest = append(rest, f)
		}
	}
	return slices.Concat(first, rest)
}

// endsNot reports whether a finding is of a pod that does not end.
func endsNot(f Finding) bool {
	return f.Known() && (f.Area == Termination || f.Cause == "kill-fails" || f.Cause == "node-lost" || f.Cause == "node-gone" || f.Cause == "node-not-ready")
}

// empty is the note that a set is to have no pods.
func (v *view) empty() Finding {
	set := v.setRef()
	return Finding{
		Cause: Note, Area: Controller, Object: set, Path: []Ref{set}, What: "asks for no pods (replicas 0)",
		Seen: "it has none, as it should; its claims stay", Evidence: []Evidence{{set, "spec.replicas", "0"}},
		Do:   []string{"if it is to have some: " + kubectl(set, "scale statefulset %s --replicas N", set.Name), "if that is set back: see what else writes replicas (an autoscaler, an operator, a deployment tool)"},
		Look: []string{kubectl(set, "get statefulset %s -o yaml --show-managed-fields", set.Name)},
	}
}

// merge makes one finding of those that say the same: of one object, or of several pods.
func merge(found []Finding) []Finding {
	var out []Finding
	same := map[int][]string{}
	for _, f := range found {
		at := slices.IndexFunc(out, f.sameAs)
		switch {
		case at < 0:
			out = append(out, f)
		case f.Object != out[at].Object:
			same[at] = append(same[at], f.Object.Name)
		case !strings.Contains(out[at].Seen, f.Seen):
			same[at] = append(same[at], f.Seen)
		}
	}
	for at, others := range same {
		out[at].Seen += "; the same of " + list(others)
	}
	return out
}

func (f Finding) sameAs(o Finding) bool {
	if f.Cause != o.Cause || f.Area != o.Area {
		return false
	}
	return f.Object == o.Object || (f.Object.Kind == "pod" && o.Object.Kind == "pod" && (f.Known() || f.What == o.What))
}

// Outcome is the outcome of a diagnosis.
type Outcome int

// The outcomes, the best first.
const (
	// Healthy: nothing is wrong, or nothing is late yet.
	Healthy Outcome = iota
	// Explained: every symptom has a cause.
	Explained
	// Unexplained: at least one symptom has none.
	Unexplained
)

// Conclude returns the outcome of findings.
func Conclude(found []Finding) Outcome {
	out := Healthy
	for _, f := range found {
		switch {
		case f.Cause == Unknown:
			return Unexplained
		case f.Known():
			out = Explained
		}
	}
	return out
}
