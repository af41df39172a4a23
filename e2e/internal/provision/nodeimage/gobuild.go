package nodeimage

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// moduleSums is the go.sum of every build of this package: the sums of all modules that a node image is built from.
//
//go:embed modules.sum
var moduleSums string

// goBuild is one build of programs, in a Go module made for it.
type goBuild struct {
	goMod    string
	sources  fs.FS    // further files of the module, nil for none
	get      []string // packages of other modules, with their version
	ldflags  string
	tags     []string
	packages []string // what is built
}

// run builds the programs into the folder out.
func (b goBuild) run(ctx context.Context, out string) error {
	module := module{dir: out + ".build", sums: moduleSums}
	defer os.RemoveAll(module.dir)
	if err := b.prepare(ctx, module); err != nil {
		return err
	}
	return module.build(ctx, out, b.ldflags, b.tags, b.packages...)
}

// prepare writes the module and has it require what the packages need.
func (b goBuild) prepare(ctx context.Context, m module) error {
	if err := m.create(b.sources, b.goMod); err != nil || len(b.get) == 0 {
		return err
	}
	return m.run(ctx, append([]string{"get"}, b.get...)...)
}

// module is a Go module made for one build.
type module struct {
	dir string
	// sums is its go.sum. Go refuses a module that differs from its sum, whatever the environment says of databases of sums.
	sums string
}

// create writes the module's files anew.
func (m module) create(sources fs.FS, goMod string) error {
	if err := os.RemoveAll(m.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	if sources != nil {
		if err := os.CopyFS(m.dir, sources); err != nil {
			return err
		}
	}
	return errors.Join(
		os.WriteFile(filepath.Join(m.dir, "go.mod"), []byte(goMod), 0o644),
		os.WriteFile(filepath.Join(m.dir, "go.sum"), []byte(m.sums), 0o644),
	)
}

// build compiles packages into files below out. Modules without a known sum are an error; compiling has run nothing of them.
func (m module) build(ctx context.Context, out, ldflags string, tags []string, packages ...string) error {
	args := []string{"build", "-p", fmt.Sprint(runtime.NumCPU()), "-trimpath", "-ldflags", strings.TrimSpace("-s -w " + ldflags), "-o", out + "/"}
	if len(tags) > 0 {
		args = append(args, "-tags", strings.Join(tags, ","))
	}
	if err := m.run(ctx, append(args, packages...)...); err != nil {
		return err
	}
	return m.verify()
}

// verify returns an error if Go added the sum of a module's files to those that were known.
func (m module) verify() error {
	used, err := os.ReadFile(filepath.Join(m.dir, "go.sum"))
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for line := range strings.Lines(m.sums) {
		known[strings.TrimSpace(line)] = true
	}
	var unknown []string
	for line := range strings.Lines(string(used)) {
		// A go.mod that is not known can only choose modules, whose files are looked at here.
		if line = strings.TrimSpace(line); line != "" && !known[line] && !strings.Contains(line, "/go.mod ") {
			unknown = append(unknown, line)
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("modules were downloaded whose sums this suite does not know, so that what was built of them is not used: %s", strings.Join(unknown, "; "))
	}
	return nil
}

func (m module) run(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = m.dir
	// The settings of the project's own module, or of a workspace around it, must not reach in here.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on")
	_, err := host.Run(ctx, cmd)
	return err
}
