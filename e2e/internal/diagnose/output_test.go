package diagnose_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/sanitize"
)

func written(t *testing.T, format string, states ...*diagnose.State) string {
	t.Helper()
	var all []diagnose.Diagnosis
	for _, s := range states {
		all = append(all, diagnose.Of(s))
	}
	var b strings.Builder
	must(t, diagnose.WriteAll(&b, format, all))
	return b.String()
}

func TestPrograms(t *testing.T) {
	s := captured(t, "crash-loop")
	for format, decode := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": func(b []byte, o any) error { return yaml.Unmarshal(b, o) }} {
		var all []struct {
			Name, Outcome string
			Findings      []struct{ Line, Cause, What string }
		}
		must(t, decode([]byte(written(t, format, s, well(t))), &all))
		if len(all) != 2 || all[0].Outcome != "explained" || all[1].Outcome != "healthy" || len(all[1].Findings) != 0 {
			t.Fatalf("%s: expected one set in trouble and one that is well, found %+v", format, all)
		}
		if f := all[0].Findings[0]; f.Cause != "crash-loop" || !strings.HasPrefix(f.Line, "container: pod/web-0 has container main that ends") {
			t.Errorf("%s: expected the line and the cause, found %+v", format, f)
		}
	}
	if got := diagnose.Conclusion([]diagnose.Diagnosis{diagnose.Of(well(t)), diagnose.Of(s)}); got != diagnose.Explained {
		t.Errorf("expected the worst outcome, found %v", got)
	}
}

func TestSeveralSetsAsText(t *testing.T) {
	got := written(t, "text", captured(t, "crash-loop"), well(t))
	if !strings.Contains(got, "statefulset diagnose-t988m/web\n\ncontainer: pod/web-0 ") || !strings.HasSuffix(got, "\nnothing wrong found: 1 of 2 sets\n") {
		t.Errorf("expected the set in trouble and the number of the others, found\n%s", got)
	}
	if got := written(t, "text", well(t)); strings.Contains(got, "of 1 set") {
		t.Errorf("expected one set to be written as before, found\n%s", got)
	}
}

// What others wrote must not become markup.
func TestMarkdown(t *testing.T) {
	s := captured(t, "container-config")
	pod(s, "web-0").Status.ContainerStatuses[0].State.Waiting.Message = "no <img src=x> [link](http://example.com) ``` _x_"
	got := written(t, "markdown", s)
	for _, part := range []string{"# StatefulSet " + s.Namespace + "/web: explained\n", "container: `pod/web-0` has container main", `&lt;img src=x> \[link](http://example.com)`, "- look: `kubectl -n "} {
		if !strings.Contains(got, part) {
			t.Errorf("expected %q in\n%s", part, got)
		}
	}
}

// The command's output replaces what a terminal or a CI job would obey: forms for programs and tickets hold none of it.
func TestFormsPassTheCommandsOutputUnchanged(t *testing.T) {
	s := captured(t, "container-config")
	pod(s, "web-0").Status.ContainerStatuses[0].State.Waiting.Message = "a ##[group] b ##vso \u0085 \u202e \x1b[2J ::error::"
	for _, format := range []string{"json", "markdown"} {
		got := written(t, format, s)
		if clean := sanitize.Text(got); clean != got {
			t.Errorf("%s: expected nothing to be replaced, found\n%s\n%s", format, got, clean)
		}
	}
	var all []struct {
		Findings []struct{ Evidence []struct{ Value string } }
	}
	must(t, json.Unmarshal([]byte(written(t, "json", s)), &all))
	if value := all[0].Findings[0].Evidence[0].Value; !strings.Contains(value, "##[group] b ##vso") {
		t.Errorf("expected the message to be read as it was written, found %q", value)
	}
}

// Since bounds how far back events count.
func TestSince(t *testing.T) {
	s := state{well(t), t}
	for _, uid := range []types.UID{"a", "b"} {
		s.said("web-0", "Evicted", `Container main exceeded its local ephemeral storage limit "8Mi". `, 20*time.Minute).InvolvedObject.UID = uid
	}
	if found := diagnose.Diagnose(s.State); len(found) == 0 || found[0].Cause != "ephemeral-storage" {
		t.Errorf("expected the evictions to be found, found\n%s", text(s.State, found))
	}
	s.Since = metav1.Duration{Duration: 10 * time.Minute}
	if found := diagnose.Diagnose(s.State); len(found) != 0 {
		t.Errorf("expected events of twenty minutes ago not to count, found\n%s", text(s.State, found))
	}
}
