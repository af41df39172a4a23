package history_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// full is a history with records of every kind.
func full() *history.History {
	s := historytest.New()
	s.Running("web", 2, historytest.Claims("data"))
	s.DeleteByTest("web-0")
	s.FinishDeletion("web-0")
	from := s.Now()
	s.Wait(time.Second)
	s.Gap(history.Pods, from)
	s.Check(history.Check{Guarantee: contract.OrderingCreate, Outcome: history.Passed, Text: `quotes " and <brackets> & ümlauts`})
	s.Add(&history.Event{Resource: history.Revisions, Meta: history.Meta{Name: "web-1"}, Revision: &history.Revision{Number: 1, Data: "abc"}})
	s.Add(&history.Event{Resource: history.Services, Meta: history.Meta{Name: "web"}, Service: &history.Service{ClusterIPs: []string{"None"}}})
	s.Add(&history.Event{Resource: history.Slices, Meta: history.Meta{Name: "web-x"}, Slice: &history.Slice{
		Service: "web", Endpoints: []history.Endpoint{{Addresses: []string{"10.0.0.1"}, Target: "web-1", Ready: true}},
	}})
	s.Terminate("web-1")
	s.DeleteSet("web")
	s.Begin(history.Operation{Verb: history.VerbScale, Resource: history.Sets, Name: "web"})(history.Accepted, &history.Result{UID: "u", Generation: 2, ResourceVersion: "7"})
	s.Begin(history.Operation{Verb: history.VerbEvict, Resource: history.Pods, Name: "web-1"})(history.Refused, nil)
	s.Begin(history.Operation{Verb: history.VerbDelete, Resource: history.Sets, Selector: "app in (web,db)"})
	s.Expect(history.Expectation{Guarantee: contract.OrderingCreate, Kind: history.ExpectContainerExit, Resource: history.Pods, Name: "web-0", UID: "u", ExitCode: 7, GraceSeconds: 30, Text: "ends by itself"})
	s.Expect(history.Expectation{Guarantee: contract.LifecycleAdoption, Kind: history.ExpectKept, Resource: history.Pods, Name: "web-0", UID: "u", Controller: new(types.UID("")), Text: "stays"})
	s.Client(time.Second, history.ClientOperation{Client: 3, Member: "db-1", Verb: history.ClientPut, Key: "a", Value: 7})
	s.Client(0, history.ClientOperation{Member: "db-0", Verb: history.ClientGet, Key: "a", Found: 7})
	s.Client(0, history.ClientOperation{Member: "db-0", Verb: history.ClientSwap, Key: "a", Value: 8, Expected: 7, Outcome: history.ClientUnknown, Reason: "reset"})
	s.Client(0, history.ClientOperation{Member: "db-0", Verb: history.ClientList, Entries: []history.Range{{1, 4}, {7, 7}}})
	s.Member(history.MemberState{Member: "db-0", ID: "a1", Leader: "a1", Index: 12, Version: "3.7.0"})
	h := s.History()
	h.Header.Spec, h.Header.Proves, h.Header.Version = "a spec", []contract.ID{contract.OrderingCreate}, "v1.36.0"
	return h
}

func written(t testing.TB, h *history.History) string {
	t.Helper()
	var out bytes.Buffer
	if err := h.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func same(t testing.TB, want, got *history.History) {
	t.Helper()
	// Written, an empty list and none are the same.
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("read is not what was written (-written +read):\n%s", diff)
	}
}

func TestWhatIsWrittenReadsBack(t *testing.T) {
	h := full()
	got, err := history.Read(strings.NewReader(written(t, h)))
	if err != nil {
		t.Fatal(err)
	}
	same(t, h, got)
}

