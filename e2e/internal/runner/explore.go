package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// ExploreLabel is the label of the specs that carry out episodes of random acts.
const ExploreLabel = "explore"

// The folders of episodes, of a run's explorations and of what they found broken, and the files of what was covered, below the report folder.
const (
	EpisodesFolder = "episodes"
	exploreFolder  = "explore"
	findingsFolder = "findings"
	coverageTable  = "coverage.md"
	coverageFile   = "coverage.json"
)

// episodeLength is how long acts of an episode go on. The end that follows takes about as long again, on a small cluster. Longer episodes find
// no more and take longer to shrink.
const episodeLength = 40 * time.Second

// defaultNamespaces is how many episodes go on at once: what one machine that carries a small cluster bears.
const defaultNamespaces = "3"

// maxEpisodes bounds the episodes of a run: a report has a history of each.
const maxEpisodes = 800

// episodeTime is how long an episode takes as a rule, its end included.
const episodeTime = time.Minute

// Exploration says how long random acts go on, in how many namespaces at once.
type Exploration struct {
	Time       time.Duration // 0: none
	Namespaces int
	Episode    string // file of the one to carry out
	Coverage   string // file that adds up what was covered
	// Wanted are guarantees of which one that is found broken ends the run, in place of whatever is found broken.
	Wanted []contract.ID
	// Only leaves out all other specs, and Shrink makes what is found shorter.
	Only, Shrink bool

	typedTime, typedNamespaces string
}

func (x *Exploration) addFlags(f cli.Flags) {
	f.String(&x.typedTime, "EXPLORE", "0", "`time` for random acts after the specs, judged as they are, such as 5m")
	f.String(&x.typedNamespaces, "EXPLORE_NAMESPACES", "", "`number` of namespaces in which random acts go on at once, 1 at the level disruptive and "+defaultNamespaces+" elsewhere if it is not said")
	f.String(&x.Episode, "EPISODE", "", "`file` of a saved episode of acts to carry out again")
	f.String(&x.Coverage, "COVERAGE", "", "`file` that adds up which acts were tried in which phase of a set")
	x.Shrink = true
}

// validate completes the settings and reports what is wrong with them.
func (x *Exploration) validate(level contract.Level, wrong func(format string, args ...any)) {
	var err error
	if level == contract.Disruptive {
		// Acts disrupt the nodes of the whole cluster, which the recordings of other episodes would know nothing of.
		if x.typedNamespaces = cmp.Or(x.typedNamespaces, "1"); x.typedNamespaces != "1" {
			wrong("EXPLORE_NAMESPACES=%s: expected 1 at the level disruptive, where acts disrupt nodes", x.typedNamespaces)
		}
	}
	if x.Namespaces, err = strconv.Atoi(cmp.Or(x.typedNamespaces, defaultNamespaces)); err != nil || x.Namespaces < 1 || x.Namespaces > 50 {
		wrong("EXPLORE_NAMESPACES=%s: expected a number from 1 to 50", x.typedNamespaces)
	}
	if x.Time, err = time.ParseDuration(cmp.Or(x.typedTime, "0")); err != nil || x.Time < 0 || (x.Time > 0 && x.Time < episodeTime) || x.count() > maxEpisodes {
		wrong("EXPLORE=%s: expected a time from a minute to some hours, such as 5m, or 0", x.typedTime)
	}
	for _, file := range []*string{&x.Episode, &x.Coverage} {
		if *file != "" {
			*file, _ = filepath.Abs(*file)
		}
	}
	if x.Episode != "" {
		if _, err := explore.LoadEpisode(x.Episode); err != nil {
			wrong("EPISODE=%s: %v", x.Episode, err)
		}
	}
	if _, err := explore.LoadCoverage(x.Coverage); err != nil {
		wrong("COVERAGE=%s: %v", x.Coverage, err)
	}
}

// count is how many episodes fill the time.
func (x *Exploration) count() int {
	return x.Namespaces * max(1, int((x.Time+episodeTime/2)/episodeTime))
}

// longest is how much longer a run may take that explores, and shrinks what it finds.
func (x *Exploration) longest() time.Duration {
	if !x.wanted() {
		return 0
	}
	return 2*x.Time + maxFindings*shrinkLimit
}

// wanted reports whether the run explores.
func (x *Exploration) wanted() bool { return x.Time > 0 || x.Episode != "" }

// exploreRandomly carries out episodes of random acts, or one of a file, and adds their outcomes to the report. What an episode found broken is
// shrunk and told.
func (o *Options) exploreRandomly(ctx context.Context, s runconfig.Settings, begin time.Time, out io.Writer) error {
	s = o.episodes(s, begin)
	if x := s.Explore; x.Episodes > 0 {
		fmt.Fprintf(out, "explore: %d episodes of random acts, %d at once, seeds from %d\n", x.Episodes, o.Exploration.Namespaces, x.Seed)
	}
	started := time.Now()
	sub := o.explorer(filepath.Join(o.ReportDir, exploreFolder), o.TimeLimit-time.Since(begin))
	s.ReportDir = sub.ReportDir
	if err := sub.runAttempt(ctx, s, out); err != nil {
		return err
	}
	if err := errors.Join(collect(o.ReportDir, sub.ReportDir), liftLogs(o.ReportDir, sub.ReportDir), verdict.AddAttempt(o.ReportDir, sub.ReportDir, nil)); err != nil {
		return fmt.Errorf("adding the episodes to the report: %w", err)
	}
	took := time.Since(started)
	all, err := o.judgeEpisodes(o.ReportDir)
	if err != nil {
		return err
	}
	if err := o.saveCoverage(all); err != nil {
		return err
	}
	told := o.tellFindings(ctx, s, all, begin, out)
	fmt.Fprintln(out, summary(all, took))
	return told
}

