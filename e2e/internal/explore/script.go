package explore

import (
	"encoding/json"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// Narrative lists the acts of an episode in words, a line each, and what it found broken.
func (e *Episode) Narrative() string {
	var b strings.Builder
	n := 0
	for _, s := range e.Steps {
		if s.Failed != "" {
			continue
		}
		n++
		when := ""
		switch {
		case s.End:
			when = "to end: "
		case s.After != (Moment{}):
			when = s.After.Words() + ": "
		}
		fmt.Fprintf(&b, "%2d. %s%s\n", n, when, s.Act.Words())
	}
	for _, f := range e.Broken {
		fmt.Fprintf(&b, "%s broken: %s\n", f.Guarantee, f.Text)
	}
	if e.Unsettled != "" {
		fmt.Fprintf(&b, "not settled in the end: %s\n", e.Unsettled)
	}
	return b.String()
}

// scriptHead begins each script.
const scriptHead = `#!/bin/sh
# Carries out a course of acts on StatefulSets in a namespace of its own, which it makes (NS) and leaves for you to look at. It needs kubectl 1.24
# or newer. Each wait ends after 30 seconds whether or not what it waits for has come.
set -u
NS=${NS:-explored}
kubectl create namespace "$NS"
run() { kubectl -n "$NS" "$@"; }
# until_true CONDITION...: waits until a command prints "true".
until_true() {
	last=$(($(date +%s) + 30))
	while [ "$("$@" 2>/dev/null)" != true ] && [ "$(date +%s)" -lt "$last" ]; do sleep 0.2; done
}
pod() { run get pod "$1" -o "jsonpath={.status.phase},{.metadata.deletionTimestamp},{.status.conditions[?(@.type=='Ready')].status}" 2>/dev/null || echo gone; }
node_of() { run get pod "$1" -o 'jsonpath={.spec.nodeName}'; }
pod_is() { # NAME CONDITION
	now=$(pod "$1")
	case "$2,$now" in
	gone,gone | pending,Pending,,* | running,Running,,False | Ready,Running,,True | finished,Failed,,* | finished,Succeeded,,*) echo true ;;
	terminating,*,*Z,*) echo true ;;
	crashed,*) run get pod "$1" -o "jsonpath={.status.containerStatuses[*].state}" | grep -Eq 'terminated|CrashLoopBackOff' && echo true ;;
	esac
}
updated() { # SET POD
	[ "$(run get statefulset "$1" -o "jsonpath={.status.updateRevision}")" = "$(run get pod "$2" -o "jsonpath={.metadata.labels.controller-revision-hash}")" ] && echo true
}
set_is() { # NAME CONDITION
	case "$2" in
	gone) run get statefulset "$1" >/dev/null 2>&1 || echo true ;;
	terminating) [ -n "$(run get statefulset "$1" -o "jsonpath={.metadata.deletionTimestamp}")" ] && echo true ;;
	observed) run get statefulset "$1" -o "jsonpath={.metadata.generation} {.status.observedGeneration}" | awk '{ if ($1 == $2) print "true" }' ;;
	*) run rollout status statefulset "$1" --timeout=1s >/dev/null 2>&1 && echo true ;;
	esac
}
`

// Script is a shell script of kubectl commands that does on any cluster what the episode did, and says what it found.
func (e *Episode) Script() (string, error) {
	var b strings.Builder
	b.WriteString(scriptHead)
	if e.Version != "" {
		fmt.Fprintf(&b, "# Seen with Kubernetes %s.\n", e.Version)
	}
	for i := range e.Steps {
		s := &e.Steps[i]
		if s.Failed != "" {
			continue
		}
		fmt.Fprintf(&b, "\n# %s\n", s.Act.Words())
		b.WriteString(s.wait())
		requests, err := s.Act.Requests(publicImage)
		if err != nil {
			return "", err
		}
		for j := range requests {
			command, err := requests[j].kubectl()
			if err != nil {
				return "", err
			}
			b.WriteString(command)
		}
	}
	b.WriteString("\n")
	for _, f := range e.Broken {
		fmt.Fprintf(&b, "# %s broken: %s\n", f.Guarantee, strings.ReplaceAll(f.Text, "\n", " "))
	}
	b.WriteString("run get statefulsets,pods,controllerrevisions,persistentvolumeclaims\n")
	return b.String(), nil
}

func (s *Step) wait() string {
	m := s.After
	switch {
	case m.Set != "":
		return fmt.Sprintf("until_true set_is %s %s\n", m.Set, quote(string(m.Is)))
	case m.Pod != "":
		out := fmt.Sprintf("until_true pod_is %s %s\n", m.Pod, m.Is)
		if m.Updated {
			out += fmt.Sprintf("until_true updated %s %s\n", s.Act.Set, m.Pod)
		}
		return out
	}
	return ""
}

// kubectl returns the command that sends the request.
func (r *Request) kubectl() (string, error) {
	switch r.Method {
	case Post:
		return r.kubectlCreate()
	case Delete:
		words := []string{"run delete", strings.TrimSuffix(string(r.Resource), "s"), r.Name, "--wait=false"}
		if r.Propagation != "" {
			words = append(words, "--cascade="+strings.ToLower(string(r.Propagation)))
		}
		if r.Grace != nil {
			words = append(words, fmt.Sprintf("--grace-period=%d --force", *r.Grace))
		}
		return strings.Join(words, " ") + "\n", nil
	case Evict:
		body, err := json.Marshal(map[string]any{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": object("name", r.Name)})
		return fmt.Sprintf("echo %s | kubectl create -f - --raw \"/api/v1/namespaces/$NS/pods/%s/eviction\"; echo\n", quote(string(body)), r.Name), err
	case Kill:
		return fmt.Sprintf("echo %s; read -r _\n", quote("kill "+r.Name+" on its node now, and press Enter")), nil
	case Cordon:
		return fmt.Sprintf("NODE=$(node_of %s)\nkubectl cordon \"$NODE\"\n", r.Name), nil
	case Uncordon:
		return "kubectl uncordon \"$NODE\"\n", nil
	case Stop:
		return fmt.Sprintf("NODE=$(node_of %s)\necho \"stop the node $NODE with all that runs on it (docker pause), and press Enter\"; read -r _\n", r.Name), nil
	case Start:
		return "echo \"let the node $NODE go on, and press Enter\"; read -r _\n", nil
	case Names:
		return fmt.Sprintf("run exec %[1]s -- hostname\nrun exec %[1]s -- hostname -f\nrun exec %[1]s -- sh -c 'nslookup \"$(hostname -f)\"'\n", r.Name), nil
	case Signal:
		return fmt.Sprintf("run exec %s -- kill -TERM 1\n", r.Name), nil
	}
	body, err := json.Marshal(r.Body)
	subresource := ""
	if r.Subresource != "" {
		subresource = " --subresource=" + r.Subresource
	}
	return fmt.Sprintf("run patch %s %s%s --type=%s -p %s\n", strings.TrimSuffix(string(r.Resource), "s"), r.Name, subresource, r.Method, quote(string(body))), err
}

// kubectlCreate returns a command with the manifest of the object.
func (r *Request) kubectlCreate() (string, error) {
	if !r.Owned {
		manifest, err := yaml.Marshal(r.Body)
		// What exists already is no failure to a script that goes on.
		return fmt.Sprintf("run create -f - <<'EOF'\n%sEOF\n", manifest), err
	}
	body := merge(map[string]any{}, r.Body)
	merge(body, object("metadata", object("ownerReferences", []any{map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "name": "controller", "uid": "$OWNER", "controller": true,
	}})))
	manifest, err := yaml.Marshal(body)
	text := strings.ReplaceAll(string(manifest), "$(", `\$(`)
	return fmt.Sprintf("run create configmap controller\nOWNER=$(run get configmap controller -o 'jsonpath={.metadata.uid}')\nrun create -f - <<EOF\n%sEOF\n", text), err
}

// quote writes a text as one word of a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
