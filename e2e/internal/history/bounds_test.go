package history_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// A few KiB of gzip must not fill the memory.
func TestReadHasABound(t *testing.T) {
	r, w := io.Pipe()
	go func() {
		_, err := io.WriteString(w, header)
		for i := 1; err == nil; i++ {
			_, err = fmt.Fprintf(w, `{"gap":{"seq":%d,"resource":"pods"}}`+"\n", i)
		}
	}()
	defer func() { _ = r.Close() }()
	if _, err := history.Read(r); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("expected a file without end to be rejected, found %v", err)
	}
}
