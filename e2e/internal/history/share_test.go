package history_test

import (
	"encoding/json"
	"testing"
	"unsafe"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Sharing changes nothing that a history says, and the versions of an object hold what they have in common once.
func TestSharer(t *testing.T) {
	text := "containers[main].command"
	pod := func(rv string, ready history.ContainerState) *history.Event {
		return &history.Event{
			Resource: history.Pods, Change: history.Modified, Meta: history.Meta{Name: "set-0", UID: "a", ResourceVersion: rv, Labels: map[string]string{"app": "set"}},
			Pod: &history.Pod{Template: history.Template{Parts: string([]byte(text)), Images: map[string]string{"main": "x"}}, Containers: []history.Container{{Name: "main", State: ready}}},
		}
	}
	slice := func(rv string, ready ...bool) *history.Event {
		e := &history.Event{Resource: history.Slices, Change: history.Modified, Meta: history.Meta{Name: "set-x", UID: "s", ResourceVersion: rv}, Slice: &history.Slice{Service: "set"}}
		for i, r := range ready {
			e.Slice.Endpoints = append(e.Slice.Endpoints, history.Endpoint{Addresses: []string{string([]byte("10.0.0.1"))}, TargetUID: types.UID(rune('a' + i)), Ready: r})
		}
		return e
	}
	all := []*history.Event{
		pod("1", history.ContainerWaiting), pod("2", history.ContainerRunning), slice("3", true, false), slice("4", false, false, true),
		{Resource: history.Sets, Change: history.Added, Meta: history.Meta{Name: "without"}, Set: &history.Set{}},
		{Resource: history.Sets, Change: history.Added, Meta: history.Meta{Name: "any-uid"}, Set: &history.Set{}},
	}
	another := pod("5", history.ContainerRunning) // in the place of the one that its name had before
	another.UID = "b"
	all = append(all, another)
	before, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	var s history.Sharer
	for _, e := range all {
		s.Share(e)
	}
	after, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if string(before) != string(after) {
		t.Errorf("expected the same, found\n%s\nin place of\n%s", after, before)
	}
	if unsafe.StringData(all[0].Pod.Template.Parts) != unsafe.StringData(all[1].Pod.Template.Parts) || unsafe.SliceData(all[2].Slice.Endpoints[0].Addresses) != unsafe.SliceData(all[3].Slice.Endpoints[0].Addresses) {
		t.Error("expected parts and addresses that are equal to be held once")
	}
	if all[1].Pod.Containers[0].State != history.ContainerRunning || all[3].Slice.Endpoints[0].Ready {
		t.Error("expected what differs to stay")
	}
}
