package nodeimage

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	"sigs.k8s.io/e2e-framework/klient/decoder"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// What the fixture's pods run, and as whom, is in the image that is built.
func TestPostgresImageHasWhatTheFixtureRuns(t *testing.T) {
	objects, err := decoder.DecodeAllFiles(t.Context(), fixtures.Manifests, fixtures.Postgres)
	if err != nil {
		t.Fatal(err)
	}
	set, is := objects[len(objects)-1].(*appsv1.StatefulSet)
	if !is {
		t.Fatalf("expected a set, found %T", objects[len(objects)-1])
	}
	spec := set.Spec.Template.Spec
	c := spec.Containers[0]
	if c.Image != images.PublicPostgres {
		t.Errorf("expected the image %s, found %s", images.PublicPostgres, c.Image)
	}
	hook := string(readFile("files/hooks/postgres.sh"))
	if uid := *spec.SecurityContext.RunAsUser; uid != 70 || !strings.Contains(hook, `postgres:x:70:70:`) {
		t.Errorf("expected the image to know the user %d of the fixture", uid)
	}
	// The first word of a line, or of what follows "exec", "do" or "until".
	command := regexp.MustCompile(`(?m)(?:^\s*|exec |do |until )([a-z_]+) [-/$"0-9]`)
	found := command.FindAllStringSubmatch(c.Command[2], -1)
	if len(found) < 8 {
		t.Fatalf("expected the commands of the script, found %v", found)
	}
	for _, program := range append(found, []string{"", c.Command[0]}, []string{"", c.ReadinessProbe.Exec.Command[0]}, []string{"", "psql"}) {
		if program[1] != "exec" && !regexp.MustCompile(`[/ ]`+program[1]+`\b`).MatchString(hook) {
			t.Errorf("expected the image to hold %s", program[1])
		}
	}
}

func TestPostgresImageEndsConnectionsWhenItIsStopped(t *testing.T) {
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree.tar")
	out, err := os.Create(tree)
	if err != nil {
		t.Fatal(err)
	}
	if err := imagelayer.New().Dir("/tmp", 0o755).Write(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	image, err := postgresImage(tree, filepath.Join(dir, "layers"))
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.StopSignal != "SIGINT" || len(config.Config.Env) == 0 || config.Config.Labels == nil {
		t.Errorf("unexpected configuration %+v", config.Config)
	}
	if tag := postgresTag(postgresStep()); !regexp.MustCompile(`^statefulset-conformance\.local/postgres:debian-[0-9a-f]{12}$`).MatchString(tag) {
		t.Errorf("unexpected tag %s", tag)
	}
}

// An earlier etcd is updated to the cluster's own: where that is not known, a later one might be updated to an earlier one, which etcd refuses.
func TestEarlierEtcd(t *testing.T) {
	for name, c := range map[string]struct {
		options DatabaseOptions
		want    string
	}{
		"default version":      {DatabaseOptions{}, "v3.6.8"},
		"minor version":        {DatabaseOptions{KubernetesVersion: "v1.36"}, "v3.6.6"},
		"patch":                {DatabaseOptions{KubernetesVersion: "v1.34.4"}, "v3.5.24"},
		"the oldest":           {DatabaseOptions{KubernetesVersion: "v1.33"}, ""},
		"published alone":      {DatabaseOptions{KubernetesVersion: "v1.36.4"}, ""},
		"no such version":      {DatabaseOptions{KubernetesVersion: "v1.2"}, ""},
		"node image of others": {DatabaseOptions{NodeImage: "kindest/node:mine"}, ""},
		"etcd of others":       {DatabaseOptions{Wanted: Workload{Etcd: "mine/etcd:3.5"}}, ""},
	} {
		got := ""
		if v := earlierEtcd(c.options); v != nil {
			got = v.etcd
		}
		if got != c.want {
			t.Errorf("%s: expected etcd %q, found %q", name, c.want, got)
		}
	}
}
