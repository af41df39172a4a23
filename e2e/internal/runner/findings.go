package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

const (
	// maxFindings bounds the findings of a run that are shrunk, each of another guarantee.
	maxFindings = 3
	// shrinkLimit bounds the time that a finding is shrunk.
	shrinkLimit = 10 * time.Minute
	// flakyTries is how often a candidate is tried where the finding does not show every time.
	flakyTries = 3
)

// tellFindings shrinks what episodes found broken, and those that did not settle as they are, and saves each in words, as a script and as an episode.
func (o *Options) tellFindings(ctx context.Context, s runconfig.Settings, all []*explore.Episode, begin time.Time, out io.Writer) error {
	told := map[contract.ID]bool{}
	for _, e := range all {
		switch {
		case e.Disturbed != "" && len(e.Broken) == 0:
			continue
		case e.Unsettled != "" && len(e.Broken) == 0:
			if err := o.save(e, "unsettled-"+fmt.Sprint(e.Seed)); err != nil {
				return err
			}
			fmt.Fprintf(out, "explore: the episode of seed %d did not settle: %s\n", e.Seed, e.Unsettled)
			continue
		case len(e.Broken) == 0 || told[e.Broken[0].Guarantee]:
			continue
		}
		id := e.Broken[0].Guarantee
		told[id] = true
		name := strings.ReplaceAll(string(id), "/", "-") + "-" + fmt.Sprint(e.Seed)
		said := ""
		if left := min(shrinkLimit, o.TimeLimit-time.Since(begin)); o.Exploration.Shrink && len(told) <= maxFindings && left > time.Minute && ctx.Err() == nil {
			sh := shrinker{options: o, settings: s, of: id, out: out}
			limited, cancel := context.WithTimeout(ctx, left)
			shrunk, frequency, err := sh.shrink(limited, e)
			cancel()
			if err != nil {
				fmt.Fprintf(out, "explore: shrinking the episode of seed %d ended early: %v\n", e.Seed, err)
			}
			e, said = shrunk, frequency
		}
		if err := o.save(e, name); err != nil {
			return err
		}
		fmt.Fprintf(out, "explore: %s is broken%s; %s has the acts, a script and the episode:\n%s",
			id, said, filepath.Join(o.ReportDir, findingsFolder, name)+".*", indent(e.Narrative())+"\n")
	}
	return nil
}

// save writes an episode, its words and its script.
func (o *Options) save(e *explore.Episode, name string) error {
	dir := filepath.Join(o.ReportDir, findingsFolder)
	if err := os.MkdirAll(dir, reportdir.FolderMode); err != nil {
		return err
	}
	script, err := e.Script()
	if err != nil {
		return err
	}
	text := func(file, content string) error {
		return reportdir.Write(dir, file, func(w io.Writer) error {
			_, err := io.WriteString(w, content)
			return err
		})
	}
	return errors.Join(e.Save(filepath.Join(dir, name+".json")), text(name+".txt", e.Narrative()), text(name+".sh", script))
}

// shrinker carries out candidates on the cluster.
type shrinker struct {
	options  *Options
	settings runconfig.Settings
	of       contract.ID
	out      io.Writer
	// tries is how often each candidate is carried out.
	tries int
	// best is the shortest episode that showed the finding.
	best *explore.Episode
}

// shrink returns the shortest episode that still breaks the guarantee, and how often it does.
func (sh *shrinker) shrink(ctx context.Context, e *explore.Episode) (*explore.Episode, string, error) {
	sh.best, sh.tries = e, 1
	steps := e.Chosen()
	width := sh.options.Exploration.Namespaces
	again, err := sh.carryOut(ctx, repeated(steps, width))
	if err != nil {
		return e, "", err
	}
	shown := count(again)
	fmt.Fprintf(sh.out, "explore: %d acts broke %s; carried out again, %d of %d times\n", len(steps), sh.of, shown, width)
	if shown == 0 {
		return e, fmt.Sprintf(" once, and 0 of %d times when the episode was carried out again", width), nil
	}
	if shown < width {
		sh.tries = flakyTries
	}
	atOnce := max(1, width/sh.tries)
	try := func(candidates [][]explore.Step) ([]bool, error) {
		var all [][]explore.Step
		for _, c := range candidates {
			all = append(all, repeated(c, sh.tries)...)
		}
		found, err := sh.carryOut(ctx, all)
		if err != nil {
			return nil, err
		}
		shown := make([]bool, len(candidates))
		for i, ok := range found {
			shown[i/sh.tries] = shown[i/sh.tries] || ok
		}
		fmt.Fprintf(sh.out, "explore: %d acts: shown by %d of %d candidates\n", len(candidates[0]), count(shown), len(candidates))
		return shown, nil
	}
	if steps, err = explore.Shrink(steps, atOnce, try); err == nil {
		_, err = explore.Simplify(steps, atOnce, try)
	}
	if err != nil {
		return sh.best, "", err
	}
	last, err := sh.carryOut(ctx, repeated(sh.best.Chosen(), width))
	return sh.best, fmt.Sprintf(" by %d acts, %d of %d times", len(sh.best.Chosen()), count(last), len(last)), err
}

func repeated(steps []explore.Step, times int) [][]explore.Step {
	out := make([][]explore.Step, times)
	for i := range out {
		out[i] = steps
	}
	return out
}

func count(all []bool) int {
	n := 0
	for _, ok := range all {
		if ok {
			n++
		}
	}
	return n
}

// carryOut carries out candidates, as many at once as there may be namespaces, and says which break the guarantee.
func (sh *shrinker) carryOut(ctx context.Context, candidates [][]explore.Step) ([]bool, error) {
	dir, err := os.MkdirTemp("", folderPrefix+"*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s := sh.settings
	s.Explore, s.SkipNamespaceWait = &runconfig.Explore{Wanted: []contract.ID{sh.of}}, true
	for i, steps := range candidates {
		file := filepath.Join(dir, fmt.Sprintf("candidate-%d.json", i+1))
		if err := (&explore.Episode{Seed: uint64(i), Steps: steps}).Save(file); err != nil {
			return nil, err
		}
		s.Explore.Files = append(s.Explore.Files, file)
	}
	sub := sh.options.explorer(filepath.Join(dir, exploreFolder), shrinkLimit)
	sub.FailFast = false
	s.ReportDir = sub.ReportDir
	if err := sub.runAttempt(ctx, s, io.Discard); err != nil {
		return nil, err
	}
	all, err := sub.judgeEpisodes(sub.ReportDir)
	if err != nil || ctx.Err() != nil {
		return nil, errors.Join(err, ctx.Err())
	}
	if n := len(candidates) - len(all); n > 0 {
		return nil, fmt.Errorf("%d of %d episodes could not be carried out again", n, len(candidates))
	}
	shown := make([]bool, len(candidates))
	slices.SortFunc(all, func(x, y *explore.Episode) int { return cmp.Compare(x.Seed, y.Seed) })
	for _, e := range all {
		shown[e.Seed] = slices.ContainsFunc(e.Broken, func(f explore.Finding) bool { return f.Guarantee == sh.of })
	}
	// The first that shows it is the one that is made shorter.
	if first := slices.Index(shown, true); first >= 0 && len(all[first].Chosen()) <= len(sh.best.Chosen()) {
		all[first].Seed, sh.best = sh.best.Seed, all[first]
	}
	return shown, nil
}
