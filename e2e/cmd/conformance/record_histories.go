package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// maxRecordedEvents is how many events the histories that are not finished have at most, beside those of what was there when they began: some 2 KiB of
// memory each, and of a file that can be read again.
const maxRecordedEvents = 50_000

// histories records namespaces into a folder, each in one history after another, and sums them up.
type histories struct {
	o        *recordOptions
	client   kubernetes.Interface
	took     *cost
	dir      string
	version  string // of Kubernetes, when the recording began
	progress io.Writer
	limit    int // how many events a history has at most, beside those of what was there when it began

	mu      sync.Mutex
	r       *recording.Recording
	present map[string]present // by namespace
}

// chosen reports whether a set with these labels is to be told of.
func (hs *histories) chosen(set map[string]string) bool { return hs.o.chosen.Matches(labels.Set(set)) }

// begin begins a history of a namespace. It ends with lasting.
func (hs *histories) begin(lasting context.Context, namespace string) (*recorder.Recorder, error) {
	return recorder.StartReadable(lasting, hs.client, history.Header{
		Namespace: namespace, Spec: "a recording", Unstimulated: true, Version: hs.version, Lag: judge.MaxLag, ClockSkew: judge.MaxClockSkew,
	})
}

// follow records a namespace until ctx ends, from a history that has begun on. Where the next one cannot begin, since the API server is away for
// example, it goes on with the present one.
func (hs *histories) follow(ctx, lasting context.Context, namespace string, rec *recorder.Recorder) error {
	var span recording.Span
	for part := 1; ; part++ {
		next := hs.whenFull(ctx, lasting, namespace, rec)
		span.Until = time.Time{}
		if next != nil {
			span.Until = time.Now().UTC()
		}
		h := rec.Stop(lasting, hs.o.complete)
		if err := hs.add(h, fmt.Sprintf("histories/%s-%d.jsonl.gz", namespace, part), span, next); err != nil {
			if next != nil {
				next.Stop(lasting, time.Nanosecond)
			}
			return err
		}
		if next == nil {
			return nil
		}
		rec, span.From = next, span.Until
	}
}

// whenFull waits until a history is to be followed by another, and returns that, or nil when ctx ends before.
func (hs *histories) whenFull(ctx, lasting context.Context, namespace string, rec *recorder.Recorder) *recorder.Recorder {
	ticker := time.NewTicker(min(time.Second, hs.o.rotate))
	defer ticker.Stop()
	// A history that began with more than the limit would be followed by another at once, and that by the next, each with a list of everything.
	first := rec.Events()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		hs.took.noteMemory()
		if rec.Now() < hs.o.rotate && rec.Events()-first < hs.limit {
			continue
		}
		if next, err := hs.begin(lasting, namespace); err == nil {
			return next
		}
	}
}

// add saves a history, adds it to the recording, and saves what is known so far: it stays if the process is killed. The next history of the namespace, if
// there is one, takes its place.
func (hs *histories) add(h *history.History, file string, span recording.Span, next *recorder.Recorder) error {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	delete(hs.present, h.Header.Namespace)
	if next != nil {
		hs.present[h.Header.Namespace] = present{next, span.Until}
	}
	later := versionOf(hs.client)
	if later != hs.version && later != "" {
		h.Header.Version = "" // it was of several
	}
	if err := h.Save(filepath.Join(hs.dir, file)); err != nil {
		return err
	}
	hs.r.Add(h, file, span, hs.chosen)
	hs.r.NoteVersion(later)
	hs.r.Hold(hs.o.objectives)
	hs.r.Cost = hs.took.sum()
	return errors.Join(report.SaveRecording(hs.dir, hs.r), hs.o.removeOld())
}

// record records the namespaces until ctx ends, or a history cannot be saved.
func (hs *histories) record(ctx context.Context, namespaces []string) error {
	ctx, end := context.WithCancel(ctx)
	defer end()
	// What was begun goes on when ctx ends, until it has caught up.
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	recorders := make([]*recorder.Recorder, 0, len(namespaces))
	for _, name := range namespaces {
		rec, err := hs.begin(lasting, name)
		if err != nil {
			return err
		}
		recorders = append(recorders, rec)
		hs.mu.Lock()
		hs.present[name] = present{rec: rec}
		hs.mu.Unlock()
		fmt.Fprintf(hs.progress, "record: %s\n", begun(name, rec, hs.o.chosen))
		for _, g := range rec.Unreadable() {
			manifest := "rbac-record"
			if g.Resource == history.Nodes {
				manifest = "rbac-record-nodes"
			}
			fmt.Fprintf(hs.progress, "record: %s: goes on without %s, which the account may not read (conformance manifests %s): %s\n", name, g.Resource, manifest, g.Reason)
		}
	}
	fmt.Fprintf(hs.progress, "record: into %s; it ends with an interrupt%s\n", hs.dir, ending(hs.o.limit))
	errs := make([]error, len(namespaces))
	var all sync.WaitGroup
	for i, rec := range recorders {
		all.Go(func() {
			if errs[i] = hs.follow(ctx, lasting, namespaces[i], rec); errs[i] != nil {
				end() // what is not saved is of no use to anybody, and is to be noticed
			}
		})
	}
	<-ctx.Done()
	fmt.Fprintf(hs.progress, "record: ending\n")
	all.Wait()
	return errors.Join(errs...)
}
