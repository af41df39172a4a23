package report

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
)

func someFigures() []figures.Figure {
	return []figures.Figure{
		{Kind: figures.PodReady, Count: 3, Median: 1.5, P95: 2, Max: 2.25},
		{Kind: figures.PodReady, Of: `no"de|`, Count: 1, Median: 1.5, P95: 1.5, Max: 1.5},
	}
}

func TestFiguresAsOpenMetrics(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	if err := WriteFigures(&out, someFigures()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# TYPE statefulset_conformance_duration_seconds gauge\n",
		`statefulset_conformance_duration_seconds{kind="pod-ready",of="",quantile="0.95"} 2` + "\n",
		`statefulset_conformance_duration_seconds{kind="pod-ready",of="no\"de|",quantile="1"} 1.5` + "\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("expected %q in\n%s", want, out.String())
		}
	}
	if !strings.HasSuffix(out.String(), "\n# EOF\n") {
		t.Errorf("expected the end that OpenMetrics asks for, found\n%s", out.String())
	}
}

func TestFiguresForPeople(t *testing.T) {
	t.Parallel()
	want := "a pod is created, until it is Ready: 1.50 s (median), 2.00 s (95 %), 2.25 s (longest) of 3"
	if got := figureLines(someFigures()); len(got) != 1 || got[0] != want {
		t.Errorf("expected one line %q, found %q", want, got)
	}
	var out strings.Builder
	figuresTable(&printer{w: &out}, someFigures())
	if got := out.String(); !strings.Contains(got, "| a pod is created, until it is Ready |  | 3 | 1.50 s | 2.00 s | 2.25 s |\n") || !strings.Contains(got, `no"de\|`) {
		t.Errorf("expected a row for each, without markup of the cluster's, found\n%s", got)
	}
}

// TestConsoleHasTenLinesOfFigures: the first of them, and where the rest is.
func TestConsoleHasTenLinesOfFigures(t *testing.T) {
	t.Parallel()
	var all []figures.Figure
	for n, kind := range figures.Kinds() {
		all = append(all, figures.Figure{Kind: kind, Count: 1}, figures.Figure{Kind: kind, Of: "node", Count: 1})
		got := figureLines(all)
		if want := min(n+1, 10); len(got) != want || !strings.HasPrefix(got[0], figures.PodScheduled.Meaning()) {
			t.Errorf("expected %d lines of %d kinds, found %q", want, n+1, got)
		}
		if last := got[len(got)-1]; n == 10 && last != "2 more figures are in summary.md and on the page" {
			t.Errorf("expected the last line to say what is left out, found %q", last)
		}
	}
}

// TestSchemaKnowsAllFigures keeps the list of the schema and that of package figures together.
func TestSchemaKnowsAllFigures(t *testing.T) {
	t.Parallel()
	var document struct {
		Properties struct {
			Figures struct {
				Items struct {
					Properties struct {
						Kind struct{ Enum []figures.Kind }
					}
				}
			}
		}
	}
	if err := json.Unmarshal(schema, &document); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(figures.Kinds(), document.Properties.Figures.Items.Properties.Kind.Enum); diff != "" {
		t.Error(diff)
	}
}
