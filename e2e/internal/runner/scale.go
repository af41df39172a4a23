package runner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// ScaleLabel is the label of the specs of scale.
const ScaleLabel = "scale"

// ScaleFolder has what each spec of scale took, below the report folder, and scaleTable the table of that.
const (
	ScaleFolder = "scale"
	scaleTable  = "scale.md"
)

// MaxScale bounds the pods of the specs of scale: what a recording of so many takes has been measured.
const MaxScale = 5000

// scaleShare is which part of a run's time one of the three specs of scale may take.
const scaleShare = 4

// Scale says whether the run has specs of scale.
type Scale struct {
	Pods     int // 0: none
	PodPatch runconfig.PodPatch

	typed string
}

func (x *Scale) addFlags(f cli.Flags) {
	f.String(&x.typed, "SCALE", "0", "`number` of pods of specs that create, scale, update and delete so many, judged as they are; what they take is shown and is no part of conformance")
}

// validate completes the settings and reports what is wrong with them.
func (x *Scale) validate(wrong func(format string, args ...any)) {
	var err error
	if x.Pods, err = strconv.Atoi(cmp.Or(x.typed, "0")); err != nil || x.Pods < 0 || x.Pods > MaxScale {
		wrong("SCALE=%s: expected a number of pods, up to %d, or 0", x.typed, MaxScale)
	}
}

// settings are those of a run that is cut short after a time, nil without specs of scale.
func (x *Scale) settings(limit time.Duration) *runconfig.Scale {
	if x.Pods == 0 {
		return nil
	}
	return &runconfig.Scale{Pods: x.Pods, Within: limit / scaleShare, PodPatch: x.PodPatch}
}

// ScaleStage is what one stage of a spec of scale took.
type ScaleStage struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Created int     `json:"created"` // pods
	Removed int     `json:"removed"`
	// NotReached is what was missing when the spec had to end, "" if the stage came to its end.
	NotReached string `json:"notReached,omitempty"`
}

// ScaleReport is what a spec of scale took.
type ScaleReport struct {
	Course string       `json:"course"`
	Stages []ScaleStage `json:"stages"`
	Events int          `json:"events"` // recorded
	// Memory is what the process that recorded has had of the system, in bytes.
	Memory uint64 `json:"memory"`
}

// Save writes the report to a file.
func (r ScaleReport) Save(path string) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(data, '\n'), 0o600)
}

// LoadScale reads what the specs of scale of a report folder took, in the order of the names of their files; none is no error.
func LoadScale(dir string) ([]ScaleReport, error) {
	files, err := filepath.Glob(filepath.Join(dir, ScaleFolder, "*.json"))
	if err != nil {
		return nil, err
	}
	var all []ScaleReport
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var r ScaleReport
		if err := json.Unmarshal(data, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, r)
	}
	return all, nil
}

// showScale prints what the specs of scale took, and keeps it beside the report.
func showScale(dir string, out io.Writer) error {
	all, err := LoadScale(dir)
	if err != nil || len(all) == 0 {
		return err
	}
	text := scaleMarkdown(all)
	fmt.Fprint(out, "what many pods took, which is no part of conformance:\n\n", text)
	return reportdir.Write(dir, scaleTable, func(w io.Writer) error { _, err := io.WriteString(w, text); return err })
}

// scaleMarkdown is a table of what specs of scale took, and a line on each recording.
func scaleMarkdown(all []ScaleReport) string {
	const mebi = 1 << 20
	var b, recorded strings.Builder
	b.WriteString("| a set | stage | pods created | removed | seconds | changes of pods a second | |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, r := range all {
		for _, s := range r.Stages {
			missing := ""
			if s.NotReached != "" {
				missing = "not reached: " + s.NotReached
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %d | %.1f | %.1f | %s |\n", r.Course, s.Name, s.Created, s.Removed, s.Seconds,
				float64(s.Created+s.Removed)/max(s.Seconds, 0.1), strings.ReplaceAll(missing, "|", "\\|"))
		}
		fmt.Fprintf(&recorded, "A set %s: %d events recorded; the process that recorded had %d MiB.\n", r.Course, r.Events, r.Memory/mebi)
	}
	return b.String() + "\n" + recorded.String()
}
