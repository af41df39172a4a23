package report_test

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// TestPictures holds the README's pictures to what a page can carry. With -update (make pictures) it takes them anew, of the
// reports on the recorded runs.
func TestPictures(t *testing.T) {
	folder := filepath.Join("..", "..", "..", ".github", "pictures")
	pictures := map[string]func(t *testing.T, tab *tab) []byte{
		"conformant": func(t *testing.T, tab *tab) []byte {
			t.Helper()
			const example = `[id^="spec-The-lesson-s-example"]`
			ask[bool](tab, "document.querySelector('"+example+"').closest('details').open = true")
			return take(t, tab, chromedp.Screenshot("details.spec:has("+example+")"))
		},
		"database": func(t *testing.T, tab *tab) []byte {
			t.Helper()
			const spec = `document.querySelector("details.spec:has(svg)")`
			ask[bool](tab, spec+".open = true")
			// The timeline, without what can be opened below it.
			ask[bool](tab, `(`+spec+`.querySelectorAll("figure ~ *").forEach(e => e.remove()), true)`)
			return take(t, tab, chromedp.Screenshot("details.spec:has(svg)"))
		},
		"order-ignored": func(t *testing.T, tab *tab) []byte {
			t.Helper()
			ask[bool](tab, `(document.querySelectorAll("article ~ *, main > * ~ *").forEach(e => e.remove()), true)`)
			tab.do(chromedp.EmulateViewport(900, ask[int64](tab, `Math.ceil(document.body.getBoundingClientRect().height)`)))
			return take(t, tab, chromedp.CaptureScreenshot())
		},
		"drained-cluster": func(t *testing.T, tab *tab) []byte {
			t.Helper()
			// The first timeline, down to its legend.
			const upTo = `document.querySelectorAll("section[aria-labelledby=timeline] details")[0].getBoundingClientRect().top`
			tab.do(chromedp.EmulateViewport(900, ask[int64](tab, `Math.floor(`+upTo+`)`)))
			return take(t, tab, chromedp.CaptureScreenshot())
		},
	}
	var b *browser
	for name, of := range pictures {
		file := filepath.Join(folder, name+".png")
		if *update {
			if b == nil {
				b = startBrowser(t)
			}
			var dir string
			if name == "drained-cluster" {
				dir, _ = drainedCluster(t)
			} else {
				dir = recordedRun(t, name)
				render(t, dir)
			}
			tab := openTab(t, b, filepath.Join(dir, report.PageFile), 900)
			tab.media("screen", "light")
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, of(t, tab), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v: make pictures takes it", err)
		}
		picture, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil || picture.Width < 600 || picture.Height < 200 || len(data) > 100_000 {
			t.Errorf("expected %s to be a picture of less than 100 kB, found %d bytes, %d × %d, %v", file, len(data), picture.Width, picture.Height, err)
		}
	}
}

func take(t *testing.T, tab *tab, shot chromedp.Action[[]byte]) []byte {
	t.Helper()
	data, err := chromedp.Run(tab.ctx, shot)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&small, picture); err != nil {
		t.Fatal(err)
	}
	return small.Bytes()
}
