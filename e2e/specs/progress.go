package specs

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner/progress"
)

// tell is where this process tells what it is doing. It is set once before the specs.
//
//nolint:gochecknoglobals // Ginkgo's set-up nodes can hand nothing to specs otherwise.
var tell *teller

// teller tells the beginning and end of specs, and from time to time what the running one waits for.
type teller struct {
	out *progress.Writer

	mu    sync.Mutex
	waits func() string          // of the running spec
	using []*framework.Namespace // by the running spec
}

// tellEvery is how often a running spec says what it waits for.
const tellEvery = 2 * time.Second

// startTelling opens the file of progress and tells what is waited for until ctx ends.
func startTelling(ctx context.Context, reportDir string) {
	GinkgoHelper()
	out, err := progress.Append(filepath.Join(reportDir, progress.File))
	Expect(err).NotTo(HaveOccurred())
	t := &teller{out: out}
	tell = t
	go func() {
		ticker := time.NewTicker(tellEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if text := t.waiting(); text != "" {
				_ = out.Tell(progress.Line{Process: GinkgoParallelProcess(), Waits: text})
			}
		}
	}()
}

func (t *teller) waiting() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waits == nil {
		return ""
	}
	return t.waits()
}

// attend takes note of the namespace that the running spec uses and of how it says what it waits for.
func (t *teller) attend(ns *framework.Namespace, waits func() string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.using, t.waits = append(t.using, ns), waits
}

// dismiss forgets the spec that has ended.
func (t *teller) dismiss() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.using, t.waits = nil, nil
}

// namespaces are those that the running spec uses.
func (t *teller) namespaces() []*framework.Namespace {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.using)
}

var _ = ReportBeforeSuite(func(r Report) {
	if *settingsFile == "" {
		return // nothing runs: somebody only lists the specs
	}
	s, err := runconfig.Load(*settingsFile)
	Expect(err).NotTo(HaveOccurred())
	out, err := progress.Append(filepath.Join(s.ReportDir, progress.File))
	Expect(err).NotTo(HaveOccurred())
	Expect(out.Tell(progress.Line{Total: r.PreRunStats.SpecsThatWillRun})).To(Succeed())
	Expect(out.Close()).To(Succeed())
})

var _ = ReportBeforeEach(func(r SpecReport) {
	if tell != nil && !r.State.Is(types.SpecStateSkipped|types.SpecStatePending) {
		_ = tell.out.Tell(progress.Line{Process: GinkgoParallelProcess(), Began: r.FullText()})
	}
})

var _ = ReportAfterEach(func(r SpecReport) {
	if tell == nil || (r.State.Is(types.SpecStateSkipped) && r.Failure.Message == "") {
		return
	}
	tell.dismiss()
	l := progress.Line{Process: GinkgoParallelProcess(), Ended: r.FullText(), State: r.State.String(), Seconds: r.RunTime.Seconds()}
	if r.State != types.SpecStatePassed {
		l.Message = failureText(r)
	}
	_ = tell.out.Tell(l)
})

// failureText is all that a spec failed over: what its body found and what was judged at its end, each sentence once,
// and what the diagnosis says of it.
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
