package history

import (
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Share replaces the parts of an event that equal those of an older version of the same object by the older ones: most events
// change one field, and a million of them must fit in memory. Both must then be left unchanged. old may be nil.
func (e *Event) Share(old *Event) {
	if old == nil || old.Resource != e.Resource || old.UID != e.UID {
		return
	}
	e.Resource, e.UID = old.Resource, old.UID
	if e.Name == old.Name {
		e.Name = old.Name
	}
	shareMap(&e.Labels, old.Labels)
	shareList(&e.Finalizers, old.Finalizers)
	if len(old.Owners) > 0 && slices.EqualFunc(e.Owners, old.Owners, sameOwner) {
		e.Owners = old.Owners
	}
	switch {
	case e.Pod != nil && old.Pod != nil:
		e.Pod.share(old.Pod)
	case e.Set != nil && old.Set != nil:
		e.Set.share(old.Set)
	case e.Claim != nil && old.Claim != nil && *e.Claim == *old.Claim:
		e.Claim = old.Claim
	case e.Revision != nil && old.Revision != nil && *e.Revision == *old.Revision:
		e.Revision = old.Revision
	}
}

func (p *Pod) share(old *Pod) {
	shareText(&p.Phase, old.Phase)
	shareText(&p.Node, old.Node)
	shareText(&p.Hostname, old.Hostname)
	shareText(&p.Subdomain, old.Subdomain)
	shareList(&p.IPs, old.IPs)
	shareList(&p.Conditions, old.Conditions)
	shareList(&p.Containers, old.Containers)
	shareMap(&p.Claims, old.Claims)
	sharePointer(&p.Grace, old.Grace)
	p.Template.share(&old.Template)
}

func (s *Set) share(old *Set) {
	shareText(&s.Policy, old.Policy)
	shareText(&s.Strategy, old.Strategy)
	shareText(&s.ServiceName, old.ServiceName)
	shareText(&s.TemplateDigest, old.TemplateDigest)
	shareText(&s.WhenScaled, old.WhenScaled)
	shareText(&s.WhenDeleted, old.WhenDeleted)
	shareText(&s.Status.CurrentRevision, old.Status.CurrentRevision)
	shareText(&s.Status.UpdateRevision, old.Status.UpdateRevision)
	shareMap(&s.Selector, old.Selector)
	shareList(&s.ClaimTemplates, old.ClaimTemplates)
	shareList(&s.PodVolumes, old.PodVolumes)
	sharePointer(&s.RevisionHistoryLimit, old.RevisionHistoryLimit)
	sharePointer(&s.PodGrace, old.PodGrace)
	s.Template.share(&old.Template)
}

func (t *Template) share(old *Template) {
	shareMap(&t.Annotations, old.Annotations)
	shareMap(&t.Labels, old.Labels)
	shareMap(&t.Commands, old.Commands)
	shareMap(&t.Images, old.Images)
	shareMap(&t.Env, old.Env)
}

// shareText makes two equal texts use the same memory.
func shareText[T ~string](now *T, old T) {
	if *now == old {
		*now = old
	}
}

func sharePointer[T comparable](now **T, old *T) {
	if *now != nil && old != nil && **now == *old {
		*now = old
	}
}

func shareMap[K, V comparable](now *map[K]V, old map[K]V) {
	if len(old) > 0 && maps.Equal(*now, old) {
		*now = old
	}
}

func shareList[T comparable](now *[]T, old []T) {
	if len(old) > 0 && slices.Equal(*now, old) {
		*now = old
	}
}

func sameOwner(a, b metav1.OwnerReference) bool {
	return a.APIVersion == b.APIVersion && a.Kind == b.Kind && a.Name == b.Name && a.UID == b.UID &&
		sameBool(a.Controller, b.Controller) && sameBool(a.BlockOwnerDeletion, b.BlockOwnerDeletion)
}

func sameBool(a, b *bool) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}
