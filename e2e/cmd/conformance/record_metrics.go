package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/export"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/recorder"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// defaultMetricsAge is how old an answer may be: it takes a walk through all events of the present histories.
const defaultMetricsAge = 5 * time.Second

// present is the history of a namespace that is not finished yet.
type present struct {
	rec  *recorder.Recorder
	from time.Time
}

// metrics answers requests for the counts and figures of a recording that goes on.
type metrics struct {
	hs  *histories
	age time.Duration

	mu   sync.Mutex
	text []byte
	at   time.Time
}

// listen answers requests at an address, such as :9090, until the returned function is called. flag is the one that names the address.
func listen(ctx context.Context, flag, address string, handler http.Handler) (at string, end func() error, err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, cli.UsageError{Err: fmt.Errorf("%s: %w", flag, err)}
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	return listener.Addr().String(), func() error {
		err := server.Close()
		if served := <-done; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	}, nil
}

// serving begins to answer at the addresses that the options name, and returns what ends that.
func (o *recordOptions) serving(ctx context.Context, hs *histories, progress io.Writer) (end func() error, err error) {
	var ends []func() error
	end = func() error {
		var errs []error
		for _, f := range slices.Backward(ends) {
			errs = append(errs, f())
		}
		return errors.Join(errs...)
	}
	if o.metrics != "" {
		at, f, err := listen(ctx, "--metrics", o.metrics, metricsHandler(hs))
		if err != nil {
			return nil, err
		}
		ends = append(ends, f)
		fmt.Fprintf(progress, "record: metrics at http://%s/metrics\n", at)
	}
	if o.pages != "" {
		folder, err := os.OpenRoot(o.folder)
		if err != nil {
			return nil, errors.Join(cli.UsageError{Err: fmt.Errorf("--pages: %w", err)}, end())
		}
		ends = append(ends, folder.Close)
		at, f, err := listen(ctx, "--pages", o.pages, pagesHandler(folder))
		if err != nil {
			return nil, errors.Join(err, end())
		}
		ends = append(ends, f)
		fmt.Fprintf(progress, "record: pages at http://%s\n", at)
	}
	return end, nil
}

// metricsHandler answers with the counts and figures of a recording that goes on, and says that the process is alive.
func metricsHandler(hs *histories) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", &metrics{hs: hs, age: hs.o.metricsAge})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	return mux
}

// archive is the path of the whole folder as one file.
const archive = "/recordings.tar.gz"

// pagesHandler answers with the files of a folder with recordings, each or all in one archive. A link that leads out of the folder is not followed.
func pagesHandler(folder *os.Root) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(folder.FS()))
	mux.HandleFunc("GET "+archive, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/gzip")
		if err := export.Pack(w, folder.Name(), gzip.BestSpeed); err != nil {
			panic(http.ErrAbortHandler) // a connection that breaks off shows that the archive is not whole
		}
	})
	return mux
}

// ServeHTTP answers with OpenMetrics' text format.
func (m *metrics) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	text, err := m.current()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", report.MetricsType)
	_, _ = w.Write(text)
}

// current returns the text as of now, or of a short while ago.
func (m *metrics) current() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.text != nil && time.Since(m.at) < m.age {
		return m.text, nil
	}
	r, sets := m.hs.preview()
	var text bytes.Buffer
	if err := report.WriteRecordingMetrics(&text, r, sets); err != nil {
		return nil, err
	}
	m.text, m.at = text.Bytes(), time.Now()
	return m.text, nil
}

// preview returns the recording with the histories that are not finished yet, and the sets as they are now.
func (hs *histories) preview() (*recording.Recording, []report.SetNow) {
	hs.mu.Lock()
	defer hs.mu.Unlock()
	r := hs.r
	r.Cost = hs.took.sum()
	var sets []report.SetNow
	for _, name := range r.Namespaces {
		p, begun := hs.present[name]
		if !begun {
			continue
		}
		r = r.Preview(p.rec.History(), p.rec.Now(), recording.Span{From: p.from}, hs.chosen)
		p.rec.View(func(s *history.State) {
			for _, e := range s.List(history.Sets) {
				if hs.chosen(e.Labels) {
					sets = append(sets, report.SetNow{Namespace: name, Name: e.Name, Replicas: e.Set.Replicas, Ready: e.Set.Status.Ready})
				}
			}
		})
	}
	return r, sets
}
