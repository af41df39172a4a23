package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// MetricsType is the media type of OpenMetrics' text format.
const MetricsType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

// SetNow is a StatefulSet as it is at a moment of a recording: how many pods it asks for, and how many are Ready by its status.
type SetNow struct {
	Namespace, Name string
	Replicas, Ready int32
}

// metricsPrefix begins the name of each metric of a recording but the figures.
const metricsPrefix = "statefulset_recording_"

// WriteRecordingMetrics writes the counts of a recording that goes on, and its figures, in OpenMetrics' text format.
func WriteRecordingMetrics(w io.Writer, r *recording.Recording, sets []SetNow) error {
	p := &printer{w: w}
	events, lacks := map[string]int{}, map[string]int{}
	for _, h := range r.Histories {
		events[h.Namespace] += h.Events
		lacks[h.Namespace] += len(h.Lacks)
	}
	p.metric("events", "counter", "Events that were recorded.")
	for _, name := range r.Namespaces {
		p.sample("events_total", float64(events[name]), "namespace", name)
	}
	p.metric("gaps", "gauge", "Intervals of which something is missing from the recording.")
	for _, name := range r.Namespaces {
		p.sample("gaps", float64(lacks[name]), "namespace", name)
	}
	p.metric("replicas", "gauge", "Pods that a set asks for.")
	for _, s := range sets {
		p.sample("replicas", float64(s.Replicas), "namespace", s.Namespace, "set", s.Name)
	}
	p.metric("ready_replicas", "gauge", "Pods of a set that are Ready, by its status.")
	for _, s := range sets {
		p.sample("ready_replicas", float64(s.Ready), "namespace", s.Namespace, "set", s.Name)
	}
	acts := map[[2]string]int{}
	for _, a := range r.Acts {
		acts[[2]string{a.Namespace, a.Set}]++
	}
	p.metric("acts", "counter", "What was done to a set, its pods and its claims.")
	for _, s := range r.Sets {
		p.sample("acts_total", float64(acts[[2]string{s.Namespace, s.Name}]), "namespace", s.Namespace, "set", s.Name)
	}
	downs := r.OutageTotals()
	p.metric("outages", "counter", "Outages of a pod; without a pod, of the majority of a set's pods.")
	for _, d := range downs {
		p.sample("outages_total", float64(d.Times), "namespace", d.Namespace, "set", d.Set, "pod", d.Pod)
	}
	p.metric("downtime_seconds", "counter", "How long a pod was down; without a pod, how long less than a majority of a set's pods was up.")
	for _, d := range downs {
		p.sample("downtime_seconds_total", d.Total.Seconds(), "namespace", d.Namespace, "set", d.Set, "pod", d.Pod)
	}
	p.metric("circumstances", "gauge", "Whether a node with pods of the sets is NotReady, cordoned, tainted or gone, or a budget of theirs allows no disruption, as of now.")
	for _, a := range r.CircumstanceTotals() {
		now := 0.0
		if a.Lasts {
			now = 1
		}
		p.sample("circumstances", now, "namespace", a.Namespace, "resource", string(a.Resource), "name", a.Name, "what", a.What)
	}
	// A counter that first appears as 1 shows no increase.
	broken := map[string]int{}
	for _, g := range contract.All() {
		broken[string(g.ID)] = 0
	}
	for _, f := range r.Broken {
		broken[string(f.Guarantee)]++
	}
	p.metric("broken", "counter", "How often a guarantee was broken, in the histories that have been finished.")
	for _, id := range slices.Sorted(maps.Keys(broken)) {
		p.sample("broken_total", float64(broken[id]), "guarantee", id)
	}
	p.metric("open", "gauge", "What could not be judged, in the histories that have been finished.")
	p.sample("open", float64(len(r.Open)))
	if c := r.Cost; c != nil {
		p.metric("requests", "counter", "Requests that the recording sent to the API server; a watch is one, however long it lasts.")
		for _, verb := range slices.Sorted(maps.Keys(c.Requests)) {
			p.sample("requests_total", float64(c.Requests[verb]), "verb", verb)
		}
		p.metric("received_bytes", "counter", "Bytes of the API server's answers, once unpacked.")
		p.sample("received_bytes_total", float64(c.Received))
		p.metric("memory_bytes", "gauge", "The most memory that the process had of the operating system, beside the program itself.")
		p.sample("memory_bytes", float64(c.Memory))
	}
	p.figures(r.Figures)
	p.f("# EOF\n")
	return p.err
}

// metric begins a metric.
func (p *printer) metric(name, kind, help string) {
	name = metricsPrefix + name
	p.f("# TYPE %s %s\n", name, kind)
	for _, unit := range []string{"seconds", "bytes"} {
		if strings.HasSuffix(name, "_"+unit) {
			p.f("# UNIT %s %s\n", name, unit)
		}
	}
	p.f("# HELP %s %s\n", name, help)
}

// sample writes one value, with its labels as names and values in turn.
func (p *printer) sample(name string, value float64, labels ...string) {
	var all []string
	for l := range slices.Chunk(labels, 2) {
		all = append(all, fmt.Sprintf("%s=%q", l[0], sanitize.Text(l[1])))
	}
	text := ""
	if len(all) > 0 {
		text = "{" + strings.Join(all, ",") + "}"
	}
	p.f("%s%s%s %s\n", metricsPrefix, name, text, strconv.FormatFloat(value, 'g', -1, 64))
}
