package specs

import (
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// longest is the priority of specs that take longest: begun first, they run beside the others and not after them.
const longest = SpecPriority(1)

// Proves labels a spec with the guarantees that it proves and with their levels. The spec fails as inconclusive when it ends without having
// exercised one of them.
func Proves(ids ...contract.ID) Labels {
	labels := Labels{}
	for _, id := range ids {
		g, ok := contract.Get(id)
		if !ok {
			panic("no guarantee is named " + string(id))
		}
		labels = append(labels, labelOf(id), string(g.Level))
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

// labelOf writes an ID as a label: a slash means a regular expression to Ginkgo's filters, so it becomes a dot.
func labelOf(id contract.ID) string { return strings.Replace(string(id), "/", ".", 1) }

// proven returns the guarantees among a spec's labels.
func proven(labels []string) []contract.ID {
	var ids []contract.ID
	for _, l := range labels {
		if g, ok := contract.Get(contract.ID(strings.Replace(l, ".", "/", 1))); ok {
			ids = append(ids, g.ID)
		}
	}
	return ids
}

// Record makes a namespace for the spec, under the restricted Pod Security Standard, and records it. When the spec ends the
// history is saved, every judge runs over it, what the spec proves must be upheld, and the namespace is deleted.
func Record(ctx SpecContext) *framework.Namespace {
	GinkgoHelper()
	return RecordUnder(ctx, framework.Restricted)
}

// RecordUnder is Record with another Pod Security Standard.
func RecordUnder(ctx SpecContext, security framework.PodSecurity) *framework.Namespace {
	GinkgoHelper()
	if why := target.Settings.Facts.NoBaseline; security == framework.Baseline && why != "" {
		Skip(why)
	}
	spec := CurrentSpecReport()
	if why := tooOld(proven(spec.Labels()), target.Promises()); why != "" {
		Skip("not applicable: " + why)
	}
	ns, err := framework.NewNamespace(ctx, target, security, history.Header{
		Spec: textOf(spec), Proves: proven(spec.Labels()), Explored: slices.Contains(spec.Labels(), runner.ExploreLabel),
	})
	Expect(err).NotTo(HaveOccurred())
	// Clean-ups run last first: the history is saved and judged before the namespace is deleted.
	DeferCleanup(ns.Remove)
	early, stop := tellEarly(ns)
	DeferCleanup(func(ctx SpecContext) {
		stop()
		conclude(ctx, ns, early)
	})
	waiting := func() string {
		var b strings.Builder
		for _, w := range ns.Waiting() {
			fmt.Fprintf(&b, "waits for %s since %s; so far: %s\n", w.For, history.Clock(w.Since), w.Found)
		}
		return b.String()
	}
	AttachProgressReporter(waiting)
	progress.track(ns, waiting)
	return ns
}

// tooOld returns why none of the guarantees that a spec proves applies to a cluster of that version of Kubernetes, "" if one does or it proves none.
func tooOld(ids []contract.ID, kubernetes string) string {
	why := ""
	for _, id := range ids {
		g, _ := contract.Get(id)
		if why = g.TooOld(kubernetes); why == "" {
			return ""
		}
	}
	return why
}

// conclude saves the spec's history and judges it.
func conclude(ctx SpecContext, ns *framework.Namespace, early *judge.Early) {
	GinkgoHelper()
	terminating := ns.NamespaceTerminating(ctx)
	if terminating == "" && !CurrentSpecReport().State.Is(types.SpecStateSkipped) {
		ns.ShowController(ctx)
	}
	h := ns.Stop(ctx, ns.Settings.Limits.RecordingComplete)
	if terminating != "" {
		h.Invalidate(terminating)
	}
	spec := CurrentSpecReport()
	Expect(saveHistory(h, textOf(spec))).To(Succeed())

	if terminating != "" {
		Fail("inconclusive: " + terminating)
	}
	results := judge.History(h)
	if withdrawn := early.Withdrawn(results); len(withdrawn) > 0 {
		progress.send(runner.Event{Broken: fmt.Sprintf("not so, as the whole recording shows: %s: %v", textOf(spec), withdrawn)})
	}
	problem := problemIn(h, results, spec)
	wanted := settings.Explore.Wants()
	if problem != "" && !spec.Failed() && !wanted {
		diagnoseSpec(ctx, ns)
	}
	if (problem != "" || spec.Failed()) && !wanted {
		dir := filepath.Join(ns.Settings.ReportDir, "failures", slug(textOf(spec)))
		if err := ns.SaveArtifacts(ctx, dir); err != nil {
			AddReportEntry("artifacts", fmt.Sprintf("could not be saved whole: %v", err))
		}
	}
	if problem != "" {
		Fail(problem)
	}
}

// saveHistory saves the history of a spec, in place of what was saved of it before.
func saveHistory(h *history.History, spec string) error {
	path := filepath.Join(settings.ReportDir, historyFile(spec))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return h.Save(path)
}

// problemIn judges a spec's history and returns what fails the spec: broken guarantees, whatever the spec proves, or else, where the spec
// has not failed by itself, an incomplete recording or a guarantee that the spec proves and did not uphold.
func problemIn(h *history.History, results []judge.Result, spec types.SpecReport) string {
	file := historyFile(textOf(spec))
	broken := verdict.Broken(results)
	if h.Header.Explored {
		broken = wantedOf(broken, results)
	}
	switch {
	case len(broken) > 0:
		return verdict.Sentences(broken, file)
	case spec.Failed(), spec.State.Is(types.SpecStateSkipped), h.Header.Explored:
		return ""
	case !h.End.Complete:
		return "inconclusive: the recording is not complete: " + h.End.Reason
	}
	return notUpheld(results, h.Header.Proves, file)
}

// notUpheld returns a line for each of the guarantees that a history broke, left inconclusive or did not exercise although they apply, "" if
// it upheld all.
// A deviation from what only the implementation promises is upheld here: the verdict on the cluster reports it.
func notUpheld(results []judge.Result, ids []contract.ID, file string) string {
	byID := map[contract.ID]judge.Result{}
	for _, r := range results {
		byID[r.Guarantee] = r
	}
	var lines []string
	for _, id := range ids {
		r := byID[id]
		broken := verdict.Broken([]judge.Result{r})
		switch {
		case len(broken) > 0:
			lines = append(lines, verdict.Sentences(broken, file))
		case len(r.Violations) > 0:
		case len(r.Inconclusive) > 0:
			lines = append(lines, fmt.Sprintf("%s inconclusive: %s; history: %s", id, r.Inconclusive[0].Text, file))
		case r.Exercised == 0 && len(r.NotApplicable) == 0:
			lines = append(lines, fmt.Sprintf("%s inconclusive: nothing in this history exercised it; history: %s", id, file))
		}
	}
	return strings.Join(lines, "\n")
}

// textOf is the text that identifies a spec's attempt: that of the spec, with the attempt's number if it is a repetition.
func textOf(spec types.SpecReport) string {
	if settings.Attempt == 0 {
		return spec.FullText()
	}
	return fmt.Sprintf("%s (attempt %d)", spec.FullText(), settings.Attempt)
}

// historyFile is where a spec's history is saved, below the report folder.
func historyFile(spec string) string { return "histories/" + slug(spec) + ".jsonl.gz" }

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// slug turns a spec's text into a file name; the digest keeps two long texts apart.
func slug(text string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(text))
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(text), "-"), "-")
	if len(name) > 80 {
		name = strings.TrimRight(name[:80], "-")
	}
	return fmt.Sprintf("%s-%08x", name, sum.Sum32())
}
