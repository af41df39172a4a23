package report_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
)

// browserVariable names the browser to test with. Without it one is looked for on PATH, and it is a failure if there is none;
// "none" leaves these tests out, which make test then says.
const browserVariable = "BROWSER"

// browser is a browser that runs for a test.
type browser struct{ ctx context.Context }

// startBrowser starts a browser that ends with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	program := os.Getenv(browserVariable)
	if program == "none" {
		t.Skipf("not run: %s=none", browserVariable)
	}
	names := []string{program}
	if program == "" {
		names = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}
	}
	path := ""
	for _, name := range names {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Fatalf("none of %s is there: install Chromium (Debian package chromium), or leave these tests out with %s=none", strings.Join(names, ", "), browserVariable)
	}
	options := append(
		chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WSURLReadTimeout(2*time.Minute),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.UserDataDir(t.TempDir()), // of its own: nobody's settings, and two tests at a time do not meet
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // the sandbox refuses root
	}
	allocated, stop := chromedp.NewExecAllocator(t.Context(), options...)
	ctx, stopBrowser := chromedp.NewContext(allocated)
	t.Cleanup(func() { stopBrowser(); stop() })
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	return &browser{ctx}
}

// tab is a page that is open in a browser.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu sync.Mutex
	// Requests are all that the page asked for but itself, Complaints what the browser had to say about it.
	requests, complaints []string
}

// openTab opens a file in a new tab, at a width.
func openTab(t *testing.T, browser *browser, file string, width int64) *tab {
	t.Helper()
	ctx, stop := chromedp.NewContext(browser.ctx)
	t.Cleanup(stop)
	ctx, stopInTime := context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(stopInTime)
	tab := &tab{t: t, ctx: ctx}
	address := (&url.URL{Scheme: "file", Path: file}).String()
	err := chromedp.Listen(ctx, func(event any) {
		tab.mu.Lock()
		defer tab.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.Request.URL != address && !strings.HasPrefix(e.Request.URL, "data:") {
				tab.requests = append(tab.requests, e.Request.URL)
			}
		case *runtime.EventExceptionThrown:
			tab.complaints = append(tab.complaints, e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			tab.complaints = append(tab.complaints, fmt.Sprintf("console.%s", e.Type))
		case *log.EventEntryAdded: //nolint:forbidigo // the browser's log, not ours
			tab.complaints = append(tab.complaints, e.Entry.Text) //nolint:forbidigo // the browser's log, not ours
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	tab.do(chromedp.EmulateViewport(width, 900), chromedp.Navigate(address))
	return tab
}

func (tab *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	if err := chromedp.Do(tab.ctx, actions...); err != nil {
		tab.t.Fatal(err)
	}
}

// ask evaluates a JavaScript expression on the page.
func ask[T any](tab *tab, expression string) T {
	tab.t.Helper()
	answer, err := chromedp.Run(tab.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		tab.t.Fatal(err)
	}
	return answer
}

// media has the page shown as a medium and a theme want it: "print", or "light" and "dark" on a screen.
func (tab *tab) media(medium, theme string) {
	tab.t.Helper()
	_, err := chromedp.Call(tab.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: medium, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
	if err != nil {
		tab.t.Fatal(err)
	}
	// The page learns of it with one of its next frames.
	query := fmt.Sprintf("%s and (prefers-color-scheme: %s)", medium, theme)
	learnt := chromedp.Evaluate[bool](fmt.Sprintf(`new Promise(done => {
		const query = matchMedia(%q)
		query.matches ? done(true) : query.addEventListener("change", () => done(query.matches))
	})`, query), chromedp.EvalAwaitPromise)
	if now, err := chromedp.Run(tab.ctx, learnt); err != nil || !now {
		tab.t.Fatalf("the page is not shown as %s: %v", query, err)
	}
}

// fold folds or unfolds everything.
func (tab *tab) fold(folded bool) {
	tab.t.Helper()
	ask[bool](tab, fmt.Sprintf(`(document.querySelectorAll("details").forEach(d => d.open = %t), true)`, !folded))
}

// heard returns what the page asked for and what the browser complained about.
func (tab *tab) heard() (requests, complaints []string) {
	tab.mu.Lock()
	defer tab.mu.Unlock()
	return append([]string{}, tab.requests...), append([]string{}, tab.complaints...)
}

// TestPageInABrowser looks at the page as its readers do.
func TestPageInABrowser(t *testing.T) {
	browser := startBrowser(t)
	dirs := map[string]string{}
	for _, name := range []string{"conformant", "order-ignored"} {
		dirs[name] = recordedRun(t, name)
		render(t, dirs[name])
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dirs[name], "index.html")
			t.Run("loads alone and without a complaint", func(t *testing.T) { loadsAlone(t, browser, file) })
			t.Run("bars are where the history has them", func(t *testing.T) { barsMatch(t, browser, dirs[name]) })
			t.Run("fits any width", func(t *testing.T) { fits(t, browser, file) })
			t.Run("can be read in any light", func(t *testing.T) { contrasts(t, browser, file) })
			t.Run("is usable by keyboard", func(t *testing.T) { keyboard(t, browser, file) })
			t.Run("prints the guarantees", func(t *testing.T) { prints(t, browser, file) })
		})
	}
	t.Run("violations are in place", func(t *testing.T) { violationsInPlace(t, browser, dirs["order-ignored"]) })
	t.Run("links unfold", func(t *testing.T) { linksUnfold(t, browser, filepath.Join(dirs["order-ignored"], "index.html")) })
	t.Run("a set of 1,000 pods opens fast", func(t *testing.T) { opensFast(t, browser) })
	t.Run("the watch over requests and complaints sees them", func(t *testing.T) { watchSees(t, browser, dirs["conformant"]) })
}

func loadsAlone(t *testing.T, browser *browser, file string) {
	t.Helper()
	tab := openTab(t, browser, file, 1280)
	tab.fold(false)
	if requests, complaints := tab.heard(); len(requests)+len(complaints) > 0 {
		t.Errorf("expected a page that stands alone, found requests %q and complaints %q", requests, complaints)
	}
	if title := ask[string](tab, `document.title`); !strings.Contains(title, "onformant") || !strings.Contains(title, "v1.36.3") {
		t.Errorf("expected a title with the verdict and the version, found %q", title)
	}
}

// watchSees shows that the test of requests and complaints can fail.
func watchSees(t *testing.T, browser *browser, dir string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]string{
		"a picture from the network": `<img src="http://192.0.2.1/pixel.png">`,
		"a script":                   `<script>throw new Error("x")</script>`,
		"a style sheet beside it":    `<link rel="stylesheet" href="style.css">`,
	} {
		file := filepath.Join(t.TempDir(), "index.html")
		if err := os.WriteFile(file, []byte(strings.Replace(string(data), "</main>", broken+"</main>", 1)), 0o644); err != nil {
			t.Fatal(err)
		}
		if requests, complaints := openTab(t, browser, file, 1280).heard(); len(requests)+len(complaints) == 0 {
			t.Errorf("expected %s to be noticed", name)
		}
	}
}