func TestSaveAndLoad(t *testing.T) {
	h := full()
	dir := t.TempDir()
	for _, name := range []string{"plain.jsonl", "packed.jsonl.gz"} {
		path := filepath.Join(dir, name)
		for range 2 { // the second time over the first file
			if err := h.Save(path); err != nil {
				t.Fatal(err)
			}
		}
		got, err := history.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		same(t, h, got)
	}
	plain, packed := size(t, dir, "plain.jsonl"), size(t, dir, "packed.jsonl.gz")
	if packed*3 > plain {
		t.Errorf("expected the packed file to be a third of the plain one at most, found %d and %d bytes", packed, plain)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".history-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func size(t *testing.T, dir, name string) int64 {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestSaveNamesTheFileThatFailed(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "missing", "h.jsonl"), dir} {
		if err := full().Save(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("expected an error that names %s, found %v", path, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".history-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestLoadRefusesDamagedFiles(t *testing.T) {
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if _, err := io.WriteString(zip, written(t, full())); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	whole := packed.Bytes()
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 0xff
	for name, data := range map[string][]byte{
		"empty":           nil,
		"one byte":        {0x1f},
		"gzip's magic":    {0x1f, 0x8b},
		"half a gzip":     whole[:len(whole)/2],
		"a flipped byte":  flipped,
		"without its sum": whole[:len(whole)-4],
	} {
		path := filepath.Join(t.TempDir(), "h.jsonl.gz")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if h, err := history.Load(path); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: expected an error that names the file, found %v and %v", name, err, h)
		}
	}
	if _, err := history.Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("expected an error for a file that is not there")
	}
}

func TestAFileWithoutItsEndWasCutShort(t *testing.T) {
	text := written(t, full())
	lines := strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
	for n := 1; n < len(lines); n++ {
		h, err := history.Read(strings.NewReader(strings.Join(lines[:n], "")))
		if err != nil {
			t.Fatalf("cut after line %d: %v", n, err)
		}
		if h.End != nil {
			t.Fatalf("cut after line %d: expected no end, found %+v", n, h.End)
		}
	}
	for _, cut := range []int{1, len(lines[0]) - 2, len(lines[0]) + 10, len(text) - 3} {
		if _, err := history.Read(strings.NewReader(text[:cut])); err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
			t.Errorf("cut after %d bytes, inside a record: expected an unexpected EOF, found %v", cut, err)
		}
	}
}

// The parts that hostile files are put together from.
const (
	header = `{"header":{"format":"statefulset-history/v3","spec":"","namespace":"n","start":"2026-01-02T03:04:05Z","lag":0,"clockSkew":0}}` + "\n"
	first  = `{"operation":{"seq":1,"at":5,"verb":"other","outcome":"unknown","text":""}}` + "\n"
	second = `{"operation":{"seq":2,"at":6,"verb":"other","outcome":"unknown","text":""}}` + "\n"
	// done is an operation that returned.
	done = `{"operation":{"seq":1,"at":5,"returnSeq":2,"returnAt":6,"verb":"scale","outcome":"accepted","result":{"uid":"u","rv":"1"},"text":""}}` + "\n"
	end3 = `{"end":{"seq":3,"at":7,"complete":true}}` + "\n"
)

func event(resource, rest string) string {
	return `{"event":{"seq":9,"at":9,"change":"added","resource":"` + resource + `","meta":{"name":"x-1","uid":"u","rv":"1"}` + rest + `}}` + "\n"
}

func client(fields string) string {
	return `{"client":{"seq":9,"at":5,"client":1,"member":"db-0",` + fields + `}}` + "\n"
}

