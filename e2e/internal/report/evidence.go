package report

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// evidence is what was saved of a failed spec's namespace before it was deleted.
type evidence struct {
	Objects []shownText
	// Events of the cluster, in order, each a line.
	Events []string
	Logs   []shownText
	// Diagnosis is the diagnosis of the spec's sets when it failed.
	Diagnosis string
	// Left counts the objects that are not shown.
	Left   int
	Folder string

	size int
}

// shownText is a text and its heading.
type shownText struct{ Name, Text string }

// Any reports whether there is anything to show.
func (e evidence) Any() bool { return len(e.Objects)+len(e.Events)+len(e.Logs)+e.Left > 0 }

// diagnosisFile is the file of a failed spec's diagnosis, in the folder of its evidence.
const diagnosisFile = "diagnosis.txt"

// The most of a diagnosis that is shown.
const maxDiagnosisShown = 16 << 10

// Cause is the first line of the diagnosis.
func (e evidence) Cause() string {
	first, _, _ := strings.Cut(e.Diagnosis, "\n")
	return first
}

// The most of one container's log that is shown: its end.
const maxLogShown = 4 << 10

// evidenceOf returns the folder of a spec's evidence, below the report folder.
func evidenceOf(historyFile string) string {
	name := path.Base(historyFile)
	return path.Join("failures", strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".jsonl"))
}

// readEvidence reads a folder below a report folder, with objects of at most that many bytes in all. A folder that does not exist is empty.
func readEvidence(report, folder string, most int) (evidence, error) {
	e := evidence{Folder: folder}
	data, err := reportdir.Read(report, path.Join(folder, "objects.yaml"), reportdir.MaxText)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return e, err
	}
	type entry struct {
		at   metav1.MicroTime
		line string
	}
	var events []entry
	for text := range strings.SplitSeq("\n"+string(data), "\n---\n") {
		var kind metav1.PartialObjectMetadata
		if strings.TrimSpace(text) == "" || yaml.Unmarshal([]byte(text), &kind) != nil {
			continue
		}
		var event corev1.Event
		if kind.Kind == "Event" && yaml.Unmarshal([]byte(text), &event) == nil {
			at := eventTime(&event)
			events = append(events, entry{at, fmt.Sprintf("%s  %s %s %s/%s: %s", at.UTC().Format("15:04:05"), event.Type, event.Reason,
				strings.ToLower(event.InvolvedObject.Kind), event.InvolvedObject.Name, event.Message)})
			continue
		}
		if e.size+len(text) > most {
			e.Left++
			continue
		}
		e.size += len(text)
		e.Objects = append(e.Objects, shownText{kind.Kind + " " + kind.Name, text})
	}
	slices.SortStableFunc(events, func(a, b entry) int { return cmp.Compare(a.at.UnixMicro(), b.at.UnixMicro()) })
	for _, event := range events[:min(len(events), maxEventsShown)] {
		e.Events = append(e.Events, event.line)
	}
	diagnosis, err := reportdir.Read(report, path.Join(folder, diagnosisFile), reportdir.MaxText)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return e, err
	}
	e.Diagnosis = strings.TrimSpace(strings.ToValidUTF8(string(diagnosis[:min(len(diagnosis), maxDiagnosisShown)]), "�"))
	e.Logs, err = readLogs(report, path.Join(folder, "logs"))
	return e, err
}

// eventTime returns the time of an event's last occurrence, which is in one of three fields.
func eventTime(e *corev1.Event) metav1.MicroTime {
	for _, at := range []metav1.MicroTime{metav1.NewMicroTime(e.LastTimestamp.Time), e.EventTime, metav1.NewMicroTime(e.CreationTimestamp.Time)} {
		if !at.IsZero() {
			return at
		}
	}
	return metav1.MicroTime{}
}

func readLogs(report, folder string) ([]shownText, error) {
	files, err := reportdir.Names(report, folder, 1000)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(name string) bool { return !strings.HasSuffix(name, ".log") })
	var logs []shownText
	for _, file := range files[:min(len(files), 20)] {
		data, err := reportdir.Read(report, file, reportdir.MaxText)
		if err != nil {
			return nil, err
		}
		if text := strings.ToValidUTF8(string(data[max(0, len(data)-maxLogShown):]), "�"); strings.TrimSpace(text) != "" {
			logs = append(logs, shownText{"Log of " + strings.TrimSuffix(path.Base(file), ".log"), text})
		}
	}
	return logs, nil
}
