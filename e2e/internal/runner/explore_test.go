package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func TestExplorationRejects(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "episode.json")
	if err := os.WriteFile(bad, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, x := range map[string]Exploration{
		"EXPLORE=":            {typedTime: "soon"},
		"EXPLORE=10s":         {typedTime: "10s"},
		"EXPLORE=48h":         {typedTime: "48h"},
		"EXPLORE_NAMESPACES=": {typedNamespaces: "0"},
		"EPISODE=":            {Episode: bad},
		"COVERAGE=":           {Coverage: filepath.Dir(bad)},
	} {
		var found []string
		x.validate(contract.Extended, func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) })
		if len(found) != 1 || !strings.HasPrefix(found[0], name) {
			t.Errorf("%s: expected one problem, found %v", name, found)
		}
	}
	var x Exploration
	x.validate(contract.Extended, func(format string, args ...any) { t.Errorf(format, args...) })
	if x.wanted() {
		t.Error("expected a run to explore nothing unless it is asked to")
	}
	x.Default("5m")
	x.validate(contract.Extended, func(format string, args ...any) { t.Errorf(format, args...) })
	if x.Time != 5*time.Minute || x.Namespaces != 3 {
		t.Errorf("expected five minutes in three namespaces, found %+v", x)
	}
}

// An episode that stops nodes would disturb those beside it.
func TestDisruptiveEpisodesAreAlone(t *testing.T) {
	var x Exploration
	x.validate(contract.Disruptive, func(format string, args ...any) { t.Errorf(format, args...) })
	if x.Namespaces != 1 {
		t.Errorf("expected one namespace at the level disruptive, found %d", x.Namespaces)
	}
	found := ""
	x = Exploration{typedNamespaces: "2"}
	x.validate(contract.Disruptive, func(format string, args ...any) { found += fmt.Sprintf(format, args...) })
	if !strings.HasPrefix(found, "EXPLORE_NAMESPACES=2: expected 1 at the level disruptive") {
		t.Errorf("two namespaces at the level disruptive: found %q", found)
	}
}

// Episodes are run by a filter that the level of a run does not narrow, and in no more processes than there are namespaces.
func TestEpisodesRunAlone(t *testing.T) {
	o := Options{Level: contract.Core, Focus: "x", Labels: "dns.gone", Namespaces: []string{"a", "b"}, Exploration: Exploration{Namespaces: 3}}
	sub := o.explorer("dir", time.Hour)
	if got := sub.labelFilter(); got != "(!workload) && ("+ExploreLabel+")" || sub.Focus != "" || sub.Procs != "2" {
		t.Errorf("expected the label %q alone in two processes, found %q, focus %q, %s processes", ExploreLabel, got, sub.Focus, sub.Procs)
	}
}

func TestSummaryOfEpisodes(t *testing.T) {
	step := explore.Step{Act: explore.Act{Kind: explore.TouchSet, Set: "one"}}
	refused := step
	refused.Failed = "refused"
	all := []*explore.Episode{
		{Steps: []explore.Step{step, step, refused}, Broken: []explore.Finding{{Guarantee: "x"}}, Disturbed: "y"},
		{Steps: []explore.Step{step}, Unsettled: "one-0 is not Ready"},
		{Steps: []explore.Step{step}, Disturbed: "somebody"},
	}
	const want = "explore: 3 episodes, 4 acts (2 a minute; 1 more were refused or not possible); 1 found something broken, 1 were disturbed, 1 did not settle"
	if got := summary(all, 2*time.Minute); got != want {
		t.Errorf("expected %q, found %q", want, got)
	}
}

// A run whose namespaces were to stay does not fill the nodes with the pods of its episodes.
func TestEpisodesLeaveNoNamespaces(t *testing.T) {
	begin := time.Unix(7, 0)
	for _, c := range []struct {
		o    Options
		want runconfig.Explore
	}{
		{Options{Exploration: Exploration{Time: 10 * time.Minute, Namespaces: 2}}, runconfig.Explore{Episodes: 20, Length: episodeLength, Seed: 7}},
		{Options{Seed: "3", Exploration: Exploration{Time: time.Minute, Namespaces: 1}}, runconfig.Explore{Episodes: 1, Length: episodeLength, Seed: 3}},
		{Options{Exploration: Exploration{Episode: "a.json", Namespaces: 2}}, runconfig.Explore{Files: []string{"a.json", "a.json"}}},
	} {
		for _, keep := range []bool{false, true} {
			s := c.o.episodes(runconfig.Settings{KeepNamespaces: keep}, begin)
			if s.KeepNamespaces || s.SkipNamespaceWait != keep {
				t.Errorf("kept %t: expected namespaces to be removed, and awaited unless they were to stay; found %t, not awaited %t", keep, s.KeepNamespaces, s.SkipNamespaceWait)
			}
			if !reflect.DeepEqual(*s.Explore, c.want) {
				t.Errorf("expected %+v, found %+v", c.want, *s.Explore)
			}
		}
	}
}