func fits(t *testing.T, browser *browser, file string) {
	t.Helper()
	tab := openTab(t, browser, file, 1280)
	tab.fold(false)
	for _, width := range []int64{320, 390, 768, 1920} {
		tab.do(chromedp.EmulateViewport(width, 900))
		if wide := ask[int64](tab, `document.documentElement.scrollWidth`); wide > width {
			who := ask[[]string](tab, `[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("svg, .scroll, pre")).map(e => e.tagName + "." + e.className)`)
			t.Errorf("at %d px the page is %d px wide because of %q", width, wide, who)
		}
	}
}

// opensFast measures how long a page takes with a set that no person will look at pod by pod.
func opensFast(t *testing.T, browser *browser) {
	t.Helper()
	page, err := largeSetPage()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), report.PageFile)
	if err := os.WriteFile(file, page, 0o644); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	tab := openTab(t, browser, file, 1280)
	rows := ask[int](tab, `document.querySelectorAll("details.spec[open] svg > g[transform]").length`)
	timing := ask[struct{ Load, Interactive float64 }](tab, `(n => ({Load: n.loadEventEnd, Interactive: n.domInteractive}))(performance.getEntriesByType("navigation")[0])`)
	t.Logf("interactive after %.2f s, loaded after %.2f s, %.2f s in all", timing.Interactive/1000, timing.Load/1000, time.Since(begin).Seconds())
	if rows != 2000 {
		t.Errorf("expected the rows of 1,000 pods and 1,000 claims, found %d", rows)
	}
	if timing.Load > 20_000 {
		t.Errorf("expected a page that opens within seconds even on a busy machine, found %.1f s", timing.Load/1000)
	}
}
