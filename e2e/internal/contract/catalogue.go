package contract

import (
	"bytes"
	"fmt"
	"strings"
)

const introduction = `<!-- Written by "make catalogue" from internal/contract and the labels of the specs; "make test" fails when it is stale. -->

# Catalogue of guarantees

What a StatefulSet promises, who promises it, and the specs that prove it. Beside these, every spec is evidence for each
guarantee that its recorded history exercises.

**Level** says which clusters must uphold a guarantee: *core* every cluster, *extended* those that have the feature, *workload* those that
are to run a database, *disruptive* those where the run may disrupt a node or the control plane. **Source** says who promises it, the strongest first: *docs* the concept pages, *api* the field
documentation, *dns* the specification of DNS-based service discovery, *conf* Kubernetes' own end-to-end specs, *lesson* the lesson whose
example this project ships, *impl* the controller alone: there a failure is a deviation and leaves the cluster conformant.

`

// Catalogue returns the guarantees and the specs that prove them as Markdown.
func Catalogue(guarantees []Guarantee, specs []Spec) []byte {
	var b bytes.Buffer
	b.WriteString(introduction)
	families := groupByFamily(guarantees)
	overview(&b, families, specs)
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s\n", f.name)
		for _, g := range f.rows {
			catalogueEntry(&b, g, provedBy(g.ID, specs))
		}
	}
	return b.Bytes()
}

// family is the guarantees of one family.
type family struct {
	name string
	rows []Guarantee
}

func groupByFamily(guarantees []Guarantee) []family {
	var all []family
	for _, g := range guarantees {
		if n := len(all); n == 0 || all[n-1].name != g.ID.Family() {
			all = append(all, family{name: g.ID.Family()})
		}
		all[len(all)-1].rows = append(all[len(all)-1].rows, g)
	}
	return all
}

// overview writes a table that counts each family's guarantees by level, and those that a spec proves.
func overview(b *bytes.Buffer, families []family, specs []Spec) {
	b.WriteString("| family | core | extended | workload | disruptive | with a spec |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
	total, covered, levels := 0, 0, map[Level]int{}
	for _, f := range families {
		with, of := 0, map[Level]int{}
		for _, g := range f.rows {
			of[g.Level]++
			levels[g.Level]++
			if len(provedBy(g.ID, specs)) > 0 {
				with++
			}
		}
		total, covered = total+len(f.rows), covered+with
		fmt.Fprintf(b, "| [%[1]s](#%[1]s) | %[2]d | %[3]d | %[4]d | %[5]d | %[6]d of %[7]d |\n",
			f.name, of[Core], of[Extended], of[Workload], of[Disruptive], with, len(f.rows))
	}
	fmt.Fprintf(b, "| all | %d | %d | %d | %d | %d of %d |\n",
		levels[Core], levels[Extended], levels[Workload], levels[Disruptive], covered, total)
}

func catalogueEntry(b *bytes.Buffer, g Guarantee, proofs []Spec) {
	sources := make([]string, len(g.Sources))
	for i, s := range g.Sources {
		sources[i] = string(s)
	}
	fmt.Fprintf(b, "\n### %s\n\n**%s** · [%s](%s)%s\n\n%s\n", g.ID, g.Level, strings.Join(sources, ", "), g.Link, since(g), escape(g.Must))
	if g.Note != "" {
		fmt.Fprintf(b, "\n> %s\n", escape(g.Note))
	}
	if len(proofs) == 0 {
		b.WriteString("\nNo spec yet.\n")
		return
	}
	b.WriteByte('\n')
	for _, s := range proofs {
		fmt.Fprintf(b, "- %s ([%s](%s))\n", escape(s.Text), s.File, s.File)
	}
}

// since says from which Kubernetes version a cluster has the behaviour, and which feature gate governs it.
func since(g Guarantee) string {
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

// escape writes the characters of a sentence that Markdown would interpret.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "`", "\\`").Replace(text)
}