func TestReadRefusesWhatIsNoHistory(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"nothing":                    {"", "empty"},
		"blank lines":                {"\n\n \n", "empty"},
		"not JSON":                   {"hello", "record 1"},
		"not an object":              {"[1,2]", "record 1"},
		"null":                       {"null", "found 0 of them"},
		"no header":                  {first + end3, "header on the first line"},
		"another format":             {`{"header":{"format":"statefulset-history/v4","spec":"","namespace":"","start":"2026-01-02T03:04:05Z","lag":0,"clockSkew":0}}`, `"statefulset-history/v3"`},
		"no format":                  {`{"header":{"spec":""}}`, "expected format"},
		"a negative lag":             {strings.Replace(header, `"lag":0`, `"lag":-1`, 1), "negative"},
		"two headers":                {header + header, "record 2: expected the header on the first line and only there"},
		"a header at the end":        {header + first + end3 + header, "record 4"},
		"a record after the end":     {header + end3 + second, "nothing after the end"},
		"an end after the end":       {header + end3 + strings.Replace(end3, "3", "4", 1), "nothing after the end"},
		"an end out of order":        {header + strings.Replace(first, `"seq":1`, `"seq":3`, 1) + end3, "must rise"},
		"a client of no verb":        {header + client(`"verb":"take","key":"a","outcome":"ok"`), "unknown verb"},
		"a client of no outcome":     {header + client(`"verb":"get","key":"a"`), "unknown outcome"},
		"a put of nothing":           {header + client(`"verb":"put","key":"a","outcome":"ok"`), "do not fit it"},
		"a get that writes":          {header + client(`"verb":"get","key":"a","value":1,"outcome":"ok"`), "do not fit it"},
		"a list of one key":          {header + client(`"verb":"list","key":"a","outcome":"ok"`), "do not fit it"},
		"found without an answer":    {header + client(`"verb":"get","key":"a","found":1,"outcome":"unknown"`), "has found something"},
		"entries that fall":          {header + client(`"verb":"list","outcome":"ok","entries":[[3,4],[4,5]]`), "must rise"},
		"an end before the call":     {header + client(`"verb":"get","key":"a","outcome":"ok","call":9`), "before its call"},
		"a member without an ID":     {header + `{"member":{"seq":1,"at":0,"call":0,"member":"db-0"}}`, "its pod and its ID"},
		"an empty record":            {header + "{}", "found 0 of them"},
		"two in one record":          {header + `{"operation":{"seq":1,"at":0,"verb":"other","outcome":"unknown","text":""},"end":{"seq":2,"at":0,"complete":true}}`, "found 2 of them"},
		"wrong order":                {header + second + first, "record 3: sequence numbers must rise: 1 after 2"},
		"the same number twice":      {header + first + first, "must rise: 1 after 1"},
		"number zero":                {header + strings.Replace(first, `"seq":1`, `"seq":0`, 1), "must rise"},
		"a negative number":          {header + strings.Replace(first, `"seq":1`, `"seq":-4`, 1), "must rise"},
		"a number too great":         {header + strings.Replace(first, `"seq":1`, `"seq":99999999999999999999`, 1), "record 2"},
		"a fraction":                 {header + strings.Replace(first, `"seq":1`, `"seq":1.5`, 1), "record 2"},
		"time that runs back":        {header + first + strings.Replace(second, `"at":6`, `"at":4`, 1), "time must not run backwards"},
		"time before the start":      {header + strings.Replace(first, `"at":5`, `"at":-5`, 1), "time must not run backwards"},
		"an unknown field":           {header + strings.Replace(first, `"text"`, `"texts"`, 1), `unknown field "texts"`},
		"an unknown record":          {header + `{"pod":{}}`, `unknown field "pod"`},
		"garbage behind a record":    {header + strings.TrimSpace(first) + " garbage\n", "record 3"},
		"garbage behind the end":     {header + end3 + "garbage", "record 3"},
		"an event without object":    {header + event("pods", ""), "lacks its object"},
		"an event with another's":    {header + event("pods", `,"claim":{}`), "lacks its object"},
		"an event with two objects":  {header + event("pods", `,"pod":{},"claim":{}`), "objects of other resources"},
		"an unknown resource":        {header + event("jobs", `,"pod":{}`), `unknown resource "jobs"`},
		"no resource":                {header + event("", `,"pod":{}`), `unknown resource ""`},
		"an unknown change":          {header + strings.Replace(event("pods", `,"pod":{}`), "added", "moved", 1), `unknown change "moved"`},
		"an event without a name":    {header + strings.Replace(event("pods", `,"pod":{}`), "x-1", "", 1), "name and uid"},
		"an event without a uid":     {header + strings.Replace(event("pods", `,"pod":{}`), `"uid":"u"`, `"uid":""`, 1), "name and uid"},
		"an event without a meta":    {header + `{"event":{"seq":9,"at":9,"change":"added","resource":"pods","pod":{}}}`, "name and uid"},
		"an empty deletion":          {header + strings.Replace(event("pods", `,"pod":{}`), `"rv":"1"`, `"deletion":"0001-01-01T00:00:00Z"`, 1), "empty deletion"},
		"no time":                    {header + strings.Replace(event("pods", `,"pod":{}`), `"rv":"1"`, `"created":"yesterday"`, 1), "record 2"},
		"a time too fine":            {header + event("pods", `,"pod":{"conditions":[{"type":"Ready","status":"True","transition":"2026-01-02T03:04:05.5Z"}]}`), "whole seconds"},
		"an Event object too fine":   {header + event("events", `,"report":{"reason":"r","reporter":"c","kind":"k","object":"o","last":"2026-01-02T03:04:05.5Z"}`), "whole seconds"},
		"an event without report":    {header + event("events", ""), "lacks its object"},
		"a time too late":            {header + event("pods", `,"pod":{"containers":[{"name":"a","state":"running","started":"9999-12-31T23:59:59-10:00"}]}`), "years 0 to 9999"},
		"a gap that ends first":      {header + `{"gap":{"seq":1,"resource":"pods","from":5,"to":4,"reason":""}}`, "ends (4ns) before it begins (5ns)"},
		"a gap of nothing":           {header + `{"gap":{"seq":1,"resource":"","from":4,"to":5,"reason":""}}`, "unknown resource"},
		"a check without an outcome": {header + `{"check":{"seq":1,"at":0,"guarantee":"a/b","outcome":"ok","text":""}}`, `unknown outcome "ok"`},
		"a mark of the first format": {header + `{"mark":{"seq":1,"at":5,"act":"other","text":""}}`, `unknown field "mark"`},
		"an unknown outcome":         {header + strings.Replace(first, `"unknown"`, `"done"`, 1), `unknown outcome "done" of an operation`},
		"no outcome":                 {header + strings.Replace(first, `"outcome":"unknown",`, "", 1), `unknown outcome ""`},
		"no verb":                    {header + strings.Replace(first, `"verb":"other",`, "", 1), "needs a verb"},
		"a return before the call":   {header + strings.Replace(done, `"returnSeq":2`, `"returnSeq":1`, 1), "returns (1, 6ns) before its call (1, 5ns)"},
		"a return that is too early": {header + strings.Replace(done, `"returnAt":6`, `"returnAt":4`, 1), "before its call"},
		"a return without a place":   {header + strings.Replace(first, `"verb"`, `"returnAt":6,"verb"`, 1), "before its call"},
		"an outcome, no return":      {header + strings.Replace(first, `"unknown"`, `"refused"`, 1), "refused without a return"},
		"a refusal with a result":    {header + strings.Replace(done, `"accepted"`, `"refused"`, 1), "outcome is refused has a result"},
		"a return in another place":  {header + done + second, "2 is that of an operation's return"},
		"two returns in one place":   {header + strings.Replace(done, `"returnSeq":2`, `"returnSeq":3`, 1) + strings.NewReplacer(`"seq":1`, `"seq":2`, `"returnSeq":2`, `"returnSeq":3`).Replace(done), "3 is that of another operation's return"},
		"a selector of one object":   {header + strings.Replace(first, `"text"`, `"selector":"a=b","text"`, 1), "only the deletion of a collection"},
		"a bad selector":             {header + strings.Replace(first, `"verb":"other",`, `"verb":"delete","selector":"a=(",`, 1), `label selector "a=("`},
		"an unknown expectation":     {header + `{"expectation":{"seq":1,"at":0,"guarantee":"a/b","kind":"hope","resource":"pods","name":"a","uid":"u","text":""}}`, `unknown kind "hope"`},
		"an expectation of nothing":  {header + `{"expectation":{"seq":1,"at":0,"guarantee":"a/b","kind":"left-alone","resource":"pods","name":"a","uid":"","text":""}}`, "name and uid"},
		"a record without end":       {header + `{"operation":{"text":"` + strings.Repeat("x", 9<<20), "longer than"},
		"space without end":          {header + strings.Repeat(" ", 9<<20), "longer than"},
		"deep nesting":               {header + strings.Repeat(`{"event":`, 100_000), "record 2"},
	} {
		h, err := history.Read(strings.NewReader(tt.text))
		if err == nil {
			t.Errorf("%s: expected an error with %q, found %+v", name, tt.want, h)
		} else if !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: expected an error with %q, found %q", name, tt.want, err)
		}
	}
}

