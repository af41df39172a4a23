// Package sanitize makes text that a cluster, a container or somebody else's report wrote harmless where it is shown: on a terminal, in the log of
// a CI job, in Markdown, in a command to copy. It stands on the standard library alone. The page and the JUnit report escape by their own libraries.
package sanitize

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text replaces what a terminal or a CI job would obey: control characters but line feed and tab, marks of the direction of writing, bytes that
// are not UTF-8, a colon that begins a line (::error::) and the second of two number signs (##[group], ##vso[).
func Text(s string) string {
	var b strings.Builder
	(&cleaner{}).clean(&b, s)
	return b.String()
}

// ShellWord quotes a text that a shell would not take for one word, for commands that are shown to be copied.
func ShellWord(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("-_./:,@+=", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}

// cleaner holds what the next character of a text depends on.
type cleaner struct {
	inLine bool // the line holds more than space
	sign   bool // the character before was a number sign
}

func (c *cleaner) clean(b *strings.Builder, s string) {
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(b, `\x%02x`, s[0])
		case unicode.IsControl(r):
			fmt.Fprintf(b, `\x%02x`, r)
		case unicode.Is(unicode.Bidi_Control, r), r == '\u2028', r == '\u2029':
			fmt.Fprintf(b, `\u%04x`, r)
		case r == ':' && !c.inLine, r == '#' && c.sign:
			fmt.Fprintf(b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
		c.sign = r == '#'
		c.inLine = r != '\n' && (c.inLine || !unicode.IsSpace(r))
		s = s[size:]
	}
}

// Writer returns a writer that writes what Text makes of what is written. A character must not be cut by the end of a Write.
func Writer(w io.Writer) io.Writer { return &writer{w: w} }

type writer struct {
	w io.Writer
	c cleaner
}

// Write returns the length of what was given, as io.Writer wants it, or 0 with an error.
func (w *writer) Write(p []byte) (int, error) {
	var b strings.Builder
	w.c.clean(&b, string(p))
	if _, err := io.WriteString(w.w, b.String()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// markdown escapes what Markdown and HTML would take for markup, and breaks up addresses that become links by themselves.
//
//nolint:gochecknoglobals // Never changes.
var markdown = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "!", `\!`,
	"|", `\|`, "#", `\#`, "~", `\~`, "$", `\$`, "@", "&#64;", "://", "&#58;//", "www.", "www&#46;")

// Markdown returns a text as one line of Markdown that shows it to the letter, without markup, images and links.
func Markdown(s string) string { return markdown.Replace(Text(strings.Join(strings.Fields(s), " "))) }

// Code returns a text as one line of inline code in Markdown.
func Code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "|", `\|`).Replace(Text(strings.Join(strings.Fields(s), " "))) + "`"
}
