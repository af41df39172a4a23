package nodeimage

import (
	"archive/zip"
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

//nolint:gochecknoglobals // A flag of the test.
var update = flag.Bool("update", false, "write modules.sum anew; downloads every module that node images are built from")

// The programs of all versions have their sums; -update writes them.
func TestModuleSums(t *testing.T) {
	if *update {
		writeModuleSums(t)
	}
	text, err := os.ReadFile("modules.sum")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range supported() {
		wanted := []string{"k8s.io/kubernetes " + v.kubernetes, "k8s.io/client-go v0" + strings.TrimPrefix(v.kubernetes, "v1")}
		for _, p := range v.programs() {
			wanted = append(wanted, p.module+" "+p.version)
		}
		for _, m := range wanted {
			if !strings.Contains("\n"+string(text), "\n"+m+" h1:") {
				t.Errorf("expected the sum of %s: go test ./e2e/internal/provision/nodeimage -run TestModuleSums -update", m)
			}
		}
	}
}

func writeModuleSums(t *testing.T) {
	t.Helper()
	sums := map[string]bool{}
	for _, v := range supported() {
		kubernetes, err := v.kubernetesProgram(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		own, err := v.ownPrograms(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		builds := []goBuild{kubernetes, own}
		for _, p := range v.programs() {
			builds = append(builds, p.goBuild())
		}
		for _, b := range builds {
			for _, line := range sumsOf(t, b) {
				sums[line] = true
			}
		}
	}
	var lines []string
	for line := range sums {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	if err := os.WriteFile("modules.sum", []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sumsOf returns the lines of the go.sum that a build makes, on the architectures that node images are built for.
func sumsOf(t *testing.T, b goBuild) []string {
	t.Helper()
	m := module{dir: filepath.Join(t.TempDir(), "build")}
	if err := b.prepare(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		t.Setenv("GOARCH", arch)
		if err := m.run(t.Context(), append([]string{"list", "-deps", "-tags", strings.Join(b.tags, ",")}, b.packages...)...); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(filepath.Join(m.dir, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(text)))
}

// A module whose sum differs, or is not known, makes no program, even where the environment switches the databases of sums off.
func TestUnknownModulesMakeNoProgram(t *testing.T) {
	proxy := t.TempDir()
	t.Setenv("GOPROXY", "file://"+proxy)
	t.Setenv("GOSUMDB", "off")
	t.Setenv("GONOSUMDB", "*")
	t.Setenv("GOMODCACHE", t.TempDir())
	serveModule(t, filepath.Join(proxy, "corp.example", "program", "@v"))
	b := goBuild{goMod: "module build\n\ngo " + goLanguage + "\n", get: []string{"corp.example/program@v1.0.0"}, packages: []string{"corp.example/program"}}
	dir := t.TempDir()
	t.Cleanup(func() {
		// Its files are read-only, which keeps others than root from removing them.
		if err := (module{dir: dir}).run(context.WithoutCancel(t.Context()), "clean", "-modcache"); err != nil {
			t.Error(err)
		}
	})

	out := filepath.Join(t.TempDir(), "out")
	err := b.run(t.Context(), out)
	if err == nil || !strings.Contains(err.Error(), "corp.example/program v1.0.0 h1:") {
		t.Errorf("expected a module without a known sum to be an error that names it, found %v", err)
	}
	sums := sumsOf(t, b)
	m := module{dir: filepath.Join(t.TempDir(), "known"), sums: strings.Join(sums, "")}
	if err := b.prepare(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := m.build(t.Context(), out, "", nil, b.packages...); err != nil {
		t.Errorf("expected a module with its sum to be built, found %v", err)
	}
	m.sums = strings.ReplaceAll(m.sums, "v1.0.0 h1:", "v1.0.0 h1:AAAA")
	if err := b.prepare(t.Context(), m); err == nil {
		t.Error("expected a module that differs from its sum to be an error")
	}
}

// serveModule writes a module of one program into the folder of a module proxy.
func serveModule(t *testing.T, dir string) {
	t.Helper()
	const goMod = "module corp.example/program\n\ngo 1.26.0\n"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"list": "v1.0.0\n", "v1.0.0.info": `{"Version":"v1.0.0"}`, "v1.0.0.mod": goMod} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Create(filepath.Join(dir, "v1.0.0.zip"))
	if err != nil {
		t.Fatal(err)
	}
	archive := zip.NewWriter(file)
	for name, text := range map[string]string{"go.mod": goMod, "main.go": "package main\n\nfunc main() {}\n"} {
		w, err := archive.Create("corp.example/program@v1.0.0/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
