package history

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Format is the version of the file format, in each file's first line.
const Format = "statefulset-history/v1"

// maxLine bounds one line of a file: a pod with hundreds of containers stays far below it, a hostile file does not get further.
const maxLine = 4 << 20

// line is one line of a file: exactly one field is set.
type line struct {
	Header *Header `json:"header,omitempty"`
	Event  *Event  `json:"event,omitempty"`
	Gap    *Gap    `json:"gap,omitempty"`
	Mark   *Mark   `json:"mark,omitempty"`
	Check  *Check  `json:"check,omitempty"`
	End    *End    `json:"end,omitempty"`
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
		if m < len(h.Marks) {
			take(h.Marks[m].Seq, line{Mark: &h.Marks[m]})
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
// inconclusive. Anything that is not a history is an error that names the line.
func Read(r io.Reader) (*History, error) {
	h := &History{}
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 64<<10), maxLine)
	number, last := 0, 0
	for in.Scan() {
		number++
		if len(bytes.TrimSpace(in.Bytes())) == 0 {
			continue
		}
		var l line
		dec := json.NewDecoder(bytes.NewReader(in.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&l); err != nil {
			return nil, fmt.Errorf("line %d is not a record of a history: %w", number, err)
		}
		if err := h.add(l, number == 1, &last); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("after line %d: %w", number, err)
	}
	if h.Header.Format == "" {
		return nil, errors.New("empty: expected a first line with the header of a history")
	}
	return h, nil
}

func (h *History) add(l line, first bool, last *int) error {
	if first != (l.Header != nil) {
		return errors.New("expected the header on the first line and only there")
	}
	if h.End != nil {
		return errors.New("expected nothing after the end record")
	}
	seq := -1
	switch {
	case l.Header != nil:
		if l.Header.Format != Format {
			return fmt.Errorf("expected format %q, found %q: judge it with the suite that wrote it", Format, l.Header.Format)
		}
		h.Header = *l.Header
		return nil
	case l.Event != nil:
		if err := l.Event.valid(); err != nil {
			return err
		}
		seq = l.Event.Seq
		h.Events = append(h.Events, l.Event)
	case l.Gap != nil:
		if l.Gap.To < l.Gap.From {
			return fmt.Errorf("a gap ends (%v) before it begins (%v)", l.Gap.To, l.Gap.From)
		}
		seq = l.Gap.Seq
		h.Gaps = append(h.Gaps, *l.Gap)
	case l.Mark != nil:
		seq = l.Mark.Seq
		h.Marks = append(h.Marks, *l.Mark)
	case l.Check != nil:
		seq = l.Check.Seq
		h.Checks = append(h.Checks, *l.Check)
	case l.End != nil:
		h.End = l.End
		return nil
	default:
		return errors.New("expected one of header, event, gap, mark, check, end")
	}
	if seq <= *last {
		return fmt.Errorf("sequence numbers must rise: %d after %d", seq, *last)
	}
	*last = seq
	return nil
}

// valid rejects events whose parts do not fit together, so that judges need not guard against them.
func (e *Event) valid() error {
	if e.Name == "" || e.UID == "" {
		return errors.New("an event needs its object's name and uid")
	}
	switch e.Change {
	case Listed, Added, Modified, Deleted, Missing:
	default:
		return fmt.Errorf("unknown change %q", e.Change)
	}
	set := map[Resource]bool{
		Pods: e.Pod != nil, Claims: e.Claim != nil, Sets: e.Set != nil,
		Revisions: e.Revision != nil, Slices: e.Slice != nil, Services: e.Service != nil,
	}
	known, ok := set[e.Resource]
	if !ok {
		return fmt.Errorf("unknown resource %q; recorded are %v", e.Resource, Resources())
	}
	if !known {
		return fmt.Errorf("an event of %s lacks its object", e.Resource)
	}
	n := 0
	for _, there := range set {
		if there {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("an event of %s holds objects of other resources too", e.Resource)
	}
	return nil
}

// Save writes the history to a file, compressed when its name ends in .gz. The file appears whole or not at all.
func (h *History) Save(path string) (err error) {
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
	err = errors.Join(err, buf.Flush(), tmp.Chmod(0o644), tmp.Close())
	if err != nil {
		return fmt.Errorf("saving history %s: %w", path, err)
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
