package runconfig

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A report is handed on: it says nothing of the machine that it was made on.
func TestPublishedSettingsNameNothingOfTheMachine(t *testing.T) {
	s := Settings{
		Run: "r", NamespacePrefix: "sts", Images: Images{Nginx: "n", Busybox: "b"}, Limits: DefaultLimits(),
		PodPatch: patch(t, "metadata: {annotations: {key: SECRET}}"), PullSecret: "/home/SECRET/config.json", NamespaceAnnotations: map[string]string{"key": "SECRET"},
		Kubeconfig: "/home/SECRET/kubeconfig", Context: "SECRET", As: "SECRET", AsUID: "SECRET", AsGroups: []string{"SECRET"}, Server: "https://SECRET:6443", TLSServerName: "SECRET", ReportDir: "/home/SECRET/report", Kind: &Kind{Name: "k", Engine: "tcp://SECRET:2375"},
	}
	file := filepath.Join(t.TempDir(), "settings.json")
	if err := s.Published().Save(file); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "SECRET") {
		t.Errorf("expected nothing of the machine, found %v and %s", err, text)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("expected the file for its owner alone, found %v", info.Mode())
	}
	got, err := Load(file)
	if err != nil || got.Run != "r" || got.Kind == nil || got.Kind.Name != "k" || got.Limits != s.Limits {
		t.Errorf("expected the rest to be there, found %+v, %v", got, err)
	}
	if got.PodPatch["metadata"] == nil || len(got.NamespaceAnnotations) != 1 || got.PullSecret == "" {
		t.Errorf("expected it to say what was changed of objects, found %+v", got)
	}
	if s.Kind.Engine == "" || s.NamespaceAnnotations["key"] != "SECRET" {
		t.Error("expected the run's own settings to stay as they are")
	}
}

func TestScrub(t *testing.T) {
	t.Setenv("HOME", "/home/me")
	s := Settings{Kubeconfig: "/etc/one" + string(filepath.ListSeparator) + "/etc/two", ReportDir: "/srv/report"}
	for in, want := range map[string]string{
		`open /etc/two: no such file`:                                                            `open (kubeconfig): no such file`,
		`/srv/report/ginkgo.json, /home/me/src/x.go:1, /home/men/`:                               `(report)/ginkgo.json, ~/src/x.go:1, /home/men/`,
		`Get "https://192.0.2.7:6443/api": dial tcp 192.0.2.7:6443: connect: connection refused`: `Get "https://(server)/api": dial tcp (server): connect: connection refused`,
	} {
		if got := s.Scrub(in); got != want {
			t.Errorf("expected %s\nfound    %s", want, got)
		}
	}
}

func FuzzLoad(f *testing.F) {
	text, err := json.Marshal(Settings{Run: "r", NamespacePrefix: "sts", Images: Images{Nginx: "n", Busybox: "b"}, Limits: DefaultLimits(), Kind: &Kind{Name: "k"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"run": "r", "namespaces": null, "limits": {"PodReady": -1}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "settings.json")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Load(file)
		if err != nil {
			return
		}
		s.Limits.Changed()
		if err := s.Save(file); err != nil {
			t.Fatal(err)
		}
		if again, err := Load(file); err != nil || again.Run != s.Run || again.Limits != s.Limits {
			t.Errorf("expected what was read to be saved and read alike, found %+v, %v", again, err)
		}
	})
}
