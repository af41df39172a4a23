package history

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/redact"
)

// Format is the version of the file format that Write writes, in each file's first line. Read reads the former ones too: formatV2 has no
// Event objects of the API, formatV1 has marks in place of operations.
const (
	Format   = "statefulset-history/v3"
	formatV2 = "statefulset-history/v2"
	formatV1 = "statefulset-history/v1"
)

// maxRecord bounds one record of a file: a pod with hundreds of containers stays far below it, a hostile file does not get
// further.
const maxRecord = 4 << 20

// maxRecords and maxTotal bound a file: the longest recordings of real clusters have some thousand records. A few KiB of gzip can hold GiB.
const (
	maxRecords = 500_000
	maxTotal   = 512 << 20
)

// line is one line of a file: exactly one field is set.
type line struct {
	Header      *Header      `json:"header,omitempty"`
	Event       *Event       `json:"event,omitempty"`
	Gap         *Gap         `json:"gap,omitempty"`
	Operation   *Operation   `json:"operation,omitempty"`
	Expectation *Expectation `json:"expectation,omitempty"`
	Check       *Check       `json:"check,omitempty"`
	// Client and Member are of histories with a database.
	Client *ClientOperation `json:"client,omitempty"`
	Member *MemberState     `json:"member,omitempty"`
	End    *End             `json:"end,omitempty"`
}

// record is a line with its sequence number.
type record struct {
	seq int
	line
}

// records returns all but the header and the end, by their sequence numbers.
func (h *History) records() []record {
	all := make([]record, 0, len(h.Events)+len(h.Gaps)+len(h.Operations)+len(h.Expectations)+len(h.Checks)+len(h.Clients)+len(h.Members))
	for _, e := range h.Events {
		all = append(all, record{e.Seq, line{Event: e}})
	}
	for i := range h.Gaps {
		all = append(all, record{h.Gaps[i].Seq, line{Gap: &h.Gaps[i]}})
	}
	for i := range h.Operations {
		all = append(all, record{h.Operations[i].Seq, line{Operation: &h.Operations[i]}})
	}
	for i := range h.Expectations {
		all = append(all, record{h.Expectations[i].Seq, line{Expectation: &h.Expectations[i]}})
	}
	for i := range h.Checks {
		all = append(all, record{h.Checks[i].Seq, line{Check: &h.Checks[i]}})
	}
	for _, o := range h.Clients {
		all = append(all, record{o.Seq, line{Client: o}})
	}
	for _, m := range h.Members {
		all = append(all, record{m.Seq, line{Member: m}})
	}
	slices.SortStableFunc(all, func(a, b record) int { return cmp.Compare(a.seq, b.seq) })
	return all
}

// Write writes the history as JSON Lines: the header, every record by its sequence number, the end.
func (h *History) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	header := h.Header
	header.Format = Format
	if err := enc.Encode(line{Header: &header}); err != nil {
		return err
	}
	for _, r := range h.records() {
		if err := enc.Encode(r.withoutAddresses()); err != nil {
			return err
		}
	}
	if h.End == nil {
		return nil
	}
	return enc.Encode(line{End: h.End}.withoutAddresses())
}

// withoutAddresses returns the record without the addresses that the errors of requests name: the API server's and those of nodes.
func (l line) withoutAddresses() line {
	switch {
	case l.Gap != nil:
		l.Gap = new(*l.Gap)
		l.Gap.Reason = redact.Server(l.Gap.Reason)
	case l.Operation != nil:
		l.Operation = new(*l.Operation)
		l.Operation.Reason = redact.Server(l.Operation.Reason)
	case l.Check != nil:
		l.Check = new(*l.Check)
		l.Check.Text = redact.Server(l.Check.Text)
	case l.Client != nil:
		l.Client = new(*l.Client)
		l.Client.Reason = redact.Server(l.Client.Reason)
	case l.End != nil:
		l.End = new(*l.End)
		l.End.Reason = redact.Server(l.End.Reason)
	}
	return l
}

// Read reads what Write wrote, or what was written in a former format. A history without an end is returned with End nil: it was cut
// short, and judging it is inconclusive. Anything that is not a history is an error that names the record, which is the line where nobody
// edited the file.
func Read(r io.Reader) (*History, error) {
	total := &io.LimitedReader{R: r, N: maxTotal}
	in := &io.LimitedReader{R: total}
	dec := json.NewDecoder(in)
	dec.DisallowUnknownFields()
	file := reader{h: &History{}, returns: map[int]bool{}}
	for n := 1; ; n++ {
		in.N = maxRecord
		l, err := file.decode(dec)
		switch {
		case n > maxRecords || total.N <= 0:
			return nil, fmt.Errorf("longer than %d records or %d bytes", maxRecords, maxTotal)
		case err != nil && in.N <= 0:
			return nil, fmt.Errorf("record %d is longer than %d bytes", n, maxRecord)
		case errors.Is(err, io.EOF):
			if file.h.Header.Format == "" {
				return nil, errors.New("empty: expected a first line with the header of a history")
			}
			return file.h, nil
		case err != nil:
			return nil, fmt.Errorf("record %d is not one of a history: %w", n, err)
		}
		if err := file.add(l); err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
	}
}

