package diagnose

import (
	"fmt"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

// Ref names an object as kubectl does.
type Ref struct {
	Kind      string `json:"kind"` // in lower case, as kubectl takes it
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String is kubectl's kind/name.
func (r Ref) String() string { return r.Kind + "/" + r.Name }

func (v *view) ref(kind, name string) Ref {
	return Ref{Kind: kind, Namespace: v.s.Namespace, Name: name}
}

func clusterRef(kind, name string) Ref { return Ref{Kind: kind, Name: name} }

func systemRef(kind, namespace, name string) Ref {
	return Ref{Kind: kind, Namespace: namespace, Name: name}
}

// kubectl writes a command about an object: its arguments, with the namespace in front. What is quoted of a message, or of a pod's references to objects,
// need not be a name: it is written so that a shell takes it for no more than a word.
func kubectl(r Ref, format string, args ...any) string {
	var b strings.Builder
	b.WriteString("kubectl ")
	if r.Namespace != "" {
		b.WriteString("-n " + sanitize.ShellWord(r.Namespace) + " ")
	}
	words := make([]any, len(args))
	for i, arg := range args {
		words[i] = sanitize.ShellWord(fmt.Sprint(arg))
	}
	fmt.Fprintf(&b, format, words...)
	return b.String()
}

func describe(r Ref) string { return kubectl(r, "describe %s %s", r.Kind, r.Name) }

func getYAML(r Ref) string { return kubectl(r, "get %s %s -o yaml", r.Kind, r.Name) }

// podsOn is the command that shows the pods of a node.
func podsOn(node string) string {
	return kubectl(Ref{}, "get pods -A -o wide --field-selector spec.nodeName=%s", node)
}
