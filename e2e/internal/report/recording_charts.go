package report

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// maxEventsDrawn bounds the events of the histories whose timelines are on the page itself. What is saved again and again while a recording goes on must not
// take longer each time; each further history has a page of its own, which is written once.
const maxEventsDrawn = 60_000

// apartChart leads to the page of a history that is not on the page itself.
type apartChart struct{ Namespace, From, Page string }

// placeCharts returns the histories that are drawn on the page itself and those that have pages of their own, both in their order: what is broken comes first,
// and then the newest.
func placeCharts(r *recording.Recording) (here, apart []recording.History) {
	broken := map[string]bool{}
	for i := range r.Broken {
		broken[r.Broken[i].File] = true
	}
	left := maxEventsDrawn
	drawn := map[string]bool{}
	for _, first := range []bool{true, false} {
		for _, h := range slices.Backward(r.Histories) {
			if broken[h.File] == first && (h.Events <= left || len(drawn) == 0) {
				drawn[h.File] = true
				left -= h.Events
			}
		}
	}
	for _, h := range r.Histories {
		if drawn[h.File] {
			here = append(here, h)
		} else {
			apart = append(apart, h)
		}
	}
	return here, apart
}

// timelineFile is the page of one history.
func timelineFile(history string) string {
	return "timeline-" + strings.TrimSuffix(strings.TrimSuffix(path.Base(history), ".gz"), ".jsonl") + ".html"
}

// RenderRecording is SaveRecording for a recording that was saved before: it writes all pages anew.
func RenderRecording(dir string, r *recording.Recording) error {
	for _, h := range r.Histories {
		if err := os.Remove(filepath.Join(dir, timelineFile(h.File))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return SaveRecording(dir, r)
}

// writeTimelines writes the pages of histories that are not on the page itself, and are not there yet.
func writeTimelines(dir string, r *recording.Recording) error {
	_, apart := placeCharts(r)
	for _, h := range apart {
		name := timelineFile(h.File)
		if _, err := os.Stat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		charts, err := recordedCharts(dir, r, []recording.History{h})
		if err != nil {
			return err
		}
		err = reportdir.Write(dir, name, func(w io.Writer) error {
			t, err := recordingTemplates()
			if err != nil {
				return err
			}
			return t.ExecuteTemplate(w, "timelines", recordingPage{Namespaces: []string{h.Namespace}, Charts: charts})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// recordedCharts draws histories of a recording.
func recordedCharts(dir string, r *recording.Recording, all []recording.History) ([]recordedChart, error) {
	var out []recordedChart
	read := renderer{dir: dir}
	sets := map[[2]string]bool{}
	for _, s := range r.Sets {
		sets[[2]string{s.Namespace, s.Name}] = true
	}
	for _, file := range all {
		h, err := read.load(file.File)
		if err != nil {
			return nil, err
		}
		if h == nil {
			continue
		}
		var found []shownFinding
		for i := range r.Broken {
			if f := &r.Broken[i]; f.File == file.File {
				found = append(found, shownFinding{ID: f.Guarantee, Finding: Finding{Text: f.Text, Records: f.Records}})
			}
		}
		h = recording.Only(h, func(set string) bool { return sets[[2]string{file.Namespace, set}] })
		c := recordedChart{Namespace: file.Namespace, From: day(h.Header.Start), File: file.File, Chart: draw(h, found, maxBarsInAll)}
		c.Narration, c.Left = narrate(h)
		out = append(out, c)
	}
	return out, nil
}