func TestReadForgivesBlankLinesAndForeignLineEnds(t *testing.T) {
	h, err := history.Read(strings.NewReader(strings.ReplaceAll(header+"\n"+first+second+end3, "\n", "\r\n")))
	if err != nil || len(h.Operations) != 2 || h.End == nil {
		t.Errorf("expected two operations and an end, found %+v and %v", h, err)
	}
}

func TestReadPassesOnTheErrorOfItsReader(t *testing.T) {
	if _, err := history.Read(io.MultiReader(strings.NewReader(header), broken{})); err == nil || !strings.Contains(err.Error(), "cable cut") {
		t.Errorf("expected the reader's own error, found %v", err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, os.NewSyscallError("cable cut", os.ErrClosed) }

func TestWritePassesOnTheErrorOfItsWriter(t *testing.T) {
	h := full()
	for _, after := range []int{0, 1, 5, 20} {
		if err := h.Write(&disk{left: after}); err == nil {
			t.Errorf("expected an error after %d writes", after)
		}
	}
}

// disk is a disk that is full after some writes.
type disk struct{ left int }

func (d *disk) Write(p []byte) (int, error) {
	if d.left == 0 {
		return 0, io.ErrShortWrite
	}
	d.left--
	return len(p), nil
}

// TestReadReadsTheSecondFormat: it differs in what it lacks.
func TestReadReadsTheSecondFormat(t *testing.T) {
	h, err := history.Read(strings.NewReader(strings.Replace(header, "/v3", "/v2", 1) + first + second + end3))
	if err != nil || len(h.Operations) != 2 || h.Header.Format != history.Format {
		t.Errorf("expected two operations, found %+v and %v", h, err)
	}
}

// TestReadReadsTheFirstFormat: its marks are operations of which only the call is known.
func TestReadReadsTheFirstFormat(t *testing.T) {
	h, err := history.Load(filepath.Join("testdata", "v1.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	want := []history.Operation{
		{Seq: 1, At: 1, Verb: history.VerbCreate, Resource: history.Sets, Name: "web", Outcome: history.Unknown, Text: "create set web"},
		{Seq: 3, At: 3, Verb: history.VerbBlockReadiness, Resource: history.Pods, Name: "web-0", UID: "p", Outcome: history.Unknown, Text: "hold web-0"},
		{Seq: 4, At: 4, Verb: history.VerbUnblockReadiness, Resource: history.Pods, Name: "web-0", UID: "p", Outcome: history.Unknown, Text: "release web-0"},
		{Seq: 5, At: 5, Verb: history.VerbStopNode, Resource: "nodes", Name: "node", Outcome: history.Unknown, Text: "pause node node"},
		{Seq: 6, At: 6, Verb: history.VerbStartNode, Resource: "nodes", Name: "node", Outcome: history.Unknown, Text: "resume node node"},
		{Seq: 7, At: 7, Verb: history.VerbFenceNode, Resource: "nodes", Name: "node", Outcome: history.Unknown, Text: "declare node node out of service"},
		{Seq: 8, At: 8, Verb: history.VerbDelete, Resource: history.Sets, Outcome: history.Unknown, Text: "delete all sets with the label a=b"},
	}
	if diff := cmp.Diff(want, h.Operations); diff != "" {
		t.Errorf("operations (-want +read):\n%s", diff)
	}
	if h.Header.Format != history.Format || len(h.Gaps) != 1 || len(h.Checks) != 1 || h.End == nil || !h.End.Invalid {
		t.Errorf("expected a gap, a check and an invalid end, found %+v", h)
	}
	again, err := history.Read(strings.NewReader(written(t, h)))
	if err != nil {
		t.Fatal(err)
	}
	same(t, h, again)
}

func TestTheFirstFormatHasNoOperations(t *testing.T) {
	v1 := strings.Replace(header, "/v3", "/v1", 1)
	for _, record := range []string{first, strings.Replace(end3, "complete", "invalid", 1)} {
		if _, err := history.Read(strings.NewReader(v1 + record)); err == nil || !strings.Contains(err.Error(), "unknown field") {
			t.Errorf("%s: expected an unknown field, found %v", record, err)
		}
	}
}
