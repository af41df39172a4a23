package imagelayer

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestLayerIsTheSameEachTime(t *testing.T) {
	render := func() []byte {
		var out bytes.Buffer
		l := New().Text("/b", 0o644, []byte("bee")).Dir("/a", 0o755).Link("/c", "b")
		if err := l.Write(&out); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	first := render()
	if !bytes.Equal(first, render()) {
		t.Error("the same files make different layers")
	}
	var names []string
	for reader := tar.NewReader(bytes.NewReader(first)); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, header.Name)
	}
	if got := strings.Join(names, " "); got != "a/ b c" {
		t.Errorf("got %q", got)
	}
}
