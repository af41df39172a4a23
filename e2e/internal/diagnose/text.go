package diagnose

import (
	"fmt"
	"io"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// Write prints findings for a person: each one's line, then what it rests on and what to do.
func Write(w io.Writer, s *State, found []Finding) error {
	var b strings.Builder
	set := s.Namespace + "/" + s.Name
	switch {
	case len(found) == 0:
		fmt.Fprintf(&b, "nothing wrong found: statefulset %s%s\n", set, health(s))
	default:
		for i, f := range found {
			if i > 0 {
				b.WriteByte('\n')
			}
			f.write(&b)
		}
	}
	if len(s.Unread) > 0 {
		b.WriteString("\nnot read, so nothing is known of it\n")
		for _, u := range s.Unread {
			fmt.Fprintf(&b, "  %s: %s\n", u.What, u.Why)
		}
	}
	// Messages of events and containers are whatever somebody wrote.
	_, err := io.WriteString(w, sanitize.Text(b.String()))
	return err
}

func health(s *State) string {
	if s.StatefulSet == nil {
		return ""
	}
	v := newView(s)
	return fmt.Sprintf(" has %d of %d pods Ready", s.StatefulSet.Status.ReadyReplicas, v.replicas())
}

func (f Finding) write(b *strings.Builder) {
	b.WriteString(f.Line() + "\n")
	row := func(name string, lines ...string) {
		for i, line := range lines {
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(b, "  %-10s %s\n", name, line)
		}
	}
	row("seen", f.Seen)
	if len(f.Path) > 1 {
		parts := make([]string, 0, len(f.Path))
		for _, r := range f.Path {
			parts = append(parts, r.String())
		}
		row("comes from", strings.Join(parts, " > "))
	}
	lines := make([]string, 0, len(f.Evidence))
	for _, e := range f.Evidence {
		lines = append(lines, e.String())
	}
	row("evidence", lines...)
	switch {
	case f.Cause == Unknown:
		row("cause", "not known")
	case f.Why != "":
		row("cause", f.Why)
	}
	row("next", f.Do...)
	row("look", f.Look...)
}

// String writes evidence as one line.
func (e Evidence) String() string {
	return fmt.Sprintf("%s %s: %s", e.Object, e.Field, firstOf(oneLine(e.Value), `""`))
}

// Brief is what findings say in a line each, the first few of them.
func Brief(found []Finding) string {
	const most = 3
	var b strings.Builder
	for i, f := range found {
		if i == most {
			fmt.Fprintf(&b, "and %d more\n", len(found)-most)
			break
		}
		b.WriteString(f.Line() + "\n")
	}
	return sanitize.Text(strings.TrimSuffix(b.String(), "\n"))
}
