// Package progress carries what specs are doing from the test processes to the command that started them, while they do it: a
// file of JSON lines that every process appends to and the command follows.
package progress

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// File is where the lines go, below the report folder.
const File = "progress.jsonl"

// Line is one thing to tell.
type Line struct {
	// Process is the number of the test process, from 1.
	Process int     `json:"process"`
	Total   int     `json:"total,omitempty"` // how many specs are to run, once it is known
	Began   string  `json:"began,omitempty"` // a spec began
	Ended   string  `json:"ended,omitempty"` // a spec ended, as State
	State   string  `json:"state,omitempty"`
	Message string  `json:"message,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	// Waits is what the running spec waits for, told from time to time.
	Waits string `json:"waits,omitempty"`
}

// Writer appends lines to the file of a report folder.
type Writer struct {
	mu   sync.Mutex
	file *os.File
}

// Append opens the file of a report folder for writing.
func Append(path string) (*Writer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	return &Writer{file: f}, nil
}

// Tell appends a line. Lines of several processes do not mix, since each is one write to a file opened for appending.
func (w *Writer) Tell(l Line) error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.file.Write(append(data, '\n'))
	return err
}

// Close closes the file.
func (w *Writer) Close() error { return w.file.Close() }

// silence is how long the console may stay without a word.
const silence = 10 * time.Second

// look is how often the file is looked at: a file cannot be waited on without a dependency for it.
const look = 200 * time.Millisecond

// Follow prints what the file tells, until ctx ends and all that was written by then is printed: one line for every spec that
// ended, failures at once and in full, and after ten silent seconds what is running and what it waits for.
func Follow(ctx context.Context, path string, out io.Writer) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	c := console{out: out, running: map[int]running{}, spoke: time.Now()}
	in := bufio.NewReader(f)
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	partial := ""
	for {
		ended := ctx.Err() != nil
		for {
			text, err := in.ReadString('\n')
			partial += text
			if err != nil {
				if !errors.Is(err, io.EOF) {
					return err
				}
				break
			}
			var l Line
			if err := json.Unmarshal([]byte(partial), &l); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			partial = ""
			c.take(l)
		}
		if ended {
			return c.err
		}
		c.breakSilence()
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

type running struct {
	spec, waits string
	since       time.Time
}

type console struct {
	out     io.Writer
	err     error
	running map[int]running
	total   int
	ended   int
	spoke   time.Time
}

func (c *console) say(format string, args ...any) {
	if c.err == nil {
		_, c.err = fmt.Fprintf(c.out, format, args...)
	}
	c.spoke = time.Now()
}

func (c *console) take(l Line) {
	if l.Total > 0 {
		c.total = l.Total
	}
	r := c.running[l.Process]
	switch {
	case l.Began != "":
		c.running[l.Process] = running{spec: l.Began, since: time.Now()}
	case l.Waits != "":
		r.waits = l.Waits
		c.running[l.Process] = r
	case l.Ended != "":
		delete(c.running, l.Process)
		c.ended++
		c.say("[%*d/%d] %s %5.1f s  %s\n", len(fmt.Sprint(c.total)), c.ended, c.total, sign(l.State), l.Seconds, l.Ended)
		if l.Message != "" {
			c.say("%s\n", indent(l.Message))
		}
	}
}

func (c *console) breakSilence() {
	if time.Since(c.spoke) < silence {
		return
	}
	for _, r := range c.running {
		waits := ""
		if r.waits != "" {
			waits = "\n" + indent(r.waits)
		}
		c.say("          ... %3.0f s  %s%s\n", time.Since(r.since).Seconds(), r.spec, waits)
	}
	if len(c.running) == 0 {
		c.say("          ... no spec is running: preparing, or cleaning up\n")
	}
}

func sign(state string) string {
	switch state {
	case "passed":
		return "pass"
	case "skipped":
		return "skip"
	}
	return "FAIL"
}

func indent(text string) string {
	return "          " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n          ")
}