// reader is the state of Read between two records.
type reader struct {
	h       *History
	v1      bool
	last    int           // the newest sequence number
	at      time.Duration // and its time
	returns map[int]bool  // the sequence numbers of the operations' returns
	sharer  Sharer
}

// decode reads one record, of the current format or the first one; the second has the records of the current one.
func (f *reader) decode(dec *json.Decoder) (line, error) {
	if f.v1 {
		var old lineV1
		err := dec.Decode(&old)
		return old.current(), err
	}
	var l line
	err := dec.Decode(&l)
	return l, err
}

func (f *reader) add(l line) error {
	first := f.h.Header.Format == ""
	switch n := l.fields(); {
	case n != 1:
		return fmt.Errorf("expected one of header, event, gap, operation, expectation, check, client, member, end; found %d of them", n)
	case first != (l.Header != nil):
		return errors.New("expected the header on the first line and only there")
	case f.h.End != nil:
		return errors.New("expected nothing after the end record")
	}
	if l.Header != nil {
		if err := l.Header.valid(); err != nil {
			return err
		}
		f.v1 = l.Header.Format == formatV1
		f.h.Header = *l.Header
		f.h.Header.Format = Format
		return nil
	}
	seq, at, err := l.when()
	switch {
	case err != nil:
		return err
	case seq <= f.last:
		return fmt.Errorf("sequence numbers must rise: %d after %d", seq, f.last)
	case f.returns[seq]:
		return fmt.Errorf("sequence number %d is that of an operation's return", seq)
	case at < f.at:
		return fmt.Errorf("time must not run backwards: %v after %v", at, f.at)
	}
	f.last, f.at = seq, at
	switch h := f.h; {
	case l.Event != nil:
		f.sharer.Share(l.Event)
		h.Events = append(h.Events, l.Event)
	case l.Gap != nil:
		h.Gaps = append(h.Gaps, *l.Gap)
	case l.Operation != nil:
		if n := l.Operation.ReturnSeq; n > 0 {
			if f.returns[n] {
				return fmt.Errorf("sequence number %d is that of another operation's return", n)
			}
			f.returns[n] = true
		}
		h.Operations = append(h.Operations, *l.Operation)
	case l.Expectation != nil:
		h.Expectations = append(h.Expectations, *l.Expectation)
	case l.Check != nil:
		h.Checks = append(h.Checks, *l.Check)
	case l.Client != nil:
		h.Clients = append(h.Clients, l.Client)
	case l.Member != nil:
		h.Members = append(h.Members, l.Member)
	case l.End != nil:
		h.End = l.End
	}
	return nil
}

func (l *line) fields() int {
	return count(l.Header != nil, l.Event != nil, l.Gap != nil, l.Operation != nil, l.Expectation != nil, l.Check != nil, l.Client != nil, l.Member != nil, l.End != nil)
}

// when returns a record's place in the history, or why the record is invalid.
func (l *line) when() (seq int, at time.Duration, err error) {
	switch {
	case l.Event != nil:
		return l.Event.Seq, l.Event.At, l.Event.valid()
	case l.Gap != nil:
		return l.Gap.Seq, l.Gap.To, l.Gap.valid()
	case l.Operation != nil:
		return l.Operation.Seq, l.Operation.At, l.Operation.valid()
	case l.Expectation != nil:
		return l.Expectation.Seq, l.Expectation.At, l.Expectation.valid()
	case l.Check != nil:
		return l.Check.Seq, l.Check.At, l.Check.valid()
	case l.Client != nil:
		return l.Client.Seq, l.Client.At, l.Client.valid()
	case l.Member != nil:
		return l.Member.Seq, l.Member.At, l.Member.valid()
	default:
		return l.End.Seq, l.End.At, nil
	}
}

// Save writes the history to a file, compressed when its name ends in .gz. The file appears whole or not at all.
func (h *History) Save(path string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("saving history %s: %w", path, err)
		}
	}()
	tmp, err := os.CreateTemp(filepath.Dir(path), ".history-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	buf := bufio.NewWriter(tmp)
	var out io.Writer = buf
	var zip *gzip.Writer
	if strings.HasSuffix(path, ".gz") {
		zip = gzip.NewWriter(buf)
		out = zip
	}
	err = h.Write(out)
	if zip != nil {
		err = errors.Join(err, zip.Close())
	}
	if err = errors.Join(err, buf.Flush(), tmp.Chmod(0o600), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}

// Load reads a history file, compressed or not.
func Load(path string) (*History, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	h, err := Decode(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// Decode reads a history's file, compressed or not.
func Decode(r io.Reader) (*History, error) {
	buf := bufio.NewReader(r)
	var in io.Reader = buf
	if magic, _ := buf.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(buf)
		if err != nil {
			return nil, err
		}
		in = zip
	}
	return Read(in)
}
