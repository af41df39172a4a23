package report

import (
	_ "embed"
	"errors"
	"html/template"
	"io"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

//go:embed recording.html.tmpl
var recordingTemplate string

// recordingPage is the data of the template.
type recordingPage struct {
	Namespaces                   []string
	Headline, Scope, HeldLine    string
	Wrong                        bool
	Broken                       []recordedProblem
	Lacking                      []string
	Charts                       []recordedChart
	Apart                        []apartChart
	Downs                        []recordedDown
	Shown                        []recordedAct
	Circumstances                []string
	DownsLeft, CircumstancesLeft int
	ActsLeft                     int
	Figures                      any
	Objectives                   []figures.Objective
	Open, Held                   []string
	OpenLeft                     int
	NotJudged                    []contract.ID
	Cost                         *recording.Cost
}

type recordedProblem struct {
	recording.Finding
	Word, When, Must, Link string
}

type recordedDown struct {
	recording.OutageTotal
	Text string
}

type recordedAct struct {
	recording.Act
	When string
}

// recordedChart is the timeline of one history.
type recordedChart struct {
	Namespace, From, File string
	Chart                 *chart
	Narration             []string
	Left                  int
}

// SaveRecording writes a recording into its folder, which holds its histories: for programs, the page and the summary for people, and the figures.
func SaveRecording(dir string, r *recording.Recording) error {
	return errors.Join(
		r.Save(dir),
		writeTimelines(dir, r),
		reportdir.Write(dir, PageFile, func(w io.Writer) error { return writeRecordingPage(w, dir, r) }),
		reportdir.Write(dir, SummaryFile, func(w io.Writer) error { return WriteRecordingSummary(w, r) }),
		reportdir.Write(dir, FiguresFile, func(w io.Writer) error { return WriteFigures(w, r.Figures) }),
	)
}

// recordingTemplates returns the template of a recording's page, which is executed as such or by the name of a part.
func recordingTemplates() (*template.Template, error) {
	t, err := template.New("page").Funcs(template.FuncMap{"class": class, "brief": brief}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	return t.New("recording").Parse(recordingTemplate)
}

// writeRecordingPage renders a recording as one self-contained page, with timelines of the histories in its folder.
func writeRecordingPage(w io.Writer, dir string, r *recording.Recording) error {
	t, err := recordingTemplates()
	if err != nil {
		return err
	}
	p := recordingPage{
		Namespaces: r.Namespaces, HeldLine: heldLine(r), Wrong: len(r.Promises()) > 0, Lacking: lacking(r), Held: heldRows(r), NotJudged: judge.NotJudged(), Objectives: r.Objectives, Cost: r.Cost,
		ActsLeft: max(0, len(r.Acts)-maxActsShown), OpenLeft: max(0, len(r.Open)-maxOpenShown),
	}
	if len(r.Figures) > 0 {
		p.Figures = r.Figures
	}
	p.Headline, p.Scope = recordedHeadline(r)
	for _, f := range r.Broken[:min(len(r.Broken), maxFindingsShown)] {
		g, _ := contract.Get(f.Guarantee)
		word := "broken"
		if f.Deviation {
			word = "deviates"
		}
		p.Broken = append(p.Broken, recordedProblem{f, word, day(f.At), g.Must, g.Link})
	}
	for _, f := range r.Open[:min(len(r.Open), maxOpenShown)] {
		p.Open = append(p.Open, foundLine(&f))
	}
	for _, a := range r.Acts[:min(len(r.Acts), maxActsShown)] {
		p.Shown = append(p.Shown, recordedAct{a, moment(a.At)})
	}
	downs := r.OutageTotals()
	p.DownsLeft = max(0, len(downs)-maxDownsShown)
	for _, d := range downs[:len(downs)-p.DownsLeft] {
		p.Downs = append(p.Downs, recordedDown{d, downText(&d)})
	}
	circumstances := circumstanceLines(r)
	p.CircumstancesLeft = max(0, len(circumstances)-maxDownsShown)
	p.Circumstances = circumstances[:len(circumstances)-p.CircumstancesLeft]
	here, apart := placeCharts(r)
	if p.Charts, err = recordedCharts(dir, r, here); err != nil {
		return err
	}
	for _, h := range apart {
		p.Apart = append(p.Apart, apartChart{h.Namespace, day(h.Start), timelineFile(h.File)})
	}
	return t.Execute(w, p)
}
