package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestScaleRejects(t *testing.T) {
	for _, typed := range []string{"many", "-1", "5001"} {
		x, found := Scale{typed: typed}, 0
		x.validate(func(string, ...any) { found++ })
		if found != 1 {
			t.Errorf("SCALE=%s: expected one problem, found %d", typed, found)
		}
	}
	x := Scale{typed: "200"}
	x.validate(func(format string, args ...any) { t.Errorf(format, args...) })
	if s := x.settings(time.Hour); s == nil || s.Pods != 200 || s.Within != 15*time.Minute {
		t.Errorf("expected 200 pods, and a quarter of the run's time for each spec, found %+v", s)
	}
	none := Scale{}
	none.validate(func(format string, args ...any) { t.Errorf(format, args...) })
	if s := none.settings(time.Hour); s != nil {
		t.Errorf("expected no specs of scale unless they are asked for, found %+v", s)
	}
}

// What a spec saved is shown in a table, with what it did not come to, and kept beside the report.
func TestShowScale(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ScaleFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	r := ScaleReport{Course: "has 10 pods", Events: 321, Memory: 42 << 20, Stages: []ScaleStage{
		{Name: "created", Seconds: 4, Created: 10},
		{Name: "rolled out", Seconds: 900, Created: 3, Removed: 4, NotReached: "set-5 is at revision a|b"},
	}}
	if err := r.Save(filepath.Join(dir, ScaleFolder, "one.json")); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := showScale(dir, &out); err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(filepath.Join(dir, scaleTable))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| has 10 pods | created | 10 | 0 | 4.0 | 2.5 |  |\n", `| rolled out | 3 | 4 | 900.0 | 0.0 | not reached: set-5 is at revision a\|b |`,
		"321 events recorded; the process that recorded had 42 MiB",
	} {
		if !strings.Contains(string(kept), want) {
			t.Errorf("expected %q, found:\n%s", want, kept)
		}
	}
	if !strings.HasSuffix(out.String(), string(kept)) {
		t.Errorf("expected the table on the console as well, found:\n%s", &out)
	}
	if err := showScale(t.TempDir(), &failing{t}); err != nil {
		t.Errorf("a run without such specs: %v", err)
	}
}

// failing is written to by nobody.
type failing struct{ t *testing.T }

func (f *failing) Write(p []byte) (int, error) {
	f.t.Errorf("expected nothing to be printed, found %q", p)
	return 0, fmt.Errorf("printed")
}
