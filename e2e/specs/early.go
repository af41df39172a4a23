package specs

import (
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// What is recorded is judged again as soon as something new was recorded, but not more often than lookEvery, and not for more than a part in lookShare of the
// time: on a small machine the pods need the processors.
const (
	lookEvery = 500 * time.Millisecond
	lookShare = 50
)

// tellEarly looks for violations while a namespace is recorded, and tells the command of each at once. stop ends that and waits for it.
func tellEarly(ns *framework.Namespace) (early *judge.Early, stop func()) {
	early = new(judge.Early)
	text, ended, done := textOf(CurrentSpecReport()), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			// The whole recording is judged once more: what fails here must not end the run before that.
			if failed := recover(); failed != nil {
				progress.send(runner.Event{Broken: fmt.Sprintf("not judged while it goes on: %s: %v", text, failed)})
			}
		}()
		timer := time.NewTimer(lookEvery)
		defer timer.Stop()
		for judged := 0; ; {
			select {
			case <-ended:
				return
			case <-timer.C:
			}
			if ns.Events() == judged {
				timer.Reset(lookEvery)
				continue
			}
			began := time.Now()
			now, h := ns.Now(), ns.History()
			if len(h.Clients) > 0 {
				return // to find an order of a database's operations may take as long as the spec
			}
			judged = len(h.Events)
			if found := early.Look(h, now); len(found) > 0 {
				// The page of a run that goes on shows it as well.
				h.Close(now)
				h.End.Reason = "the spec had not ended when this was written"
				_ = saveHistory(h, text)
				progress.send(runner.Event{Broken: fmt.Sprintf("found while it goes on: %s\n%s", text, verdict.Sentences(found, historyFile(text)))})
			}
			timer.Reset(max(lookEvery, lookShare*time.Since(began)))
		}
	}()
	return early, func() {
		close(ended)
		<-done
	}
}
