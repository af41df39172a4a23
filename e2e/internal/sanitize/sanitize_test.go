package sanitize_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"plain, ünïcode: 100 ×\t1\n":                         "plain, ünïcode: 100 ×\t1\n",
		"\x1b]52;c;Y3VybA==\x07":                             `\x1b]52;c;Y3VybA==\x07`,
		"\x1b[2J\x1b[HCONFORMANT":                            `\x1b[2J\x1b[HCONFORMANT`,
		"NOT CONFORMANT\rCONFORMANT":                         `NOT CONFORMANT\x0dCONFORMANT`,
		"\u009b2J \x7f":                                      `\x9b2J \x7f`,
		"raw \x9b2J":                                         `raw \x9b2J`,
		"\u202etnamrofnoc\u202c \u2066x\u2069 \u200f":        `\u202etnamrofnoc\u202c \u2066x\u2069 \u200f`,
		"why:\n::error::gone\n  ::set-output name=x::y\n":    "why:\n\\x3a:error::gone\n  \\x3a:set-output name=x::y\n",
		"a ##[group]b ##vso[task.complete] # one ##teamcity": `a #\x23[group]b #\x23vso[task.complete] # one #\x23teamcity`,
	} {
		if got := sanitize.Text(in); got != want {
			t.Errorf("%q: expected %q, found %q", in, want, got)
		}
	}
}

func TestWriterKnowsWhatWasWrittenBefore(t *testing.T) {
	var b strings.Builder
	w := sanitize.Writer(&b)
	for _, s := range []string{"spec", ": x\n", "  ", "::error::x #", "#[group]\n"} {
		if n, err := fmt.Fprint(w, s); err != nil || n != len(s) {
			t.Fatalf("expected %d bytes to be written, found %d, %v", len(s), n, err)
		}
	}
	if want := "spec: x\n  \\x3a:error::x #\\x23[group]\n"; b.String() != want {
		t.Errorf("expected %q, found %q", want, b.String())
	}
}

func TestMarkdown(t *testing.T) {
	in := "bad\n::error::x ![beacon](https://evil.example/p) <img src=x> | cell `code` **b** www.evil.example @team"
	got := sanitize.Markdown(in)
	for _, bad := range []string{"\n", "![beacon", "beacon](", "<", " | ", " `", "**", "https://", "www.", "@"} {
		if strings.Contains(got, bad) {
			t.Errorf("expected no %q in %s", bad, got)
		}
	}
	if got := sanitize.Code("a`b\n|c"); got != "`a'b \\|c`" {
		t.Errorf("found %s", got)
	}
}

func FuzzText(f *testing.F) {
	f.Add("\x1b]0;x\x07\u202e\x9b::error::")
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{sanitize.Text(s), sanitize.Markdown(s), sanitize.Code(s)} {
			if !utf8.ValidString(out) {
				t.Fatalf("%q is not UTF-8", out)
			}
			for _, r := range out {
				if (unicode.IsControl(r) && r != '\n' && r != '\t') || unicode.Is(unicode.Bidi_Control, r) {
					t.Fatalf("%q holds %U", out, r)
				}
			}
			if strings.Contains(out, "##") {
				t.Fatalf("%q holds two number signs", out)
			}
		}
	})
}

func TestShellWord(t *testing.T) {
	for in, want := range map[string]string{"web-0": "web-0", "registry:5000/a@sha256:b": "registry:5000/a@sha256:b", "a;b": "'a;b'", "$(a)": "'$(a)'", "it's": `'it'\''s'`} {
		if got := sanitize.ShellWord(in); got != want {
			t.Errorf("%q: expected %q, found %q", in, want, got)
		}
	}
}
