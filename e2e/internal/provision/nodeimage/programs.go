package nodeimage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/modfile"
)

// program is a set of commands built from one Go module. Each set is built in a module of its own, so that the requirements of one
// never meet those of another.
type program struct {
	name     string
	title    string
	module   string
	version  string
	packages []string          // below the module; "" is the module itself
	rename   map[string]string // what go build calls the file, and what it is to be called
}

// programs are the upstream commands of a node image, except Kubernetes' own.
func (v versions) programs() []program {
	return []program{
		{
			name: "containerd", title: "containerd " + v.containerd, module: "github.com/containerd/containerd/v2", version: v.containerd,
			packages: []string{"cmd/containerd", "cmd/containerd-shim-runc-v2", "cmd/ctr"},
		},
		{
			name: "etcd", title: "etcd " + v.etcd, module: "go.etcd.io/etcd/server/v3", version: v.etcd,
			packages: []string{""}, rename: map[string]string{"server": "etcd"},
		},
		{name: "coredns", title: "CoreDNS " + v.coreDNS, module: "github.com/coredns/coredns", version: v.coreDNS, packages: []string{""}},
		{
			name: "cni-plugins", title: "CNI plugins " + v.cniPlugins, module: "github.com/containernetworking/plugins", version: v.cniPlugins,
			packages: []string{"plugins/ipam/host-local", "plugins/main/ptp"},
		},
	}
}

func (p program) step() *step {
	return &step{
		name:   p.name,
		title:  p.title,
		inputs: []string{buildRecipe, runtime.GOARCH, p.module, p.version, fmt.Sprint(p.packages), fmt.Sprint(p.rename)},
		make: func(ctx context.Context, out string) error {
			if err := p.goBuild().run(ctx, out); err != nil {
				return err
			}
			for from, to := range p.rename {
				if err := os.Rename(filepath.Join(out, from), filepath.Join(out, to)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func (p program) goBuild() goBuild {
	b := goBuild{goMod: "module build\n\ngo " + goLanguage + "\n"}
	for _, pkg := range p.packages {
		importPath := path.Join(p.module, pkg)
		b.packages = append(b.packages, importPath)
		b.get = append(b.get, importPath+"@"+p.version)
	}
	return b
}

// buildRecipe stands for how programs are built; it changes with the flags below.
const buildRecipe = "CGO_ENABLED=0 -trimpath -s -w"

// goLanguage is the language version of the modules that programs are built in.
const goLanguage = "1.26.0"

// kubernetesStep builds the seven Kubernetes components as one program.
func (v versions) kubernetesStep() *step {
	return &step{
		name:   "kubernetes",
		title:  "Kubernetes " + v.kubernetes + ", seven components in one program",
		inputs: []string{buildRecipe, runtime.GOARCH, v.kubernetes, fmt.Sprint(v.kubernetesBuild), digestOf(sources, "_kubernetes")},
		make: func(ctx context.Context, out string) error {
			b, err := v.kubernetesProgram(ctx)
			if err != nil {
				return err
			}
			return b.run(ctx, out)
		},
	}
}

func (v versions) kubernetesProgram(ctx context.Context) (goBuild, error) {
	goMod, err := kubernetesModule(ctx, v.kubernetes)
	if err != nil {
		return goBuild{}, err
	}
	main, err := fs.Sub(sources, "_kubernetes")
	return goBuild{goMod: goMod, sources: main, ldflags: kubernetesVersionFlags(v.kubernetes), tags: v.kubernetesBuild, packages: []string{"."}}, err
}

// kubernetesVersionFlags set the version of the components, which kubeadm and the kubelet act upon.
func kubernetesVersionFlags(version string) string {
	major, minor := majorMinor(version)
	var flags []string
	for _, field := range []string{
		"gitVersion=" + version, "gitMajor=" + major, "gitMinor=" + minor, "gitTreeState=clean", "gitCommit=unknown",
		"buildDate=1970-01-01T00:00:00Z",
	} {
		flags = append(flags, "-X k8s.io/component-base/version."+field)
	}
	return strings.Join(flags, " ")
}

// kubernetesModule is the go.mod for a build against that version of k8s.io/kubernetes.
func kubernetesModule(ctx context.Context, version string) (string, error) {
	upstream, err := download(ctx, "k8s.io/kubernetes", version)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(filepath.Join(upstream, "go.mod"))
	if err != nil {
		return "", err
	}
	return dependentModule(text, version)
}

// dependentModule writes a go.mod that requires k8s.io/kubernetes: that module replaces its staging modules by folders of its own
// tree, a replacement that does not reach its dependents, so each is named here at the version published with it.
func dependentModule(upstream []byte, version string) (string, error) {
	parsed, err := modfile.Parse("go.mod", upstream, nil)
	if err != nil {
		return "", err
	}
	staging := "v0" + strings.TrimPrefix(version, "v1")
	own := new(modfile.File)
	if err := errors.Join(own.AddModuleStmt("kubernetes"), own.AddRequire("k8s.io/kubernetes", version)); err != nil {
		return "", err
	}
	if parsed.Go != nil {
		if err := own.AddGoStmt(parsed.Go.Version); err != nil {
			return "", err
		}
	}
	for _, setting := range parsed.Godebug {
		if err := own.AddGodebug(setting.Key, setting.Value); err != nil {
			return "", err
		}
	}
	for _, replace := range parsed.Replace {
		if !strings.HasPrefix(replace.New.Path, "./staging/") {
			continue
		}
		if err := own.AddReplace(replace.Old.Path, "", replace.Old.Path, staging); err != nil {
			return "", err
		}
	}
	text, err := own.Format()
	return string(text), err
}

// download brings a module into the module cache and returns its folder there.
func download(ctx context.Context, path, version string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", path+"@"+version)
	cmd.Dir = os.TempDir()
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	var answer struct{ Dir, Error string }
	if json.Unmarshal(out, &answer) == nil && answer.Error != "" {
		return "", fmt.Errorf("the Go module %s@%s cannot be downloaded: %s", path, version, answer.Error)
	}
	if err != nil {
		return "", fmt.Errorf("the Go module %s@%s cannot be downloaded: %w", path, version, err)
	}
	return answer.Dir, nil
}

// ownProgramsStep builds the programs of this project that run in the node. They are built against the client libraries that
// Kubernetes itself brings, which that build has compiled already.
func (v versions) ownProgramsStep() *step {
	return &step{
		name:  "own",
		title: "pod network, volumes, runtime and pause",
		inputs: []string{
			buildRecipe, runtime.GOARCH, v.kubernetes, digestOf(sources, "podnet"), digestOf(sources, "nodevolumes"), digestOf(sources, "noderuntime"), digestOf(sources, "pause"),
		},
		make: func(ctx context.Context, out string) error {
			b, err := v.ownPrograms(ctx)
			if err != nil {
				return err
			}
			return b.run(ctx, out)
		},
	}
}

func (v versions) ownPrograms(ctx context.Context) (goBuild, error) {
	goMod, err := kubernetesModule(ctx, v.kubernetes)
	return goBuild{goMod: goMod, sources: sources, packages: []string{"./podnet", "./nodevolumes", "./noderuntime", "./pause"}}, err
}
