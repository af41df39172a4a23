package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// keyboard goes over the page with the tab key alone, and folds and unfolds with Enter and the space bar.
func keyboard(t *testing.T, browser *browser, file string) {
	t.Helper()
	tab := openTab(t, browser, file, 1280)
	// What can be used, in the order of the page, as the reader sees it.
	usable := ask[int](tab, `[...document.querySelectorAll("summary, a[href], [tabindex='0']")].filter(e => e.checkVisibility()).length`)
	ask[int](tab, `window.visited = 0; addEventListener("focusin", e => { if (e.target.matches("summary, a[href], [tabindex='0']")) visited++ }); 0`)
	for range usable {
		tab.do(chromedp.KeyEvent(kb.Tab))
	}
	if visited := ask[int](tab, `visited`); visited != usable || usable < 20 {
		t.Errorf("expected the tab key to visit all %d that can be used, it visited %d", usable, visited)
	}

	family := func() bool { return ask[bool](tab, `document.querySelector("details.family").open`) }
	before := family()
	tab.do(chromedp.Focus("details.family > summary"), chromedp.KeyEvent(kb.Enter))
	if family() == before {
		t.Error("expected Enter to fold a family or unfold it")
	}
	tab.do(chromedp.KeyEvent(" "))
	if family() != before {
		t.Error("expected the space bar to put it back")
	}
	outline := ask[string](tab, `getComputedStyle(document.activeElement).outlineStyle`)
	if outline != "solid" {
		t.Errorf("expected to see where the focus is, found the outline %q", outline)
	}

	// Who hears the page has its pictures and regions told.
	mute := ask[[]string](tab, `[...document.querySelectorAll("svg, [role=region], section")].filter(e => !e.getAttribute("aria-label") && !document.getElementById(e.getAttribute("aria-labelledby"))).map(e => e.outerHTML.slice(0, 80))`)
	if len(mute) > 0 {
		t.Errorf("expected a label for each, found none on %q", mute)
	}
	ids := ask[[]string](tab, `[...document.querySelectorAll("[id]")].map(e => e.id)`)
	slices.Sort(ids)
	if len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Error("expected every place on the page to have a name of its own")
	}
	if lost := ask[[]string](tab, `[...document.querySelectorAll("a[href^='#']")].map(a => a.hash.slice(1)).filter(id => !document.getElementById(id))`); len(lost) > 0 {
		t.Errorf("expected every link within the page to lead somewhere, found %q", lost)
	}
}

// linksUnfold follows a finding to a spec that a reader has folded.
func linksUnfold(t *testing.T, browser *browser, file string) {
	t.Helper()
	tab := openTab(t, browser, file, 1280)
	hidden := `(a => { const d = document.getElementById(a.hash.slice(1)).closest("details"); %s })(document.querySelector("article a[href^='#']"))`
	fold := ask[bool](tab, replace(hidden, `d.open = false; return document.getElementById(a.hash.slice(1)).checkVisibility()`))
	if fold {
		t.Fatal("expected the spec to be folded")
	}
	tab.do(chromedp.Focus("article a[href^='#']"), chromedp.KeyEvent(kb.Enter))
	if !ask[bool](tab, replace(hidden, `return d.open && d.getBoundingClientRect().top < innerHeight`)) {
		t.Error("expected the link to unfold the spec and show it")
	}
}

func replace(pattern, with string) string { return strings.Replace(pattern, "%s", with, 1) }

// contrasts measures every text against what is behind it, in light and in dark: 4.5 is what WCAG 2 asks (success criterion 1.4.3).
func contrasts(t *testing.T, browser *browser, file string) {
	t.Helper()
	tab := openTab(t, browser, file, 1280)
	tab.fold(false)
	background := map[string]bool{}
	for _, theme := range []string{"light", "dark"} {
		tab.media("screen", theme)
		background[ask[string](tab, `getComputedStyle(document.body).backgroundColor`)] = true
		faint := ask[[]string](tab, `(() => {
			const rgb = s => s.match(/[\d.]+/g).map(Number)
			const luminance = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0)
			const behind = e => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c } }
			const faint = []
			for (const e of document.querySelectorAll("body *:not(svg *)")) {
				if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue
				const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(behind(e))].sort((x, y) => y - x)
				const contrast = (a + .05) / (b + .05)
				if (contrast < 4.5) faint.push(contrast.toFixed(2) + " " + e.tagName + "." + e.className + " " + e.textContent.slice(0, 40))
			}
			return [...new Set(faint)].slice(0, 10)
		})()`)
		if len(faint) > 0 {
			t.Errorf("%s: expected texts that stand out, found %q", theme, faint)
		}
	}
	if len(background) != 2 {
		t.Errorf("expected a light page and a dark one, found %v", background)
	}
}

// prints looks at the page as a printer does: the guarantees are there though they are folded on the screen.
func prints(t *testing.T, browser *browser, file string) {
	t.Helper()
	tab := openTab(t, browser, file, 1280)
	tab.fold(true)
	cells := `[...document.querySelectorAll("details.family:not(.idle) td")].filter(e => e.checkVisibility({contentVisibilityAuto: true})).length`
	if n := ask[int](tab, cells); n != 0 {
		t.Fatalf("expected folded families on the screen, found %d cells", n)
	}
	tab.media("print", "light")
	// What was folded is laid out with one of the next frames.
	laidOut := fmt.Sprintf(`new Promise(done => {
		let looks = 200
		const look = () => { const n = %s; n > 0 || --looks === 0 ? done(n) : setTimeout(look, 50) }
		look()
	})`, cells)
	n, err := chromedp.Run(tab.ctx, chromedp.Evaluate[int](laidOut, chromedp.EvalAwaitPromise))
	if err != nil || n < 50 {
		t.Errorf("expected the guarantees on paper, found %d cells, %v", n, err)
	}
}