// episodes are the settings of the episodes of a run with these settings that began then. Of a hundred episodes whose namespaces stay the nodes would have no
// room for further pods; where namespaces were to stay since the cluster is removed, nobody waits until they are gone.
func (o *Options) episodes(s runconfig.Settings, begin time.Time) runconfig.Settings {
	x := o.Exploration
	s.SkipNamespaceWait, s.KeepNamespaces = s.SkipNamespaceWait || s.KeepNamespaces, false
	s.Explore = &runconfig.Explore{Coverage: x.Coverage, Wanted: x.Wanted}
	if x.Episode != "" {
		s.Explore.Files = slices.Repeat([]string{x.Episode}, x.Namespaces)
		return s
	}
	s.Explore.Seed, s.Explore.Length, s.Explore.Episodes = uint64(begin.Unix()), episodeLength, x.count()
	if o.Seed != "" {
		n, _ := strconv.ParseInt(o.Seed, 10, 64) // Validate has reported what is wrong with it
		s.Explore.Seed = uint64(n)
	}
	return s
}

// explorer are the options of a run of episodes alone, in a folder of its own.
func (o *Options) explorer(dir string, left time.Duration) *Options {
	sub := *o
	sub.ReportDir, sub.Labels, sub.Focus, sub.Level = dir, ExploreLabel, "", contract.Disruptive // no further filter
	sub.TimeLimit = max(left, time.Minute)
	sub.Procs = strconv.Itoa(o.Exploration.Namespaces)
	if n := len(o.Namespaces); n > 0 && n < o.Exploration.Namespaces {
		sub.Procs = strconv.Itoa(n)
	}
	return &sub
}

// liftLogs moves what Ginkgo wrote to the report folder, where a run had no other specs.
func liftLogs(dir, sub string) error {
	for _, name := range []string{GinkgoLog, report.GinkgoFile} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			continue
		}
		if err := os.Rename(filepath.Join(sub, name), filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// judgeEpisodes returns the episodes of a report folder with what the judges say of their histories, and saves them so.
func (o *Options) judgeEpisodes(dir string) ([]*explore.Episode, error) {
	all, err := explore.LoadFolder(filepath.Join(dir, EpisodesFolder))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	run, err := verdict.JudgeFolder(dir, contract.Disruptive)
	if err != nil {
		return nil, err
	}
	for _, e := range all {
		for _, j := range run.Histories {
			if j.File != e.History {
				continue
			}
			e.Exercised, e.Broken = judge.Exercised(j.Results), nil
			for _, r := range j.Results {
				// Deviations too: nobody else would look for the acts that show one.
				for _, f := range r.Violations {
					e.Broken = append(e.Broken, explore.Finding{Guarantee: f.Guarantee, Set: f.Set, Text: f.Text})
				}
			}
		}
		if err := e.Save(e.File); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// saveCoverage writes what the episodes covered, with what earlier ones did where a file keeps that.
func (o *Options) saveCoverage(all []*explore.Episode) error {
	c, err := explore.LoadCoverage(o.Exploration.Coverage)
	if err != nil {
		return err
	}
	for _, e := range all {
		c.Add(e)
	}
	err = c.Save(filepath.Join(o.ReportDir, coverageFile))
	if o.Exploration.Coverage != "" {
		err = errors.Join(err, c.Save(o.Exploration.Coverage))
	}
	return errors.Join(err, reportdir.Write(o.ReportDir, coverageTable, func(w io.Writer) error {
		_, err := io.WriteString(w, c.Markdown())
		return err
	}))
}

// summary is a line on what the episodes did.
func summary(all []*explore.Episode, took time.Duration) string {
	var acts, refused, broken, disturbed, unsettled int
	for _, e := range all {
		for _, s := range e.Steps {
			if s.Failed == "" {
				acts++
			} else {
				refused++
			}
		}
		switch {
		case len(e.Broken) > 0:
			broken++
		case e.Disturbed != "":
			disturbed++
		case e.Unsettled != "":
			unsettled++
		}
	}
	return fmt.Sprintf("explore: %d episodes, %d acts (%.0f a minute; %d more were refused or not possible); %d found something broken, %d were disturbed, %d did not settle",
		len(all), acts, float64(acts)/took.Minutes(), refused, broken, disturbed, unsettled)
}

// Default sets the time of an exploration that nobody gave a time or an episode.
func (x *Exploration) Default(text string) {
	if x.Episode == "" && cmp.Or(x.typedTime, "0") == "0" {
		x.typedTime = text
	}
}
