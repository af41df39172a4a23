package specs

import (
	"fmt"
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/explorer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/nodes"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runner"
)

// Each episode is a spec, of which there are as many as the settings say: none, as a rule.
var _ = Describe("A StatefulSet under random acts", func() {
	if settings.Explore != nil {
		declareEpisodes(settings.Explore)
	}
})

// declareEpisodes declares a spec for each episode.
func declareEpisodes(x *runconfig.Explore) {
	for i, file := range x.Files {
		It(fmt.Sprintf("keeps its promises in episode %d, of a file", i+1), Label(runner.ExploreLabel), func(ctx SpecContext) {
			saved, err := explore.LoadEpisode(file)
			Expect(err).NotTo(HaveOccurred())
			carryOut(ctx, explorer.Options{Steps: saved.Chosen(), Seed: saved.Seed})
		})
	}
	for i := range x.Episodes {
		seed := x.Seed + uint64(i)
		It(fmt.Sprintf("keeps its promises in the episode of seed %d", seed), Label(runner.ExploreLabel), func(ctx SpecContext) {
			seen, err := explore.LoadCoverage(x.Coverage)
			Expect(err).NotTo(HaveOccurred())
			Expect(seen.AddFolder(episodesFolder())).To(Succeed())
			carryOut(ctx, explorer.Options{Seed: seed, Seen: seen, Length: x.Length})
		})
	}
}

// carryOut carries out an episode and saves it.
func carryOut(ctx SpecContext, o explorer.Options) {
	GinkgoHelper()
	ns := Record(ctx)
	if settings.Level == contract.Disruptive && nodes.CannotDisrupt(ns.Cluster) == "" {
		o.Disrupter = nodes.NewDisrupter(ns)
	}
	e := explorer.Run(ctx, ns, o)
	if len(e.Steps) == 0 {
		return // it was interrupted before its first act
	}
	text := textOf(CurrentSpecReport())
	e.History = historyFile(text)
	Expect(os.MkdirAll(episodesFolder(), 0o700)).To(Succeed())
	Expect(e.Save(filepath.Join(episodesFolder(), slug(text)+".json"))).To(Succeed())
}

// wantedOf returns what fails an episode in which that was found broken: where only some guarantees are wanted, what breaks one of these, be it
// promised by the implementation alone.
func wantedOf(broken []judge.Finding, results []judge.Result) []judge.Finding {
	if !settings.Explore.Wants() {
		return broken
	}
	var out []judge.Finding
	for _, r := range results {
		if settings.Explore.Ends(r.Guarantee) {
			out = append(out, r.Violations...)
		}
	}
	return out
}

func episodesFolder() string { return filepath.Join(settings.ReportDir, runner.EpisodesFolder) }
