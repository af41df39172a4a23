// Package hack holds scripts and pinned tools of the project itself, and the checks of its workflows. Nothing imports it.
package hack

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A tag of an action can be moved; a commit cannot.
func TestActionsArePinned(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.y*ml")
	if err != nil || len(files) == 0 {
		t.Fatalf("expected workflows, found none (%v)", err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, action := range unpinned(string(data)) {
			t.Errorf("%s: expected %s by the digest of a commit, with its version behind a #", file, action)
		}
	}
}

// A run that hangs or dies still hands over its report: its step ends before the job does, and a report that is missing is an error.
func TestReportsOutliveBadRuns(t *testing.T) {
	number := regexp.MustCompile(`(?m)^ +timeout-minutes: (\d+)$`)
	for _, file := range []string{"../.github/workflows/ci.yaml", "../.github/workflows/nightly.yaml"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(data)
		if uploads := strings.Count(text, "actions/upload-artifact@"); uploads == 0 || strings.Count(text, "if-no-files-found: error") != uploads {
			t.Errorf("%s: expected each of %d uploads to fail where there is nothing", file, uploads)
		}
		limits := number.FindAllStringSubmatch(text, -1)
		job, err1 := strconv.Atoi(limits[max(0, len(limits)-2)][1])
		step, err2 := strconv.Atoi(limits[len(limits)-1][1])
		if err1 != nil || err2 != nil || step >= job {
			t.Errorf("%s: expected the last limit, that of the run, to be shorter than its job's, found %v", file, limits)
		}
	}
}

// unpinned returns the actions of a workflow that are not named by a commit; those of the repository itself need none.
func unpinned(workflow string) []string {
	var out []string
	pinned := regexp.MustCompile(`^[^@]+@[0-9a-f]{40}\s+# v\d\S*$`)
	for _, found := range regexp.MustCompile(`(?m)^\s*(?:-\s+)?uses:\s*(.*?)\s*$`).FindAllStringSubmatch(workflow, -1) {
		if action := found[1]; !strings.HasPrefix(action, "./") && !pinned.MatchString(action) {
			out = append(out, action)
		}
	}
	return out
}

func TestUnpinned(t *testing.T) {
	const digest = "11bd71901bbe5b1630ceea73d27597364c9af683"
	workflow := strings.Join([]string{
		"      - uses: actions/checkout@" + digest + " # v4.2.2",
		"      - uses: actions/checkout@v4",
		"        uses: actions/cache@" + digest,
		"      - uses: actions/cache@" + digest[:12] + " # v4.2.3",
		"      - uses: ./.github/actions/own",
		"      - run: echo uses of it",
	}, "\n")
	want := []string{"actions/checkout@v4", "actions/cache@" + digest, "actions/cache@" + digest[:12] + " # v4.2.3"}
	if got := unpinned(workflow); !slices.Equal(got, want) {
		t.Errorf("expected %q, found %q", want, got)
	}
}
