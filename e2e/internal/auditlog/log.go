package auditlog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// maxLine bounds one line, which holds an object at most twice. maxWrites bounds what is kept of all lines: some 2 KiB of memory each.
const (
	maxLine   = 16 << 20
	maxWrites = 200_000
)

// Policy names what the audit policy must have for a log to tell what happened to StatefulSets.
const Policy = `an audit policy with level RequestResponse, stage ResponseComplete, for create, update, patch, delete and deletecollection of pods, statefulsets and ` +
	`persistentvolumeclaims with their subresources ("conformance manifests audit-policy" prints one)`

// write is a request that changed something, and what it left behind.
type write struct {
	at       time.Time
	verb, by string
	object
	answer
}

// Log holds the writes of some files of one cluster.
type Log struct {
	of        func(namespace string) bool
	writes    map[string][]*write // by namespace, "" for nodes
	ids       map[string]struct{} // of those lines, since rotated files may overlap
	n, bare   int                 // how many writes there are, and how many without an object
	from, to  time.Time           // of all lines of the log
	statuses  map[string]bool     // the namespaces of whose pods a kubelet wrote the status
	withoutIt map[string]map[string]int
	nodes     nodes
}

// New returns a log without lines, which will keep the writes in those namespaces that a function chooses.
func New(of func(namespace string) bool) *Log {
	return &Log{of: of, writes: map[string][]*write{}, ids: map[string]struct{}{}, statuses: map[string]bool{}, withoutIt: map[string]map[string]int{}, nodes: nodes{}}
}

// Read adds the lines of a file, which may be compressed with gzip. The error names the line that is none of an audit log.
func (g *Log) Read(r io.Reader) error {
	in := bufio.NewReaderSize(r, 1<<20)
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		in = bufio.NewReaderSize(zip, 1<<20)
	}
	scanner := bufio.NewScanner(in)
	scanner.Buffer(make([]byte, 0, 1<<20), maxLine)
	n := 0
	for scanner.Scan() {
		n++
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := g.add(text); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

func (g *Log) add(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return fmt.Errorf("expected a line of an audit log: %w", err)
	}
	if !l.isEvent() {
		return fmt.Errorf("expected a line of an audit log (kind Event of %s), found kind %q of %q", apiVersion, l.Kind, l.APIVersion)
	}
	if g.from.IsZero() || l.StageTimestamp.Before(g.from) {
		g.from = l.StageTimestamp
	}
	if l.StageTimestamp.After(g.to) {
		g.to = l.StageTimestamp
	}
	if !l.wrote() || l.ObjectRef.empty() == nil || (l.ObjectRef.Namespace != "" && !g.of(l.ObjectRef.Namespace)) {
		return nil
	}
	if _, known := g.ids[l.AuditID]; known && l.AuditID != "" {
		return nil
	}
	g.ids[l.AuditID] = struct{}{}
	return g.keep(&l)
}

// keep takes note of a write.
func (g *Log) keep(l *line) error {
	w := &write{at: l.StageTimestamp, verb: l.Verb, by: l.author(), object: *l.ObjectRef}
	switch w.Subresource {
	case "", "status", "ephemeralcontainers", "resize", "scale", "eviction":
	default:
		return nil // it leaves no version behind that the answer has, or none at all
	}
	var err error
	if w.answer, err = answerOf(l); err != nil {
		return fmt.Errorf("the answer to %s of %s %s: %w", l.Verb, w.Resource, w.Name, err)
	}
	if len(w.objects) == 1 && w.verb != "deletecollection" {
		w.Name = w.objects[0].Name // a request to create may leave it open
	}
	if w.Resource == string(history.Nodes) && len(w.objects) == 1 && w.verb != "delete" && g.nodes.repeats(w.objects[0]) {
		return nil
	}
	if g.n++; g.n > maxWrites {
		return fmt.Errorf("more than %d writes: name fewer namespaces, or give parts of the log", maxWrites)
	}
	if w.Subresource != "eviction" && len(w.objects) == 0 && w.scale == nil && w.gone == "" && len(l.ResponseObject) == 0 {
		g.bare++
		if g.withoutIt[w.Namespace] == nil {
			g.withoutIt[w.Namespace] = map[string]int{}
		}
		g.withoutIt[w.Namespace][w.path()]++
	}
	if w.Resource == string(history.Pods) && w.Subresource == "status" && len(w.objects) > 0 {
		g.statuses[w.Namespace] = true
	}
	g.writes[w.Namespace] = append(g.writes[w.Namespace], w)
	return nil
}

// path is the resource with its subresource, as policies name it.
func (w *write) path() string {
	if w.Subresource == "" {
		return w.Resource
	}
	return w.Resource + "/" + w.Subresource
}

// Check reports a log that tells nothing.
func (g *Log) Check() error {
	switch {
	case g.from.IsZero():
		return errors.New("no line of an audit log is in it")
	case g.n == 0:
		return fmt.Errorf("it has no write of pods or StatefulSets in these namespaces, which takes %s", Policy)
	case g.n == g.bare:
		return fmt.Errorf("its %d writes have no objects, as at level Metadata; it takes %s", g.n, Policy)
	}
	return nil
}

// Namespaces returns those in which the log shows a StatefulSet, or a pod of one, sorted.
func (g *Log) Namespaces() []string {
	found := map[string]bool{}
	for name, all := range g.writes {
		found[name] = name != "" && slices.ContainsFunc(all, func(w *write) bool {
			return slices.ContainsFunc(w.objects, func(e *history.Event) bool {
				return e.Resource == history.Sets || (e.Resource == history.Pods && e.Controller() != nil && e.Controller().Kind == "StatefulSet")
			})
		})
	}
	maps.DeleteFunc(found, func(_ string, is bool) bool { return !is })
	return slices.Sorted(maps.Keys(found))
}

// version is the resource version that a write left behind, and of which object, zero and "" where it does not say.
func (w *write) version() (uid string, rv uint64) {
	switch {
	case len(w.objects) == 1:
		return string(w.objects[0].UID), w.objects[0].RV()
	case w.scale != nil:
		return string(w.scale.UID), scaleVersion(w.scale)
	}
	return "", 0
}

func scaleVersion(s *autoscalingv1.Scale) uint64 {
	n, err := strconv.ParseUint(s.ResourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
