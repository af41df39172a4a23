package diagnose

import (
	"fmt"
	"strings"
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

// kubectl writes a command about an object: its arguments, with the namespace in front.
func kubectl(r Ref, format string, args ...any) string {
	var b strings.Builder
	b.WriteString("kubectl ")
	if r.Namespace != "" {
		b.WriteString("-n " + r.Namespace + " ")
	}
	fmt.Fprintf(&b, format, args...)
	return b.String()
}

func describe(r Ref) string { return kubectl(r, "describe %s %s", r.Kind, r.Name) }

func getYAML(r Ref) string { return kubectl(r, "get %s %s -o yaml", r.Kind, r.Name) }
