package history

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Format is the version of the file format, in each file's first line.
const Format = "statefulset-history/v1"

// maxRecord bounds one record of a file: a pod with hundreds of containers stays far below it, a hostile file does not get
// further.
const maxRecord = 4 << 20

// line is one line of a file: exactly one field is set.
type line struct {
	Header *Header    `json:"header,omitempty"`
	Event  *Event     `json:"event,omitempty"`
	Gap    *Gap       `json:"gap,omitempty"`
	Mark   *Operation `json:"mark,omitempty"`
	Check  *Check     `json:"check,omitempty"`
	End    *End       `json:"end,omitempty"`
}

// Write writes the history as JSON Lines: the header, every record by its sequence number, the end.
func (h *History) Write(w io.Writer) error {
	enc := json.NewEncoder(w)
	header := h.Header
	header.Format = Format
	if err := enc.Encode(line{Header: &header}); err != nil {
		return err
	}
	var e, g, m, c int
	for {
		// Four sorted lists are merged back into the one order in which they were recorded.
		next, seq := line{}, -1
		take := func(s int, l line) {
			if seq < 0 || s < seq {
				next, seq = l, s
			}
		}
		if e < len(h.Events) {
			take(h.Events[e].Seq, line{Event: h.Events[e]})
		}
		if g < len(h.Gaps) {
			take(h.Gaps[g].Seq, line{Gap: &h.Gaps[g]})
		}
		if m < len(h.Operations) {
			take(h.Operations[m].Seq, line{Mark: &h.Operations[m]})
		}
		if c < len(h.Checks) {
			take(h.Checks[c].Seq, line{Check: &h.Checks[c]})
		}
		switch {
		case next.Event != nil:
			e++
		case next.Gap != nil:
			g++
		case next.Mark != nil:
			m++
		case next.Check != nil:
			c++
		default:
			if h.End != nil {
				return enc.Encode(line{End: h.End})
			}
			return nil
		}
		if err := enc.Encode(next); err != nil {
			return err
		}
	}
}

// Read reads what Write wrote. A history without an end is returned with End nil: it was cut short, and judging it is
// inconclusive. Anything that is not a history is an error that names the record, which is the line where nobody edited the
// file.
func Read(r io.Reader) (*History, error) {
	in := &meter{r: r, left: maxRecord}
	// One decoder for the whole file: one for each line would allocate its buffers a million times over.
	dec := json.NewDecoder(in)
	dec.DisallowUnknownFields()
	file := reading{h: &History{}, newest: map[types.UID]*Event{}}
	for n := 1; ; n++ {
		var l line
		err := dec.Decode(&l)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("record %d is not one of a history: %w", n, err)
		}
		if err := file.add(l); err != nil {
			return nil, fmt.Errorf("record %d: %w", n, err)
		}
		in.left = maxRecord
	}
	if file.h.Header.Format == "" {
		return nil, errors.New("empty: expected a first line with the header of a history")
	}
	return file.h, nil
}

// meter is a reader that gives up when it was not refilled in time.
type meter struct {
	r    io.Reader
	left int
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, fmt.Errorf("longer than %d bytes", maxRecord)
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	return n, err
}

// reading is a file half read.
type reading struct {
	h      *History
	last   int           // the newest sequence number
	at     time.Duration // and its time
	newest map[types.UID]*Event
}

func (f *reading) add(l line) error {
	first := f.h.Header.Format == ""
	switch n := l.fields(); {
	case n != 1:
		return fmt.Errorf("expected one of header, event, gap, mark, check, end; found %d of them", n)
	case first != (l.Header != nil):
		return errors.New("expected the header on the first line and only there")
	case f.h.End != nil:
		return errors.New("expected nothing after the end record")
	}
	if l.Header != nil {
		f.h.Header = *l.Header
		return l.Header.valid()
	}
	seq, at, err := l.when()
	switch {
	case err != nil:
		return err
	case seq <= f.last:
		return fmt.Errorf("sequence numbers must rise: %d after %d", seq, f.last)
	case at < f.at:
		return fmt.Errorf("time must not run backwards: %v after %v", at, f.at)
	}
	f.last, f.at = seq, at
	switch h := f.h; {
	case l.Event != nil:
		l.Event.Share(f.newest[l.Event.UID])
		f.newest[l.Event.UID] = l.Event
		h.Events = append(h.Events, l.Event)
	case l.Gap != nil:
		h.Gaps = append(h.Gaps, *l.Gap)
	case l.Mark != nil:
		h.Operations = append(h.Operations, *l.Mark)
	case l.Check != nil:
		h.Checks = append(h.Checks, *l.Check)
	case l.End != nil:
		h.End = l.End
	}
	return nil
}

func (l *line) fields() int {
	return count(l.Header != nil, l.Event != nil, l.Gap != nil, l.Mark != nil, l.Check != nil, l.End != nil)
}

// when returns a record's place in the history, or why it has none.
func (l *line) when() (seq int, at time.Duration, err error) {
	switch {
	case l.Event != nil:
		return l.Event.Seq, l.Event.At, l.Event.valid()
	case l.Gap != nil:
		return l.Gap.Seq, l.Gap.To, l.Gap.valid()
	case l.Mark != nil:
		return l.Mark.Seq, l.Mark.At, nil
	case l.Check != nil:
		return l.Check.Seq, l.Check.At, l.Check.valid()
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
	if err = errors.Join(err, buf.Flush(), tmp.Chmod(0o644), tmp.Close()); err != nil {
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
	buf := bufio.NewReader(f)
	var in io.Reader = buf
	if magic, _ := buf.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(buf)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		in = zip
	}
	h, err := Read(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}
