package nodeimage

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/imagelayer"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Workload names the images that the suite's pods run.
type Workload = runconfig.Images

// baseTree is what the workload images take from the tree of Debian packages.
type baseTree struct {
	packages map[string]string // installed versions
	paths    map[string]bool   // of every file
	busybox  string            // where the busybox program was put
}

// readBaseTree looks through a tree.tar and puts its busybox into a file.
func readBaseTree(archive, busybox string) (*baseTree, error) {
	file, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	tree := &baseTree{paths: map[string]bool{}, busybox: busybox}
	for reader := tar.NewReader(file); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", archive, err)
		}
		at := path.Join("/", header.Name)
		tree.paths[at] = true
		switch {
		case at == "/var/lib/dpkg/status":
			if tree.packages, err = installedVersions(reader); err != nil {
				return nil, err
			}
		case (at == "/usr/bin/busybox" || at == "/bin/busybox") && header.Typeflag == tar.TypeReg:
			if err := writeFrom(reader, busybox); err != nil {
				return nil, err
			}
		}
	}
	for _, needed := range []string{"busybox-static", "nginx"} {
		if tree.packages[needed] == "" {
			return nil, fmt.Errorf("%s does not hold the package %s", archive, needed)
		}
	}
	return tree, nil
}

func writeFrom(reader io.Reader, file string) error {
	out, err := os.OpenFile(file, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, reader); err != nil {
		return err
	}
	return out.Close()
}

// installedVersions reads dpkg's status file.
func installedVersions(status io.Reader) (map[string]string, error) {
	versions := map[string]string{}
	pkg := ""
	lines := bufio.NewScanner(status)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if value, ok := strings.CutPrefix(lines.Text(), "Package: "); ok {
			pkg = value
		}
		if value, ok := strings.CutPrefix(lines.Text(), "Version: "); ok {
			versions[pkg] = value
		}
	}
	return versions, lines.Err()
}

// tagOf turns a Debian version into an image tag: the epoch goes, and what a tag may not hold becomes a dash.
func tagOf(version string) string {
	if _, after, ok := strings.Cut(version, ":"); ok {
		version = after
	}
	return strings.NewReplacer("+", "-", "~", "-").Replace(version)
}

// workload names the images made from the tree.
func (t *baseTree) workload() Workload {
	return Workload{
		Nginx:   registry + "/nginx:" + tagOf(t.packages["nginx"]),
		Busybox: registry + "/busybox:" + tagOf(t.packages["busybox-static"]),
	}
}

// busyboxBinary is the one program of the busybox image and the names it answers to.
type busyboxBinary struct {
	tree    *baseTree
	applets []string
}

// newBusybox lists the applets of the busybox program.
func newBusybox(ctx context.Context, tree *baseTree) (*busyboxBinary, error) {
	out, err := exec.CommandContext(ctx, tree.busybox, "--list").Output()
	if err != nil {
		return nil, fmt.Errorf("busybox --list: %w", err)
	}
	return &busyboxBinary{tree: tree, applets: strings.Fields(string(out))}, nil
}

// files holds all of the busybox image. Any user may run it, and it needs no writable root file system.
func (b *busyboxBinary) files() *imagelayer.Layer {
	l := imagelayer.New().
		File("/bin/busybox", b.tree.busybox).
		Dir("/tmp", 0o777|os.ModeSticky).
		Dir("/root", 0o700).
		Dir("/var/www", 0o755).
		Text("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")).
		Text("/etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	for _, applet := range b.applets {
		if applet != "busybox" {
			l.Link("/bin/"+applet, "busybox")
		}
	}
	return l
}

func busyboxConfig() v1.Config {
	return v1.Config{Cmd: []string{"sh"}, Env: pathEnv(), Labels: madeLabels()}
}

// madeLabels mark an image as made by this package.
func madeLabels() map[string]string {
	key, value, _ := strings.Cut(Label, "=")
	return map[string]string{key: value}
}

// nginxLayer makes of the tree, which has nginx in it, an image that behaves as those called nginx do, with busybox's names for every
// program that the tree has none of, nslookup among them.
func nginxLayer(busybox *busyboxBinary) *imagelayer.Layer {
	l := imagelayer.New().
		Text("/etc/nginx/nginx.conf", 0o644, readFile("files/nginx/nginx.conf")).
		Text("/usr/share/nginx/html/index.html", 0o644, []byte("<!DOCTYPE html>\n<title>nginx</title>\n<h1>It serves.</h1>\n"))
	for _, applet := range busybox.applets {
		taken := false
		for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
			taken = taken || busybox.tree.paths[filepath.Join(dir, applet)]
		}
		if !taken {
			l.Link("/usr/local/bin/"+applet, "/bin/busybox")
		}
	}
	return l
}

// nginxCommand starts nginx, which does not start when it is to listen to addresses that the kernel does not know.
const nginxCommand = `config=/etc/nginx/nginx.conf; test -e /proc/net/if_inet6 || { sed '/\[::\]/d' $config > /tmp/nginx.conf && config=/tmp/nginx.conf; }; exec nginx -c $config -g 'daemon off;'`

func nginxConfig() v1.Config {
	return v1.Config{
		Cmd:          []string{"sh", "-c", nginxCommand},
		Env:          pathEnv(),
		ExposedPorts: map[string]struct{}{"80/tcp": {}},
		// On SIGTERM nginx drops the requests it is serving; on SIGQUIT it serves them first.
		StopSignal: "SIGQUIT",
		Labels:     madeLabels(),
	}
}
