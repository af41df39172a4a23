package catalogue

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

const introduction = `<!-- Written by "make catalogue" from internal/guarantee and the labels of the specs; "make test" fails when it is stale. -->

# Catalogue of guarantees

What a StatefulSet promises, who promises it, and the specs that set out to prove it. Beside these, every spec is evidence for each
guarantee that its recorded history happens to exercise.

**Level** says where a guarantee is asked: *core* of every cluster, *extended* where the cluster has the feature, *disruptive* where a node
or the control plane may be hurt. **Source** says who promises it, the strongest first: *docs* the concept pages, *api* the field
documentation, *dns* the specification of DNS-based service discovery, *conf* Kubernetes' own end-to-end specs, *lesson* the lesson whose
example this project ships, *impl* the controller alone: there a failure is a deviation and leaves the cluster conformant.

`

// Markdown writes the catalogue.
func Markdown(guarantees []contract.Guarantee, specs []Spec) []byte {
	var b bytes.Buffer
	b.WriteString(introduction)
	families := families(guarantees)
	overview(&b, families, specs)
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s\n", f.name)
		for _, g := range f.rows {
			entry(&b, g, behind(g.ID, specs))
		}
	}
	return b.Bytes()
}

// family is the guarantees of one family.
type family struct {
	name string
	rows []contract.Guarantee
}

func families(guarantees []contract.Guarantee) []family {
	var all []family
	for _, g := range guarantees {
		if n := len(all); n == 0 || all[n-1].name != g.ID.Family() {
			all = append(all, family{name: g.ID.Family()})
		}
		all[len(all)-1].rows = append(all[len(all)-1].rows, g)
	}
	return all
}

// overview counts, by family, the guarantees and those that a spec stands behind.
func overview(b *bytes.Buffer, families []family, specs []Spec) {
	b.WriteString("| family | core | extended | disruptive | with a spec |\n| --- | ---: | ---: | ---: | ---: |\n")
	total, covered, levels := 0, 0, map[contract.Level]int{}
	for _, f := range families {
		with, of := 0, map[contract.Level]int{}
		for _, g := range f.rows {
			of[g.Level]++
			levels[g.Level]++
			if len(behind(g.ID, specs)) > 0 {
				with++
			}
		}
		total, covered = total+len(f.rows), covered+with
		fmt.Fprintf(b, "| [%[1]s](#%[1]s) | %[2]d | %[3]d | %[4]d | %[5]d of %[6]d |\n",
			f.name, of[contract.Core], of[contract.Extended], of[contract.Disruptive], with, len(f.rows))
	}
	fmt.Fprintf(b, "| all | %d | %d | %d | %d of %d |\n",
		levels[contract.Core], levels[contract.Extended], levels[contract.Disruptive], covered, total)
}

func entry(b *bytes.Buffer, g contract.Guarantee, proofs []Spec) {
	sources := make([]string, len(g.Sources))
	for i, s := range g.Sources {
		sources[i] = string(s)
	}
	fmt.Fprintf(b, "\n### %s\n\n**%s** · [%s](%s)%s\n\n%s\n", g.ID, g.Level, strings.Join(sources, ", "), g.Link, since(g), plain(g.Must))
	if g.Note != "" {
		fmt.Fprintf(b, "\n> %s\n", plain(g.Note))
	}
	if len(proofs) == 0 {
		b.WriteString("\nNo spec yet.\n")
		return
	}
	b.WriteByte('\n')
	for _, s := range proofs {
		fmt.Fprintf(b, "- %s ([%s](%s))\n", plain(s.Text), s.File, s.File)
	}
}

// since says from which version on a cluster has the behaviour, and by which gate others may.
func since(g contract.Guarantee) string {
	switch {
	case g.Since == "" && g.FeatureGate == "":
		return ""
	case g.Since == "":
		return fmt.Sprintf(" · feature gate %s", g.FeatureGate)
	case g.FeatureGate == "":
		return " · since " + g.Since
	}
	return fmt.Sprintf(" · since %s, before that behind the feature gate %s", g.Since, g.FeatureGate)
}

// plain keeps Markdown from reading a meaning into a sentence.
func plain(text string) string {
	return strings.NewReplacer(`\`, `\\`, "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "`", "\\`").Replace(text)
}
