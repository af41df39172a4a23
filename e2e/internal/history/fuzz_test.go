package history_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// FuzzRead holds the reader to its word: an error or a history, never a panic, and what it read it can write and read again.
func FuzzRead(f *testing.F) {
	text := written(f, full())
	f.Add([]byte(text))
	for _, l := range strings.SplitAfter(text, "\n") {
		f.Add([]byte(header + l))
	}
	f.Add([]byte(header + first + second + end3))
	f.Add([]byte(header + done + end3))
	v1, err := os.ReadFile(filepath.Join("testdata", "v1.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v1)
	f.Add([]byte(header + event("pods", `,"pod":{"conditions":[{"type":"Ready","status":"True","transition":"2026-01-02T03:04:05+07:00"}]}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := history.Read(bytes.NewReader(data))
		if err != nil {
			return
		}
		again, err := history.Read(strings.NewReader(written(t, h)))
		if err != nil {
			t.Fatalf("what was read and written cannot be read: %v", err)
		}
		same(t, h, again)
	})
}
