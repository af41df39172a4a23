package history

import (
	"maps"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// Sharer has the versions of a history that it is given, one after another, hold once what they have in common: most of what a pod or an EndpointSlice says was said
// by the version before, and pods of one template say the same. A history of a thousand pods then takes 40 % of the memory. Its zero value is ready for use.
type Sharer struct {
	newest    map[objectName]*Event
	templates map[string]Template // of pods, by their parts
}

// objectName names an object of a namespace: a UID would not do, since histories made for tests have none.
type objectName struct {
	resource Resource
	name     string
}

// Share replaces what an event has in common with earlier ones. Nothing that it says changes.
func (s *Sharer) Share(e *Event) {
	if s.newest == nil {
		s.newest, s.templates = map[objectName]*Event{}, map[string]Template{}
	}
	if e.Pod != nil {
		if same, known := s.templates[e.Pod.Template.Parts]; known && reflect.DeepEqual(same, e.Pod.Template) {
			e.Pod.Template = same
		} else {
			s.templates[e.Pod.Template.Parts] = e.Pod.Template
		}
	}
	name := objectName{e.Resource, e.Name}
	if before := s.newest[name]; before != nil && before.UID == e.UID {
		e.shareWith(before)
	}
	if s.newest[name] = e; e.Gone() {
		delete(s.newest, name)
	}
}

// shareWith replaces what an event has in common with an earlier version of the same object.
func (e *Event) shareWith(before *Event) {
	e.Name, e.UID = before.Name, before.UID
	if maps.Equal(e.Labels, before.Labels) {
		e.Labels = before.Labels
	}
	if reflect.DeepEqual(e.Owners, before.Owners) {
		e.Owners = before.Owners
	}
	switch {
	case e.Pod != nil && before.Pod != nil:
		if slices.Equal(e.Pod.Conditions, before.Pod.Conditions) {
			e.Pod.Conditions = before.Pod.Conditions
		}
		if slices.Equal(e.Pod.Containers, before.Pod.Containers) {
			e.Pod.Containers = before.Pod.Containers
		}
		if maps.Equal(e.Pod.Claims, before.Pod.Claims) {
			e.Pod.Claims = before.Pod.Claims
		}
	case e.Set != nil && before.Set != nil:
		if reflect.DeepEqual(e.Set.Template, before.Set.Template) {
			e.Set.Template = before.Set.Template
		}
	case e.Slice != nil && before.Slice != nil:
		known := map[types.UID]Endpoint{}
		for _, p := range before.Slice.Endpoints {
			known[p.TargetUID] = p
		}
		for i := range e.Slice.Endpoints {
			p := &e.Slice.Endpoints[i]
			if same, is := known[p.TargetUID]; is && slices.Equal(p.Addresses, same.Addresses) && p.Hostname == same.Hostname && p.Target == same.Target {
				same.Ready, same.Serving, same.Terminating = p.Ready, p.Serving, p.Terminating
				*p = same
			}
		}
	}
}
