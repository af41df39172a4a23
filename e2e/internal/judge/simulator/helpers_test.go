package simulator_test

import (
	"bytes"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// told returns the history as it is written.
func told(h *history.History) string {
	var out bytes.Buffer
	if err := h.Write(&out); err != nil {
		panic(err)
	}
	return out.String()
}

// reread writes the history and reads it back.
func reread(t *testing.T, h *history.History) *history.History {
	t.Helper()
	out, err := history.Read(bytes.NewReader([]byte(told(h))))
	if err != nil {
		t.Fatal(err)
	}
	return out
}
