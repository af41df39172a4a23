package nodeimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"golang.org/x/mod/modfile"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// Changed is one of Kubernetes' own commands, built from sources that are changed first.
type Changed struct {
	// Command is the command's folder below cmd.
	Command string
	// KubernetesVersion is the version that is changed.
	KubernetesVersion string
	// Recipe stands for the change: what was built is used again as long as it is the same.
	Recipe []string
	// Change makes the changes in a copy of the module's tree. Its files may be links into the module cache: one that changes is
	// replaced, never written to.
	Change func(tree string) error
}

// Sources returns the folder that holds the tree of k8s.io/kubernetes of a version, in the module cache, downloaded if it is not there. Nobody may
// write to it.
func Sources(ctx context.Context, kubernetesVersion string) (string, error) {
	return download(ctx, "k8s.io/kubernetes", kubernetesVersion)
}

// BuildChanged builds a changed command, unless that has been done, and returns the program's path.
func BuildChanged(ctx context.Context, c Changed, progress io.Writer) (string, error) {
	cache, err := engine.CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "changed")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := host.Lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	s := &step{
		name:   c.Command,
		title:  fmt.Sprintf("%s %s with changes", c.Command, c.KubernetesVersion),
		inputs: append([]string{buildRecipe, runtime.GOARCH, c.KubernetesVersion}, c.Recipe...),
		make:   c.build,
	}
	work := &builder{dir: dir, log: newProgress(progress, s)}
	if err := work.run(ctx, s); err != nil {
		return "", err
	}
	return filepath.Join(work.dirOf(s), c.Command), nil
}

func (c Changed) build(ctx context.Context, out string) error {
	upstream, err := download(ctx, "k8s.io/kubernetes", c.KubernetesVersion)
	if err != nil {
		return err
	}
	tree := out + ".tree"
	defer os.RemoveAll(tree)
	if err := linkTree(upstream, tree); err != nil {
		return err
	}
	if err := c.Change(tree); err != nil {
		return err
	}
	goMod, err := kubernetesModule(ctx, c.KubernetesVersion)
	if err != nil {
		return err
	}
	if goMod, err = replaced(goMod, tree); err != nil {
		return err
	}
	return goBuild{goMod: goMod, ldflags: kubernetesVersionFlags(c.KubernetesVersion), packages: []string{"k8s.io/kubernetes/cmd/" + c.Command}}.run(ctx, out)
}

// replaced has a go.mod take k8s.io/kubernetes from a folder.
func replaced(goMod, tree string) (string, error) {
	file, err := modfile.Parse("go.mod", []byte(goMod), nil)
	if err != nil {
		return "", err
	}
	if err := file.AddReplace("k8s.io/kubernetes", "", tree, ""); err != nil {
		return "", err
	}
	text, err := file.Format()
	return string(text), err
}

// linkTree makes a tree of links to the files of another, or of copies where links cannot be had.
func linkTree(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		switch {
		case entry.IsDir():
			return os.MkdirAll(target, 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		linked := os.Link(path, target)
		if linked == nil {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return errors.Join(linked, err)
		}
		return os.WriteFile(target, text, 0o644)
	})
}
