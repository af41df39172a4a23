package history

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// State holds the newest version of every existing object, as of the last event applied, and which have gone.
type State struct {
	objects map[Resource]map[string]*Event
	gone    map[types.UID]struct{}
	// pods are the pods of each set, by the set's UID and their names: most questions are about those, and a namespace may have thousands.
	pods map[types.UID]map[string]*Event
}

// NewState returns an empty state.
func NewState() *State {
	s := &State{objects: map[Resource]map[string]*Event{}, gone: map[types.UID]struct{}{}, pods: map[types.UID]map[string]*Event{}}
	for _, r := range known() {
		s.objects[r] = map[string]*Event{}
	}
	return s
}

// Apply updates the state with the next event.
func (s *State) Apply(e *Event) {
	was := s.objects[e.Resource][e.Name]
	if !e.Gone() {
		s.unlink(was)
		s.objects[e.Resource][e.Name] = e
		s.link(e)
		return
	}
	s.gone[e.UID] = struct{}{}
	// A deletion that arrives after an object of the same name was created is that of the older object.
	if was != nil && was.UID == e.UID {
		s.unlink(was)
		delete(s.objects[e.Resource], e.Name)
	}
}

// link notes whose pod a pod is.
func (s *State) link(e *Event) {
	c := e.Controller()
	if e.Resource != Pods || c == nil {
		return
	}
	if s.pods[c.UID] == nil {
		s.pods[c.UID] = map[string]*Event{}
	}
	s.pods[c.UID][e.Name] = e
}

// unlink forgets whose pod a pod was, which may be nil.
func (s *State) unlink(e *Event) {
	if e == nil || e.Resource != Pods || e.Controller() == nil {
		return
	}
	of := e.Controller().UID
	delete(s.pods[of], e.Name)
	if len(s.pods[of]) == 0 {
		delete(s.pods, of)
	}
}

// Get returns the newest event of an existing object, or nil.
func (s *State) Get(r Resource, name string) *Event { return s.objects[r][name] }

// HasGone returns whether the object of that UID existed and does no more.
func (s *State) HasGone(uid types.UID) bool {
	_, gone := s.gone[uid]
	return gone
}

// List returns the newest events of all existing objects of a resource, by name.
func (s *State) List(r Resource) []*Event {
	out := make([]*Event, 0, len(s.objects[r]))
	for _, e := range s.objects[r] {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *Event) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// PodsOf returns the existing pods that the set of that UID controls, by ordinal.
func (s *State) PodsOf(set types.UID) []*Event {
	var out []*Event
	for _, e := range s.pods[set] {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *Event) int {
		return cmp.Or(cmp.Compare(Ordinal(a.Name), Ordinal(b.Name)), strings.Compare(a.Name, b.Name))
	})
	return out
}

// Ordinal returns the number after the last dash of a pod's or claim's name, or -1 where there is none.
func Ordinal(name string) int {
	i := strings.LastIndexByte(name, '-')
	if i < 0 {
		return -1
	}
	// ParseUint rejects signs, which Atoi accepts.
	n, err := strconv.ParseUint(name[i+1:], 10, 31)
	if err != nil {
		return -1
	}
	return int(n)
}
