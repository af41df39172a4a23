package report_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// TestRecordingMetrics: each metric has a type and a help before its samples, and counters the ending that OpenMetrics asks for.
func TestRecordingMetrics(t *testing.T) {
	_, r := recordedFolder(t, true)
	r.Namespaces = []string{"test"}
	var out bytes.Buffer
	if err := report.WriteRecordingMetrics(&out, r, []report.SetNow{{Namespace: "test", Name: "web", Replicas: 2, Ready: 1}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`statefulset_recording_outages_total{namespace="test",set="web",pod="web-1"} 1`, `statefulset_recording_downtime_seconds_total{namespace="test",set="web",pod=""} 0.`,
		`statefulset_recording_circumstances{namespace="test",resource="nodes",name="node",what="cordoned"} 1`, `statefulset_recording_events_total{namespace="test"} `,
		`statefulset_recording_gaps{namespace="test"} 1`, "# UNIT statefulset_recording_downtime_seconds seconds", `statefulset_recording_ready_replicas{namespace="test",set="web"} 1`,
		`statefulset_conformance_duration_seconds{kind="pod-ready",of="",quantile="0.5"} `,
		`statefulset_recording_requests_total{verb="watch"} 13`, "# UNIT statefulset_recording_received_bytes bytes", "statefulset_recording_received_bytes_total 1.572864e+06\n", "statefulset_recording_memory_bytes 6.291456e+07\n",
		"statefulset_recording_broken_total{guarantee=\"ordering/create\"} 0\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("expected %q in\n%s", want, out.String())
		}
	}
	sample := regexp.MustCompile(`^([a-z_]+)(\{([a-z]+="([^"\\]|\\["\\n])*",?)*\})? [0-9.e+-]+$`)
	kind, name := "", ""
	for line := range strings.Lines(out.String()) {
		line = strings.TrimSuffix(line, "\n")
		switch words := strings.Fields(line); {
		case line == "# EOF":
			name = "the end"
		case words[0] == "#" && words[1] == "TYPE":
			name, kind = words[2], words[3]
		case words[0] == "#":
			if words[2] != name {
				t.Errorf("expected words about %s, found %q", name, line)
			}
		default:
			m := sample.FindStringSubmatch(line)
			want := name
			if kind == "counter" {
				want += "_total"
			}
			if len(m) == 0 || m[1] != want {
				t.Errorf("expected a sample of %s, found %q", want, line)
			}
		}
	}
	if name != "the end" {
		t.Error("expected an end")
	}
}
