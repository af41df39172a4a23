package main

import (
	"slices"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
)

func TestImagesOfALevel(t *testing.T) {
	for level, want := range map[string][]string{
		"extended": {"m.example/library/nginx:1.29-alpine", "mine/busybox:1", "m.example/suite:v1"},
		"workload": {"m.example/library/nginx:1.29-alpine", "mine/busybox:1", "m.example/suite:v1", "m.example/etcd:3.7.0-0", "m.example/library/postgres:17-alpine"},
	} {
		o := &imagesOptions{level: level}
		o.imageMirror, o.Images.Busybox = "m.example", "mine/busybox:1"
		list, err := imagesOf(o)
		var got []string
		for _, i := range list {
			got = append(got, i.Reference)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: expected %v, found %v, %v", level, want, got, err)
		}
	}
	if _, err := imagesOf(&imagesOptions{level: "most"}); err == nil || cli.ExitCode(err) != 2 {
		t.Errorf("expected wrong use, found %v", err)
	}
}
