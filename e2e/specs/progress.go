package specs

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

// progress reports what this process does to the command that started the run. It is set once by Run; it is nil where nothing runs.
//
//nolint:gochecknoglobals // Ginkgo's set-up nodes take no parameters.
var progress *progressReporter

// progressReporter reports the beginning and end of specs, and from time to time what the running one waits for.
type progressReporter struct {
	command *runner.Connection

	mu         sync.Mutex
	waits      func() string          // of the running spec
	namespaces []*framework.Namespace // of the running spec
}

// waitsEvery is how often a running spec reports what it waits for.
const waitsEvery = 2 * time.Second

// newProgressReporter reports to the command what is waited for until ctx ends.
func newProgressReporter(ctx context.Context, command *runner.Connection) *progressReporter {
	p := &progressReporter{command: command}
	go func() {
		ticker := time.NewTicker(waitsEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if text := p.waiting(); text != "" {
				p.send(runner.Event{Waits: text})
			}
		}
	}()
	return p
}

// send reports an event of this process. A command that has ended interrupts the run by itself, so the error says nothing new.
func (p *progressReporter) send(e runner.Event) {
	e.Process = GinkgoParallelProcess()
	_ = p.command.Send(e)
}

func (p *progressReporter) waiting() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waits == nil {
		return ""
	}
	return p.waits()
}

// track notes the namespace that the running spec uses and how to say what it waits for.
func (p *progressReporter) track(ns *framework.Namespace, waits func() string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.namespaces, p.waits = append(p.namespaces, ns), waits
}

// untrack forgets the spec that has ended.
func (p *progressReporter) untrack() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.namespaces, p.waits = nil, nil
}

// usedNamespaces are those that the running spec uses.
func (p *progressReporter) usedNamespaces() []*framework.Namespace {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.namespaces)
}

var _ = ReportBeforeSuite(func(r Report) {
	if progress != nil {
		progress.send(runner.Event{Total: r.PreRunStats.SpecsThatWillRun})
	}
})

var _ = ReportBeforeEach(func(r SpecReport) {
	if progress != nil && !r.State.Is(types.SpecStateSkipped|types.SpecStatePending) {
		progress.send(runner.Event{Began: textOf(r)})
	}
})

var _ = ReportAfterEach(func(r SpecReport) {
	if progress == nil || (r.State.Is(types.SpecStateSkipped) && r.Failure.Message == "") {
		return
	}
	progress.untrack()
	e := runner.Event{Ended: textOf(r), State: r.State.String(), Seconds: r.RunTime.Seconds()}
	if r.State != types.SpecStatePassed {
		e.Message = failureText(r)
	}
	progress.send(e)
})

// failureText joins the failures of a spec, those of its body and those of the judges at its end, each sentence once, and its diagnosis.
func failureText(r SpecReport) string {
	first := r.FailureMessage()
	if first == "" {
		first = r.Failure.Message
	}
	lines := strings.Split(first, "\n")
	for _, f := range r.AdditionalFailures {
		for line := range strings.SplitSeq(f.Failure.Message, "\n") {
			if !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	if diagnosis := diagnosisOf(r); diagnosis != "" {
		lines = append(lines, diagnosis)
	}
	return strings.Join(lines, "\n")
}
