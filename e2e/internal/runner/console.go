package runner

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// maxSilence is how long the console may stay without a line.
const maxSilence = 10 * time.Second

// console prints the progress of the specs: one line for every spec that ended, failures at once and in full, and after ten silent seconds
// what is running and what it waits for.
type console struct {
	out     io.Writer
	running map[int]runningSpec
	total   int
	ended   int
	last    time.Time
}

type runningSpec struct {
	text, waits string
	since       time.Time
}

// follow prints events until their channel is closed, and calls broken for each that says something is. A console that cannot be written to ends no run: the
// report holds the same.
func follow(events <-chan Event, out io.Writer, broken func()) {
	c := console{out: out, running: map[int]runningSpec{}, last: time.Now()}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case e, open := <-events:
			if !open {
				return
			}
			c.show(e)
			if e.Broken != "" {
				broken()
			}
		case <-ticker.C:
			c.breakSilence()
		}
	}
}

func (c *console) printf(format string, args ...any) {
	fmt.Fprintf(c.out, format, args...)
	c.last = time.Now()
}

func (c *console) show(e Event) {
	if e.Total > 0 {
		c.total = e.Total
	}
	switch {
	case e.Began != "":
		c.running[e.Process] = runningSpec{text: e.Began, since: time.Now()}
	case e.Broken != "":
		c.printf("%s\n", indent(e.Broken))
	case e.Waits != "":
		r := c.running[e.Process]
		r.waits = e.Waits
		c.running[e.Process] = r
	case e.Ended != "":
		delete(c.running, e.Process)
		c.ended++
		c.printf("[%*d/%d] %s %5.1f s  %s\n", len(fmt.Sprint(c.total)), c.ended, c.total, outcomeOf(e.State), e.Seconds, e.Ended)
		if e.Message != "" {
			c.printf("%s\n", indent(e.Message))
		}
	}
}

func (c *console) breakSilence() {
	if time.Since(c.last) < maxSilence {
		return
	}
	for _, r := range c.running {
		waits := ""
		if r.waits != "" {
			waits = "\n" + indent(r.waits)
		}
		c.printf("          ... %3.0f s  %s%s\n", time.Since(r.since).Seconds(), r.text, waits)
	}
	if len(c.running) == 0 {
		c.printf("          ... no spec is running: preparing, or cleaning up\n")
	}
}

func outcomeOf(state string) string {
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
