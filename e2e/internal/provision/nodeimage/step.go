package nodeimage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// step is one part of the build. Its result is a folder named by a digest of all that went into it, so that a step runs again exactly
// when one of its inputs has changed.
type step struct {
	name   string   // of the folder
	title  string   // for a person
	inputs []string // all that the result depends on, beside the steps before it
	after  []*step
	// make fills the empty folder out.
	make func(ctx context.Context, out string) error
}

// key digests the step's inputs and those of every step before it.
func (s *step) key() string {
	hash := sha256.New()
	write := func(text string) { fmt.Fprintf(hash, "%d:%s\n", len(text), text) }
	write(s.name)
	for _, input := range s.inputs {
		write(input)
	}
	for _, before := range s.after {
		write(before.key())
	}
	return hex.EncodeToString(hash.Sum(nil))[:12]
}

// builder runs steps and reports progress.
type builder struct {
	dir string
	log *progress
}

// dirOf is where a step's result is, once it has run.
func (b *builder) dirOf(s *step) string { return filepath.Join(b.dir, s.name+"-"+s.key()) }

// parallel runs several lists of steps beside each other, each list in its order. A step must not depend on one of another list.
func (b *builder) parallel(ctx context.Context, lists ...[]*step) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, list := range lists {
		group.Go(func() error {
			for _, s := range list {
				if err := b.run(ctx, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// run makes a step's result unless it is there already.
func (b *builder) run(ctx context.Context, s *step) error {
	done := b.dirOf(s)
	if _, err := os.Stat(done); err == nil {
		b.log.cached(s.title)
		return nil
	}
	partial := done + ".partial"
	if err := errors.Join(os.RemoveAll(partial), os.MkdirAll(partial, 0o755)); err != nil {
		return err
	}
	b.log.begin(s.title)
	start := time.Now()
	if err := s.make(ctx, partial); err != nil {
		return errors.Join(fmt.Errorf("node image: %s: %w", s.title, err), os.RemoveAll(partial))
	}
	b.log.end(s.title, time.Since(start))
	return os.Rename(partial, done)
}

// progress prints which of how many steps runs, and what is next.
type progress struct {
	mu     sync.Mutex
	out    io.Writer
	titles []string
	begun  map[string]bool
}

func newProgress(out io.Writer, steps ...*step) *progress {
	p := &progress{out: out, begun: map[string]bool{}}
	for _, s := range steps {
		p.titles = append(p.titles, s.title)
	}
	return p
}

func (p *progress) begin(title string) {
	p.print(title, "building", true)
}

func (p *progress) cached(title string) {
	p.print(title, "cached", false)
}

func (p *progress) end(title string, took time.Duration) {
	p.print(title, fmt.Sprintf("done in %.0f s", took.Seconds()), false)
}

func (p *progress) print(title, what string, next bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.begun[title] = true
	number, following := 0, ""
	for i, t := range p.titles {
		if t == title {
			number = i + 1
		}
		if following == "" && !p.begun[t] {
			following = t
		}
	}
	line := fmt.Sprintf("node image: step %d of %d: %s: %s", number, len(p.titles), title, what)
	if next && following != "" {
		line += " (next: " + following + ")"
	}
	fmt.Fprintln(p.out, line)
}
