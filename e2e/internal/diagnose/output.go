package diagnose

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"

	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// Formats are the forms in which diagnoses are written: text for a terminal, the others for programs and tickets.
func Formats() []string { return []string{"text", "json", "yaml", "markdown"} }

// Diagnosis is what was found of one set, as programs read it.
type Diagnosis struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Outcome is healthy, explained (every symptom has a cause) or unexplained.
	Outcome  string     `json:"outcome"`
	Findings []withLine `json:"findings"`
	Unread   []Unread   `json:"unread,omitempty"`

	state *State
}

// withLine is a finding with its line in front.
type withLine struct {
	Line string `json:"line"`
	Finding
}

// Of diagnoses a state.
func Of(s *State) Diagnosis {
	d := Diagnosis{Namespace: s.Namespace, Name: s.Name, Findings: []withLine{}, Unread: s.Unread, state: s}
	found := Diagnose(s)
	d.Outcome = Conclude(found).String()
	for _, f := range found {
		d.Findings = append(d.Findings, withLine{f.Line(), f})
	}
	return d
}

// String is the outcome's name for programs.
func (o Outcome) String() string {
	return [...]string{Healthy: "healthy", Explained: "explained", Unexplained: "unexplained"}[o]
}

// Conclusion is the worst outcome of some diagnoses.
func Conclusion(all []Diagnosis) Outcome {
	worst := Healthy
	for _, d := range all {
		worst = max(worst, Conclude(d.found()))
	}
	return worst
}

func (d Diagnosis) found() []Finding {
	out := make([]Finding, 0, len(d.Findings))
	for _, f := range d.Findings {
		out = append(out, f.Finding)
	}
	return out
}

// WriteAll writes diagnoses in one of the Formats.
func WriteAll(w io.Writer, format string, all []Diagnosis) error {
	switch format {
	case "json":
		var b bytes.Buffer
		out := json.NewEncoder(&b)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		if err := out.Encode(all); err != nil {
			return err
		}
		_, err := io.WriteString(w, plainJSON(b.String()))
		return err
	case "yaml":
		data, err := yaml.Marshal(all)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	case "markdown":
		_, err := io.WriteString(w, markdown(all))
		return err
	}
	return writeText(w, all)
}

// plainJSON writes what sanitize.Text would replace in JSON as JSON escapes: its own are none.
func plainJSON(text string) string {
	var b strings.Builder
	sign := false
	for _, r := range text {
		switch {
		case sign && r == '#', unicode.IsControl(r) && r != '\n', unicode.Is(unicode.Bidi_Control, r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
		sign = r == '#'
	}
	return b.String()
}

// writeText writes the sets in trouble one after another, and counts the others.
func writeText(w io.Writer, all []Diagnosis) error {
	if len(all) == 1 {
		return Write(w, all[0].state, all[0].found())
	}
	well := 0
	for _, d := range all {
		if len(d.Findings) == 0 {
			well++
			continue
		}
		if _, err := fmt.Fprintf(w, "statefulset %s/%s\n\n", d.Namespace, d.Name); err != nil {
			return err
		}
		if err := Write(w, d.state, d.found()); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "nothing wrong found: %d of %s\n", well, plural(len(all), "set", "sets"))
	return err
}

// markdown writes titles without two number signs, which the command's output would replace: see sanitize.Text.
func markdown(all []Diagnosis) string {
	var b strings.Builder
	for _, d := range all {
		fmt.Fprintf(&b, "# StatefulSet %s/%s: %s\n\n", d.Namespace, d.Name, d.Outcome)
		for _, f := range d.Findings {
			fmt.Fprintf(&b, "%s: %s %s\n---\n\n%s.", f.Area, code(f.Object.String()), plain(f.What), plain(f.Seen))
			if f.Why != "" {
				fmt.Fprintf(&b, " Cause: %s.", plain(f.Why))
			}
			b.WriteString("\n\n")
			for _, e := range f.Evidence {
				fmt.Fprintf(&b, "- evidence: %s\n", code(e.String()))
			}
			for _, text := range f.Do {
				fmt.Fprintf(&b, "- next: %s\n", plain(text))
			}
			for _, text := range f.Look {
				fmt.Fprintf(&b, "- look: %s\n", code(text))
			}
			b.WriteByte('\n')
		}
		for _, u := range d.Unread {
			fmt.Fprintf(&b, "- not read, so nothing is known of it: %s: %s\n", plain(u.What), plain(u.Why))
		}
	}
	return b.String()
}

// plain writes a text so that Markdown takes none of it as markup.
func plain(text string) string {
	return strings.NewReplacer("\\", "\\\\", "`", "\\`", "*", "\\*", "_", "\\_", "[", "\\[", "<", "&lt;", "|", "\\|", "#", "\\#").Replace(sanitize.Text(oneLine(text)))
}

// code writes a text as a code span, which its own backticks do not end.
func code(text string) string {
	text = sanitize.Text(oneLine(text))
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}
