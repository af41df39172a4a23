package progress_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner/progress"
)

func TestFollowPrintsWhatWasTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), progress.File)
	for process := 1; process <= 2; process++ {
		w, err := progress.Append(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range []progress.Line{
			{Process: process, Total: 12, Began: "a spec"},
			{Process: process, Waits: "waits for something"},
			{Process: process, Ended: "a spec", State: map[int]string{1: "passed", 2: "failed"}[process], Seconds: 4.25, Message: map[int]string{2: "ordering/create broken: too early\nsecond line"}[process]},
		} {
			if err := w.Tell(l); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out strings.Builder
	if err := progress.Follow(ctx, path, &out); err != nil {
		t.Fatal(err)
	}
	want := "[ 1/12] pass   4.2 s  a spec\n[ 2/12] FAIL   4.2 s  a spec\n          ordering/create broken: too early\n          second line\n"
	if out.String() != want {
		t.Errorf("expected\n%s\nfound\n%s", want, out.String())
	}
}

func TestFollowSaysWhichLineIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), progress.File)
	w, err := progress.Append(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := progress.Follow(ctx, path, &strings.Builder{}); err != nil {
		t.Errorf("expected an empty file to be no error, found %v", err)
	}
}
