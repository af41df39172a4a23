package diagnose_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
)

// Why an image cannot be pulled is told by the runtime's words alone; each kind asks for something else to be done.
func TestReasonsForAnImageThatCannotBePulled(t *testing.T) {
	for _, c := range []struct{ message, why string }{
		{`failed to resolve reference "x": pull access denied, repository does not exist or may require authorization`, "credentials"},
		{`failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized`, "credentials"},
		{`rpc error: code = NotFound desc = failed to pull and unpack image "x": x: not found`, "no image of that name"},
		{`dial tcp: lookup registry.invalid on 10.0.0.1:53: no such host`, "cannot reach the registry"},
		{`dial tcp 10.1.1.1:443: i/o timeout`, "cannot reach the registry"},
		{`429 Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit`, "limits how much"},
		{`something that nobody has seen before`, ""},
	} {
		s := captured(t, "image-pull")
		p := pod(s, "web-0")
		p.Status.ContainerStatuses[0].State.Waiting.Message = c.message
		s.Events = nil
		f := diagnose.Diagnose(s)[0]
		_, why, _ := strings.Cut(f.What, "of container main")
		if f.Cause != "image-pull" || (c.why == "") != (why == "") || !strings.Contains(why, c.why) {
			t.Errorf("%s: expected a reason with %q, found %q (%s)", c.message, c.why, f.What, f.Cause)
		}
	}
}

func TestCorefiles(t *testing.T) {
	for _, c := range []struct{ corefile, zone, line string }{
		{".:53 {\n kubernetes cluster.local in-addr.arpa ip6.arpa\n forward . /etc/resolv.conf\n}", "cluster.local", ""},
		{".:53 {\n kubernetes cluster.local {\n pods insecure\n fallthrough in-addr.arpa\n }\n}", "", ""},
		{"cluster.local:53 {\n kubernetes\n}\n.:53 {\n forward . 1.1.1.1\n}", "cluster.local", ""},
		{"dns://.:53 {\n kubernetes corp.example.\n}", "corp.example", ""},
		{".:53 {\n kubernetes cluster.local\n}", "corp.example", "configmap/coredns has the plugin kubernetes answer for cluster.local, and pods ask for names in corp.example"},
		{".:53 {\n forward . /etc/resolv.conf\n}", "cluster.local", "configmap/coredns has no plugin kubernetes in the server block .:53"},
		{"cluster.local:53 {\n forward . 1.1.1.1\n}\n.:53 {\n kubernetes cluster.local\n}", "cluster.local", "configmap/coredns has no plugin kubernetes in the server block cluster.local:53"},
		{"example.com {\n whoami\n}", "cluster.local", "configmap/coredns has no server block for the cluster's zone cluster.local"},
		{".:53 {\n kubernetes cluster.local\n", "cluster.local", "configmap/coredns holds a Corefile that cannot be read"},
	} {
		s := well(t)
		s.Resolver.Corefile, s.Resolver.Zone = c.corefile, c.zone
		got := diagnose.Brief(diagnose.Diagnose(s))
		if (c.line == "") != (got == "") || !strings.HasPrefix(strings.TrimPrefix(got, "dns: "), c.line) {
			t.Errorf("%s\nin zone %s: expected %q, found %q", c.corefile, c.zone, c.line, got)
		}
	}
}

// A plugin that may change answers is told, and not called the cause.
func TestAPluginThatMayChangeAnswersIsANote(t *testing.T) {
	s := well(t)
	s.Resolver.Corefile = ".:53 {\n rewrite name a.example b.example\n kubernetes cluster.local\n}"
	found := diagnose.Diagnose(s)
	if len(found) != 1 || found[0].Cause != diagnose.Note || diagnose.Conclude(found) != diagnose.Healthy {
		t.Errorf("expected a note, found\n%s", text(s, found))
	}
}

func TestLoadRejectsWhatIsNoState(t *testing.T) {
	for name, content := range map[string]string{
		"no YAML": "\t{", "another kind of file": "a: b\n", "a state without a name": "namespace: x\ntaken: \"2026-01-01T00:00:00Z\"\n", "empty": "",
	} {
		file := filepath.Join(t.TempDir(), "state.yaml")
		must(t, os.WriteFile(file, []byte(content), 0o600))
		if _, err := diagnose.Load(file); err == nil || !strings.Contains(err.Error(), file+": expected a state that `diagnose --save` wrote") {
			t.Errorf("%s: expected to be told that it is no state, found %v", name, err)
		}
	}
	if _, err := diagnose.Load(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("expected a file that is not there to be called so, found %v", err)
	}
}

func TestProvides(t *testing.T) {
	driver := &corev1.PodSpec{Containers: []corev1.Container{{Args: []string{"--drivername=ebs.csi.aws.com"}}}}
	for _, c := range []struct {
		name, provisioner string
		spec              *corev1.PodSpec
		want              bool
	}{
		{"local-path-provisioner-849", "rancher.io/local-path", &corev1.PodSpec{}, true},
		{"ebs-controller", "ebs.csi.aws.com", driver, true},
		{"ebs-controller", "efs.csi.aws.com", driver, false},
		{"web-0", "rancher.io/local-path", &corev1.PodSpec{}, false},
		{"a", "x/a", &corev1.PodSpec{}, false},
	} {
		if got := diagnose.Provides(c.name, c.spec, c.provisioner); got != c.want {
			t.Errorf("pod %s for %s: expected %t, found %t", c.name, c.provisioner, c.want, got)
		}
	}
}

// A message that is quoted may be as long as whoever wrote it liked.
func TestLinesAreNotLongerThanCanBeRead(t *testing.T) {
	s := captured(t, "container-config")
	pod(s, "web-0").Status.ContainerStatuses[0].State.Waiting.Message = strings.Repeat("very long ö ", 500)
	f := diagnose.Diagnose(s)[0]
	if line := f.Line(); len(line) > 510 || !strings.HasSuffix(line, " ...") || !utf8.ValidString(line) {
		t.Errorf("expected a line that is cut between words, found %d bytes: %s", len(line), line)
	}
	if whole := f.Evidence[0].Value; len(whole) < 4000 {
		t.Errorf("expected the whole message as evidence, found %d bytes", len(whole))
	}
}
